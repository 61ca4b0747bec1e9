/** `key` makes a caller's key, and shows it, this once, with the caller's entry for the callers file. */

import { SCOPES } from '../callers/caller.ts'
import type { CallerEntry } from '../callers/file.ts'
import { newEntry, newKey } from '../callers/key.ts'
import { readArguments, runCommand, UsageError, type Command } from './command.ts'

/** Reads an id in decimal digits; `Number` alone would take `1e3` for one, too. What is no id becomes NaN. */
function readVmId(text: string): number {
  return /^\s*\d+\s*$/.test(text) ? Number(text) : NaN
}

function run(args: readonly string[]): void {
  const { values } = readArguments(args, {
    name: { type: 'string' },
    scope: { type: 'string', multiple: true },
    vms: { type: 'string' },
  })
  const { name, scope, vms } = values
  if (!name) throw new UsageError('--name is missing')
  if (!scope) throw new UsageError('--scope is missing')
  if (!vms) throw new UsageError('--vms is missing')
  const made = newKey()
  const entry = entryOf(name, made, scope, vms)
  process.stdout.write(
    `key (shown this once): ${made}\n\nentry for the callers file:\n${JSON.stringify(entry, null, 2)}\n`,
  )
}

/** @throws UsageError when a value would not do in a callers file. */
function entryOf(name: string, made: string, scope: readonly string[], vms: string): CallerEntry {
  const scopes = scope.flatMap(list => list.split(',').map(one => one.trim()))
  try {
    return newEntry(name, made, scopes, vms === '*' ? '*' : vms.split(',').map(readVmId))
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}

export const key: Command = {
  name: 'key',
  synopsis: "--name NAME --scope SCOPE… --vms ID,ID…|'*'",
  does: "makes a new caller's key and its entry for the callers file",
  details: `  --name   what the caller is called in operations and logs
  --scope  one of ${SCOPES.join(', ')}; give it several times, or a list with commas
  --vms    the ids of the VMs it may touch, or * for all`,
  run,
}

if (import.meta.main) await runCommand(key, process.argv.slice(2))
