/** Copies the file of a database that stands still; see `control.ts` for how a database in use is brought to that. */

import { constants } from 'node:fs'
import { copyFile, link, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Copies a file to a new one that has the same rights, and that appears when it is whole and on the disk.
 * @param stillStands rejects when the file may have changed meanwhile; then there is no copy
 * @throws Error when the new file is there already or cannot be written.
 */
export async function copyFileWhole(
  path: string,
  target: string,
  stillStands: () => Promise<void>,
): Promise<void> {
  const partial = `${target}.partial`
  await rm(partial, { force: true })
  try {
    await copyFile(path, partial, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    await stillStands()
    await syncFile(partial, 'r+')
    // Unlike a renaming, this replaces nothing.
    await link(partial, target)
    await syncFile(dirname(target), 'r')
  } finally {
    await rm(partial, { force: true })
  }
}

async function syncFile(path: string, flags: string): Promise<void> {
  const file = await open(path, flags)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
