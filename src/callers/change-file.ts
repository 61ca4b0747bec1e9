/** Changes a callers file so that its readers see the old file or the new one, and never half of one. */

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
import { readCallersFile } from './file.ts'

/**
 * Puts what `change` makes of the text of a callers file in its place. The file keeps its rights.
 * @throws CallersFileError when it cannot be read, what `change` throws, Error when another change is under way.
 */
export function changeFile(path: string, change: (text: string) => string): void {
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
    writeFileSync(fd, change(readCallersFile(path)))
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

/** Brings the new name of a file to the disk. */
function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
