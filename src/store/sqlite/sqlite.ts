/**
 * Operations in one SQLite file, in WAL mode, for one process. Writes share transactions and fsyncs (group commit), and
 * each is answered after the fsync. SQLite itself would make it within COMMIT (`synchronous=FULL`) and hold up the event
 * loop for as long; with NORMAL it only writes the WAL there, and what it leaves out (https://www.sqlite.org/pragma.html#pragma_synchronous:
 * "the WAL file is synced before each checkpoint", not after each commit) is made here, in a thread of libuv's.
 * Callback keys stand in the file, so it is readable by its owner alone.
 */

import { chmodSync, closeSync, fdatasync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { mutates, type Kind, type Operation } from '../../operations/operation.ts'
import { Running } from '../running.ts'
import { StoreUnavailable, type ListQuery, type StartOutcome, type Store } from '../../operations/store.ts'

const SCHEMA_VERSION = 1

/*
 * The VM's hold is the unique index over running mutations: it begins and ends with the operation, and no crash can
 * leave it behind. `doc` is the operation as JSON; what columns say counts before it.
 */
const SCHEMA = `
  CREATE TABLE operations (
    id TEXT PRIMARY KEY,
    rev INTEGER NOT NULL,
    kind TEXT NOT NULL,
    mutates INTEGER NOT NULL,
    vm_id INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    status TEXT NOT NULL,
    due_at INTEGER,
    finished_at INTEGER,
    doc TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX vm_hold ON operations (vm_id) WHERE mutates = 1 AND status = 'running';
  CREATE INDEX due ON operations (due_at) WHERE status = 'running';
  CREATE INDEX ended ON operations (finished_at) WHERE status <> 'running';
  CREATE INDEX by_vm ON operations (vm_id, id);
  CREATE TABLE idempotency (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    operation_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX idempotency_expires ON idempotency (expires_at);
  CREATE INDEX idempotency_operation ON idempotency (operation_id);
  PRAGMA user_version = ${SCHEMA_VERSION};
`

interface Row {
  id: string
  rev: number
  due_at: number | null
  doc: string
}

interface Write {
  run: () => void
  resolve: () => void
  reject: (error: Error) => void
}

/** What was committed and is on its way to the disk. */
interface Syncing {
  changed: Set<string>
  done: Promise<void>
}

export interface SqliteOptions {
  /** Brings a file's data to the disk. */
  sync?: (fd: number, taken: (error: Error | null) => void) => void
  /**
   * The disk did not take what was committed. The kernel may have dropped it from its memory (so that a second fsync
   * says nothing), and what SQLite shows is no longer what a power cut leaves: only a new process knows. Until then
   * every call rejects.
   */
  onBroken?: (error: Error) => void
}

/**
 * Opens (or makes) the file and takes it for this process alone.
 * @throws Error with one clear line when the file is in use, from a newer version, or cannot be opened.
 */
export function openSqliteStore(path: string, nowMs: number, options: SqliteOptions = {}): Store {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  let db: DatabaseSync
  try {
    // SQLite gives the WAL the rights that the file has when it makes it.
    closeSync(openSync(path, 'a', 0o600))
    chmodSync(path, 0o600)
    db = new DatabaseSync(path, { timeout: 0 })
    // Exclusive: a second process is refused here instead of checking the same keys.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL')
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864')
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
    if (version > SCHEMA_VERSION)
      throw new Error(`was written by a newer version of the gateway (schema ${version})`)
    if (version === 0) db.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`)
  } catch (error) {
    const { message } = error as Error
    throw new Error(
      /locked|busy/i.test(message)
        ? `the store ${path} is in use by another process; one SQLite file serves one gateway`
        : `the store ${path} ${message.startsWith('was ') ? message : `cannot be opened: ${message}`}`,
      { cause: error },
    )
  }
  return new SqliteStore(db, path, nowMs, options)
}

class SqliteStore implements Store {
  readonly #db: DatabaseSync
  readonly #wal: number
  readonly #sync: NonNullable<SqliteOptions['sync']>
  readonly #onBroken: (error: Error) => void
  readonly #statements = new Map<string, StatementSync>()
  readonly #listeners = new Set<(id: string) => void>()
  readonly #running = new Running()
  #writes: Write[] = []
  #changed = new Set<string>()
  #syncing: Syncing | undefined
  /** The last transaction was not written. */
  #isFailing = false
  /** Why nothing can be done any more. */
  #end: StoreUnavailable | undefined

  constructor(db: DatabaseSync, path: string, nowMs: number, options: SqliteOptions) {
    this.#db = db
    this.#sync = options.sync ?? fdatasync
    this.#onBroken = options.onBroken ?? (() => {})
    for (const { due_at, rev, ...row } of this.#all<Row & { kind: Kind }>(
      `SELECT id, kind, rev, due_at FROM operations WHERE status = 'running'`,
    ))
      // Whoever held an operation died with the process that had this file before.
      this.#running.set({ ...row, storedRev: rev }, due_at && Math.min(due_at, nowMs))
    // The same file for as long as this connection is open.
    this.#wal = openSync(`${path}-wal`, 'r')
  }

  start(
    operation: Operation,
    idempotency: Parameters<Store['start']>[1],
    nowMs: number,
  ): Promise<StartOutcome> {
    const work = (): StartOutcome => {
      if (idempotency) {
        const known = this.#get<{ fingerprint: string; operation_id: string }>(
          'SELECT fingerprint, operation_id FROM idempotency WHERE caller = ? AND key = ? AND expires_at > ?',
          idempotency.caller,
          idempotency.key,
          nowMs,
        )
        if (known && known.fingerprint !== idempotency.fingerprint) return { kind: 'reused' }
        const first = known && this.#read(known.operation_id)
        if (first) return { kind: 'replay', operation: first, inProgress: first.step === 'call' }
      }
      if (mutates(operation)) {
        const holder = this.#get<{ id: string }>(
          `SELECT id FROM operations WHERE vm_id = ? AND mutates = 1 AND status = 'running'`,
          operation.vmId,
        )
        if (holder) return { kind: 'busy', operation: this.#read(holder.id)! }
      }
      this.#run(
        'INSERT INTO operations (id, rev, kind, mutates, vm_id, created_by, status, due_at, finished_at, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        operation.id,
        operation.rev,
        operation.kind,
        mutates(operation) ? 1 : 0,
        operation.vmId,
        operation.createdBy,
        operation.status,
        toDue(operation.dueAtMs),
        operation.finishedAtMs,
        JSON.stringify(operation),
      )
      if (idempotency) {
        this.#run(
          'INSERT OR REPLACE INTO idempotency (caller, key, fingerprint, operation_id, expires_at) VALUES (?, ?, ?, ?, ?)',
          idempotency.caller,
          idempotency.key,
          idempotency.fingerprint,
          operation.id,
          idempotency.expiresAtMs,
        )
      }
      this.#changed.add(operation.id)
      return { kind: 'started' }
    }
    return this.#write(work, outcome => {
      if (outcome?.kind === 'started') this.#keep(operation)
    })
  }

  save(operation: Operation): Promise<boolean> {
    const { rev, dueAtMs } = operation
    return this.#writeNext(
      operation.id,
      rev - 1,
      storedRev =>
        this.#run(
          `UPDATE operations SET rev = ?, status = ?, due_at = ?, finished_at = ?, doc = ? WHERE id = ? AND rev = ? AND status = 'running'`,
          rev,
          operation.status,
          toDue(dueAtMs),
          operation.finishedAtMs,
          JSON.stringify(operation),
          operation.id,
          storedRev,
        ).changes,
      () => this.#keep(operation),
    )
  }

  discard({ id, rev }: Pick<Operation, 'id' | 'rev'>): Promise<boolean> {
    return this.#writeNext(
      id,
      rev,
      storedRev => {
        const { changes } = this.#run('DELETE FROM operations WHERE id = ? AND rev = ?', id, storedRev)
        if (changes !== 0) this.#run('DELETE FROM idempotency WHERE operation_id = ?', id)
        return changes
      },
      () => this.#running.delete(id),
    )
  }

  async get(id: string): Promise<Operation | undefined> {
    if (this.#syncing?.changed.has(id)) await this.#syncing.done
    return this.#attempt(() => this.#read(id))
  }

  async list({ visible, vmId, kind, status, limit, before }: ListQuery): Promise<Operation[]> {
    await this.#syncing?.done
    const where: string[] = []
    const values: SQLInputValue[] = []
    const and = (condition: string, ...more: SQLInputValue[]): void => {
      where.push(condition)
      values.push(...more)
    }
    if (vmId !== undefined) and('vm_id = ?', vmId)
    if (visible.vmIds !== '*') and('vm_id IN (SELECT value FROM json_each(?))', JSON.stringify(visible.vmIds))
    and(
      '(kind IN (SELECT value FROM json_each(?)) OR created_by = ?)',
      JSON.stringify(visible.kinds),
      visible.createdBy,
    )
    if (kind !== undefined) and('kind = ?', kind)
    if (status !== undefined) and('status = ?', status)
    if (before !== undefined) and('id < ?', before)
    return this.#attempt(() =>
      this.#all<Row>(
        `SELECT id, rev, due_at, doc FROM operations WHERE ${where.join(' AND ')} ORDER BY id DESC LIMIT ?`,
        ...values,
        limit,
      ).map(row => this.#toOperation(row)),
    )
  }

  async claimDue(nowMs: number, leaseMs: number, limit: number): Promise<Operation[]> {
    // A step may read what HOSTKEY tells once: not before the disk takes writes again.
    if (this.#isFailing) await this.#write(() => this.#db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`))
    const claimed = await this.#attempt(() =>
      this.#running.claim(nowMs, Math.round(nowMs + leaseMs), limit)?.map(({ id }) => this.#read(id)!),
    )
    if (claimed) return claimed
    // The next state of one that is due is on its way: what is due then is known behind it.
    await this.#write(() => {})
    return this.claimDue(nowMs, leaseMs, limit)
  }

  nextDueAtMs(): Promise<number | null> {
    return this.#attempt(() => this.#running.nextDueAtMs())
  }

  running(): Promise<Partial<Record<Kind, number>>> {
    return this.#attempt(() => {
      const counts: Partial<Record<Kind, number>> = {}
      for (const { kind } of this.#running.values()) counts[kind] = (counts[kind] ?? 0) + 1
      return counts
    })
  }

  async sweep(endedBeforeMs: number, nowMs: number, limit: number): Promise<number> {
    const swept = await this.#write(() => {
      const keys = this.#run(
        'DELETE FROM idempotency WHERE (caller, key) IN (SELECT caller, key FROM idempotency WHERE expires_at <= ? LIMIT ?)',
        nowMs,
        limit,
      )
      // An operation stays as long as a replay may ask for it.
      const operations = this.#run(
        `DELETE FROM operations WHERE id IN (
           SELECT id FROM operations WHERE status <> 'running' AND finished_at < ?
           AND NOT EXISTS (SELECT 1 FROM idempotency WHERE operation_id = operations.id) LIMIT ?)`,
        endedBeforeMs,
        limit,
      )
      return Number(keys.changes) + Number(operations.changes)
    })
    // Gives freed pages back in small steps. It runs by itself: it may not stand in a transaction with writes.
    if (swept > 0) await this.#attempt(() => this.#all('PRAGMA incremental_vacuum(256)'))
    return swept
  }

  onChange(listener: (id: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  ping(): Promise<void> {
    return this.#attempt(() => {
      this.#get('SELECT 1 FROM operations LIMIT 1')
    })
  }

  async close(): Promise<void> {
    while (!this.#end && (this.#syncing || this.#writes.length > 0)) {
      if (!this.#syncing) this.#flush()
      await this.#syncing?.done.catch(() => {})
    }
    this.#end ??= new StoreUnavailable('the store is closed')
    if (!this.#db.isOpen) return
    this.#db.close()
    closeSync(this.#wal)
  }

  #read(id: string): Operation | undefined {
    const row = this.#get<Row>('SELECT id, rev, due_at, doc FROM operations WHERE id = ?', id)
    return row && this.#toOperation(row)
  }

  /** With the claims since it was stored. */
  #toOperation({ id, rev, due_at, doc }: Row): Operation {
    const operation = Object.assign(JSON.parse(doc) as Operation, { rev, dueAtMs: due_at })
    const running = this.#running.get(id)
    if (due_at === null || running?.storedRev !== rev) return operation
    return Object.assign(operation, { rev: running.rev, dueAtMs: running.dueAtMs })
  }

  /** This is its state on the disk from now on. */
  #keep({ id, kind, rev, status, dueAtMs }: Operation): void {
    if (status === 'running') this.#running.set({ id, kind, storedRev: rev }, toDue(dueAtMs))
    else this.#running.delete(id)
  }

  /** Writes what follows a revision of a running operation; `work` tells how many rows it changed. False when there is no such revision. */
  #writeNext(
    id: string,
    rev: number,
    work: (storedRev: number) => number | bigint,
    keep: () => void,
  ): Promise<boolean> {
    const storedRev = this.#running.hold(id, rev)
    return this.#write(
      () => {
        if (storedRev === undefined || work(storedRev) === 0) return false
        this.#changed.add(id)
        return true
      },
      changed => {
        if (changed) keep()
        else if (storedRev !== undefined) this.#running.release(id)
      },
    )
  }

  /**
   * Queues a write for the next transaction: that of this turn of the event loop, or the one that follows the fsync under
   * way. `work` must not leave half of itself behind when it throws: the whole transaction goes. `settle` is called
   * just before the promise settles, with what `work` gave, or nothing when it was not stored.
   */
  #write<T>(work: () => T, settle: (result?: T) => void = () => {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let result: T
      const write: Write = {
        run: () => (result = work()),
        resolve() {
          settle(result)
          resolve(result)
        },
        reject(error) {
          settle()
          reject(error)
        },
      }
      if (this.#end) {
        write.reject(this.#end)
        return
      }
      this.#writes.push(write)
      if (this.#writes.length === 1 && !this.#syncing) setImmediate(() => this.#flush())
    })
  }

  #flush(): void {
    if (this.#syncing || this.#writes.length === 0) return
    const writes = this.#writes
    const changed = new Set<string>()
    this.#writes = []
    this.#changed = changed
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      for (const write of writes) write.run()
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#isFailing = true
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      const unavailable = new StoreUnavailable('the store could not be written', { cause: error })
      for (const write of writes) write.reject(unavailable)
      return
    }
    this.#isFailing = false
    const { promise: done, resolve, reject } = Promise.withResolvers<void>()
    // Mostly nobody reads what is on its way.
    done.catch(() => {})
    this.#syncing = { changed, done }
    this.#sync(this.#wal, error => {
      this.#syncing = undefined
      if (error) {
        this.#end = new StoreUnavailable('the disk did not take what was written', { cause: error })
        for (const write of [...writes, ...this.#writes.splice(0)]) write.reject(this.#end)
        reject(this.#end)
        this.#onBroken(error)
        return
      }
      for (const write of writes) write.resolve()
      resolve()
      // What was asked for meanwhile is written after those who waited for this have read: they must not see it yet.
      if (this.#writes.length > 0) setImmediate(() => this.#flush())
      for (const id of changed) for (const listener of this.#listeners) listener(id)
    })
  }

  #attempt<T>(read: () => T): Promise<T> {
    if (this.#end) return Promise.reject(this.#end)
    try {
      return Promise.resolve(read())
    } catch (error) {
      return Promise.reject(new StoreUnavailable('the store could not be read', { cause: error }))
    }
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) this.#statements.set(sql, (statement = this.#db.prepare(sql)))
    return statement
  }

  #run(sql: string, ...values: SQLInputValue[]): ReturnType<StatementSync['run']> {
    return this.#prepare(sql).run(...values)
  }

  #get<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#prepare(sql).get(...values) as T | undefined
  }

  #all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#prepare(sql).all(...values) as T[]
  }
}

/** As its column keeps it. */
function toDue(dueAtMs: number | null): number | null {
  return dueAtMs === null ? null : Math.round(dueAtMs)
}
