/**
 * Rounds of work in the store, one at a time, made when something is due. One timer, set to the next due time. While the
 * store is away a round is tried again soon, and that is said once.
 */

import type { Timer, World } from '../world.ts'
import type { Log } from './engine.ts'
import { StoreUnavailable } from './store.ts'

export interface RoundsOptions {
  world: World
  /** The longest sleep, in milliseconds: work of other replicas may become free without a word. */
  idleMs: number
  log: Log
  /** What is said when a round fails, and when they go on. */
  words: { fails: string; goesOn: string }
  /** Makes one round. False when it did not need the store. */
  make: () => Promise<boolean>
}

/** The pause after a round that failed. */
const RETRY_MS = 1_000

export class Rounds {
  readonly #options: RoundsOptions
  #timer: Timer | undefined
  /** When the timer goes off, by a clock that is never set: one that fell back must not make it sleep for as long. */
  #wakesAtMs = Infinity
  #underWay: Promise<void> | undefined
  #again = false
  #isStopped = true
  /** The store was away the last time; said once. */
  #isBlind = false

  constructor(options: RoundsOptions) {
    this.#options = options
  }

  start(): void {
    this.#isStopped = false
    this.#begin()
  }

  /** Something is due at this time: the next round comes then, if it would come later. */
  nudge(dueAtMs: number): void {
    if (this.#isStopped) return
    const { world, idleMs } = this.#options
    const sleepMs = Math.min(idleMs, Math.max(0, dueAtMs - world.now()))
    const wakesAtMs = world.monotonic() + sleepMs
    if (wakesAtMs >= this.#wakesAtMs) return
    world.cancel(this.#timer)
    this.#wakesAtMs = wakesAtMs
    this.#timer = world.after(sleepMs, () => this.#begin())
  }

  /** Begins no more rounds, and resolves when the one under way is done. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#options.world.cancel(this.#timer)
    await this.#underWay
  }

  /** One that is asked for while another is under way follows it. */
  #begin(): void {
    this.#options.world.cancel(this.#timer)
    this.#wakesAtMs = Infinity
    if (this.#isStopped) return
    if (this.#underWay) {
      this.#again = true
      return
    }
    this.#again = false
    this.#underWay = this.#make().finally(() => {
      this.#underWay = undefined
      if (this.#again) this.#begin()
    })
  }

  async #make(): Promise<void> {
    const { world, log, words, make } = this.#options
    try {
      if (!(await make())) return
      if (this.#isBlind) log.info({}, words.goesOn)
      this.#isBlind = false
    } catch (error) {
      const isAway = error instanceof StoreUnavailable
      if (!this.#isBlind && !(isAway && error.isTold)) log.error({ err: error }, words.fails)
      this.#isBlind = isAway
      this.nudge(world.now() + RETRY_MS)
    }
  }
}
