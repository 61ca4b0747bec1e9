/** How the programs of this package are called, for texts that tell a person what to type. */

import { basename } from 'node:path'

/** The command of the npm package. */
export const PACKAGE_COMMAND = 'hostkey-vm-gateway'

/**
 * Returns how the command `name` (`start`, `key` …) is called in the way that this process was: by the command of the
 * package, or by the npm script of a clone.
 */
export function calledAs(name: string): string {
  const isClone = import.meta.url.endsWith('.ts')
  const isPackageCommand = basename(process.argv[1] ?? '').startsWith(PACKAGE_COMMAND)
  if (!isClone || isPackageCommand || !(name in NPM_SCRIPTS)) return `${PACKAGE_COMMAND} ${name}`
  return NPM_SCRIPTS[name]!
}

/** The commands that are npm scripts of a clone, too. */
const NPM_SCRIPTS: Readonly<Record<string, string>> = {
  start: 'npm start',
  demo: 'npm run demo',
  key: 'npm run key --',
}
