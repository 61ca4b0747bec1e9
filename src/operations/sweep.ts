/** Removes operations that ended long enough ago, and idempotency keys that expired, a few at a time. */

import type { Timer, World } from '../world.ts'
import type { Log } from './engine.ts'
import { StoreUnavailable, type Store } from './store.ts'

export interface SweepOptions {
  store: Store
  /** For how long an ended operation stays readable, in milliseconds. */
  ttlMs: number
  world: World
  log: Log
}

/** One step removes this many, so that no request waits for it. */
const BATCH = 200
const INTERVAL_MS = 30_000
const SOON_MS = 100

export class Sweep {
  readonly #options: SweepOptions
  #timer: Timer | undefined
  #stopped = false

  constructor(options: SweepOptions) {
    this.#options = options
  }

  start(): void {
    this.#schedule(0)
  }

  stop(): void {
    this.#stopped = true
    this.#options.world.cancel(this.#timer)
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return
    this.#timer = this.#options.world.after(delayMs, () => void this.#sweep()).unref()
  }

  async #sweep(): Promise<void> {
    const { store, ttlMs, world, log } = this.#options
    const nowMs = world.now()
    try {
      const swept = await store.sweep(nowMs - ttlMs, nowMs, BATCH)
      this.#schedule(swept >= BATCH ? SOON_MS : Math.min(INTERVAL_MS, ttlMs))
    } catch (error) {
      if (!(error instanceof StoreUnavailable && error.isTold)) log.error({ err: error }, 'the sweep failed')
      this.#schedule(INTERVAL_MS)
    }
  }
}
