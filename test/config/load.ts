/** For the tests of the configuration. */

import { ConfigError, loadConfig, type Config, type Environment } from '../../src/config/config.ts'

/** The variables without which there is no configuration. */
export const REQUIRED: Environment = { HOSTKEY_TOKEN: 'a-token', CALLERS_FILE: 'callers.json' }

/** The configuration of these variables, and of those that are required. */
export const load = (env: Environment): Config => loadConfig({ ...REQUIRED, ...env })

/** The lines of the ConfigError. */
export function problemsOf(env: Environment): readonly string[] {
  try {
    loadConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}
