/**
 * The watcher: makes the due steps of stored operations, a few at a time, also of those that a process before it
 * left behind.
 */

import type { Engine } from './engine.ts'
import type { MayLeave } from './hostkey.ts'
import type { Running } from './operation.ts'
import { ownership } from './ownership.ts'
import type { Reads } from './reads/reads.ts'
import { Rounds } from './rounds.ts'
import { stopwatch } from './stopwatch.ts'
import type { Event } from './transition.ts'
import { within } from './within.ts'

export interface WatchOptions {
  /** Steps at once; below the upstream's concurrency, so that callers are not starved. */
  concurrency: number
  /** The longest sleep, in milliseconds: work of other replicas may become free without a word. */
  idleMs: number
}

export class Watch {
  readonly #engine: Engine
  readonly #reads: Pick<Reads, 'look'>
  readonly #options: WatchOptions
  readonly #rounds: Rounds
  /** Those under way, with the callers on whose behalf they are made. */
  readonly #steps = new Map<Promise<void>, string>()
  /** Aborts the looks under way when it stops, and a little later everything else. */
  readonly #noLooks = new AbortController()
  readonly #noSteps = new AbortController()

  constructor(engine: Engine, reads: Pick<Reads, 'look'>, options: WatchOptions) {
    this.#engine = engine
    this.#reads = reads
    this.#options = options
    const { world, log } = engine.parts
    this.#rounds = new Rounds({
      world,
      idleMs: options.idleMs,
      log,
      words: { fails: 'the watcher could not read the store', goesOn: 'the watcher reads the store again' },
      make: () => this.#round(),
    })
  }

  start(): void {
    this.#rounds.start()
  }

  /** Something is due at this time: wakes the watcher then, if it would sleep longer. */
  nudge(dueAtMs: number): void {
    this.#rounds.nudge(dueAtMs)
  }

  /**
   * Takes no more work and resolves when the steps under way are done. A look is given up at once, since it can be
   * repeated; a check may have burned its key, so it is waited for, up to `patienceMs`.
   */
  async stop(patienceMs: number): Promise<void> {
    await this.#rounds.stop()
    this.#noLooks.abort()
    const done = Promise.allSettled(this.#steps.keys())
    await within(this.#engine.parts.world, done, patienceMs)
    this.#noSteps.abort()
    await done
  }

  async #round(): Promise<boolean> {
    const { store, world, leaseMs, hostkey } = this.#engine.parts
    // While HOSTKEY is left alone there is nothing to take: each step would be put off at the price of a write.
    const pausedMs = hostkey.pausedMs()
    if (pausedMs > 0) {
      this.nudge(world.now() + pausedMs)
      return false
    }
    for (let room = this.#room(); room.steps > 0; room = this.#room()) {
      const tookMs = stopwatch(world)
      const claimed = await store.claimDue(world.now(), leaseMs, room.steps, room.except)
      for (const operation of claimed) this.#take(operation, ownership(this.#engine.parts, operation, tookMs))
      if (claimed.length < room.steps) break
    }
    // With every place taken, the end of a step asks for the next round.
    const { steps, except } = this.#room()
    if (steps > 0) this.nudge((await store.nextDueAtMs(except)) ?? Infinity)
    return true
  }

  /**
   * How many more steps may be made, whoever they are for, and the callers who have all that one may have: half. Their
   * VMs may hang, and the operations of the others go on.
   */
  #room(): { steps: number; except: ReadonlySet<string> } {
    const { concurrency } = this.#options
    const share = Math.max(1, Math.floor(concurrency / 2))
    const counts = new Map<string, number>()
    for (const caller of this.#steps.values()) counts.set(caller, (counts.get(caller) ?? 0) + 1)
    const full = [...counts].filter(([, count]) => count >= share).map(([caller]) => caller)
    const most = Math.max(0, ...[...counts.values()].filter(count => count < share))
    return { steps: Math.min(concurrency - this.#steps.size, share - most), except: new Set(full) }
  }

  #take(operation: Running, mayLeave: MayLeave): void {
    const step = this.#step(operation, mayLeave).finally(() => {
      this.#steps.delete(step)
      // With a timer between, the ends of one turn share a round.
      this.nudge(0)
    })
    this.#steps.set(step, operation.createdBy)
  }

  async #step(operation: Running, mayLeave: MayLeave): Promise<void> {
    const engine = this.#engine
    const { tracing, log } = engine.parts
    const { signal } = operation.step === 'look' ? this.#noLooks : this.#noSteps
    try {
      const event = await tracing.apart(() =>
        tracing.step(operation, () => this.#make(operation, signal, mayLeave)),
      )
      // A step that this process gave up tells nothing: the next process makes it.
      if (signal.aborted && !tells(event)) return
      await engine.commit(engine.advanceStored(operation, event))
    } catch (error) {
      // The lease ends, and the step is made again.
      log.error({ err: error, operation: operation.id }, 'a step of an operation failed')
    }
  }

  async #make(operation: Running, signal: AbortSignal, mayLeave: MayLeave): Promise<Event> {
    if (operation.step !== 'look') return this.#engine.perform(operation, signal, mayLeave)
    // Within the lease, with room for what follows the look.
    const limitMs = this.#engine.parts.leaseMs / 2
    return { type: 'looked', outcome: await this.#reads.look(operation, limitMs, signal) }
  }
}

/** Whether something was learned from HOSTKEY. */
function tells(event: Event): boolean {
  if (event.type === 'abandoned' || event.type === 'given-up') return true
  return !['lost', 'unsent', 'blind'].includes(event.outcome.kind)
}
