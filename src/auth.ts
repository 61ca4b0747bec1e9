/**
 * Who is calling, and may they. Deny by default: a route that does not declare its `access` keeps the gateway from
 * starting. Order of every request: credentials (401), rate limit (429), scope (403); the VM list follows once the
 * path is known to be valid.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { mayTouch, type Caller, type Callers, type Scope } from './callers.ts'
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

/** The caller of a request, or undefined when its credentials are missing or wrong. */
export function authenticate(request: FastifyRequest, callers: Callers): Caller | undefined {
  const key = credentialOf(request)
  return key === undefined ? undefined : callers.find(key)
}

/** The one key a request carries: two that differ are as good as none, since proxies may disagree on which one counts. */
function credentialOf(request: FastifyRequest): string | undefined {
  const { authorization, 'x-api-key': apiKey } = request.headers
  const bearer =
    authorization === undefined ? undefined : (/^Bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1] ?? '')
  if (bearer !== undefined && apiKey !== undefined && bearer !== apiKey) return undefined
  const key = bearer ?? apiKey
  return typeof key === 'string' && key !== '' && key.length <= MAX_KEY_LENGTH ? key : undefined
}

const MAX_KEY_LENGTH = 4_096

export function unauthenticated(): ApiProblem {
  return new ApiProblem(
    'unauthenticated',
    'Send the key of a caller as "Authorization: Bearer <key>" or "X-API-Key: <key>".',
    {
      headers: { 'www-authenticate': 'Bearer' },
    },
  )
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
