/**
 * What one process has of the operations that run, in the order in which they are due. A claim ends with the process, so
 * it is made here alone: as an UPDATE of a row it took 9 % of the time of a create. Each caller's stand in a heap of their
 * own, so that those of a caller who is left out are not looked at, however many they are.
 */

import type { Kind } from '../operations/store.ts'

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
}

type Entry<T extends RunningOperation> = T & Claims & Placed

const NOBODY: ReadonlySet<string> = new Set()

/** `T` is what a store keeps of each, besides. */
export class Running<T extends RunningOperation = RunningOperation> {
  readonly #entries = new Map<string, Entry<T>>()
  /** By caller; no heap is empty. */
  readonly #heaps = new Map<string, Heap<Entry<T>>>()

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
    while (due.length < limit) {
      const entry = this.#soonest(except)
      if (!entry || entry.dueAtMs > nowMs) break
      this.#remove(entry)
      due.push(entry)
    }
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
    const { dueAtMs = Infinity } = this.#soonest(except) ?? {}
    return dueAtMs === Infinity ? null : dueAtMs
  }

  #soonest(except: ReadonlySet<string>): Entry<T> | undefined {
    let soonest: Entry<T> | undefined
    for (const [caller, { first }] of this.#heaps)
      if (first && first.dueAtMs < (soonest?.dueAtMs ?? Infinity) && !except.has(caller)) soonest = first
    return soonest
  }

  #insert(entry: Entry<T>): void {
    let heap = this.#heaps.get(entry.createdBy)
    if (!heap) this.#heaps.set(entry.createdBy, (heap = new Heap()))
    heap.insert(entry)
  }

  #remove(entry: Entry<T>): void {
    const heap = this.#heaps.get(entry.createdBy)!
    heap.remove(entry)
    if (!heap.first) this.#heaps.delete(entry.createdBy)
  }
}

interface Placed {
  dueAtMs: number
  /** Where it stands in its heap. */
  place: number
}

/** A binary heap: the parent of place i, at (i - 1) / 2, is due no later. */
class Heap<E extends Placed> {
  readonly #entries: E[] = []

  /** The one that is due first. */
  get first(): E | undefined {
    return this.#entries[0]
  }

  insert(entry: E): void {
    this.#settle(entry, this.#entries.length)
  }

  remove(entry: E): void {
    const last = this.#entries.pop()!
    if (last !== entry) this.#settle(last, entry.place)
  }

  /** Finds the place of an entry, from one that is free: up to below a parent that is due no later, or else down. */
  #settle(entry: E, free: number): void {
    const entries = this.#entries
    let place = free
    while (place > 0) {
      const parent = entries[(place - 1) >> 1]!
      if (parent.dueAtMs <= entry.dueAtMs) break
      entries[place] = parent
      parent.place = place
      place = (place - 1) >> 1
    }
    for (;;) {
      let child = 2 * place + 1
      if (child >= entries.length) break
      if ((entries[child + 1]?.dueAtMs ?? Infinity) < entries[child]!.dueAtMs) child += 1
      if (entries[child]!.dueAtMs >= entry.dueAtMs) break
      const moved = entries[child]!
      entries[place] = moved
      moved.place = place
      place = child
    }
    entries[place] = entry
    entry.place = place
  }
}
