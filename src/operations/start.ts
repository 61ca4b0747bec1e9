/**
 * Starting a change: the intent is on disk before HOSTKEY is called, and the callback key before the caller hears of it.
 * The call is made once, here, and nowhere else.
 */

import type { World } from '../world.ts'
import type { Engine } from './engine.ts'
import type { Failure } from './failure.ts'
import type { ChangeKind } from './kinds/kind.ts'
import { newerThan } from './kinds/newer.ts'
import { hasEnded, newOperation, type Operation, type Running } from './operation.ts'
import { ownership } from './ownership.ts'
import type { Reads } from './reads/reads.ts'
import { StoreUnavailable, type IdempotencyKey, type Store } from './store.ts'
import type { Event } from './transition.ts'
import { within } from './within.ts'

export interface ChangeRequest {
  kind: ChangeKind
  vmId: number
  snapshot: string
  snapshotType: string
  backupId: string | null
  caller: string
  requestId?: string
  idempotencyKey: Omit<IdempotencyKey, 'caller' | 'expiresAtMs'> | null
  /** Of a restore: list the VM's snapshots first, and do nothing when newer ones would be lost. */
  refusesIfNewer?: boolean
}

/** What became of a request for a change. */
export type Start =
  /** It is under way, or has succeeded, or somebody else took it over. */
  | { kind: 'started'; operation: Operation }
  /** An earlier request with this idempotency key started it. */
  | { kind: 'replayed'; operation: Operation }
  /** An earlier request with this idempotency key is still being handed to HOSTKEY. */
  | { kind: 'in-progress'; operation: Operation }
  /** The idempotency key belongs to another request. */
  | { kind: 'reused' }
  /** Another operation holds the VM. */
  | { kind: 'busy'; operation: Operation }
  /** A restore would discard these snapshots, or may: their order cannot be told. Nothing was sent. */
  | { kind: 'newer'; names: string[]; isOrderKnown: boolean }
  /** It did not happen. Without an operation it is as if it had never been asked for. */
  | { kind: 'refused'; failure: Failure; operation: Operation | null }
  /** It may have happened, and no look can tell. `answered`: HOSTKEY gave an answer, which made no sense. */
  | { kind: 'unsettled'; failure: Failure; operation: Operation; answered: boolean }
  /** It was sent, and what HOSTKEY told is not stored yet: whoever finds the operation goes on with it. */
  | { kind: 'lost'; operation: Operation; cause: unknown }

/** How long an idempotency key is kept, in milliseconds (contract §2). */
export const IDEMPOTENCY_TTL_MS = 24 * 3_600_000

/** A caller does not wait longer than this for what HOSTKEY told to be stored, while the store is away. */
const STORE_PATIENCE_MS = 5_000
/** How long the list that is wanted before a restore may take. */
const LIST_MS = 10_000

/**
 * Starts a change, or finds the one that the idempotency key belongs to.
 * @throws StoreUnavailable when the intent could not be stored: then nothing was sent.
 */
export async function startChange(engine: Engine, reads: Reads, request: ChangeRequest): Promise<Start> {
  const { store, world, tracing } = engine.parts
  const nowMs = world.now()
  const operation = operationOf(engine, reads, request, nowMs)
  const { idempotencyKey, caller } = request
  const key = idempotencyKey && { ...idempotencyKey, caller, expiresAtMs: nowMs + IDEMPOTENCY_TTL_MS }

  const mayLeave = ownership(engine.parts, operation)
  const admission = await store.start(operation, key, nowMs)
  switch (admission.kind) {
    case 'replay':
      return { kind: admission.inProgress ? 'in-progress' : 'replayed', operation: admission.operation }
    case 'reused':
    case 'busy':
      return admission
    case 'started':
  }

  const objection = request.refusesIfNewer ? await objectionTo(operation, reads) : null
  if (objection) return undo(store, operation, objection)
  // Whatever was read of the VM is about to be wrong.
  reads.invalidate(request.vmId)
  const event = await tracing.step(operation, () => engine.call(operation, mayLeave))
  try {
    return await settle(engine, operation, event)
  } catch (error) {
    return { kind: 'lost', operation, cause: error }
  }
}

