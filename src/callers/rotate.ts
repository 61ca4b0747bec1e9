/** Gives a caller a new key while its old ones stay good for some time, by a change of the callers file. */

import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { didYouMean } from '../config/nearest.ts'
import { digestOf } from './caller.ts'
import { keysOf, MAX_KEYS, readEntries, withoutMark, type CallerEntry, type KeyEntry } from './entries.ts'
import { parseCallers, readCallersFile } from './file.ts'
import { placesOf } from './json-places.ts'

export interface Rotation {
  /** The name of the caller. */
  name: string
  newKey: string
  /** For how long the keys that the caller has now stay good. */
  overlapMs: number
  nowMs: number
}

/**
 * Changes a callers file so that the caller has the new key, too. Readers see the old file or the new one, and never half
 * of one; the file keeps its rights.
 * @throws CallersFileError when the file is broken, Error when there is no such caller or another change is under way.
 */
export function rotateInFile(path: string, rotation: Rotation): void {
  // A file that is a link, as in a mounted directory, is changed where it is.
  const file = realpathSync(path)
  const next = `${file}.new`
  let fd: number
  try {
    fd = openSync(next, 'wx', 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const message = `${next} is there: another change of the file is under way, or was broken off; remove it then`
    throw new Error(message, { cause: error })
  }
  try {
    const { mode, uid, gid } = statSync(file)
    writeFileSync(fd, rotateInText(readCallersFile(file), path, rotation))
    chmodSync(next, mode & 0o7777)
    if (process.getuid?.() === 0) chownSync(next, uid, gid)
    fsyncSync(fd)
    renameSync(next, file)
    syncDirectory(dirname(file))
  } catch (error) {
    rmSync(next, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
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
  const indent = /[ \t]*$/.exec(json.slice(0, start).split('\n').at(-1)!.replace(/\S.*$/, ''))![0]
  const changed = JSON.stringify(withKeys(entry, keys), null, 2).replaceAll('\n', `\n${indent}`)
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

/** Brings the new name of a file to the disk. */
function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
