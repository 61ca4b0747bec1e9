/**
 * Who is calling, and may they. Deny by default: a route that does not declare its `access` keeps the gateway from
 * starting. Order of every request: credentials (401), rate limit (429), scope (403); the VM list follows once the
 * path is known to be valid.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { mayTouch, type Caller, type Callers, type Scope } from '../callers/callers.ts'
import type { TokenVerifier } from '../callers/jwt.ts'
import { ApiProblem } from './problem.ts'

/** Who may use a route: anybody, or callers with one of these scopes. */
export type Access = 'public' | { readonly anyOf: readonly Scope[] }

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
    /** Which rate limit a request counts in; see `limits.ts`. */
    bucket?: 'default' | 'operations' | 'none'
  }
  interface FastifyRequest {
    /** Set on every route that is not public. */
    caller: Caller | null
  }
}

/** Declares the request's caller and refuses to start with a route that nobody decided about. */
export function requireAccess(app: FastifyInstance): void {
  app.decorateRequest('caller', null)
  const routes: { method: string | string[]; url: string; config?: { access?: Access } }[] = []
  app.addHook('onRoute', route => {
    routes.push(route)
  })
  app.addHook('onReady', async () => {
    for (const { method, url, config } of routes) {
      if (!config?.access) throw new Error(`route ${String(method)} ${url} declares no access`)
    }
  })
}

/** The caller of a request, or the problem to refuse it with. */
export async function authenticate(
  request: FastifyRequest,
  callers: Callers,
  tokens?: TokenVerifier,
): Promise<Caller | ApiProblem> {
  const credential = credentialOf(request.raw.rawHeaders)
  if (credential === null)
    return unauthenticated('The request carries conflicting credentials; send one, in one header.')
  if (credential === undefined) return unauthenticated()
  if (tokens && looksLikeToken(credential)) {
    const verdict = await tokens.verify(credential)
    return typeof verdict === 'string' ? unauthenticated(verdict) : verdict
  }
  return (credential.length <= MAX_KEY_LENGTH ? callers.find(credential) : undefined) ?? unauthenticated()
}

/**
 * The one credential of a request; undefined when there is none, and null when there are several that differ: proxies
 * may disagree with us on which one counts. Read from the raw headers, since Node keeps the first of two silently.
 */
function credentialOf(rawHeaders: readonly string[]): string | null | undefined {
  let found: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    if (name !== 'authorization' && name !== 'x-api-key') continue
    const value = rawHeaders[i + 1]!
    const credential = name === 'x-api-key' ? value : (/^Bearer +([\x21-\x7e]+)$/i.exec(value)?.[1] ?? '')
    if (found !== undefined && found !== credential) return null
    found = credential
  }
  return found === '' ? undefined : found
}

const MAX_KEY_LENGTH = 4_096

/** Three base64url parts, the last of which is empty in an unsigned token. */
const TOKEN_SHAPE = /^[\w-]+\.[\w-]+\.[\w-]*$/

export function looksLikeToken(credential: string): boolean {
  return TOKEN_SHAPE.test(credential)
}

function unauthenticated(
  detail = 'Send the key of a caller as "Authorization: Bearer <key>" or "X-API-Key: <key>".',
): ApiProblem {
  return new ApiProblem('unauthenticated', detail, { headers: { 'www-authenticate': 'Bearer' } })
}

/** @throws ApiProblem `scope-missing` */
export function requireScope(caller: Caller, anyOf: readonly Scope[]): void {
  if (anyOf.some(scope => caller.scopes.has(scope))) return
  throw new ApiProblem('scope-missing', `Caller "${caller.name}" needs the scope ${anyOf.join(' or ')}.`)
}

/** @throws ApiProblem `vm-not-allowed` */
export function requireVm(caller: Caller, vmId: number): void {
  if (mayTouch(caller, vmId)) return
  throw new ApiProblem('vm-not-allowed', `VM ${vmId} is not in the list of caller "${caller.name}".`)
}

/** The caller of a route that is not public. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw new Error('a public route has no caller')
  return request.caller
}
