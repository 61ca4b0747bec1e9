/**
 * The least that makes rows durable, and reads them, many at a time: in SQLite with a shared fdatasync, in PostgreSQL with
 * shared statements.
 */

import { closeSync, fdatasync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { Pool } from 'pg'

export interface Row {
  id: string
  doc: string
}

export interface FloorStore {
  /** Resolves when the row is on disk. */
  write(row: Row): Promise<void>
  read(id: string): Promise<string | undefined>
}

/** What is asked for while one batch is on its way goes into the next one; `work` answers each, in order. */
function batches<T, R>(work: (batch: T[]) => Promise<R[]>): (one: T) => Promise<R> {
  let waiting: { one: T; resolve: (result: R) => void; reject: (error: unknown) => void }[] = []
  let isWorking = false
  const next = async (): Promise<void> => {
    const batch = waiting
    waiting = []
    try {
      const results = await work(batch.map(({ one }) => one))
      for (const [i, { resolve }] of batch.entries()) resolve(results[i]!)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    isWorking = waiting.length > 0
    if (isWorking) setImmediate(() => void next())
  }
  return one => {
    const { promise, resolve, reject } = Promise.withResolvers<R>()
    waiting.push({ one, resolve, reject })
    if (!isWorking) setImmediate(() => void next())
    isWorking = true
    return promise
  }
}

const TABLE = 'CREATE TABLE operations (id TEXT PRIMARY KEY, doc TEXT NOT NULL)'

export function openSqlite(path: string): FloorStore {
  mkdirSync(dirname(path), { recursive: true })
  const db = new DatabaseSync(path)
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
  db.exec(`${TABLE} STRICT, WITHOUT ROWID`)
  const wal = openSync(`${path}-wal`, 'r')
  process.once('exit', () => closeSync(wal))
  const sync = promisify(fdatasync)
  const upsert = db.prepare(
    'INSERT INTO operations (id, doc) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc',
  )
  const select = db.prepare('SELECT doc FROM operations WHERE id = ?')
  return {
    write: batches(async rows => {
      db.exec('BEGIN IMMEDIATE')
      for (const { id, doc } of rows) upsert.run(id, doc)
      db.exec('COMMIT')
      await sync(wal)
      return []
    }),
    read: async id => select.get(id)?.doc as string | undefined,
  }
}

export async function openPostgres(url: string): Promise<FloorStore> {
  // One writes, and one reads meanwhile.
  const pool = new Pool({ connectionString: url, max: 2 })
  await pool.query(TABLE)
  const upsert = {
    name: 'upsert',
    text: `INSERT INTO operations (id, doc) SELECT * FROM unnest($1::text[], $2::text[])
           ON CONFLICT (id) DO UPDATE SET doc = excluded.doc`,
  }
  const select = { name: 'select', text: 'SELECT id, doc FROM operations WHERE id = ANY($1)' }
  return {
    write: batches(async rows => {
      await pool.query({ ...upsert, values: [rows.map(({ id }) => id), rows.map(({ doc }) => doc)] })
      return []
    }),
    read: batches(async ids => {
      const { rows } = await pool.query<Row>({ ...select, values: [ids] })
      const docs = new Map(rows.map(({ id, doc }) => [id, doc]))
      return ids.map(id => docs.get(id))
    }),
  }
}
