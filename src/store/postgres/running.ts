/**
 * What runs in a store of one process, in the order in which it is due. A claim ends with the process, so it is made
 * here alone: as an UPDATE of a row it took 9 % of the time of a create.
 */

import type { Kind } from '../../operations/store.ts'

export interface RunningOperation {
  readonly id: string
  readonly kind: Kind
  readonly createdBy: string
  /** Its revision on the disk. */
  readonly storedRev: number
}

interface Claims {
  /** With the claims since. */
  rev: number
  dueAtMs: number
  /** Its next state is on its way to the disk: nobody may claim it. */
  isHeld: boolean
  /** Where it stands in the heap. */
  place: number
}

const NOBODY: ReadonlySet<string> = new Set()

type Entry<T extends RunningOperation> = T & Claims

/** `T` is what a store keeps of each, besides. */
export class Running<T extends RunningOperation = RunningOperation> {
  readonly #entries = new Map<string, Entry<T>>()
  /** A binary heap: the parent of place i, at (i - 1) / 2, is due no later. */
  readonly #heap: Entry<T>[] = []

  get(id: string): Readonly<Entry<T>> | undefined {
    return this.#entries.get(id)
  }

  values(): Iterable<T> {
    return this.#entries.values()
  }

  /** Puts an operation in, in place of what it was before. Without a due time nobody claims it. */
  set(operation: T, dueAtMs: number | null): void {
    this.delete(operation.id)
    const entry: Entry<T> = {
      ...operation,
      rev: operation.storedRev,
      dueAtMs: Math.round(dueAtMs ?? Infinity),
      isHeld: false,
      place: -1,
    }
    this.#entries.set(entry.id, entry)
    this.#insert(entry)
  }

  delete(id: string): void {
    const entry = this.#entries.get(id)
    if (!entry) return
    this.#remove(entry)
    this.#entries.delete(id)
  }

  /**
   * Keeps an operation from being claimed while the state that follows this revision is on its way. Returns the
   * revision on the disk, where claims do not count, or undefined when it has moved on.
   */
  hold(id: string, rev: number): number | undefined {
    const entry = this.#entries.get(id)
    if (!entry) return rev
    if (entry.rev !== rev) return undefined
    entry.isHeld = true
    return entry.storedRev
  }

  /** Nothing became of the state that it was held for. */
  release(id: string): void {
    const entry = this.#entries.get(id)
    if (entry) entry.isHeld = false
  }

  /**
   * Up to `limit` that are due, but for those of the callers in `except`, each at its next revision and due again at
   * `againAtMs`. Undefined, and none claimed, as long as one of them is held.
   */
  claim(
    nowMs: number,
    againAtMs: number,
    limit: number,
    except: ReadonlySet<string> = NOBODY,
  ): Readonly<Entry<T>>[] | undefined {
    const due: Entry<T>[] = []
    const left: Entry<T>[] = []
    while (due.length < limit && (this.#heap[0]?.dueAtMs ?? Infinity) <= nowMs) {
      const entry = this.#heap[0]!
      if (except.has(entry.createdBy)) left.push(entry)
      else due.push(entry)
      this.#remove(entry)
    }
    for (const entry of left) this.#insert(entry)
    const isHeld = due.some(entry => entry.isHeld)
    for (const entry of due) {
      if (!isHeld) {
        entry.rev += 1
        entry.dueAtMs = againAtMs
      }
      this.#insert(entry)
    }
    return isHeld ? undefined : due
  }

  nextDueAtMs(except: ReadonlySet<string> = NOBODY): number | null {
    let dueAtMs = this.#heap[0]?.dueAtMs ?? Infinity
    if (except.size > 0) {
      dueAtMs = Infinity
      for (const entry of this.#heap)
        if (entry.dueAtMs < dueAtMs && !except.has(entry.createdBy)) ({ dueAtMs } = entry)
    }
    return dueAtMs === Infinity ? null : dueAtMs
  }

  #insert(entry: Entry<T>): void {
    this.#settle(entry, this.#heap.length)
  }

  #remove(entry: Entry<T>): void {
    const last = this.#heap.pop()!
    if (last !== entry) this.#settle(last, entry.place)
  }

  /** Finds the place of an entry, from one that is free: up to below a parent that is due no later, or else down. */
  #settle(entry: Entry<T>, free: number): void {
    const heap = this.#heap
    let place = free
    while (place > 0) {
      const parent = heap[(place - 1) >> 1]!
      if (parent.dueAtMs <= entry.dueAtMs) break
      heap[place] = parent
      parent.place = place
      place = (place - 1) >> 1
    }
    for (;;) {
      let child = 2 * place + 1
      if (child >= heap.length) break
      if ((heap[child + 1]?.dueAtMs ?? Infinity) < heap[child]!.dueAtMs) child += 1
      if (heap[child]!.dueAtMs >= entry.dueAtMs) break
      heap[place] = heap[child]!
      heap[place]!.place = place
      place = child
    }
    heap[place] = entry
    entry.place = place
  }
}
