/** `npm run key` makes a caller's key, and shows it, this once, with the caller's entry for the callers file. */

import { parseArgs } from 'node:util'
import { SCOPES } from '../callers/caller.ts'
import { newEntry, newKey } from '../callers/key.ts'

const USAGE = `npm run key -- --name NAME --scope SCOPE… --vms ID,ID…|'*'

  --name   what the caller is called in operations and logs
  --scope  one of ${SCOPES.join(', ')}; give it several times, or a list with commas
  --vms    the ids of the VMs it may touch, or * for all`

/** Reads an id in decimal digits; `Number` alone would take `1e3` for one, too. What is no id becomes NaN. */
function readVmId(text: string): number {
  return /^\s*\d+\s*$/.test(text) ? Number(text) : NaN
}

function main(): void {
  const { values } = parseArgs({
    options: {
      name: { type: 'string' },
      scope: { type: 'string', multiple: true },
      vms: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  if (values.help || !values.name || !values.scope || !values.vms) {
    ;(values.help ? process.stdout : process.stderr).write(`${USAGE}\n`)
    process.exit(values.help ? 0 : 64)
  }
  const key = newKey()
  const scopes = values.scope.flatMap(list => list.split(',').map(scope => scope.trim()))
  const vms = values.vms === '*' ? '*' : values.vms.split(',').map(readVmId)
  const entry = newEntry(values.name, key, scopes, vms)
  process.stdout.write(
    `key (shown this once): ${key}\n\nentry for the callers file:\n${JSON.stringify(entry, null, 2)}\n`,
  )
}

if (import.meta.main) {
  try {
    main()
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`)
    process.exit(64)
  }
}
