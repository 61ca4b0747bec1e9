/** Opens the file of the SQLite store, or makes it. */

import { chmodSync, closeSync, existsSync, fdatasync, fdatasyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { checkFile, NO_STORE, refuseNewer, UnfitFile } from './check.ts'
import { GroupCommit, type GroupCommitOptions, type Wal } from './group-commit.ts'
import { MIGRATIONS, SCHEMA, SCHEMA_VERSION } from './schema.ts'
import { SqliteStore } from './store.ts'

export interface SqliteOptions extends GroupCommitOptions {
  /** Brings the data of a file to the disk. */
  sync?: (fd: number, done: (error: Error | null) => void) => void
  syncNow?: (fd: number) => void
}

/**
 * Opens the file at `path`, or makes it, and keeps every other process from it until the store is closed. `nowMs` is the
 * time in milliseconds since the epoch: what the process before had leased is due by then.
 * @throws Error whose message is one clear line, when the file is in use, was written by a newer version, or cannot be
 * opened.
 */
export function openSqliteStore(path: string, nowMs: number, options: SqliteOptions = {}): SqliteStore {
  let db: DatabaseSync | undefined
  try {
    db = openDatabase(path)
    return storeOver(db, () => openWal(path, options), nowMs, options)
  } catch (error) {
    if (db?.isOpen) db.close()
    throw new Error(`the store ${path} ${whatIsWrong(error as Error)}`, { cause: error })
  }
}

/** The store over an open database, whose tables it makes or brings up to date. `wal` opens its WAL file. */
export function storeOver(
  db: DatabaseSync,
  wal: () => Wal,
  nowMs: number,
  options: GroupCommitOptions,
): SqliteStore {
  const version = schemaVersion(db)
  if (version === 0) db.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`)
  else
    for (let at = version; at < SCHEMA_VERSION; at += 1) db.exec(`BEGIN IMMEDIATE; ${MIGRATIONS[at]} COMMIT`)
  const file = wal()
  // What a process that was killed had committed may lie in the memory of the kernel alone. Nobody may see it before a
  // power cut could not take it away any more.
  try {
    file.syncNow()
  } catch (error) {
    file.close()
    throw error
  }
  return new SqliteStore(db, nowMs, new GroupCommit(db, file, options))
}

/** SQLite keeps the same WAL file for as long as the database is open. */
function openWal(path: string, { sync = fdatasync, syncNow = fdatasyncSync }: SqliteOptions): Wal {
  const fd = openSync(`${path}-wal`, 'r')
  return { sync: done => sync(fd, done), syncNow: () => syncNow(fd), close: () => closeSync(fd) }
}

function openDatabase(path: string): DatabaseSync {
  // The file holds callback keys, so only its owner may read it. SQLite gives its WAL file the same rights.
  makeDirectory(dirname(resolve(path)))
  checkFile(path)
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    // Two processes would check the same callback keys. The exclusive lock makes the second one fail here instead.
    db.exec('PRAGMA locking_mode = EXCLUSIVE')
    requireOurs(db)
    db.exec('PRAGMA auto_vacuum = INCREMENTAL')
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/**
 * Copies a store that no process holds to a new file that only its owner can read.
 * @throws Error whose message is one clear line
 */
export function copyUnused(path: string, target: string): void {
  let db: DatabaseSync | undefined
  try {
    db = openDatabase(path)
    closeSync(openSync(target, 'wx', 0o600))
    db.prepare('VACUUM INTO ?').run(target)
  } catch (error) {
    throw new Error(`the store ${path} ${whatIsWrong(error as Error)}`, { cause: error })
  } finally {
    db?.close()
  }
}

/**
 * Makes a copy of a store one file without a WAL file beside it, and returns how many operations are in it.
 * @throws Error when the copy is damaged.
 */
export function countOperations(path: string): number {
  const db = new DatabaseSync(path)
  try {
    db.exec('PRAGMA journal_mode = DELETE')
    const { quick_check: state } = db.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
    if (state !== 'ok') throw new Error(`the copy ${path} is damaged: ${state}`)
    return Number(db.prepare('SELECT COUNT(*) AS count FROM operations').get()!.count)
  } finally {
    db.close()
  }
}

/** Makes a directory and those above it. `mkdirSync` with `recursive` never ends within /proc, where none can be made (Node 24). */
function makeDirectory(path: string): void {
  if (existsSync(path)) return
  makeDirectory(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

/** @throws UnfitFile before anything is changed in a file that is not ours */
function requireOurs(db: DatabaseSync): void {
  const version = schemaVersion(db)
  const names = db
    .prepare('SELECT name FROM sqlite_schema')
    .all()
    .map(({ name }) => name)
  if (names.length > 0 && (version === 0 || !names.includes('operations'))) throw new UnfitFile(NO_STORE)
  refuseNewer(version)
}

/** The version of the tables in the file; 0 when the file is new. */
function schemaVersion(db: DatabaseSync): number {
  const { user_version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  return user_version
}

function whatIsWrong(error: Error): string {
  if (error instanceof UnfitFile) return error.message.replace(/^is /, 'cannot be opened: it is ')
  if (/locked|busy/i.test(error.message))
    return 'is in use by another process; one SQLite file serves one gateway'
  if (/malformed/i.test(error.message))
    return 'is damaged (database disk image is malformed); restore a backup of it'
  return `cannot be opened: ${error.message}`
}
