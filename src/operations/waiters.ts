/**
 * Wakes whoever waits for an operation by the store's change event. A store of this process alone is never polled; one
 * that is shared may lose an event, so it is read again at long intervals.
 */

import type { World } from '../world.ts'
import type { Operation } from './operation.ts'
import type { Store } from './store.ts'

export class Waiters {
  readonly #store: Store
  readonly #world: World
  readonly #listeners = new Map<string, Set<() => void>>()
  readonly #stop: () => void
  #closed = false

  constructor({ store, world }: { store: Store; world: World }) {
    this.#store = store
    this.#world = world
    this.#stop = store.onChange(id => {
      for (const listener of this.#listeners.get(id) ?? []) listener()
    })
  }

  /** Calls back after each change of one operation. Returns how to stop. */
  listen(id: string, listener: () => void): () => void {
    let listeners = this.#listeners.get(id)
    if (!listeners) this.#listeners.set(id, (listeners = new Set()))
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(id)
    }
  }

  /** The operation once `satisfied` holds for it, or as it is after `limitMs` or when a signal aborts; undefined when there is none. */
  until(
    id: string,
    satisfied: (operation: Operation) => boolean,
    limitMs: number,
    ...signals: (AbortSignal | undefined)[]
  ): Promise<Operation | undefined> {
    return new Promise((resolve, reject) => {
      const world = this.#world
      const { relookMs } = this.#store
      const settle = (look: Promise<Operation | undefined>): void => {
        world.cancel(timer)
        world.cancel(relook)
        stopListening()
        for (const signal of signals) signal?.removeEventListener('abort', giveUp)
        look.then(resolve, reject)
      }
      const giveUp = (): void => settle(this.#store.get(id))
      const look = (): void => {
        const found = this.#store.get(id)
        found.then(
          operation => {
            if (!operation || satisfied(operation)) settle(found)
          },
          // A shared store that goes away may be back before the wait is over.
          () => {
            if (relookMs === undefined || this.#closed) settle(found)
          },
        )
      }
      const timer = Number.isFinite(limitMs) ? world.after(limitMs, giveUp) : undefined
      const relook = relookMs === undefined ? undefined : world.every(relookMs, look).unref()
      // Listening comes before looking, so that no change falls between the two.
      const stopListening = this.listen(id, look)
      for (const signal of signals) signal?.addEventListener('abort', giveUp, { once: true })
      if (limitMs <= 0 || signals.some(signal => signal?.aborted)) giveUp()
      else look()
    })
  }

  close(): void {
    this.#closed = true
    this.#stop()
    this.#listeners.clear()
  }
}
