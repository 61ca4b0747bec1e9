/** What the core says, in HTTP's words: reasons of failures as problem codes, and starts that came to nothing as problems. */

import type { Failure, Reason } from '../operations/failure.ts'
import type { Operation } from '../operations/operation.ts'
import type { Start } from '../operations/start.ts'
import { StoreUnavailable } from '../operations/store.ts'
import { ApiProblem, type ProblemCode } from './problem.ts'

const CODES: Readonly<Record<Reason, ProblemCode>> = {
  rejected: 'upstream-rejected',
  conflict: 'upstream-conflict',
  'vm-missing': 'vm-not-found',
  'snapshot-missing': 'snapshot-not-found',
  unauthorized: 'upstream-unauthorized',
  unavailable: 'upstream-unavailable',
  timeout: 'upstream-timeout',
  invalid: 'upstream-invalid',
  unsettled: 'outcome-unknown',
}

/** A failure as the answer to a caller who waits. */
export function problemOf(
  failure: Failure,
  operation?: Operation | null,
  code = CODES[failure.reason],
): ApiProblem {
  const { detail, upstream, retryAfterMs } = failure
  return new ApiProblem(code, detail, {
    ...(operation ? { operationId: operation.id } : {}),
    ...(upstream ? { upstream } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterS: Math.max(1, Math.ceil(retryAfterMs / 1000)) }),
  })
}

/**
 * Whole seconds until the operation's next step, at least one: a caller need not ask earlier. While a step is being made,
 * the operation is leased for far longer than that will take.
 */
export function retryAfterS({ dueAtMs }: Operation, nowMs: number): number {
  return Math.min(5, Math.max(1, Math.ceil(((dueAtMs ?? nowMs) - nowMs) / 1000)))
}

/**
 * The operation of a change, new or found again by its idempotency key.
 * @throws ApiProblem when there is none, or when it came to nothing at once.
 */
export function requireStarted(start: Start, nowMs: number): Operation {
  switch (start.kind) {
    case 'started':
    case 'replayed':
      return start.operation
    case 'in-progress':
      throw new ApiProblem(
        'idempotency-in-progress',
        'The first request with this Idempotency-Key is still being accepted.',
        { operationId: start.operation.id, retryAfterS: 1 },
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
    case 'busy': {
      const { id, kind, vmId } = start.operation
      throw new ApiProblem('vm-busy', `Operation ${id} (${kind}) is changing VM ${vmId}.`, {
        operationId: id,
        retryAfterS: retryAfterS(start.operation, nowMs),
      })
    }
    case 'refused':
      throw problemOf(start.failure, start.operation)
    case 'unsettled':
      // What was lost says which of the two it is.
      throw problemOf(
        start.failure,
        start.operation,
        start.answered ? 'upstream-invalid' : 'upstream-timeout',
      )
    case 'newer':
      throw new ApiProblem('newer-snapshots', newerDetail(start), { snapshots: start.names })
    case 'lost':
      throw new ApiProblem(
        start.cause instanceof StoreUnavailable ? 'store-unavailable' : 'internal',
        'The outcome of the call to HOSTKEY could not be stored. Follow the operation before you send this again.',
        { operationId: start.operation.id, cause: start.cause },
      )
  }
}

function newerDetail({ names, isOrderKnown }: Start & { kind: 'newer' }): string {
  const list = names.map(name => `"${name}"`).join(', ')
  return isOrderKnown
    ? `The restore would discard newer snapshots for good: ${list}.`
    : `Which snapshots are newer cannot be told, so the restore might discard some for good: ${list || 'the one to restore is not in the list'}.`
}
