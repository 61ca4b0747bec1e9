/**
 * Reads: a list of snapshots, or stats. A read lives in memory while its callers wait (a *flight*, shared by equal
 * reads) and becomes a stored operation only when a caller cannot wait any longer: then the watcher takes it over.
 */

import type { Engine } from '../engine.ts'
import { newOperationId } from '../id.ts'
import {
  newOperation,
  type Event,
  type LookOutcome,
  type Operation,
  type SnapshotListResult,
} from '../operation.ts'
import { hasEnded, type Waiters } from '../waiters.ts'
import { within } from '../within.ts'

export type ReadKind = 'snapshot.list' | 'stats.load'

/** Where the answer of a read came from: a result kept for a moment, a read under way that it joined, or HOSTKEY. */
export type ReadSource = 'cache' | 'shared' | 'upstream'

export interface ReadRequest {
  kind: ReadKind
  vmId: number
  /** Of the snapshots; null for stats. */
  type: string | null
  caller: string
  waitMs: number
  /** Ask anew: neither a cached result nor a read under way will do. */
  fresh: boolean
  /** Ends the wait early: the caller gets the running operation. */
  hurry?: AbortSignal
  /** Aborts when the caller goes away: nothing is kept for it. Not asked for when the answer is at hand. */
  gone?: () => AbortSignal
}

export interface ReadOutcome {
  operation: Operation
  /** Milliseconds since the result was observed, when it came from the cache. */
  ageMs: number | null
}

interface Flight {
  operation: Operation
  /** A step is being made right now. */
  busy: boolean
  /** Callers who wait; without any, and without a promotion, the flight is given up. */
  waiting: number
  promotion: Promise<Operation> | null
  /** It ended: there is nothing to give up. */
  over: boolean
  /** Wakes the flight from its pause. */
  wake: () => void
  readonly abort: AbortController
  readonly ended: Promise<Operation | undefined>
}

/** What is known of one kind of read of one VM. */
interface Slot {
  flight?: Flight
  /** The last one that succeeded. */
  last?: Operation
}

/** How long a list tells what was there before a mutation. */
const BEFORE_MS = 60_000
const MAX_VMS = 10_000

export class Reads {
  readonly #engine: Engine
  readonly #waiters: Waiters
  readonly #cacheMs: number
  readonly #slots = new Map<number, Map<string, Slot>>()

  constructor(engine: Engine, waiters: Waiters, cacheMs: number) {
    this.#engine = engine
    this.#waiters = waiters
    this.#cacheMs = cacheMs
  }

