/**
 * Starting a mutation: the intent is on disk before HOSTKEY is called, the callback key before the caller hears of
 * it. The call is made once, here, and nowhere else.
 */

import { ApiProblem, type ProblemExtras } from '../http/problem.ts'
import { StoreUnavailable, type IdempotencyKey, type Store } from './store.ts'
import type { Engine } from './engine.ts'
import { paramsOf } from './engine.ts'
import { newOperationId } from './id.ts'
import { KINDS, newOperation, type Failure, type Kind, type Operation } from './operation.ts'
import type { Reads } from './reads/reads.ts'

export type MutationKind = { [K in Kind]: (typeof KINDS)[K]['mutates'] extends true ? K : never }[Kind]

export interface MutationRequest {
  kind: MutationKind
  vmId: number
  snapshot: string
  snapshotType: string
  backupId: string | null
  caller: string
  requestId?: string
  idempotency: Omit<IdempotencyKey, 'caller' | 'expiresAtMs'> | null
}

/** The path of an operation, for answers. */
export type PathOf = (id: string) => string

export interface Started {
  operation: Operation
  replayed: boolean
}

/** How long an idempotency key is kept (contract §2). */
export const IDEMPOTENCY_TTL_MS = 24 * 3_600_000

/**
 * Starts a mutation, or finds the one the idempotency key belongs to.
 * @throws ApiProblem when it was refused, by the gateway or by HOSTKEY, or certainly did not leave.
 */
export async function startMutation(
  engine: Engine,
  reads: Reads,
  request: MutationRequest,
  pathOf: PathOf,
): Promise<Started> {
  const { store, upstream, policy, now, leaseMs, tracing } = engine.parts
  const { idempotency, caller, ...rest } = request
  const nowMs = now()
  const before = reads.before(request.vmId, request.snapshotType, request.snapshot)
  const operation = newOperation(
    { ...rest, ...tracing.begin(), id: newOperationId(nowMs), createdBy: caller, before },
    nowMs,
    nowMs + leaseMs,
    policy,
  )
  const claim = idempotency && { ...idempotency, caller, expiresAtMs: nowMs + IDEMPOTENCY_TTL_MS }

  const outcome = await store.start(operation, claim, nowMs)
  switch (outcome.kind) {
    case 'replay':
      if (!outcome.inProgress) return { operation: outcome.operation, replayed: true }
      throw new ApiProblem(
        'idempotency-in-progress',
        'The first request with this Idempotency-Key is still being accepted.',
        {
          operation: pathOf(outcome.operation.id),
          retryAfterS: 1,
        },
      )
    case 'reused':
      throw new ApiProblem(
        'idempotency-key-reused',
        'This Idempotency-Key was sent before with another request.',
        {
          errors: [
            { in: 'header', field: 'Idempotency-Key', message: 'was used with another method, path or body' },
          ],
        },
      )
    case 'busy':
      throw new ApiProblem(
        'vm-busy',
        `Operation ${outcome.operation.id} (${outcome.operation.kind}) is changing VM ${request.vmId}.`,
        {
          operation: pathOf(outcome.operation.id),
          retryAfterS: retryAfterS(outcome.operation, nowMs),
        },
      )
    case 'started':
      await engine.reached('intent-stored', operation)
  }

  // Whatever was read of the VM is about to be wrong.
  reads.invalidate(request.vmId)
  const called = await tracing.step(operation, () =>
    upstream.call(KINDS[request.kind].action, paramsOf(operation)),
  )
  await engine.reached('call-answered', operation)
  const next = engine.advance(operation, { type: 'called', outcome: called })
  const path = pathOf(operation.id)
  try {
    if (called.kind === 'unsent' || called.kind === 'unauthorized') {
      // Certainly nothing happened, and not for a reason of the caller's: as if it had never been asked.
      if (await store.discard(operation)) {
        await engine.reached('discarded', operation)
        throw problemOf(next.failure!)
      }
      return { operation: await latest(store, next), replayed: false }
    }
    if (!(await engine.commit(next))) return { operation: await latest(store, next), replayed: false }
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    throw new ApiProblem(
      'store-unavailable',
      'The outcome of the call to HOSTKEY could not be stored. Follow the operation before you send this again.',
      { operation: path, cause: error },
    )
  }
  if (next.status === 'running' || next.status === 'succeeded') return { operation: next, replayed: false }
  const failure = next.failure!
  if (next.status === 'failed') throw problemOf(failure, { operation: path })
  // A restore that may have happened: what was lost says which of the two it is.
  const invalid = called.kind === 'lost' && (called.cause === 'invalid' || called.cause === 'unavailable')
  throw problemOf(
    { ...failure, code: invalid ? 'upstream-invalid' : 'upstream-timeout' },
    { operation: path },
  )
}

/** A failure as the answer to a caller who waits. */
export function problemOf(
  { code, detail, upstream, retryAfterMs }: Failure,
  extras: ProblemExtras = {},
): ApiProblem {
  return new ApiProblem(code, detail, {
    ...extras,
    ...(upstream ? { upstream } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterS: Math.max(1, Math.ceil(retryAfterMs / 1000)) }),
  })
}

/** The operation as somebody else left it: it was taken over because this step outlived its lease. */
async function latest(store: Store, operation: Operation): Promise<Operation> {
  return (await store.get(operation.id)) ?? operation
}

/**
 * Whole seconds until the operation's next step, at least one: a caller need not ask earlier. A step that is under way
 * holds the operation for a lease, which is far longer than the step will take.
 */
export function retryAfterS(operation: Operation, nowMs: number): number {
  return Math.min(5, Math.max(1, Math.ceil(((operation.dueAtMs ?? nowMs) - nowMs) / 1000)))
}