function operationOf(engine: Engine, reads: Reads, request: ChangeRequest, nowMs: number): Running {
  const { policy, leaseMs, tracing } = engine.parts
  const { kind, vmId, snapshot, snapshotType, backupId, caller, requestId } = request
  const subject = { kind, vmId, snapshot, snapshotType, backupId, ...(requestId && { requestId }) }
  // A list of before must not tell of what was discarded: one is read anew, and the restore is sent only if that is nothing.
  const evidence = request.refusesIfNewer ? null : reads.evidence(vmId, snapshotType, snapshot)
  return newOperation(
    { ...subject, ...tracing.begin(), id: engine.newId(nowMs), createdBy: caller, evidence },
    nowMs,
    nowMs + leaseMs,
    policy,
  )
}

/** Why a restore that must not discard anything is not sent, or null when it may be. The VM is held while it is looked at. */
async function objectionTo(operation: Running, reads: Reads): Promise<Start | null> {
  const looked = await reads.look(operation, LIST_MS)
  if (looked.kind === 'blind') return { kind: 'refused', failure: looked.failure, operation: null }
  const newer = newerThan(operation.snapshot!, looked.snapshots)
  if (newer?.length === 0) return null
  const others = looked.snapshots.map(({ name }) => name).filter(name => name !== operation.snapshot)
  return { kind: 'newer', names: newer ?? [...new Set(others)], isOrderKnown: newer !== null }
}

/** Forgets an operation that was not sent, so that it is as if it had never been asked for. */
async function undo(store: Store, operation: Running, outcome: Start): Promise<Start> {
  if (await store.discard(operation)) return outcome
  return { kind: 'started', operation: await latest(store, operation) }
}

/** Makes durable what HOSTKEY told of the call. */
async function settle(engine: Engine, operation: Running, event: Event): Promise<Start> {
  const { store, world } = engine.parts
  const next = engine.advanceStored(operation, event)
  if (next.failure && didNothing(event))
    return undo(store, operation, { kind: 'refused', failure: next.failure, operation: null })
  const committed = await inTime(engine.commit(next), world)
  if (!committed) return { kind: 'started', operation: await latest(store, next) }
  if (!hasEnded(next) || next.status === 'succeeded') return { kind: 'started', operation: next }
  const { failure } = next
  return next.status === 'failed'
    ? { kind: 'refused', failure, operation: next }
    : { kind: 'unsettled', failure, operation: next, answered: wasAnswered(event) }
}

/** What is not stored in time goes on being stored, without the caller. @throws StoreUnavailable */
async function inTime(commit: Promise<boolean>, world: World): Promise<boolean> {
  const done = await within(
    world,
    commit.then(committed => ({ committed })),
    STORE_PATIENCE_MS,
  )
  if (!done) throw new StoreUnavailable('what HOSTKEY told is not stored yet')
  return done.committed
}

/**
 * Whether nothing happened, and not for a reason of the caller's: the call did not leave, HOSTKEY refused the gateway
 * itself, or it takes no requests for now. The same request may be made again, with the same idempotency key.
 */
function didNothing(event: Event): boolean {
  if (event.type !== 'called') return false
  const { outcome } = event
  return (
    outcome.kind === 'unsent' ||
    outcome.kind === 'unauthorized' ||
    (outcome.kind === 'refused' && outcome.reason === 'throttled')
  )
}

function wasAnswered(event: Event): boolean {
  return event.type === 'called' && event.outcome.kind === 'lost' && event.outcome.cause === 'invalid'
}

/** The operation as somebody else left it: it was taken over because this step outlived its lease. */
async function latest(store: Store, operation: Operation): Promise<Operation> {
  return (await store.get(operation.id)) ?? operation
}
