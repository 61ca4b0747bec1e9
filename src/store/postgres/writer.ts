/**
 * Group commit: what this process writes in one turn of the event loop, or while the transaction before is under way, is
 * one transaction, one round trip and one commit, and each write is answered after it.
 *
 * A commit that nobody confirmed is in doubt. Before anything else is written, the writer then begins a new epoch: it
 * waits for the end of whatever its former connection has under way, makes sure that nothing of it can follow, and looks
 * which writes are there. That is a transaction of its own, and only when the database confirms this one are the writes
 * that it found held to be made: a standby that has it has all that was before it.
 */

import { InDoubt, NotWritten, FENCED, isOfData, isRepeatable, isUnprepared } from './errors.ts'
import type { Connection, Row, Statement } from './connection.ts'
import type { Pool } from './pool.ts'
import type { Statements } from './statements.ts'
import { Batch, inTheWay, toOutcome, wasWritten, type StartWrite, type Stored, type Write } from './writes.ts'
import type { Operation } from '../../operations/store.ts'
import { StoreUnavailable } from '../../operations/store.ts'
import type { World } from '../../world.ts'

export interface WriterOptions {
  pool: Pool
  sql: Statements
  world: World
  toOperation: (stored: Stored) => Operation
  /** This replica is held to be dead: makes it another one, before the writes are tried again. */
  onFenced: (connection: Connection) => Promise<void>
}

/** A transaction holds no more, so that it stays short. */
const BATCH_WRITES = 1_000
const BATCH_CHARACTERS = 8_000_000
const TRIES = 5
const START_TRIES = 100
const REPEAT_MS = 20
const LOCK_MS = 500

export class Writer {
  replica = ''
  readonly #options: WriterOptions
  #epoch = 0
  #queue: Write[] = []
  #flushing: Promise<void> | undefined
  /** The operations of which something is on its way. */
  #underWay: ReadonlySet<string> = new Set()
  /** What may have been written; nothing else is written before that is known. */
  #doubtful: readonly Write[] = []
  #isClosed = false

  constructor(options: WriterOptions) {
    this.#options = options
  }

  /** Whether a commit waits to be looked up. */
  get isInDoubt(): boolean {
    return this.inDoubt > 0
  }

  /** How many writes wait for that. */
  get inDoubt(): number {
    return this.#doubtful.length
  }

  /** This process is this replica from now on. */
  become(replica: string): void {
    this.replica = replica
    this.#epoch = 1
  }

  /** Queues a write for the next transaction. */
  write(write: Write): void {
    if (this.#isClosed) {
      write.reject(new StoreUnavailable('the store is closed'))
      return
    }
    this.#queue.push(write)
    if (this.#queue.length === 1 && !this.#flushing) this.#options.world.soon(() => this.#flush())
  }

  /** Statements that go with the writes; rejects when they were not, or perhaps not, carried out. */
  task(...statements: Statement[]): Promise<Row[][]> {
    return new Promise((resolve, reject) =>
      this.write({ type: 'task', statements, resolve, reject, doubt: reject }),
    )
  }

  /** Resolves when what is queued and under way now has been answered. */
  async settled(): Promise<void> {
    const { soon } = this.#options.world
    while (this.#queue.length > 0 || this.#flushing)
      await (this.#flushing ?? new Promise<void>(done => soon(done)))
  }

  /**
   * Resolves when whatever was read of these operations is confirmed: a commit shows to readers before it does to its
   * writer, and one whose standby never took it shows as well.
   * @throws StoreUnavailable when a write of one of them is in doubt.
   */
  async confirmed(ids: readonly string[]): Promise<void> {
    if (ids.some(id => this.#underWay.has(id))) await this.#flushing
    if (!this.isInDoubt) return
    const doubtful = idsOf(this.#doubtful)
    if (ids.some(id => doubtful.has(id))) throw new InDoubt('nobody has confirmed what the store shows')
  }

  async close(): Promise<void> {
    await this.settled()
    this.#isClosed = true
  }

  #flush(): void {
    if (this.#flushing || this.#queue.length === 0) return
    this.#flushing = this.#writeOut().finally(() => {
      this.#flushing = undefined
      // After those who waited for this have read: they must not see the next writes yet.
      if (this.#queue.length > 0) this.#options.world.soon(() => this.#flush())
    })
  }

  async #writeOut(writes: readonly Write[] = this.#take()): Promise<void> {
    const batch = new Batch(writes)
    this.#underWay = idsOf(writes)
    try {
      this.#queue.unshift(...(await this.#transact(batch)))
    } catch (error) {
      if (error instanceof InDoubt && !this.isInDoubt) await this.#doubt(batch)
      else if (writes.length > 1 && error instanceof NotWritten && isOfData(error.code)) {
        // What the database cannot take must not keep the others from being made.
        for (const write of writes) await this.#writeOut([write])
      } else for (const write of writes) write.reject(error as Error)
    }
    this.#underWay = new Set()
  }

  #transact(batch: Batch): Promise<StartWrite[]> {
    return this.#options.pool.use(async connection => {
      if (this.isInDoubt) await this.#lookUp(connection)
      return this.#carryOut(connection, batch)
    })
  }

  #take(): Write[] {
    let characters = 0
    let count = 0
    for (const write of this.#queue) {
      characters += 'doc' in write ? write.doc.length : 0
      characters += write.type === 'save' ? (write.result?.length ?? 0) : 0
      if (count >= BATCH_WRITES || (count > 0 && characters > BATCH_CHARACTERS)) break
      count += 1
    }
    return this.#queue.splice(0, count)
  }

