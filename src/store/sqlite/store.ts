/**
 * Operations in one SQLite file, for one process. What is written becomes durable in `group-commit.ts`. Which steps
 * this process has is known in `leases.ts` alone, and laid over every operation that is read.
 */

import type { DatabaseSync } from 'node:sqlite'
import {
  mutates,
  StoreUnavailable,
  type Admission,
  type IdempotencyKey,
  type Kind,
  type ListQuery,
  type Operation,
  type OperationPage,
  type Outbox,
  type Running,
  type Store,
} from '../../operations/store.ts'
import type { GroupCommit } from './group-commit.ts'
import { Leases, type DueStep } from './leases.ts'
import { listRows } from './list.ts'
import { SqliteOutbox } from './outbox.ts'
import { COLUMNS, toOperation, toTexts, toTime, type Row } from './rows.ts'
import { SCHEMA_VERSION } from './schema.ts'
import { Statements } from './statements.ts'

/** For so long what was written shows that more can be written. Probes of readiness come often, and each write costs an fsync. */
const PROOF_MS = 1_000

/** SQLite's own default: a checkpoint comes with the commit that makes the WAL file this many pages long. */
const CHECKPOINT_PAGES = 1_000

const NOBODY: ReadonlySet<string> = new Set()

export class SqliteStore implements Store {
  readonly outbox: Outbox
  readonly #sql: Statements
  readonly #commit: GroupCommit
  readonly #leases = new Leases()
  readonly #listeners = new Set<(id: string) => void>()
  /** Whether somebody keeps the file as it is. */
  #isHeld = false
  /** A write that is made only to see whether the disk takes it. */
  #probe: Promise<void> | undefined

  constructor(db: DatabaseSync, commit: GroupCommit) {
    this.#sql = new Statements(db)
    this.#commit = commit
    this.outbox = new SqliteOutbox(this.#sql, commit, () => this.#touch())
  }

  async start(operation: Running, idempotency: IdempotencyKey | null, nowMs: number): Promise<Admission> {
    const outcome = await this.#commit.write<Admission>(operation.id, () => {
      const other = (idempotency && this.#keyOutcome(idempotency, nowMs)) ?? this.#busyOutcome(operation)
      if (other) return other
      this.#insert(operation)
      if (idempotency) this.#insertKey(idempotency, operation.id)
      return { kind: 'started' }
    })
    if (outcome.kind === 'started') this.#tell(operation.id)
    return outcome
  }

  save(operation: Operation): Promise<boolean> {
    const { id, rev } = operation
    return this.#replace(id, rev - 1, storedRev =>
      this.#sql.run(
        `UPDATE operations SET rev = ?, status = ?, due_at = ?, finished_at = ?, doc = ?, webhook = ?, webhook_due_at = ?, result = ?
         WHERE id = ? AND rev = ? AND status = 'running'`,
        rev,
        operation.status,
        toTime(operation.dueAtMs),
        operation.finishedAtMs,
        ...toTexts(operation),
        id,
        storedRev,
      ),
    )
  }

  discard({ id, rev }: Pick<Operation, 'id' | 'rev'>): Promise<boolean> {
    return this.#replace(id, rev, storedRev => {
      const changes = this.#sql.run('DELETE FROM operations WHERE id = ? AND rev = ?', id, storedRev)
      if (changes > 0) this.#sql.run('DELETE FROM idempotency WHERE operation_id = ?', id)
      return changes
    })
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

  async claimDue(
    nowMs: number,
    leaseMs: number,
    limit: number,
    except: ReadonlySet<string> = NOBODY,
  ): Promise<Running[]> {
    // A step may read what HOSTKEY tells only once, so none is claimed before the disk takes writes again.
    if (this.#commit.isFailing) await this.#commit.write(null, () => this.#touch())
    const claimed = await this.#attempt(() => this.#claim(nowMs, Math.round(nowMs + leaseMs), limit, except))
    if (claimed) return claimed
    // This empty write is answered when the writes before it are on the disk.
    await this.#commit.write(null, () => {})
    return this.claimDue(nowMs, leaseMs, limit, except)
  }

  nextDueAtMs(except: ReadonlySet<string> = NOBODY): Promise<number | null> {
    return this.#attempt(() => this.#dueSteps(Number.MAX_SAFE_INTEGER, 1, except)[0]?.dueAtMs ?? null)
  }

  running(): Promise<Partial<Record<Kind, number>>> {
    return this.#attempt(() => {
      const rows = this.#sql.all<{ kind: Kind; count: number }>(
        `SELECT kind, COUNT(*) AS count FROM operations WHERE status = 'running' GROUP BY kind`,
      )
      return Object.fromEntries(rows.map(({ kind, count }) => [kind, count]))
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

  /**
   * Writes what follows the state that is shown with revision `rev`. `work` is given the revision on the disk and tells
   * how many rows it changed. Resolves with false when the operation is shown with another revision.
   */
  async #replace(id: string, rev: number, work: (storedRev: number) => number): Promise<boolean> {
    const isReplaced = await this.#commit.write(
      id,
      () => {
        const storedRev = this.#leases.storedRev(id, rev)
        return storedRev !== undefined && work(storedRev) > 0
      },
      changed => {
        if (changed) this.#leases.end(id)
      },
    )
    if (isReplaced) this.#tell(id)
    return isReplaced
  }

  /** Takes leases on what is due, or on nothing (undefined) while the next state of any of it is on its way to the disk. */
  #claim(nowMs: number, untilMs: number, limit: number, except: ReadonlySet<string>): Running[] | undefined {
    const due = this.#dueSteps(nowMs, limit, except)
    if (due.some(({ id }) => this.#commit.isOnItsWay(id))) return undefined
    return due.map(({ id }) => this.#leases.take(this.#read(id) as Running, untilMs))
  }

  /** The steps that are due, soonest first. A leased step is due when its lease ends. */
  #dueSteps(nowMs: number, limit: number, except: ReadonlySet<string>): DueStep[] {
    const leases = this.#leases.ends()
    const stored = this.#sql.all<DueStep>(
      `SELECT id, created_by AS createdBy, due_at AS dueAtMs FROM operations
       WHERE status = 'running' AND due_at <= ? AND created_by NOT IN (SELECT value FROM json_each(?))
       ORDER BY due_at LIMIT ?`,
      nowMs,
      JSON.stringify([...except]),
      // Enough of them, if every leased one is among them.
      limit + leases.length,
    )
    return [
      ...stored.filter(({ id }) => !this.#leases.has(id)),
      ...leases.filter(({ createdBy, dueAtMs }) => dueAtMs <= nowMs && !except.has(createdBy)),
    ]
      .toSorted((a, b) => a.dueAtMs - b.dueAtMs)
      .slice(0, limit)
  }

  #read(id: string): Operation | undefined {
    const row = this.#sql.get<Row>(`SELECT ${COLUMNS} FROM operations WHERE id = ?`, id)
    return row && this.#toOperation(row)
  }

  #toOperation(row: Row): Operation {
    return this.#leases.show(toOperation(row))
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
  #attempt<T>(read: () => T): Promise<T> {
    if (this.#commit.end) return Promise.reject(this.#commit.end)
    try {
      return Promise.resolve(read())
    } catch (error) {
      return Promise.reject(new StoreUnavailable('the store could not be read', { cause: error }))
    }
  }
}
