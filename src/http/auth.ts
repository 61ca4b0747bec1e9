/** Who sends a request, and what that caller may do. `admission.ts` says when each of these is asked. */

import type { FastifyRequest } from 'fastify'
import { mayTouch, type Caller, type Scope } from '../callers/caller.ts'
import type { Callers, Refusal } from '../callers/callers.ts'
import { ApiProblem } from './problem.ts'

const HOW_TO_SEND = 'Send the key of a caller as "Authorization: Bearer <key>" or "X-API-Key: <key>".'

/** The keys of the identity provider are fetched again after so long. */
const KEYS_RETRY_S = 5

/** What is said to the sender of a credential that is refused. */
export const REFUSALS: Readonly<Record<Refusal, string>> = {
  'unknown-key': HOW_TO_SEND,
  'key-ended': 'This key has ended; the caller has another one by now.',
  'token-too-long': 'The token is too long.',
  'token-invalid': 'The token is not valid for this gateway.',
  'token-expired': 'The token has expired.',
  'token-claims-malformed': 'The token has a claim (sub, scope or vms) of a wrong form.',
  'token-unverifiable': 'The token cannot be verified now; send this again in a moment.',
}

/** Finds the caller of a request. Resolves with the problem `unauthenticated` when there is none. */
export async function authenticate(request: FastifyRequest, callers: Callers): Promise<Caller | ApiProblem> {
  const credential = credentialOf(request.raw.rawHeaders)
  if (credential === null)
    return unauthenticated('The request carries conflicting credentials; send one, in one header.', true)
  if (credential === undefined) return unauthenticated(HOW_TO_SEND, false)
  const found = await callers.find(credential)
  if (found === 'token-unverifiable')
    return new ApiProblem('keys-unavailable', REFUSALS[found], { retryAfterS: KEYS_RETRY_S })
  return typeof found === 'string' ? unauthenticated(REFUSALS[found], true) : found
}

/**
 * Returns the one credential of a request; undefined when there is none, and null when there are several that differ, or
 * two in headers of one name: a proxy may disagree with us on which one counts. The raw headers are read, since of two
 * headers with one name Node silently keeps the first.
 */
function credentialOf(rawHeaders: readonly string[]): string | null | undefined {
  let found: { name: string; credential: string } | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    if (name !== 'authorization' && name !== 'x-api-key') continue
    const value = rawHeaders[i + 1]!
    // Another scheme is no credential here; whatever follows `Bearer` is one, if a bad one.
    const credential = name === 'x-api-key' ? value : (/^Bearer +(.+)$/i.exec(value)?.[1] ?? '')
    if (found && (found.name === name || found.credential !== credential)) return null
    found = { name, credential }
  }
  return found?.credential || undefined
}

/** The challenge says what was wrong, but only to who sent a credential (RFC 6750, section 3). */
function unauthenticated(detail: string, wasSent: boolean): ApiProblem {
  const challenge = wasSent ? 'Bearer error="invalid_token"' : 'Bearer'
  return new ApiProblem('unauthenticated', detail, { headers: { 'www-authenticate': challenge } })
}

/** @throws ApiProblem `scope-missing` when the caller has none of these scopes. */
export function requireScope(caller: Caller, anyOf: readonly Scope[]): void {
  if (anyOf.some(scope => caller.scopes.has(scope))) return
  throw new ApiProblem('scope-missing', `Caller "${caller.name}" needs the scope ${anyOf.join(' or ')}.`, {
    headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${anyOf.join(' ')}"` },
  })
}

/** @throws ApiProblem `vm-not-allowed` when the VM is not in the caller's list. */
export function requireVm(caller: Caller, vmId: number): void {
  if (mayTouch(caller, vmId)) return
  throw new ApiProblem('vm-not-allowed', `VM ${vmId} is not in the list of caller "${caller.name}".`)
}

/** Returns the caller of a route that is not public. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw new Error('a public route has no caller')
  return request.caller
}
