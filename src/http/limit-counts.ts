/**
 * Counts requests in this process, for @fastify/rate-limit. Callers and addresses have places of their own: whoever has
 * many addresses pushes out the counts of other addresses, but never those of a caller, who would have a new quota then.
 */

import type { World } from '../world.ts'

/** So many callers (of each bucket) are counted; those of the callers file are far fewer. */
const CALLERS = 100_000
const ADDRESSES = 10_000

interface Count {
  current: number
  startedAtMs: number
}

type Answer = (error: Error | null, result?: { current: number; ttl: number }) => void

export class LimitCounts {
  readonly #callers = new Map<string, Count>()
  readonly #addresses = new Map<string, Count>()
  readonly #world: Pick<World, 'now'>

  constructor(world: Pick<World, 'now'>) {
    this.#world = world
  }

  /** Counts a request with this key, in windows of `windowMs`. */
  incr(key: string, answer: Answer, windowMs: number): void {
    const nowMs = this.#world.now()
    const isCaller = /^\w+:caller:/.test(key)
    const counts = isCaller ? this.#callers : this.#addresses
    const known = counts.get(key)
    // A clock that was set back must not make a window last for hours.
    const goesOn = known !== undefined && nowMs >= known.startedAtMs && nowMs < known.startedAtMs + windowMs
    const count = goesOn ? known : { current: 0, startedAtMs: nowMs }
    count.current += 1
    // A map has the order in which its entries were set, so that the first is the one unused for longest.
    counts.delete(key)
    counts.set(key, count)
    if (counts.size > (isCaller ? CALLERS : ADDRESSES)) counts.delete(counts.keys().next().value!)
    answer(null, { current: count.current, ttl: count.startedAtMs + windowMs - nowMs })
  }

  /** Keys have the name of their bucket in front, so that all limiters can count here. */
  child(): this {
    return this
  }
}

/** A store class, as the plugin takes it. */
export function localCounts(world: Pick<World, 'now'>): new () => LimitCounts {
  return class extends LimitCounts {
    constructor() {
      super(world)
    }
  }
}
