/** A copy of a store, made while a gateway runs on it, or while none does. */

import { accessSync, constants, existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { storeKind } from './check.ts'
import { copyHeld } from './sqlite/control.ts'
import { copyUnused, countOperations } from './sqlite/open.ts'

/**
 * Copies the SQLite store that the URL names to a new file, and resolves with how many operations are in the copy.
 * @throws Error whose message is one clear line
 */
export async function backupStore(url: string, target: string): Promise<number> {
  if (storeKind(url) !== 'sqlite')
    throw new Error('the store is a database of its own; back it up with the tools that it brings')
  const path = url.slice('sqlite:'.length)
  if (!existsSync(path)) throw new Error(`there is no store at ${path}`)
  if (existsSync(target)) throw new Error(`${target} is there already`)
  requireDirectory(dirname(resolve(target)))
  if (!(await copyHeld(path, resolve(target)))) copyUnused(path, resolve(target))
  return countOperations(target)
}

/** @throws Error when no new file can be made in it */
function requireDirectory(path: string): void {
  try {
    accessSync(path, constants.W_OK | constants.X_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`the directory ${path} takes no files (${code})`, { cause: error })
  }
}
