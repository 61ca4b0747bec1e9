/**
 * The bulkhead: so many calls at once, a few more in a short queue, and a fast refusal for the rest. A HOSTKEY that
 * hangs then costs callers a quick 503 and the process no memory. One caller has at most half of the places, and callers
 * take turns in the queue, so that nobody shuts the others out. Written here since the libraries' bulkheads (cockatiel's
 * among them) keep what they queued however long it waits, and know no callers.
 */

import type { World } from '../world.ts'

export interface BulkheadOptions {
  /** Calls at once. */
  concurrency: number
  /** Calls that may wait for a place: so many new ones, and so many that go on with something. */
  queue: number
  /** The longest wait for a place, in milliseconds. */
  waitMs: number
  world: Pick<World, 'after' | 'cancel'>
}

/** Who wants a place, and what for. */
export interface Visitor {
  /** The id of the caller on whose behalf it is. */
  caller: string
  /** It may never end. All such calls together have at most half of the places, and of one caller half of the caller's. */
  isDoubtful: boolean
  /** It goes on with what an earlier call began. Such calls go first, else new ones would keep them from ever being finished. */
  isBegun: boolean
  /** Gives up the wait. */
  signal: AbortSignal | undefined
}

export class Bulkhead {
  readonly #options: BulkheadOptions
  readonly #begun = new Queue()
  readonly #new = new Queue()
  readonly #inside = new Counts()
  readonly #doubtfulInside = new Counts()

  constructor(options: BulkheadOptions) {
    this.#options = options
  }

  /** Calls that wait for a place right now. */
  get queued(): number {
    return this.#begun.size + this.#new.size
  }

  /** Calls under way. */
  get running(): number {
    return this.#inside.total
  }

  /** Whether a caller has all the places that one may have. */
  isAtLimit(caller: string): boolean {
    return this.#inside.of(caller) >= halfOf(this.#options.concurrency)
  }

  /** What `call` gives, or undefined when there was no place for it in time or the signal aborted: then it was not called. */
  async run<T>(call: () => Promise<T>, visitor: Visitor): Promise<T | undefined> {
    if (!(await this.#enter(visitor))) return undefined
    try {
      return await call()
    } finally {
      this.#leave(visitor)
    }
  }

  #enter(visitor: Visitor): Promise<boolean> {
    const { queue: limit, waitMs, world } = this.#options
    const { isBegun, signal } = visitor
    if (this.#hasRoomFor(visitor)) {
      this.#count(visitor, 1)
      return Promise.resolve(true)
    }
    const queue = isBegun ? this.#begun : this.#new
    if (signal?.aborted || !queue.makeRoom(limit, visitor.caller)) return Promise.resolve(false)
    return new Promise(resolve => {
      const waiting: Waiting = {
        visitor,
        settle: isIn => {
          world.cancel(timer)
          signal?.removeEventListener('abort', giveUp)
          queue.delete(waiting)
          resolve(isIn)
        },
      }
      const giveUp = (): void => waiting.settle(false)
      const timer = world.after(waitMs, giveUp)
      signal?.addEventListener('abort', giveUp, { once: true })
      queue.add(waiting)
    })
  }

  /** Its place goes on to whoever is next; two may be let in, when it stood in the way of both. */
  #leave(visitor: Visitor): void {
    this.#count(visitor, -1)
    const hasRoom = (one: Visitor): boolean => this.#hasRoomFor(one)
    for (;;) {
      const next = this.#begun.next(hasRoom) ?? this.#new.next(hasRoom)
      if (!next) return
      this.#count(next.visitor, 1)
      next.settle(true)
    }
  }

  #count({ caller, isDoubtful }: Visitor, change: 1 | -1): void {
    this.#inside.add(caller, change)
    if (isDoubtful) this.#doubtfulInside.add(caller, change)
  }

  #hasRoomFor({ caller, isDoubtful }: Visitor): boolean {
    const { concurrency } = this.#options
    if (this.#inside.total >= concurrency || this.isAtLimit(caller)) return false
    if (!isDoubtful) return true
    const half = halfOf(concurrency)
    return this.#doubtfulInside.total < half && this.#doubtfulInside.of(caller) < halfOf(half)
  }
}

/** Half of the places, at least one. */
function halfOf(places: number): number {
  return Math.max(1, Math.floor(places / 2))
}

/** How many calls each caller has. */
class Counts {
  readonly #counts = new Map<string, number>()
  total = 0

  of(caller: string): number {
    return this.#counts.get(caller) ?? 0
  }

  add(caller: string, change: 1 | -1): void {
    const count = this.of(caller) + change
    if (count === 0) this.#counts.delete(caller)
    else this.#counts.set(caller, count)
    this.total += change
  }
}

interface Waiting {
  visitor: Visitor
  /** Ends the wait: let in, or turned away. */
  settle: (isIn: boolean) => void
}

/** Those who wait: a line for each caller. The caller whose turn was longest ago stands first. */
class Queue {
  readonly #lines = new Map<string, Set<Waiting>>()
  size = 0

  add(waiting: Waiting): void {
    const { caller } = waiting.visitor
    const line = this.#lines.get(caller) ?? new Set()
    this.#lines.set(caller, line.add(waiting))
    this.size += 1
  }

  delete(waiting: Waiting): void {
    const { caller } = waiting.visitor
    const line = this.#lines.get(caller)
    if (!line?.delete(waiting)) return
    this.size -= 1
    if (line.size === 0) this.#lines.delete(caller)
  }

  /** The next who may enter. Its caller stands behind all others from now on. */
  next(mayEnter: (visitor: Visitor) => boolean): Waiting | undefined {
    for (const [caller, line] of this.#lines)
      for (const waiting of line)
        if (mayEnter(waiting.visitor)) {
          this.#lines.delete(caller)
          this.#lines.set(caller, line)
          return waiting
        }
    return undefined
  }

  /** Whether one more of this caller may wait. In a full queue the last of the longest line makes room for a shorter one. */
  makeRoom(limit: number, caller: string): boolean {
    if (this.size < limit) return true
    const [longest] = [...this.#lines.values()].toSorted((a, b) => b.size - a.size)
    if (!longest || longest.size <= (this.#lines.get(caller)?.size ?? 0) + 1) return false
    ;[...longest].at(-1)!.settle(false)
    return true
  }
}
