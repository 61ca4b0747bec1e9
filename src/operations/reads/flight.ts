/**
 * A flight: one read under way, shared by all who ask the same. It lives in memory while somebody waits for it. When one
 * of them cannot wait any longer it is promoted: it becomes a stored operation, and the watcher makes its next steps.
 */

import type { Engine } from '../engine.ts'
import { failureOfLost, failureOfRefusal, failureOfUnsent, type Failure } from '../failure.ts'
import type { CallOutcome } from '../hostkey.ts'
import type { ReadKind } from '../kinds/kind.ts'
import { hasEnded, newOperation, type Ended, type Operation, type Running } from '../operation.ts'
import type { Event } from '../transition.ts'
import type { Waiters } from '../waiters.ts'

export interface FlightPlan<K extends ReadKind> {
  kind: K
  vmId: number
  /** Of the snapshots; null for stats. */
  type: string | null
  /** Who asked first: HOSTKEY is asked on their behalf. */
  caller: string
}

export class Flight<K extends ReadKind> {
  /** Who asked first. */
  readonly caller: string
  /** The gateway held its call back: HOSTKEY fails, or this caller has all the places that one may have. */
  isHeldBack = false
  /** Its result came in a large answer. */
  isLarge = false
  /** How it ended; undefined when it was given up. Rejects when the store was lost under it. */
  readonly ended: Promise<Ended<K> | undefined>
  readonly #engine: Engine
  readonly #waiters: Waiters
  readonly #abort = new AbortController()
  #operation: Operation<K>
  /** A step is being made right now. */
  #isBusy = false
  #isOver = false
  /** How many wait for it. Without any, and without a promotion, it is given up. */
  #waiting = 0
  /** When the last of them gives up, by a clock that is never set. */
  #waitUntilMs = 0
  #promotion: Promise<Operation<K>> | null = null
  /** Wakes it from its pause between two steps. */
  #wake: () => void = () => {}

  /** `land` is called with how it ended, just before anybody who waits hears of it. */
  constructor(
    engine: Engine,
    waiters: Waiters,
    { kind, vmId, type, caller }: FlightPlan<K>,
    land: (ended: Ended<K> | undefined) => void,
  ) {
    this.#engine = engine
    this.#waiters = waiters
    this.caller = caller
    const { world, policy } = engine.parts
    const nowMs = world.now()
    const draft = {
      id: engine.newId(nowMs),
      kind,
      vmId,
      snapshot: null,
      snapshotType: type,
      backupId: null,
      createdBy: caller,
      evidence: null,
    }
    this.#operation = newOperation(draft, nowMs, nowMs, policy)
    this.ended = this.#fly().then(
      ended => {
        this.#isOver = true
        land(ended)
        return ended
      },
      (error: unknown) => {
        this.#isOver = true
        land(undefined)
        throw error
      },
    )
    // Everybody may have left by the time it fails.
    this.ended.catch(() => {})
  }

  /** The operation as it is now, not stored. */
  get operation(): Operation<K> {
    return this.#operation
  }

  /** One that was given up still ends its step; whoever joined it would wait for nothing. */
  get isGivenUp(): boolean {
    return this.#abort.signal.aborted
  }

  /** Somebody more waits for it, for at most `waitMs`. */
  enter(waitMs: number): void {
    this.#waiting += 1
    this.#waitUntilMs = Math.max(this.#waitUntilMs, this.#engine.parts.world.monotonic() + waitMs)
  }

  /** Somebody waits no longer: the last one to leave gives it up. */
  leave(): void {
    this.#waiting -= 1
    if (this.#waiting > 0 || this.#promotion || this.#isOver) return
    this.#abort.abort()
    this.#wake()
  }

  /** Turns it into a stored operation, once, of the caller who could not wait first. */
  promote(caller: string): Promise<Operation<K>> {
    this.#promotion ??= this.#store(caller).catch((error: unknown) => {
      this.#promotion = null
      throw error
    })
    this.#wake()
    return this.#promotion
  }

  /** Makes one step after the other until it ends, is promoted, or nobody waits for it. */
  async #fly(): Promise<Ended<K> | undefined> {
    const { tracing, world } = this.#engine.parts
    const { signal } = this.#abort
    for (let current = this.#operation; !hasEnded(current) && !signal.aborted; current = this.#operation) {
      const running = current
      this.#isBusy = true
      const told = await tracing.step(running, () => this.#engine.perform(running, signal))
      this.#isBusy = false
      const event = this.#atOnce(told)
      if ('outcome' in told && told.outcome.kind === 'done') this.isLarge = told.outcome.isLarge ?? false
      const stored = await this.#stored()
      if (stored) {
        await this.#engine.commit(this.#engine.advanceStored(stored, event))
        return this.#endOf(stored)
      }
      const next = this.#engine.advance(current, event)
      this.#operation = next
      if (hasEnded(next)) return next
      await this.#pause(next.dueAtMs - world.now())
      const promoted = await this.#stored()
      if (promoted) return this.#endOf(promoted)
    }
    return undefined
  }

  /** How a stored operation ended, whoever made its last step. */
  async #endOf({ id }: Operation<K>): Promise<Ended<K> | undefined> {
    const ended = await this.#waiters.until(id, hasEnded, Infinity)
    return ended && hasEnded(ended) ? (ended as Ended<K>) : undefined
  }

  /** The stored operation after a promotion; undefined when there was none, or when it could not be stored. */
  #stored(): Promise<Operation<K> | undefined> {
    return this.#promotion ? this.#promotion.catch(() => undefined) : Promise.resolve(undefined)
  }

  async #store(caller: string): Promise<Operation<K>> {
    const { world, store, leaseMs, tracing } = this.#engine.parts
    // It ended in this very turn of the event loop.
    if (hasEnded(this.#operation)) return this.#operation
    const operation: Running<K> = { ...this.#operation, ...tracing.begin(), createdBy: caller }
    // While a step is being made, nobody else may make it.
    if (this.#isBusy) operation.dueAtMs = world.now() + leaseMs
    await store.start(operation, null, world.now())
    this.#engine.onDue(operation.dueAtMs)
    return operation
  }

  /** What is told at once to the callers who wait: they would wait for nothing. */
  #atOnce(event: Event): Event {
    if (event.type !== 'called' || this.#promotion) return event
    const failure = whyNotNow(event.outcome, this.#waitUntilMs - this.#engine.parts.world.monotonic())
    this.isHeldBack = failure !== null && event.outcome.kind === 'unsent'
    return failure ? { type: 'given-up', failure } : event
  }

  #pause(ms: number): Promise<void> {
    if (ms <= 0 || this.#promotion || this.isGivenUp) return Promise.resolve()
    const { world } = this.#engine.parts
    return new Promise(resolve => {
      const timer = world.after(ms, resolve)
      this.#wake = () => {
        world.cancel(timer)
        resolve()
      }
    })
  }
}

/**
 * Why asking again would come too late for those who wait for `waitMs` more: the gateway holds calls back, or HOSTKEY
 * takes no requests for longer than that. Null when it is worth while.
 */
function whyNotNow(outcome: CallOutcome, waitMs: number): Failure | null {
  switch (outcome.kind) {
    case 'unsent':
      return outcome.shedMs === undefined ? null : failureOfUnsent(outcome)
    case 'refused':
      return (outcome.retryAfterMs ?? 0) > waitMs ? failureOfRefusal('refused', outcome) : null
    case 'lost':
      return (outcome.retryAfterMs ?? 0) > waitMs ? failureOfLost(outcome) : null
    default:
      return null
  }
}
