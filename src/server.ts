/** The gateway as a process: configuration, start, signals, exit codes. */

import { existsSync } from 'node:fs'
import closeWithGrace from 'close-with-grace'
import { fail, readArguments, runCommand, type Command } from './cli/command.ts'
import { ConfigError, loadConfig, type Config } from './config/config.ts'
import { startGateway } from './gateway.ts'
import { createLogger } from './observability/log.ts'

/** `EX_CONFIG` of sysexits(3): what is configured is wrong, and starting again will not help. */
const EXIT_CONFIG = 78

function configured(): Config {
  try {
    return loadConfig()
  } catch (error) {
    if (error instanceof ConfigError) fail(error.problems, EXIT_CONFIG)
    throw error
  }
}

async function run(args: readonly string[]): Promise<void> {
  readArguments(args, {})
  // What the environment says already wins over the file.
  if (existsSync('.env')) process.loadEnvFile('.env')
  const config = configured()
  const log = createLogger(config.logLevel)
  try {
    const gateway = await startGateway(config, log)
    log.info(
      { address: gateway.address, docs: config.docs ? `${gateway.address}${config.basePath}/docs` : null },
      'listening',
    )
    closeWithGrace({ delay: config.shutdownMs || false, logger: false }, async ({ signal, err }) => {
      if (err) log.fatal({ err }, 'stopped by an error')
      else log.info({ signal }, 'shutting down')
      // Ctrl-C is a person who waits; SIGTERM is an orchestrator that first has to send callers elsewhere.
      await gateway.close({ drainMs: signal === 'SIGTERM' ? config.shutdownMs / 4 : 0 })
      log.info({}, 'closed')
    })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL')
      fail([`cannot listen on ${config.host}:${config.port}: ${code}`], 1)
    fail([message], EXIT_CONFIG)
  }
}

export const start: Command = {
  name: 'start',
  synopsis: '',
  does: 'starts the gateway; its settings are in the environment or in .env',
  details: '',
  run,
}

if (import.meta.main) await runCommand(start, process.argv.slice(2))
