/**
 * All that will happen in a simulation, in one order. Time passes only from one happening to the next. Before each of them
 * everything that follows from the one before has been done: no promise is left to go on.
 */

/** Whom a happening concerns: nothing happens to the dead, and whoever sleeps meets it when awake. */
export interface Sleeper {
  readonly isDead: boolean
  readonly asleepUntilMs: number
  /** It was met with something that nobody caught. */
  failed(error: unknown): void
}

export interface Happening {
  atMs: number
  readonly place: number
  readonly call: () => void
  readonly whom: Sleeper | undefined
  isCancelled: boolean
}

export class Schedule {
  nowMs: number
  /** How often something happened. */
  steps = 0
  readonly #heap: Happening[] = []
  #places = 0
  #counted: { left: number; call: () => void }[] = []

  constructor(nowMs: number) {
    this.nowMs = nowMs
  }

  /** Calls `delayMs` from now, after what was scheduled for that time before. */
  after(delayMs: number, call: () => void, whom?: Sleeper): Happening {
    const atMs = this.nowMs + Math.max(0, delayMs)
    const happening = { atMs, place: (this.#places += 1), call, whom, isCancelled: false }
    this.#push(happening)
    return happening
  }

  /** Resolves `delayMs` from now. */
  pause(delayMs: number): Promise<void> {
    return new Promise(done => void this.after(delayMs, done))
  }

  /** Calls after so many more happenings. */
  onStep(steps: number, call: () => void): void {
    this.#counted.push({ left: steps, call })
  }

  /** Lets things happen until nothing is left to, or `isOver` says so. Rejects with what nobody caught. */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          if (isOver() || !this.#next()) return resolve()
        } catch (error) {
          return reject(error)
        }
        // Node calls what is asked for here when no promise is left to go on; then no other part of its loop has a turn.
        queueMicrotask(() => process.nextTick(step))
      }
      process.nextTick(step)
    })
  }

  /** False when nothing is left. */
  #next(): boolean {
    for (let next = this.#pop(); next; next = this.#pop()) {
      const { whom } = next
      if (next.isCancelled || whom?.isDead) continue
      if (whom && whom.asleepUntilMs > next.atMs) {
        next.atMs = whom.asleepUntilMs
        this.#push(next)
        continue
      }
      this.nowMs = Math.max(this.nowMs, next.atMs)
      this.steps += 1
      if (this.#counted.length > 0) this.#count()
      if (whom?.isDead) continue
      if (!whom) next.call()
      else
        try {
          next.call()
        } catch (error) {
          whom.failed(error)
        }
      return true
    }
    return false
  }

  #count(): void {
    const due = this.#counted.filter(counted => (counted.left -= 1) <= 0)
    if (due.length === 0) return
    this.#counted = this.#counted.filter(({ left }) => left > 0)
    for (const { call } of due) call()
  }

  #push(happening: Happening): void {
    const heap = this.#heap
    let at = heap.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (isBefore(heap[parent]!, happening)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = happening
  }

  #pop(): Happening | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (!first || !last || first === last) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (isBefore(last, heap[child]!)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(one: Happening, other: Happening): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.place < other.place)
}
