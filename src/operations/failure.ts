/** Why an operation did not succeed, in the core's own words. `http/` has the table that makes problems of them. */

import type { Lost, RefusalReason, Unsent } from './hostkey.ts'

export type Reason =
  | Exclude<RefusalReason, 'throttled'>
  /** HOSTKEY refuses the gateway's own credentials. */
  | 'unauthorized'
  /** HOSTKEY cannot be reached, or takes no more requests for now. */
  | 'unavailable'
  /** HOSTKEY did not answer, or did not finish, in time. */
  | 'timeout'
  /** HOSTKEY's answer makes no sense. */
  | 'invalid'
  /** It may have happened, and nobody can tell. */
  | 'unsettled'

export interface Failure {
  reason: Reason
  /** A sentence for people; it has no secrets. */
  detail: string
  /** What HOSTKEY said when it refused, without secrets. */
  upstream?: { code: string; message: string }
  /** When it makes sense to ask again, in milliseconds from the failure. */
  retryAfterMs?: number
}

/** The longest that HOSTKEY's own `Retry-After` is honoured. */
const MAX_RETRY_AFTER_MS = 30_000

function later(retryAfterMs: number | undefined): Pick<Failure, 'retryAfterMs'> {
  return retryAfterMs === undefined ? {} : { retryAfterMs: Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) }
}

/** HOSTKEY said no: to the call (`refused`), or at the callback key (`reports`). */
export function failureOfRefusal(
  verb: 'refused' | 'reports',
  said: { reason: RefusalReason; code: string; message: string; retryAfterMs?: number },
): Failure {
  const { reason, code, message, retryAfterMs } = said
  return {
    reason: reason === 'throttled' ? 'unavailable' : reason,
    detail: `HOSTKEY ${verb}: ${message}`,
    upstream: { code, message },
    ...later(retryAfterMs),
  }
}

export const UNAUTHORIZED: Failure = {
  reason: 'unauthorized',
  detail:
    'HOSTKEY refused the token of the gateway. Its operator has to look at HOSTKEY_TOKEN or HOSTKEY_API_KEY.',
}

export function failureOfUnsent({ reason, shedMs, isLate }: Unsent): Failure {
  return {
    reason: 'unavailable',
    detail: isLate
      ? 'The gateway was held up for too long; nothing was sent.'
      : `HOSTKEY could not be reached (${reason}); nothing was sent.`,
    ...later(shedMs),
  }
}

export function failureOfLost({ cause, reason, retryAfterMs }: Lost): Failure {
  switch (cause) {
    case 'timeout':
      return { reason: 'timeout', detail: 'HOSTKEY did not answer in time.' }
    case 'connection':
      return { reason: 'unavailable', detail: `The connection to HOSTKEY broke (${reason}).` }
    case 'unavailable':
      return {
        reason: 'unavailable',
        detail: `HOSTKEY takes no requests for now (${reason}).`,
        ...later(retryAfterMs),
      }
    case 'invalid':
      return {
        reason: 'invalid',
        detail: `The answer of HOSTKEY makes no sense (${reason}).`,
        ...later(retryAfterMs),
      }
  }
}

/** A read's result was lost between HOSTKEY and the gateway. */
export const LOST_RESULT: Failure = {
  reason: 'invalid',
  detail: 'HOSTKEY lost the result of the request.',
}

/** A read that HOSTKEY did not finish before its deadline. */
export const NOT_FINISHED: Failure = { reason: 'timeout', detail: 'HOSTKEY did not finish it in time.' }