  /** Makes the writes, and tells whom it concerns. Gives the starts that have to be tried again. */
  async #carryOut(connection: Connection, batch: Batch): Promise<StartWrite[]> {
    const { pool, sql } = this.#options
    const answers = await this.#repeat(connection, () => [
      sql.fence(this.replica, this.#epoch, pool.limitMs, LOCK_MS),
      ...batch.statements(sql, this.replica),
    ])
    const blocked = batch.settle(answers.slice(1))
    return blocked.length > 0 ? this.#tellWhy(connection, blocked) : []
  }

  /** A transaction, again when somebody else was in its way, bounded and jittered. */
  async #repeat(connection: Connection, statements: () => Statement[]): Promise<Row[][]> {
    const { pool, world, onFenced } = this.#options
    for (let tries = 1; ; tries += 1) {
      try {
        return await connection.transaction(statements(), pool.limitMs, pool.isPrepared)
      } catch (error) {
        if (!(error instanceof NotWritten) || connection.isBroken || tries >= TRIES) throw error
        if (error.code === FENCED) await onFenced(connection)
        else if (pool.isPrepared && isUnprepared(error.code)) pool.isPrepared = false
        else if (isRepeatable(error.code)) await world.sleep(REPEAT_MS * tries * (0.5 + world.random()))
        else throw error
      }
    }
  }

  async #tellWhy(connection: Connection, starts: StartWrite[]): Promise<StartWrite[]> {
    const { pool, sql, toOperation } = this.#options
    try {
      const rows = await connection.ask(inTheWay(sql, starts), pool.limitMs, pool.isPrepared)
      const again: StartWrite[] = []
      const byPlace = new Map(rows.map(row => [Number(row[0]), row]))
      for (const [i, start] of starts.entries()) {
        const outcome = toOutcome(start, byPlace.get(i + 1)!, toOperation)
        if (outcome) start.resolve(outcome)
        else if ((start.tries = (start.tries ?? 0) + 1) < START_TRIES) again.push(start)
        else start.reject(new NotWritten('the store did not find what is in the way'))
      }
      return again
    } catch (error) {
      for (const start of starts) start.reject(error as Error)
      return []
    }
  }

  /** One attempt to find out what became of a batch. When it fails, its callers are told, and it goes on being looked up. */
  async #doubt(batch: Batch): Promise<void> {
    this.#doubtful = batch.writes
    try {
      await this.#options.pool.use(connection => this.#lookUp(connection))
    } catch (error) {
      for (const write of this.#doubtful) write.doubt(error as Error)
    }
  }

  async #lookUp(connection: Connection): Promise<void> {
    const { pool, sql } = this.#options
    const doubtful = this.#doubtful
    const epoch = (this.#epoch += 1)
    const [, , , written] = await connection.transaction(
      [
        sql.settings(pool.limitMs, LOCK_MS),
        sql.lockReplica(this.replica),
        sql.nextEpoch(this.replica, epoch),
        sql.written([...idsOf(doubtful)]),
      ],
      pool.limitMs,
      false,
    )
    this.#doubtful = []
    const texts = new Map(written!.map(([id, doc, result]) => [id!, { doc: doc!, result: result ?? null }]))
    const lost = new NotWritten('the store was lost before it was written')
    for (const write of doubtful) {
      if (!wasWritten(write, texts)) write.reject(lost)
      else if (write.type === 'start') write.resolve({ kind: 'started' })
      else if (write.type !== 'task') write.resolve(true)
    }
  }
}

/** The operations that these writes are of. */
function idsOf(writes: readonly Write[]): Set<string> {
  return new Set(
    writes.flatMap(write => {
      if (write.type === 'task') return []
      return write.type === 'discard' ? write.id : write.operation.id
    }),
  )
}
