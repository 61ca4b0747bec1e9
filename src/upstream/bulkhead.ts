/**
 * The bulkhead: so many calls at once, a few more in a short queue, and a fast refusal for the rest. A HOSTKEY that
 * hangs then costs callers a quick 503 and the process no memory. Written here since the libraries' bulkheads
 * (cockatiel's among them) keep what they queued however long it waits.
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

export class Bulkhead {
  readonly #options: BulkheadOptions
  /** What was begun before goes first, else new calls would keep it from ever being finished. */
  readonly #begun = new Set<() => void>()
  readonly #queue = new Set<() => void>()
  #running = 0
  #half: Bulkhead | undefined

  constructor(options: BulkheadOptions) {
    this.#options = options
  }

  /** Calls that wait for a place right now. */
  get queued(): number {
    return this.#begun.size + this.#queue.size + (this.#half?.queued ?? 0)
  }

  /** Calls under way. */
  get running(): number {
    return this.#running
  }

  /**
   * What `call` gives, or undefined when there was no place for it in time or the signal aborted: then it was not called.
   * `isBegun`: it goes on with what an earlier call began.
   */
  async run<T>(call: () => Promise<T>, signal?: AbortSignal, isBegun = false): Promise<T | undefined> {
    if (!(await this.#enter(isBegun ? this.#begun : this.#queue, signal))) return undefined
    try {
      return await call()
    } finally {
      // The place goes on to the next in the queue, or is free.
      const [next] = this.#begun.size > 0 ? this.#begun : this.#queue
      if (next) next()
      else this.#running -= 1
    }
  }

  /** The same for calls that may never end: all of them together get no more than half of the places. */
  async runDoubtful<T>(
    call: () => Promise<T>,
    signal?: AbortSignal,
    isBegun = false,
  ): Promise<T | undefined> {
    const { concurrency } = this.#options
    this.#half ??= new Bulkhead({ ...this.#options, concurrency: Math.ceil(concurrency / 2) })
    return this.#half.run(() => this.run(call, signal, isBegun), signal, isBegun)
  }

  #enter(queue: Set<() => void>, signal: AbortSignal | undefined): Promise<boolean> {
    const { concurrency, queue: limit, waitMs, world } = this.#options
    if (this.#running < concurrency) {
      this.#running += 1
      return Promise.resolve(true)
    }
    if (queue.size >= limit || signal?.aborted) return Promise.resolve(false)
    return new Promise(resolve => {
      const leave = (entered: boolean): void => {
        world.cancel(timer)
        queue.delete(enter)
        signal?.removeEventListener('abort', giveUp)
        resolve(entered)
      }
      const enter = (): void => leave(true)
      const giveUp = (): void => leave(false)
      const timer = world.after(waitMs, giveUp)
      signal?.addEventListener('abort', giveUp, { once: true })
      queue.add(enter)
    })
  }
}
