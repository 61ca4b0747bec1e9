/**
 * Reads: a list of snapshots, or stats. Equal reads share one flight, and its result answers the next ones for a moment.
 * What a list told is also the evidence by which a later change may be settled.
 */

import type { Engine } from '../engine.ts'
import type { Failure } from '../failure.ts'
import type { ReadKind } from '../kinds/kind.ts'
import { newerThan } from '../kinds/newer.ts'
import type { Ended, Evidence, Operation, Subject } from '../operation.ts'
import type { LookOutcome } from '../transition.ts'
import type { Waiters } from '../waiters.ts'
import { within } from '../within.ts'
import { ReadCache, type Slot } from './cache.ts'
import { Flight, type FlightPlan } from './flight.ts'

/** Where the answer of a read came from: a result kept for a moment, a flight that it joined, or HOSTKEY. */
export type ReadSource = 'cache' | 'shared' | 'upstream'

export interface ReadRequest<K extends ReadKind> {
  kind: K
  vmId: number
  /** Of the snapshots; null for stats. */
  type: string | null
  caller: string
  waitMs: number
  /** Ask anew: neither a kept result nor a flight will do. */
  fresh: boolean
  /** Ends the wait early: the caller gets the running operation. */
  hurry?: AbortSignal
  /** Aborts when the caller goes away: nothing is kept for it. Not asked for when the answer is at hand. */
  gone?: () => AbortSignal
}

export interface ReadOutcome<K extends ReadKind> {
  operation: Operation<K>
  /** Milliseconds since the result was observed, when it was kept; else null. */
  ageMs: number | null
}

/** Why a look saw nothing. */
const NOT_IN_TIME: Failure = { reason: 'timeout', detail: 'HOSTKEY did not list them in time' }
const UNKNOWN_SHAPE: Failure = { reason: 'invalid', detail: 'the shape of the list is not known' }

/** For how long a list is evidence of what was there before a change. */
const EVIDENCE_MS = 60_000

export class Reads {
  readonly #engine: Engine
  readonly #waiters: Waiters
  readonly #cacheMs: number
  readonly #caches: { readonly [K in ReadKind]: ReadCache<K> } = {
    'snapshot.list': new ReadCache(),
    'stats.load': new ReadCache(),
  }

  constructor(engine: Engine, waiters: Waiters, cacheMs: number) {
    this.#engine = engine
    this.#waiters = waiters
    this.#cacheMs = cacheMs
  }

  /** Reads, sharing what can be shared. Gives the ended operation, or the running one when the wait is over. */
  async read<K extends ReadKind>(request: ReadRequest<K>): Promise<ReadOutcome<K>> {
    const { kind, vmId, type, caller, fresh } = request
    const { onRead, world, hostkey } = this.#engine.parts
    const slot: Slot<K> = this.#caches[kind].slot(vmId, type)
    if (!fresh && slot.last) {
      const ageMs = this.#ageMs(slot.last)
      if (ageMs < this.#cacheMs) {
        onRead?.(kind, 'cache')
        return { operation: slot.last, ageMs }
      }
    }
    const { flight: other } = slot
    // Nobody waits for the end of what another caller has too much of.
    const isStuck = other && other.caller !== caller && hostkey.isAtLimit(other.caller)
    const joinable = fresh || isStuck || other?.isGivenUp ? undefined : other
    const flight = joinable ?? this.#launch(slot, { kind, vmId, type, caller })
    onRead?.(kind, joinable ? 'shared' : 'upstream')
    flight.enter(request.waitMs)
    const untilMs = world.monotonic() + request.waitMs
    const gone = request.gone?.()
    try {
      const ended = await within(world, flight.ended, request.waitMs, request.hurry, gone)
      // That may be due to the caller whose flight it was, who had asked for too much.
      if (ended && flight.isHeldBack && flight.caller !== caller)
        return await this.read({ ...request, waitMs: untilMs - world.monotonic() })
      if (ended) return { operation: ended, ageMs: null }
      if (gone?.aborted) return { operation: flight.operation, ageMs: null }
      return { operation: await flight.promote(request.caller), ageMs: null }
    } finally {
      flight.leave()
    }
  }

  /** Looks at the snapshots of the operation's VM, anew, for at most `limitMs`. */
  async look(
    { vmId, snapshotType: type, createdBy: caller }: Subject,
    limitMs: number,
    signal?: AbortSignal,
  ): Promise<LookOutcome> {
    const kind = 'snapshot.list'
    const slot = this.#caches[kind].slot(vmId, type)
    const flight = this.#launch(slot, { kind, vmId, type, caller })
    flight.enter(limitMs)
    const ended = await within(this.#engine.parts.world, flight.ended, limitMs, signal).finally(() =>
      flight.leave(),
    )
    if (!ended) return { kind: 'blind', failure: NOT_IN_TIME }
    if (ended.failure) return { kind: 'blind', failure: ended.failure }
    const { snapshots } = ended.result
    return snapshots ? { kind: 'seen', snapshots } : { kind: 'blind', failure: UNKNOWN_SHAPE }
  }

  /** What a list that was read shortly before knew of this snapshot, or null when there is none. */
  evidence(vmId: number, type: string, name: string): Evidence | null {
    // What other replicas changed since then is not known here.
    if (this.#engine.parts.store.relookMs !== undefined) return null
    const last = this.#caches['snapshot.list'].last(vmId, type)
    const snapshots = last?.result.snapshots
    if (!last || !snapshots || this.#ageMs(last) > EVIDENCE_MS) return null
    // From when it was asked for: what was made while its answer was under way may be missing in it.
    const newer = newerThan(name, snapshots)
    return {
      present: snapshots.some(snapshot => snapshot.name === name),
      atMs: last.createdAtMs,
      ...(newer && { newer }),
    }
  }

  /** Forgets what was read of a VM, and lets nobody join a flight that began before: the VM is about to change, or has. */
  invalidate(vmId: number): void {
    for (const cache of Object.values(this.#caches)) cache.forget(vmId)
  }

  /** Nobody knows the age of a result from before the clock was set back: it is not fresh. */
  #ageMs({ finishedAtMs }: Ended): number {
    const ageMs = this.#engine.parts.world.now() - finishedAtMs
    return ageMs < 0 ? Infinity : ageMs
  }

  #launch<K extends ReadKind>(slot: Slot<K>, plan: FlightPlan<K>): Flight<K> {
    const flight = new Flight(this.#engine, this.#waiters, plan, ended => {
      // A fresher read took the slot.
      if (slot.flight !== flight) return
      delete slot.flight
      if (ended?.status !== 'succeeded') return
      // Of ten thousand VMs: what is large is not kept for all of them.
      if (flight.isLarge) delete slot.last
      else slot.last = ended
    })
    slot.flight = flight
    return flight
  }
}
