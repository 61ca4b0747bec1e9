/** `key` makes a caller's key, and shows it, this once, with the caller's entry for the callers file. */

import { SCOPES } from '../callers/caller.ts'
import type { CallerEntry } from '../callers/file.ts'
import { addToFile } from '../callers/add.ts'
import { newEntry, newKey } from '../callers/key.ts'
import { rotateInFile } from '../callers/rotate.ts'
import { environmentWith, readConfig } from '../config/config.ts'
import { readEnvFile } from '../config/env-file.ts'
import { fail, readArguments, runCommand, UsageError, type Command } from './command.ts'

/** Reads an id in decimal digits; `Number` alone would take `1e3` for one, too. What is no id becomes NaN. */
function readVmId(text: string): number {
  return /^\s*\d+\s*$/.test(text) ? Number(text) : NaN
}

/** The options of the two forms of the command. */
const FORMS = { new: ['name', 'scope', 'vms'], rotate: ['rotate', 'overlap'] }

function run(args: readonly string[]): void {
  const { values } = readArguments(args, {
    name: { type: 'string' },
    scope: { type: 'string', multiple: true },
    vms: { type: 'string' },
    rotate: { type: 'string' },
    overlap: { type: 'string' },
    file: { type: 'string' },
  })
  const { name, scope, vms, rotate, overlap, file } = values
  const isNew = rotate === undefined
  const other = Object.keys(values).find(option => FORMS[isNew ? 'rotate' : 'new'].includes(option))
  if (other !== undefined)
    throw new UsageError(`--${other} ${isNew ? 'needs --rotate' : 'does not go with --rotate'}`)
  if (!isNew) return rotateKey(required('--rotate', rotate), required('--overlap', overlap), file)
  const made = newKey()
  const entry = entryOf(required('--name', name), made, required('--scope', scope), required('--vms', vms))
  if (file !== undefined) changing(file, () => addToFile(file, entry))
  const told =
    file === undefined
      ? `entry for the callers file:\n${JSON.stringify(entry, null, 2)}`
      : `${file}: caller "${entry.name}" is in it`
  process.stdout.write(`key (shown this once): ${made}\n\n${told}\n`)
}

/** Changes a callers file; what goes wrong ends the process with a line each. */
function changing(file: string, change: () => void): void {
  try {
    change()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    fail(code === undefined ? message.split('\n') : [`${file} cannot be changed (${code})`], 1)
  }
}

/** @throws UsageError when an option is missing or empty. */
function required<T extends string | string[]>(option: string, value: T | undefined): T {
  if (!value?.length) throw new UsageError(`${option} is missing`)
  return value
}

/** Gives a caller of the callers file a new key. The key is shown only when the file has it. */
function rotateKey(name: string, overlap: string, file = callersFile()): void {
  const made = newKey()
  const overlapMs = durationMs(overlap)
  changing(file, () => rotateInFile(file, { name, newKey: made, overlapMs, nowMs: Date.now() }))
  const end =
    overlapMs > 0
      ? `the old keys are good until ${new Date(Date.now() + overlapMs).toISOString()}`
      : 'the old keys have ended'
  process.stdout.write(`key (shown this once): ${made}\n\n${file}: caller "${name}" has it; ${end}\n`)
}

/** The callers file of the settings. */
function callersFile(): string {
  const { config } = readConfig(environmentWith(readEnvFile()))
  return required('--file, or CALLERS_FILE in the environment or in .env,', config.callersFile)
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function durationMs(text: string): number {
  const [, count, unit = 's'] = /^(\d{1,6})([smhd])$/.exec(text) ?? /^(0)$/.exec(text) ?? []
  if (count === undefined) throw new UsageError('--overlap must be a time such as 24h, 30m, 7d or 0')
  return Number(count) * UNITS_MS[unit]!
}

/** @throws UsageError when a value would not do in a callers file. */
function entryOf(name: string, made: string, scope: readonly string[], vms: string): CallerEntry {
  const scopes = scope.flatMap(list => list.split(',').map(one => one.trim()))
  try {
    return newEntry(name, made, scopes, vms === '*' ? '*' : vms.split(',').map(readVmId))
  } catch (error) {
    const lines = (error as Error).message.split('\n')
    throw new UsageError(lines.map(asOption).join('\n'), { cause: error })
  }
}

/** A line about the entry, as one about the option that the value came from. */
function asOption(line: string): string {
  return line
    .replace(/^\(new entry\):[\d:]+ (caller "[^"]*": )?/, '')
    .replace(/^(name|scope|vms)s?\b/, '--$1')
}

export const key: Command = {
  name: 'key',
  synopsis: "--name NAME --scope SCOPE… --vms ID,ID…|'*' [--file FILE]   (or: --rotate NAME --overlap TIME)",
  does: "makes a new caller's key and its entry for the callers file, or gives a caller of it a new key",
  details: `  --name   what the caller is called in operations and logs
  --scope  one of ${SCOPES.join(', ')}; give it several times, or a list with commas
  --vms    the ids of the VMs it may touch, or * for all

  --rotate   gives this caller of the callers file a new key, and changes the file
  --overlap  for how long its old keys stay good: 24h, 30m, 7d, or 0
  --file     the callers file: a new caller is put into it, and it is made when there is none;
             with --rotate, when it is not the one of the settings`,
  run,
}

if (import.meta.main) await runCommand(key, process.argv.slice(2))
