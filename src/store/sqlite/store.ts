/**
 * Operations in one SQLite file, for one process. What is written becomes durable in `group-commit.ts`. What is due, and
 * which steps are claimed, is known in memory alone (`running.ts`), and laid over every operation that is read.
 */

import type { DatabaseSync } from 'node:sqlite'
import {
  mutates,
  type Admission,
  type IdempotencyKey,
  type Kind,
  type ListQuery,
  type Operation,
  type OperationPage,
  type Outbox,
  type Running as RunningOperation,
  type Store,
} from '../../operations/store.ts'
import { Running, type RunningOperation as RunningEntry } from '../running.ts'
import type { GroupCommit } from './group-commit.ts'
import { listRows } from './list.ts'
import { SqliteOutbox } from './outbox.ts'
import { COLUMNS, toOperation, toTexts, toTime, type Row } from './rows.ts'
import { SCHEMA_VERSION } from './schema.ts'
import { Statements } from './statements.ts'

/** For so long what was written shows that more can be written. Probes of readiness come often, and each write costs an fsync. */
const PROOF_MS = 1_000

/** SQLite's own default: a checkpoint comes with the commit that makes the WAL file this many pages long. */
const CHECKPOINT_PAGES = 1_000

interface StoredRunning extends RunningEntry {
  dueAtMs: number | null
}

const RUNNING =
  'SELECT id, kind, created_by AS createdBy, rev AS storedRev, due_at AS dueAtMs FROM operations'
const RUNNING_CHANGES = `${RUNNING} INDEXED BY vm_hold WHERE mutates = 1 AND status = 'running'`
const RUNNING_READS = `${RUNNING} INDEXED BY running_reads WHERE mutates = 0 AND status = 'running'`

export class SqliteStore implements Store {
  readonly outbox: Outbox
  readonly #sql: Statements
  readonly #commit: GroupCommit
  readonly #running = new Running()
  readonly #listeners = new Set<(id: string) => void>()
  /** Whether somebody keeps the file as it is. */
  #isHeld = false
  /** A write that is made only to see whether the disk takes it. */
  #probe: Promise<void> | undefined

  /** `nowMs` is the time: whoever was going to make a step later died with the process before, so it is due by then. */
  constructor(db: DatabaseSync, nowMs: number, commit: GroupCommit) {
    this.#sql = new Statements(db)
    this.#commit = commit
    for (const row of this.#sql.all<StoredRunning>(`${RUNNING_CHANGES} UNION ALL ${RUNNING_READS}`))
      this.#running.set({ ...row }, row.dueAtMs === null ? null : Math.min(row.dueAtMs, nowMs))
    this.outbox = new SqliteOutbox(this.#sql, commit, () => this.#touch())
  }

  async start(
    operation: RunningOperation,
    idempotency: IdempotencyKey | null,
    nowMs: number,
  ): Promise<Admission> {
    const outcome = await this.#commit.write<Admission>(
      operation.id,
      () => {
        const other = (idempotency && this.#keyOutcome(idempotency, nowMs)) ?? this.#busyOutcome(operation)
        if (other) return other
        this.#insert(operation)
        if (idempotency) this.#insertKey(idempotency, operation.id)
        return { kind: 'started' }
      },
      ({ kind }) => {
        if (kind === 'started') this.#keep(operation)
      },
    )
    if (outcome.kind === 'started') this.#tell(operation.id)
    return outcome
  }

  save(operation: Operation): Promise<boolean> {
    const { id, rev } = operation
    return this.#replace(
      id,
      rev - 1,
      storedRev => this.#update(operation, storedRev),
      () => this.#keep(operation),
    )
  }

  discard({ id, rev }: Pick<Operation, 'id' | 'rev'>): Promise<boolean> {
    return this.#replace(
      id,
      rev,
      storedRev => {
        const changes = this.#sql.run('DELETE FROM operations WHERE id = ? AND rev = ?', id, storedRev)
        if (changes > 0) this.#sql.run('DELETE FROM idempotency WHERE operation_id = ?', id)
        return changes
      },
      () => this.#running.delete(id),
    )
  }

  async get(id: string): Promise<Operation | undefined> {
    await this.#commit.whenStored(id)
    return this.#attempt(() => this.#read(id))
  }

  async list(query: ListQuery): Promise<OperationPage> {
    await this.#commit.whenStored()
    return this.#attempt(() => {
      const { rows, ...cut } = listRows(this.#sql, query)
      return Object.assign(
        rows.map(row => this.#toOperation(row)),
        cut,
      )
    })
  }

