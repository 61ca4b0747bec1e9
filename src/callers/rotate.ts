/** Gives a caller a new key while its old ones stay good for some time, by a change of the callers file. */

import { didYouMean } from '../config/nearest.ts'
import { digestOf } from './caller.ts'
import { changeFile } from './change-file.ts'
import { keysOf, MAX_KEYS, readEntries, withoutMark, type CallerEntry, type KeyEntry } from './entries.ts'
import { parseCallers } from './file.ts'
import { placesOf } from './json-places.ts'
import { indentAt, indented } from './json-text.ts'

export interface Rotation {
  /** The name of the caller. */
  name: string
  newKey: string
  /** For how long the keys that the caller has now stay good. */
  overlapMs: number
  nowMs: number
}

/**
 * Changes a callers file so that the caller has the new key, too.
 * @throws CallersFileError when the file is broken, Error when there is no such caller or another change is under way.
 */
export function rotateInFile(path: string, rotation: Rotation): void {
  changeFile(path, text => rotateInText(text, path, rotation))
}

/** Returns the text of a callers file with the change; everything but the entry of the caller stays as it was. */
export function rotateInText(
  text: string,
  path: string,
  { name, newKey, overlapMs, nowMs }: Rotation,
): string {
  parseCallers(text, path)
  const json = withoutMark(text)
  const { entries } = readEntries(json)
  const index = entries.findIndex(entry => entry.name === name)
  if (index < 0) {
    const names = entries.map(entry => entry.name)
    throw new Error(`${path} has no caller "${name}"${didYouMean(name, names)}`)
  }
  const entry = entries[index]!
  const keys = [...endingKeys(entry, nowMs, overlapMs), { key_sha256: digestOf(newKey) }]
  if (keys.length > MAX_KEYS) {
    const message = `caller "${name}" has ${MAX_KEYS} keys that are good; take one out of ${path}, or wait until one ends`
    throw new Error(message)
  }
  const { start, end } = placesOf(json).values.get(`/callers/${index}`)!
  const changed = indented(withKeys(entry, keys), indentAt(json, start))
  return text.slice(0, text.length - json.length) + json.slice(0, start) + changed + json.slice(end)
}

/** The keys of an entry that are still good, each of which ends with the overlap, or earlier if it said so. */
function endingKeys(entry: CallerEntry, nowMs: number, overlapMs: number): KeyEntry[] {
  const endMs = nowMs + overlapMs
  return keysOf(entry)
    .map(({ key_sha256, not_after }) => ({
      key_sha256,
      endsMs: Math.min(not_after === undefined ? Infinity : Date.parse(not_after), endMs),
    }))
    .filter(({ endsMs }) => endsMs > nowMs)
    .map(({ key_sha256, endsMs }) => ({ key_sha256, not_after: new Date(endsMs).toISOString() }))
}

/** The entry with these keys; a single key is told in the shorter form. */
function withKeys(entry: CallerEntry, keys: readonly KeyEntry[]): object {
  const [only] = keys
  const member = keys.length === 1 && only ? { key_sha256: only.key_sha256 } : { keys }
  const { name, key_sha256: _, keys: __, ...rest } = entry
  return { name, ...member, ...rest }
}
