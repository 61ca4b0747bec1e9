/**
 * How many requests each caller and address has made, of all replicas together. What this process counts in one turn of
 * the event loop, or while the statement before is under way, is one statement; for somebody who is known to have used up
 * the quota there is none. The table is unlogged: nothing waits for a disk or a standby, and after a crash of the
 * database, or a failover, all counts begin anew.
 */

import { StoreUnavailable } from '../../operations/store.ts'
import type { Row, Statement } from './connection.ts'
import type { Statements } from './statements.ts'
import { toText } from './writes.ts'
import type { World } from '../../world.ts'

interface LimitsOptions {
  sql: Statements
  world: World
  /** Carries out a statement. */
  ask: (statement: Statement) => Promise<Row[]>
}

/** Requests of one key in its window; `ttlMs` is what is left of that. */
interface Count {
  current: number
  ttlMs: number
}

interface Waiting {
  windowMs: number
  /** A request each. */
  told: ((count: Count | Error) => void)[]
}

/** No request waits longer for its count. */
const PATIENCE_MS = 250
/** After a count that failed, nobody is asked for so long. */
const PAUSE_MS = 1_000
/** So many are known to have used up their quota. */
const MAX_OVER = 10_000

export class Limits {
  readonly #options: LimitsOptions
  #queue = new Map<string, Waiting>()
  #isAsking = false
  /** By the monotonic clock. */
  #pausedUntilMs = -Infinity
  /** Who had used up the quota when asked last, and when there is quota again. */
  readonly #over = new Map<string, { current: number; endsAtMs: number }>()

  constructor(options: LimitsOptions) {
    this.#options = options
  }

  /**
   * Counts a request with this key, in windows of `windowMs`. More than `max` are counted as one more than was known.
   * @throws StoreUnavailable when it could not be counted in time.
   */
  async count(key: string, windowMs: number, max: number): Promise<Count> {
    const over = this.#over.get(key)
    const leftMs = over ? over.endsAtMs - this.#options.world.monotonic() : 0
    if (over && leftMs > 0 && over.current >= max) return { current: over.current + 1, ttlMs: leftMs }
    this.#over.delete(key)
    if (this.#options.world.monotonic() < this.#pausedUntilMs)
      throw new StoreUnavailable('requests are counted here for now')
    const count = await this.#next(key, windowMs)
    if (count.current >= max) this.#remember(key, count)
    return count
  }

  #next(key: string, windowMs: number): Promise<Count> {
    return new Promise((resolve, reject) => {
      const waiting = this.#queue.get(key) ?? { windowMs, told: [] }
      waiting.told.push(count => (count instanceof Error ? reject(count) : resolve(count)))
      this.#queue.set(key, waiting)
      if (this.#queue.size === 1 && waiting.told.length === 1 && !this.#isAsking)
        this.#options.world.soon(() => this.#flush())
    })
  }

  #flush(): void {
    const batch = [...this.#queue]
    if (batch.length === 0) return
    this.#queue = new Map()
    this.#isAsking = true
    const { world } = this.#options
    const timer = world.after(PATIENCE_MS, () =>
      this.#giveUp(batch, new StoreUnavailable('requests could not be counted in time'), Infinity),
    )
    this.#ask(batch)
      .catch((error: unknown) => this.#giveUp(batch, error as Error, PAUSE_MS))
      .finally(() => {
        world.cancel(timer)
        this.#isAsking = false
        // It took too long, and is over.
        if (this.#pausedUntilMs === Infinity) this.#pausedUntilMs = this.#options.world.monotonic() + PAUSE_MS
        this.#flush()
      })
  }

  async #ask(batch: readonly [string, Waiting][]): Promise<void> {
    const { sql, ask } = this.#options
    const rows = await ask(
      sql.countRequests(
        batch.map(([key]) => toText(key)),
        batch.map(([, { told }]) => told.length),
        batch.map(([, { windowMs }]) => Math.round(windowMs)),
      ),
    )
    const counts = new Map(
      rows.map(([key, count, leftMs]) => [key, { current: Number(count), ttlMs: Number(leftMs) }]),
    )
    for (const [key, { told }] of batch) {
      const { current, ttlMs } = counts.get(toText(key))!
      for (const [i, tell] of told.entries()) tell({ current: current - told.length + 1 + i, ttlMs })
    }
  }

  /** Those who wait for the next statement too: it would take as long. */
  #giveUp(batch: readonly [string, Waiting][], error: Error, pauseMs: number): void {
    this.#pausedUntilMs = this.#options.world.monotonic() + pauseMs
    for (const [, { told }] of [...batch, ...this.#queue]) for (const tell of told) tell(error)
    this.#queue = new Map()
  }

  #remember(key: string, { current, ttlMs }: Count): void {
    const known = Math.max(current, this.#over.get(key)?.current ?? 0)
    this.#over.set(key, { current: known, endsAtMs: this.#options.world.monotonic() + ttlMs })
    if (this.#over.size > MAX_OVER) this.#over.delete(this.#over.keys().next().value!)
  }
}