  async claimDue(...due: Parameters<Store['claimDue']>): Promise<RunningOperation[]> {
    const [nowMs, leaseMs, limit, except] = due
    // A step may read what HOSTKEY tells only once, so none is claimed before the disk takes writes again.
    if (this.#commit.isFailing) await this.#commit.write(null, () => this.#touch())
    const claimed = await this.#attempt(() =>
      this.#running
        .claim(nowMs, Math.round(nowMs + leaseMs), limit, except)
        ?.map(({ id }) => this.#read(id) as RunningOperation),
    )
    if (claimed) return claimed
    // The next state of one that is due is on its way: this empty write is answered when it is on the disk.
    await this.#commit.write(null, () => {})
    return this.claimDue(...due)
  }

  nextDueAtMs(except?: ReadonlySet<string>): Promise<number | null> {
    return this.#attempt(() => this.#running.nextDueAtMs(except))
  }

  running(): Promise<Partial<Record<Kind, number>>> {
    return this.#attempt(() => {
      const counts: Partial<Record<Kind, number>> = {}
      for (const { kind } of this.#running.values()) counts[kind] = (counts[kind] ?? 0) + 1
      return counts
    })
  }

  async sweep(endedBeforeMs: number, nowMs: number, limit: number): Promise<number> {
    const swept = await this.#commit.write(null, () => {
      const keys = this.#sql.run(
        'DELETE FROM idempotency WHERE (caller, key) IN (SELECT caller, key FROM idempotency WHERE expires_at <= ? LIMIT ?)',
        nowMs,
        limit,
      )
      // An operation stays for as long as its idempotency key does, because a replay answers with it.
      const operations = this.#sql.run(
        `DELETE FROM operations WHERE id IN (
           SELECT id FROM operations WHERE status <> 'running' AND finished_at < ? AND webhook_due_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM idempotency WHERE operation_id = operations.id) LIMIT ?)`,
        endedBeforeMs,
        limit,
      )
      return keys + operations
    })
    // This gives freed pages back to the disk, a few at a time. SQLite does not allow it within a transaction.
    if (swept > 0) await this.#attempt(() => this.#sql.all('PRAGMA incremental_vacuum(256)'))
    return swept
  }

  onChange(listener: (id: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async ping(): Promise<void> {
    const { end, isFailing, storedAgoMs } = this.#commit
    if (end) throw end
    if (!isFailing && storedAgoMs < PROOF_MS) return
    // However many ask, there is one write.
    this.#probe ??= this.#commit
      .write(null, () => this.#touch())
      .finally(() => {
        this.#probe = undefined
      })
    await this.#probe
  }

  /**
   * Keeps the file of the database as it is now, with all that was stored before, until the returned function is called.
   * @throws Error when somebody else does so, or what was stored cannot be brought into the file
   */
  hold(): () => void {
    if (this.#isHeld) throw new Error('another copy is being made')
    this.#isHeld = true
    const release = (): void => {
      this.#isHeld = false
      if (!this.#commit.end) this.#sql.all(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    }
    try {
      this.#bringIn()
      return release
    } catch (error) {
      release()
      throw error
    }
  }

  close(): Promise<void> {
    return this.#commit.close()
  }

  /** What becomes of a start whose idempotency key is known, or undefined when it is not. */
  #keyOutcome(
    { caller, key, fingerprint }: IdempotencyKey,
    nowMs: number,
  ): Exclude<Admission, { kind: 'started' }> | undefined {
    const known = this.#sql.get<{ fingerprint: string; operation_id: string }>(
      'SELECT fingerprint, operation_id FROM idempotency WHERE caller = ? AND key = ? AND expires_at > ?',
      caller,
      key,
      nowMs,
    )
    if (!known) return undefined
    if (known.fingerprint !== fingerprint) return { kind: 'reused' }
    const first = this.#read(known.operation_id)
    return first && { kind: 'replay', operation: first, inProgress: first.step === 'call' }
  }

  /** What becomes of a start whose VM another operation holds, or undefined when the VM is free. */
  #busyOutcome(operation: Operation): Exclude<Admission, { kind: 'started' }> | undefined {
    if (!mutates(operation)) return undefined
    const holder = this.#sql.get<Row>(
      `SELECT ${COLUMNS} FROM operations WHERE vm_id = ? AND mutates = 1 AND status = 'running'`,
      operation.vmId,
    )
    return holder && { kind: 'busy', operation: this.#toOperation(holder) }
  }

  #insert(operation: Operation): void {
    this.#sql.run(
      `INSERT INTO operations (id, rev, kind, mutates, vm_id, created_by, status, due_at, finished_at, doc, webhook, webhook_due_at, result)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      operation.id,
      operation.rev,
      operation.kind,
      mutates(operation) ? 1 : 0,
      operation.vmId,
      operation.createdBy,
      operation.status,
      toTime(operation.dueAtMs),
      operation.finishedAtMs,
      ...toTexts(operation),
    )
  }

  #insertKey({ caller, key, fingerprint, expiresAtMs }: IdempotencyKey, id: string): void {
    this.#sql.run(
      'INSERT OR REPLACE INTO idempotency (caller, key, fingerprint, operation_id, expires_at) VALUES (?, ?, ?, ?, ?)',
      caller,
      key,
      fingerprint,
      id,
      expiresAtMs,
    )
  }

  /** Tells how many rows it changed. Indexes follow the columns that a statement sets, so one that does not end sets few. */
  #update(operation: Operation, storedRev: number): number {
    const { id, rev, status, finishedAtMs } = operation
    const [doc, ...ofEnd] = toTexts(operation)
    const dueAt = toTime(operation.dueAtMs)
    const which = `WHERE id = ? AND rev = ? AND status = 'running'`
    if (status === 'running') {
      const sql = `UPDATE operations SET rev = ?, due_at = ?, doc = ? ${which}`
      return this.#sql.run(sql, rev, dueAt, doc, id, storedRev)
    }
    const sql = `UPDATE operations SET rev = ?, due_at = ?, doc = ?, status = ?, finished_at = ?, webhook = ?, webhook_due_at = ?, result = ? ${which}`
    return this.#sql.run(sql, rev, dueAt, doc, status, finishedAtMs, ...ofEnd, id, storedRev)
  }

  /**
   * Writes what follows the state that is shown with revision `rev`. `work` is given the revision on the disk and tells
   * how many rows it changed. Resolves with false when the operation is shown with another revision.
   */
  async #replace(
    id: string,
    rev: number,
    work: (storedRev: number) => number,
    onReplaced: () => void,
  ): Promise<boolean> {
    if (this.#running.hold(id, rev) === undefined) return false
    try {
      const isReplaced = await this.#commit.write(
        id,
        () => {
          // Asked again: an earlier write of it may have failed meanwhile, and somebody may have claimed it since.
          const storedRev = this.#running.hold(id, rev)
          return storedRev !== undefined && work(storedRev) > 0
        },
        changed => {
          if (changed) onReplaced()
          else this.#running.release(id)
        },
      )
      if (isReplaced) this.#tell(id)
      return isReplaced
    } catch (error) {
      this.#running.release(id)
      throw error
    }
  }

  /** This is its state on the disk from now on. */
  #keep({ id, kind, createdBy, rev, status, dueAtMs }: Operation): void {
    if (status === 'running') this.#running.set({ id, kind, createdBy, storedRev: rev }, dueAtMs)
    else this.#running.delete(id)
  }

  #read(id: string): Operation | undefined {
    const row = this.#sql.get<Row>(`SELECT ${COLUMNS} FROM operations WHERE id = ?`, id)
    return row && this.#toOperation(row)
  }

  #toOperation(row: Row): Operation {
    const stored = toOperation(row)
    const known = this.#running.get(stored.id)
    // The next state may be in the database and not yet be safe on the disk: what is known in memory is not about that one.
    if (known?.storedRev !== stored.rev) return stored
    return Object.assign(stored, { rev: known.rev, dueAtMs: known.dueAtMs })
  }

  /** Makes a checkpoint, and has no other one come by itself. */
  #bringIn(): void {
    this.#sql.all('PRAGMA wal_autocheckpoint = 0')
    const { log, checkpointed } = this.#sql.get<{ log: number; checkpointed: number }>(
      'PRAGMA wal_checkpoint(PASSIVE)',
    )!
    if (log !== checkpointed) throw new Error('the WAL file could not be brought into the database')
  }

  /** Writes to the file without changing anything. */
  #touch(): void {
    this.#sql.run(`PRAGMA user_version = ${SCHEMA_VERSION}`)
  }

  #tell(id: string): void {
    for (const listener of this.#listeners) listener(id)
  }

  /** @throws StoreUnavailable when the database cannot be read. */
  async #attempt<T>(read: () => T): Promise<T> {
    return this.#commit.attempt(read)
  }
}
