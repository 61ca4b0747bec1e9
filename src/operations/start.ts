/**
 * Starting a change: the intent is on disk before HOSTKEY is called, and the callback key before the caller hears of it.
 * The call is made once, here, and nowhere else.
 */

import type { Engine } from './engine.ts'
import type { Failure } from './failure.ts'
import { newOperationId } from './id.ts'
import type { ChangeKind } from './kinds/kind.ts'
import { hasEnded, newOperation, type Operation } from './operation.ts'
import type { Reads } from './reads/reads.ts'
import { StoreUnavailable, type IdempotencyKey, type Store } from './store.ts'
import type { Event } from './transition.ts'

export interface ChangeRequest {
  kind: ChangeKind
  vmId: number
  snapshot: string
  snapshotType: string
  backupId: string | null
  caller: string
  requestId?: string
  idempotencyKey: Omit<IdempotencyKey, 'caller' | 'expiresAtMs'> | null
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
  /** It did not happen. Without an operation it is as if it had never been asked for. */
  | { kind: 'refused'; failure: Failure; operation: Operation | null }
  /** It may have happened, and no look can tell. `answered`: HOSTKEY gave an answer, which made no sense. */
  | { kind: 'unsettled'; failure: Failure; operation: Operation; answered: boolean }
  /** What HOSTKEY told could not be stored: whoever finds the operation next goes on with it. */
  | { kind: 'store-lost'; operation: Operation; cause: StoreUnavailable }

/** How long an idempotency key is kept, in milliseconds (contract §2). */
export const IDEMPOTENCY_TTL_MS = 24 * 3_600_000

/**
 * Starts a change, or finds the one that the idempotency key belongs to.
 * @throws StoreUnavailable when the intent could not be stored: then nothing was sent.
 */
export async function startChange(engine: Engine, reads: Reads, request: ChangeRequest): Promise<Start> {
  const { store, policy, now, leaseMs, tracing } = engine.parts
  const { idempotencyKey, caller, ...subject } = request
  const nowMs = now()
  const evidence = reads.evidence(request.vmId, request.snapshotType, request.snapshot)
  const operation = newOperation(
    { ...subject, ...tracing.begin(), id: newOperationId(nowMs), createdBy: caller, evidence },
    nowMs,
    nowMs + leaseMs,
    policy,
  )
  const key = idempotencyKey && { ...idempotencyKey, caller, expiresAtMs: nowMs + IDEMPOTENCY_TTL_MS }

  const admission = await store.start(operation, key, nowMs)
  switch (admission.kind) {
    case 'replay':
      return { kind: admission.inProgress ? 'in-progress' : 'replayed', operation: admission.operation }
    case 'reused':
    case 'busy':
      return admission
    case 'started':
  }

  // Whatever was read of the VM is about to be wrong.
  reads.invalidate(request.vmId)
  const event = await tracing.step(operation, () => engine.call(operation))
  const next = engine.advance(operation, event)
  try {
    if (!leftGateway(event)) {
      // Nothing happened, and not for a reason of the caller's: it is as if it had never been asked for.
      if (next.failure && (await store.discard(operation)))
        return { kind: 'refused', failure: next.failure, operation: null }
      return { kind: 'started', operation: await latest(store, next) }
    }
    if (!(await engine.commit(next))) return { kind: 'started', operation: await latest(store, next) }
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    return { kind: 'store-lost', operation, cause: error }
  }
  if (!hasEnded(next) || next.status === 'succeeded') return { kind: 'started', operation: next }
  const { failure } = next
  return next.status === 'failed'
    ? { kind: 'refused', failure, operation: next }
    : { kind: 'unsettled', failure, operation: next, answered: wasAnswered(event) }
}

/** Whether HOSTKEY got the call and did not refuse the gateway itself. */
function leftGateway(event: Event): boolean {
  return event.type !== 'called' || !['unsent', 'unauthorized'].includes(event.outcome.kind)
}

function wasAnswered(event: Event): boolean {
  return event.type === 'called' && event.outcome.kind === 'lost' && event.outcome.cause === 'invalid'
}

/** The operation as somebody else left it: it was taken over because this step outlived its lease. */
async function latest(store: Store, operation: Operation): Promise<Operation> {
  return (await store.get(operation.id)) ?? operation
}