  /** Reads, sharing what can be shared. Gives the ended operation, or the running one when the wait is over. */
  async read(request: ReadRequest): Promise<ReadOutcome> {
    const { kind, vmId, type, fresh } = request
    const slot = this.#slot(vmId, `${kind}/${type}`)
    if (!fresh && slot.last) {
      const ageMs = this.#ageMs(slot.last)
      if (ageMs < this.#cacheMs) {
        this.#engine.parts.onRead?.(kind, 'cache')
        return { operation: slot.last, ageMs }
      }
    }
    // One that is given up still ends its step; who joined it would wait for nothing.
    const joinable = !fresh && !slot.flight?.abort.signal.aborted ? slot.flight : undefined
    const flight = joinable ?? this.#launch(slot, kind, vmId, type)
    this.#engine.parts.onRead?.(kind, joinable ? 'shared' : 'upstream')
    flight.waiting += 1
    const gone = request.gone?.()
    try {
      const ended = await within(flight.ended, request.waitMs, request.hurry, gone)
      if (ended) return { operation: ended, ageMs: null }
      if (gone?.aborted) return { operation: flight.operation, ageMs: null }
      return { operation: await this.#promote(flight, request.caller), ageMs: null }
    } finally {
      this.#leave(flight)
    }
  }

  /** Looks at the snapshots of the operation's VM, anew, for at most `limitMs`. */
  async look(op: Operation, limitMs: number, signal?: AbortSignal): Promise<LookOutcome> {
    const type = op.snapshotType
    const flight = this.#launch(this.#slot(op.vmId, `snapshot.list/${type}`), 'snapshot.list', op.vmId, type)
    flight.waiting += 1
    const ended = await within(flight.ended, limitMs, signal).finally(() => this.#leave(flight))
    if (!ended) return { kind: 'blind', reason: 'HOSTKEY did not list them in time' }
    if (ended.failure) return { kind: 'blind', reason: ended.failure.detail }
    const { snapshots } = ended.result as SnapshotListResult
    return snapshots
      ? { kind: 'seen', snapshots }
      : { kind: 'blind', reason: 'the shape of the list is not known' }
  }

  /** Whether a list read shortly before had this snapshot, or null when there is none. */
  before(vmId: number, type: string, name: string): Operation['before'] {
    // What other replicas changed since then is not known here.
    if (this.#engine.parts.store.relookMs !== undefined) return null
    const last = this.#slots.get(vmId)?.get(`snapshot.list/${type}`)?.last
    if (!last || this.#ageMs(last) > BEFORE_MS) return null
    const { snapshots } = last.result as SnapshotListResult
    // Since it was asked for: what was made while its answer was under way may be missing in it.
    return (
      snapshots && { present: snapshots.some(snapshot => snapshot.name === name), atMs: last.createdAtMs }
    )
  }

  /** Of a result from before the clock was set back nobody knows the age: it is not fresh. */
  #ageMs(ended: Operation): number {
    const ageMs = this.#engine.parts.now() - ended.finishedAtMs!
    return ageMs < 0 ? Infinity : ageMs
  }

  /** Forgets what was read of a VM, and lets nobody join a read that began before: it is about to change, or has. */
  invalidate(vmId: number): void {
    this.#slots.delete(vmId)
  }

  #slot(vmId: number, key: string): Slot {
    let slots = this.#slots.get(vmId)
    if (!slots) {
      if (this.#slots.size >= MAX_VMS) this.#slots.delete(this.#slots.keys().next().value!)
      this.#slots.set(vmId, (slots = new Map()))
    }
    let slot = slots.get(key)
    if (!slot) slots.set(key, (slot = {}))
    return slot
  }

  #launch(slot: Slot, kind: ReadKind, vmId: number, type: string | null): Flight {
    const { now, policy } = this.#engine.parts
    const nowMs = now()
    const draft = {
      id: newOperationId(nowMs),
      kind,
      vmId,
      snapshot: null,
      snapshotType: type,
      backupId: null,
      createdBy: '',
      before: null,
    }
    const { promise: ended, resolve, reject } = Promise.withResolvers<Operation | undefined>()
    const flight: Flight = {
      operation: newOperation(draft, nowMs, nowMs, policy),
      busy: false,
      waiting: 0,
      promotion: null,
      over: false,
      wake: () => {},
      abort: new AbortController(),
      ended,
    }
    // Callers may all have left by the time it fails.
    ended.catch(() => {})
    slot.flight = flight
    this.#fly(flight)
      .then(operation => {
        // A slot that was invalidated meanwhile is out of the map: what is kept in it, nobody finds.
        if (operation?.status === 'succeeded' && slot.flight === flight) slot.last = operation
        return operation
      })
      .finally(() => {
        flight.over = true
        if (slot.flight === flight) delete slot.flight
      })
      .then(resolve, reject)
    return flight
  }

  /** Makes the steps of a flight until it ends, is promoted, or nobody waits for it. */
  async #fly(flight: Flight): Promise<Operation | undefined> {
    const engine = this.#engine
    while (!flight.abort.signal.aborted) {
      flight.busy = true
      const event = atOnce(await engine.perform(flight.operation, flight.abort.signal), flight)
      flight.busy = false
      const next = engine.advance(flight.operation, event)
      const stored = await this.#promoted(flight)
      if (stored) {
        const { createdBy, trace, rev } = stored
        await engine.commit({ ...next, createdBy, ...(trace && { trace }), rev: rev + 1 })
        return this.#waiters.until(stored.id, hasEnded, Infinity)
      }
      flight.operation = next
      if (next.status !== 'running') return next
      await pause(next.dueAtMs! - engine.parts.now(), flight)
      const promoted = await this.#promoted(flight)
      if (promoted) return this.#waiters.until(promoted.id, hasEnded, Infinity)
    }
    return undefined
  }

  /** The stored operation of a promoted flight; undefined when there is none or it could not be stored. */
  #promoted(flight: Flight): Promise<Operation | undefined> {
    return flight.promotion ? flight.promotion.catch(() => undefined) : Promise.resolve(undefined)
  }

  /** Turns a flight into a stored operation, once. A step under way is held until it is done. */
  #promote(flight: Flight, caller: string): Promise<Operation> {
    flight.promotion ??= this.#store(flight, caller).catch((error: unknown) => {
      flight.promotion = null
      throw error
    })
    flight.wake()
    return flight.promotion
  }

  async #store(flight: Flight, caller: string): Promise<Operation> {
    const engine = this.#engine
    const { now, store, leaseMs, tracing } = engine.parts
    const operation = { ...flight.operation, ...tracing.begin(), createdBy: caller }
    // It ended in this very turn of the event loop.
    if (operation.status !== 'running') return operation
    if (flight.busy) operation.dueAtMs = now() + leaseMs
    await store.start(operation, null, now())
    await engine.reached('read-stored', operation)
    engine.onDue(operation.dueAtMs!)
    return operation
  }

  #leave(flight: Flight): void {
    flight.waiting -= 1
    if (flight.waiting > 0 || flight.promotion || flight.over) return
    flight.abort.abort()
    flight.wake()
  }
}

/** A call that was held back is told to the callers who wait, and is not tried again under their eyes. */
function atOnce(event: Event, { promotion }: Flight): Event {
  if (event.type !== 'called' || event.outcome.kind !== 'unsent' || promotion) return event
  return event.outcome.shedMs === undefined ? event : { type: 'shed', outcome: event.outcome }
}

function pause(ms: number, flight: Flight): Promise<void> {
  if (ms <= 0 || flight.promotion || flight.abort.signal.aborted) return Promise.resolve()
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    flight.wake = () => {
      clearTimeout(timer)
      resolve()
    }
  })
}
