/**
 * Operations in PostgreSQL, for several replicas. When it is away, every call rejects at once, and comes back by itself.
 * Callback keys stand in the database: whoever may read it can read them.
 *
 *     pool.ts           connections, one at a time, to the host that serves
 *     away.ts           what is told while there is none
 *     connection.ts     one of them; a timer for whatever is sent
 *     writer.ts         group commit, and commits that nobody confirmed
 *     writes.ts         what can be written, as statements
 *     reader.ts         what is read
 *     outbox.ts         messages of ends, with leases
 *     replica.ts        signs of life, and what dead replicas left
 *     limits.ts         counts of requests, of all replicas together
 *     notifications.ts  tells other replicas of changes
 */

import { parseExact } from '../../json/exact.ts'
import {
  StoreUnavailable,
  type IdempotencyKey,
  type Kind,
  type ListQuery,
  type Operation,
  type OperationPage,
  type Running as RunningOperation,
  type Admission,
  type Store,
  type StoreLoad,
} from '../../operations/store.ts'
import { Limits } from './limits.ts'
import { Running } from '../running.ts'
import { connect, lossesOf, type Connection } from './connection.ts'
import { Away } from './away.ts'
import { Notifications } from './notifications.ts'
import type { PostgresStoreOptions } from './options.ts'
import { PostgresOutbox } from './outbox.ts'
import { Pool } from './pool.ts'
import { Reader } from './reader.ts'
import { Replica, type OwnOperation } from './replica.ts'
import { MIGRATIONS, migrate } from './schema.ts'
import { DATABASE_CLOCK, statementsFor, type Statements } from './statements.ts'
import { Writer } from './writer.ts'
import {
  durationTo,
  toTexts,
  type DiscardWrite,
  type SaveWrite,
  type Settling,
  type StartWrite,
  type Stored,
  type Write,
} from './writes.ts'
import { realWorld } from '../../world.ts'

const OPEN_MS = 5_000
const TAKE_BACK_MS = 500

/**
 * Connects, brings the schema up to date, and takes over what dead replicas left. A database that is away is waited for
 * for some seconds, and then come back to: readiness fails until then.
 * @param url gives the URL as it is now: it is read anew for each connection.
 * @throws Unusable, or Refused after that time, with one clear line when waiting makes it no better.
 */
export async function openPostgresStore(
  url: () => string,
  options: PostgresStoreOptions,
): Promise<Store & { readonly limits: Limits }> {
  const store = new PostgresStore(url, options)
  try {
    await store.opened()
  } catch (error) {
    await store.close()
    throw error
  }
  return store
}

class PostgresStore implements Store {
  readonly relookMs = 1_000
  readonly limits: Limits
  readonly outbox: PostgresOutbox
  readonly #options: Required<PostgresStoreOptions>
  readonly #away: Away
  readonly #pool: Pool
  readonly #sql: Statements
  readonly #writer: Writer
  readonly #reader: Reader
  readonly #replica: Replica
  readonly #notifications: Notifications | undefined
  readonly #running = new Running<OwnOperation>()
  readonly #listeners = new Set<(id: string) => void>()
  /** Saves whose callers were told that nobody knows; true or false once it is known. */
  readonly #unsure = new WeakMap<Operation, { isWritten?: boolean }>()
  #isMigrated = false
  #isRegistered = false
  #isWarned = false
  #isClosed = false

