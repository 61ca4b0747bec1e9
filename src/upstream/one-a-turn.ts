/**
 * Turns of the event loop for large pieces of work: one piece a turn, however many come at once, so that what others
 * were sent meanwhile is served between two of them.
 */

import type { World } from '../world.ts'

export class OneATurn {
  readonly #world: Pick<World, 'soon'>
  readonly #waiting: (() => void)[] = []

  constructor(world: Pick<World, 'soon'>) {
    this.#world = world
  }

  /** Resolves at the beginning of a turn in which no other piece is worked on. */
  next(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      if (this.#waiting.length === 1) this.#world.soon(() => this.#begin())
    })
  }

  #begin(): void {
    this.#waiting[0]!()
    this.#world.soon(() => {
      this.#waiting.shift()
      if (this.#waiting.length > 0) this.#begin()
    })
  }
}
