/** What is asked for in one turn of the event loop, or while the question before is under way, is one question. */

import type { World } from '../../world.ts'

interface Asker<T> {
  key: string
  resolve: (value: T | undefined) => void
  reject: (error: Error) => void
}

export class Grouped<T> {
  readonly #ask: (keys: string[]) => Promise<Map<string, T>>
  readonly #limit: number
  readonly #world: Pick<World, 'soon'>
  #askers: Asker<T>[] = []
  #isAsking = false

  /** `ask` gets up to `limit` keys at a time. */
  constructor(world: Pick<World, 'soon'>, limit: number, ask: (keys: string[]) => Promise<Map<string, T>>) {
    this.#world = world
    this.#limit = limit
    this.#ask = ask
  }

  get(key: string): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#askers.push({ key, resolve, reject })
      if (this.#askers.length === 1 && !this.#isAsking) this.#world.soon(() => void this.#run())
    })
  }

  async #run(): Promise<void> {
    this.#isAsking = true
    while (this.#askers.length > 0) {
      const askers = this.#askers.splice(0, this.#limit)
      try {
        const found = await this.#ask([...new Set(askers.map(({ key }) => key))])
        for (const { key, resolve } of askers) resolve(found.get(key))
      } catch (error) {
        for (const { reject } of askers) reject(error as Error)
      }
    }
    this.#isAsking = false
  }
}
