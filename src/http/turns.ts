/**
 * Reads of operations, whose results may be large, in turns: a turn of the event loop has as many as fit into a few
 * milliseconds, a caller has so many under way, and callers follow one another. Whoever asks for much waits for itself.
 */

import type { World } from '../world.ts'

/** So long a turn of the event loop goes on to take reads. */
const TURN_MS = 5
/** Of one caller under way at once: a store of several replicas reads them with one statement. */
const MAX_READS = 2

export class Turns {
  readonly #world: Pick<World, 'soon' | 'monotonic'>
  /** Callers with reads that wait; the one whose turn was longest ago stands first. */
  readonly #lines = new Map<string, (() => void)[]>()
  readonly #underWay = new Map<string, number>()
  /** When this turn of the event loop took its first read. */
  #turnSinceMs: number | undefined

  constructor(world: Pick<World, 'soon' | 'monotonic'>) {
    this.#world = world
  }

  /** What `read` gives, which is called when it is the caller's turn. */
  async run<T>(caller: string, read: () => Promise<T>): Promise<T> {
    if (this.#isSpent() || this.#lines.has(caller) || !this.#hasRoom(caller))
      await new Promise<void>(resolve => {
        const line = this.#lines.get(caller) ?? []
        line.push(resolve)
        this.#lines.set(caller, line)
      })
    else this.#count(caller, 1)
    try {
      return await read()
    } finally {
      this.#count(caller, -1)
      if (this.#lines.size > 0 && !this.#isSpent()) this.#takeNext()
    }
  }

  #count(caller: string, change: 1 | -1): void {
    const reads = (this.#underWay.get(caller) ?? 0) + change
    if (reads === 0) this.#underWay.delete(caller)
    else this.#underWay.set(caller, reads)
  }

  #hasRoom(caller: string): boolean {
    return (this.#underWay.get(caller) ?? 0) < MAX_READS
  }

  /** Whether this turn of the event loop has taken enough. What waits is looked at in the next one. */
  #isSpent(): boolean {
    const nowMs = this.#world.monotonic()
    if (this.#turnSinceMs === undefined) {
      this.#turnSinceMs = nowMs
      this.#world.soon(() => this.#nextTurn())
    }
    return nowMs - this.#turnSinceMs >= TURN_MS
  }

  /** Goes on with the reads that wait. Whoever has too much under way comes back when some of it has ended. */
  #nextTurn(): void {
    this.#turnSinceMs = undefined
    if (![...this.#lines.keys()].some(caller => this.#hasRoom(caller))) return
    this.#isSpent()
    this.#takeNext()
  }

  /** Takes one read that waits. Its end takes the next one, as long as the turn has time. */
  #takeNext(): void {
    const next = [...this.#lines].find(([caller]) => this.#hasRoom(caller))
    if (!next) return
    const [caller, line] = next
    this.#lines.delete(caller)
    const take = line.shift()!
    if (line.length > 0) this.#lines.set(caller, line)
    this.#count(caller, 1)
    take()
  }
}