  constructor(url: () => string, options: PostgresStoreOptions) {
    const defaults = { world: realWorld, connect, clock: DATABASE_CLOCK, openMs: OPEN_MS }
    const all = (this.#options = {
      ...defaults,
      migrations: MIGRATIONS,
      ...options,
    } as Required<PostgresStoreOptions>)
    this.#away = new Away(options.log)
    this.#pool = new Pool({
      ...all,
      url,
      onConnect: connection => this.#prepare(connection),
      onAway: (reason, isFirst) => this.#away.failed(reason, isFirst),
      onBack: () => this.#away.back(),
    })
    const { schema, notify } = this.#pool.address
    const sql = (this.#sql = statementsFor(schema, all.clock))
    const parts = { pool: this.#pool, sql, running: this.#running, world: all.world }
    this.limits = new Limits({ ...parts, ask: statement => parts.pool.ask(statement) })
    const toOperation = (stored: Stored): Operation => this.#reader.toOperation(stored)
    const writer = new Writer({
      ...parts,
      toOperation,
      onFenced: connection => {
        options.log.warn({}, 'this replica was held to be dead; others may have what it held')
        return this.#replica.register(connection)
      },
    })
    this.#writer = writer
    this.#reader = new Reader({ ...parts, writer })
    this.outbox = new PostgresOutbox({ ...parts, writer, toOperation })
    this.#replica = new Replica({ ...options, ...parts, writer })
    if (notify)
      this.#notifications = new Notifications({
        ...parts,
        channel: `gateway_${schema}`,
        self: all.world.randomBytes(8).toString('hex'),
        onChange: id => this.#tellHere(id),
      })
  }

  /** Resolves when the store serves and has what dead replicas left, or after a moment. */
  async opened(): Promise<void> {
    const { world, openMs } = this.#options
    const enough = world.timeout(openMs)
    for (;;) {
      try {
        await this.ping()
        break
      } catch (error) {
        this.#away.refuseUnusable()
        if (enough.aborted) break
        if (!(error instanceof StoreUnavailable)) throw error
        await world.sleep(20)
      }
    }
    this.#away.endOpening()
    this.#replica.start()
    this.#notifications?.start()
  }

  isSurelyOwner({ id, rev }: Pick<Operation, 'id' | 'rev'>): boolean {
    return this.#replica.isSurelyAlive && this.#running.get(id)?.rev === rev
  }

  async start(operation: Operation, key: IdempotencyKey | null, nowMs: number): Promise<Admission> {
    const now = this.#options.world.now()
    const { id } = operation
    const doc = JSON.stringify(operation)
    return this.#write<Admission, StartWrite>(
      {
        type: 'start',
        operation,
        doc,
        dueInMs: durationTo(operation.dueAtMs, now),
        key: key && { ...key, ttlMs: key.expiresAtMs - now },
        aheadMs: nowMs - now,
      },
      {
        settle: outcome => {
          if (outcome?.kind !== 'started') return
          this.#keep(operation, doc)
          return id
        },
        // Its caller was told that it had failed.
        late: outcome => {
          if (outcome?.kind === 'started') this.#takeBack(id, operation.rev)
        },
      },
    )
  }

  async save(operation: Operation): Promise<boolean> {
    const { id, rev, dueAtMs, finishedAtMs } = operation
    const known = await this.#lookUp(operation)
    if (known === true) return true
    const storedRev = this.#running.hold(id, rev - 1)
    if (storedRev === undefined) return false
    const now = this.#options.world.now()
    const { doc, result } = toTexts(operation)
    const settle = (saved = false): string | undefined => {
      if (saved) this.#keep(operation, doc)
      else this.#running.release(id)
      return saved ? id : undefined
    }
    return this.#write<boolean, SaveWrite>(
      {
        type: 'save',
        operation,
        doc,
        result,
        storedRev,
        dueInMs: durationTo(dueAtMs, now),
        finishedInMs: durationTo(finishedAtMs, now),
      },
      {
        settle,
        doubt: () => this.#unsure.set(operation, {}),
        late: saved => {
          this.#unsure.set(operation, { isWritten: saved === true })
          if (settle(saved)) this.#tell(id)
        },
      },
    )
  }

  async discard({ id, rev }: Pick<Operation, 'id' | 'rev'>): Promise<boolean> {
    const storedRev = this.#running.hold(id, rev)
    if (storedRev === undefined) return false
    const settle = (gone = false): string | undefined => {
      if (gone) this.#running.delete(id)
      else this.#running.release(id)
      return gone ? id : undefined
    }
    return this.#write<boolean, DiscardWrite>(
      { type: 'discard', id, storedRev },
      {
        settle,
        late: gone => {
          if (settle(gone)) this.#tell(id)
          else this.#takeBack(id, storedRev)
        },
      },
    )
  }

  async get(id: string): Promise<Operation | undefined> {
    this.#refuseClosed()
    return this.#reader.get(id)
  }

  async list(query: ListQuery): Promise<OperationPage> {
    this.#refuseClosed()
    return this.#reader.list(query)
  }

  async claimDue(...due: Parameters<Store['claimDue']>): Promise<RunningOperation[]> {
    const [nowMs, leaseMs, limit, except] = due
    // A step may read what HOSTKEY tells once: only with what is surely its own, and when its end can be written.
    if (!this.#replica.isSurelyAlive || this.#writer.isInDoubt) await this.#replica.beat()
    this.#refuseClosed()
    const claimed = this.#running.claim(nowMs, Math.round(nowMs + leaseMs), limit, except)
    if (!claimed) {
      // The next state of one that is due is on its way: what is due then is known behind it.
      await this.#writer.settled()
      return this.claimDue(...due)
    }
    return claimed.map(({ doc, rev, dueAtMs }) =>
      Object.assign(parseExact(doc) as RunningOperation, { rev, dueAtMs }),
    )
  }

  async nextDueAtMs(except?: ReadonlySet<string>): Promise<number | null> {
    this.#refuseClosed()
    return this.#running.nextDueAtMs(except)
  }

  async running(): Promise<Partial<Record<Kind, number>>> {
    this.#refuseClosed()
    return this.#reader.running()
  }

  async sweep(endedBeforeMs: number, nowMs: number, limit: number): Promise<number> {
    const now = this.#options.world.now()
    const swept = await this.#writer.task(
      this.#sql.sweepKeys(Math.round(nowMs - now), limit),
      this.#sql.sweepLimits(limit),
      this.#sql.sweepEnded(Math.round(endedBeforeMs - now), limit),
    )
    return swept.reduce((sum, [row]) => sum + Number(row![0]), 0)
  }

  onChange(listener: (id: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly load = (): StoreLoad => ({ ...this.#pool.load, inDoubt: this.#writer.inDoubt })

  /** Writes: a standby, and a database that is read-only, answer reads. */
  async ping(): Promise<void> {
    this.#refuseClosed()
    await this.#replica.beat()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#replica.stop()
    await this.#writer.close()
    this.#notifications?.close()
    this.#pool.close()
  }

  /** Queues a write. Its caller is told what came of it, and then whom the change concerns. */
  #write<T, W extends Write>(
    write: Omit<W, 'resolve' | 'reject' | 'doubt'>,
    { settle, doubt, late }: Settling<T>,
  ): Promise<T> {
    this.#refuseClosed()
    return new Promise<T>((resolve, reject) => {
      let isTold = false
      const settling = {
        resolve: (outcome: T) => {
          if (isTold) return late(outcome)
          const changed = settle(outcome)
          resolve(outcome)
          if (changed !== undefined) this.#tell(changed)
        },
        reject: (error: Error) => {
          if (isTold) return late()
          settle()
          reject(error)
        },
        doubt: (error: Error) => {
          isTold = true
          doubt?.()
          reject(error)
        },
      }
      this.#writer.write({ ...write, ...settling } as unknown as W)
    })
  }

  /** What became of a save that nobody knew of when it was asked for last; undefined when it is new. */
  async #lookUp(operation: Operation): Promise<boolean | undefined> {
    const unsure = (): { isWritten?: boolean } | undefined => this.#unsure.get(operation)
    if (!unsure()) return undefined
    // Whatever is written next finds it out first.
    if (unsure()!.isWritten === undefined) await this.#replica.beat()
    const { isWritten } = unsure()!
    if (isWritten === undefined) throw new StoreUnavailable('the store is still being asked')
    this.#unsure.delete(operation)
    return isWritten
  }

  /** Forgets an operation as it was started, however often that takes: its caller was told that it does not exist. */
  #takeBack(id: string, storedRev: number): void {
    this.#writer.write({
      type: 'discard',
      id,
      storedRev,
      resolve: () => this.#running.delete(id),
      reject: () => {
        if (!this.#isClosed)
          this.#options.world.after(TAKE_BACK_MS, () => this.#takeBack(id, storedRev)).unref()
      },
      doubt: () => {},
    })
  }

  /** This is its state in the database from now on, and this replica makes its next step. */
  #keep({ id, kind, createdBy, rev, status, dueAtMs }: Operation, doc: string): void {
    if (status === 'running') this.#running.set({ id, kind, createdBy, storedRev: rev, doc }, dueAtMs)
    else this.#running.delete(id)
  }

  async #prepare(connection: Connection): Promise<void> {
    const { world, migrations } = this.#options
    const { schema } = this.#pool.address
    if (!this.#isWarned) for (const words of lossesOf(connection.state)) this.#options.log.warn({}, words)
    this.#isWarned = true
    if (!this.#isMigrated) await migrate(connection, schema, this.#pool.limitMs, world, migrations)
    this.#isMigrated = true
    if (this.#isRegistered) this.#replica.reconnected()
    else await this.#replica.register(connection)
    this.#isRegistered = true
  }

  #tell(id: string): void {
    this.#tellHere(id)
    this.#notifications?.tell(id)
  }

  #tellHere(id: string): void {
    for (const listener of this.#listeners) listener(id)
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new StoreUnavailable('the store is closed')
  }
}
