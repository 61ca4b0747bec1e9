/**
 * This process among the replicas. Whoever began an operation makes its steps, and so its claims are made in memory
 * (`running.ts`); what is left by a replica that nobody heard of for some seconds is taken over by the others.
 *
 * All of it is judged by the database's clock. A replica that is declared dead can write nothing any more (see the fence
 * in `statements.ts`); when it comes back it is another one.
 */

import { stopwatch, type Kind } from '../../operations/store.ts'
import type { Running, RunningOperation } from '../running.ts'
import type { Connection, Row } from './connection.ts'
import { NotWritten } from './errors.ts'
import type { Pool } from './pool.ts'
import type { Statements } from './statements.ts'
import type { Writer } from './writer.ts'
import type { Timer, World } from '../../world.ts'

/** With its document, so that a claim asks the database nothing. */
export type OwnOperation = RunningOperation & { readonly doc: string }

export interface ReplicaOptions {
  pool: Pool
  writer: Writer
  running: Running<OwnOperation>
  sql: Statements
  world: World
  /** Between two signs of life. */
  beatMs?: number
  /** A replica that was silent for so long has lost what it holds. */
  silenceMs?: number
}

const BEAT_MS = 700
const SILENCE_MS = 3_000
const ADOPT_BATCH = 500
/** Of its own former self at once; what is more is taken over with the next signs of life. */
const READOPT = 5_000
const LOCK_MS = 500

export class Replica {
  readonly #options: Required<ReplicaOptions>
  /** How long ago the last confirmed sign of life was sent. */
  #silentMs = (): number => Infinity
  /** Since when it has given signs of life without a gap, by the monotonic clock: the database was there for as long. */
  #witnessSinceMs = Infinity
  #beating: Promise<void> | undefined
  #timer: Timer | undefined
  #isStopped = false
  /** The database may know otherwise what it has: an answer was lost, or another server serves. */
  #isUnsure = false

  constructor(options: ReplicaOptions) {
    this.#options = { beatMs: BEAT_MS, silenceMs: SILENCE_MS, ...options }
  }

  /** Whether nobody can have taken over what this replica holds, for some time to come. */
  get isSurelyAlive(): boolean {
    return this.#silentMs() < this.#options.silenceMs / 2
  }

  /** Becomes a new replica, which takes over what it held before, unless others have. */
  async register(connection: Connection): Promise<void> {
    const { pool, writer, running, sql, world } = this.#options
    if (this.#isStopped) throw new NotWritten('the store is closed')
    const former = writer.replica
    const replica = world.randomBytes(8).toString('hex')
    const silentMs = stopwatch(world)
    const [, , adopted] = await connection.transaction(
      [
        sql.settings(pool.limitMs, LOCK_MS),
        sql.register(replica, 1),
        ...(former === '' ? [] : [sql.adopt(replica, former, '', READOPT)]),
      ],
      pool.limitMs,
      false,
    )
    writer.become(replica)
    this.#silentMs = silentMs
    const kept = this.#keep(adopted ?? [])
    for (const { id } of running.values()) if (!kept.has(id)) running.delete(id)
  }

  /**
   * There is a new connection, perhaps to another server: one that was no synchronous standby may lack the last moments.
   * An operation whose end it lacks runs on, and would hold its VM for good if nobody made its steps.
   */
  reconnected(): void {
    this.#isUnsure = true
  }

  /**
   * A sign of life, which also tries a write. One at a time. Whoever was silent is buried only by a replica that has
   * itself seen the database without a gap for as long: when the database was away, everybody was silent.
   */
  beat(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => (this.#beating = undefined))
    return this.#beating
  }

  async #beat(): Promise<void> {
    const { writer, sql, silenceMs, world } = this.#options
    // This process may have been stopped as the others were.
    if (!this.isSurelyAlive) this.#witnessSinceMs = Infinity
    const silentMs = stopwatch(world)
    const sentAtMs = world.monotonic()
    const isWitness = sentAtMs - this.#witnessSinceMs > silenceMs
    try {
      const answers = await writer.task(
        sql.beat(writer.replica),
        ...(isWitness ? [sql.bury(writer.replica, silenceMs)] : []),
        sql.dead(),
      )
      this.#silentMs = silentMs
      this.#witnessSinceMs = Math.min(this.#witnessSinceMs, sentAtMs)
      if (this.#isUnsure) await this.#lookAgain()
      for (const [dead] of answers.at(-1)!) await this.#adopt(dead!)
    } catch (error) {
      this.#witnessSinceMs = Infinity
      throw error
    }
  }

  /** Beats at intervals from now on. */
  start(): void {
    const { world, beatMs } = this.#options
    this.#timer = world
      .after(beatMs, () => {
        this.beat()
          .catch(() => {})
          .finally(() => this.#isStopped || this.start())
      })
      .unref()
  }

  /** Others need not wait for its silence. */
  async stop(): Promise<void> {
    const { writer, sql, world } = this.#options
    this.#isStopped = true
    world.cancel(this.#timer)
    await this.#beating?.catch(() => {})
    await writer.task(sql.leave(writer.replica)).catch(() => {})
  }

  async #adopt(dead: string): Promise<void> {
    const { writer, sql } = this.#options
    for (let after = ''; ;) {
      const { replica } = writer
      const [rows] = await writer
        .task(sql.adopt(replica, dead, after, ADOPT_BATCH))
        .catch((error: unknown) => {
          this.#isUnsure = true
          throw error
        })
      if (writer.replica === replica) this.#keep(rows!)
      if (rows!.length < ADOPT_BATCH) break
      after = rows!
        .map(([id]) => id!)
        .toSorted()
        .at(-1)!
    }
    await writer.task(sql.forget(dead))
  }

  async #lookAgain(): Promise<void> {
    const { writer, sql, running } = this.#options
    const { replica } = writer
    const [rows] = await writer.task(sql.owned(replica))
    this.#isUnsure = false
    if (writer.replica !== replica) return
    const kept = this.#keep(rows!)
    for (const { id } of running.values()) if (!kept.has(id)) running.delete(id)
  }

  /** What is this replica's now; claims on the same state stay. Gives the ids. */
  #keep(rows: Row[]): Set<string> {
    const { running, world } = this.#options
    const nowMs = world.now()
    for (const [id, kind, rev, dueIn, doc, createdBy] of rows) {
      const storedRev = Number(rev)
      if (running.get(id!)?.storedRev === storedRev) continue
      // What was only started was held for its call, by a process that is gone.
      const dueInMs = storedRev === 1 ? Math.min(0, Number(dueIn)) : Number(dueIn)
      const dueAtMs = typeof dueIn === 'string' ? nowMs + dueInMs : null
      running.set({ id: id!, kind: kind as Kind, createdBy: createdBy!, storedRev, doc: doc! }, dueAtMs)
    }
    return new Set(rows.map(([id]) => id!))
  }
}
