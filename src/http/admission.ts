/**
 * Which requests come in. A request is asked for its credential first (401), then counted (429), also among those that its
 * caller holds open, then checked for the scope that its route needs (403); the list of VMs follows in the route, once the path is known to be valid. A route that
 * declares no `access` keeps the gateway from starting: nobody forgets to protect one.
 */

import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import type { Callers } from '../callers/callers.ts'
import { authenticate, requireScope } from './auth.ts'
import type { Limits } from './limits.ts'
import type { OpenRequests } from './open-requests.ts'
import { ApiProblem } from './problem.ts'
import { refuseCredentialInUrl } from './stray-credentials.ts'

/** Makes `app.ready()` reject when a route that is registered from now on declares no `access`. */
export function requireAccess(app: FastifyInstance): void {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', route => void routes.push(route))
  app.addHook('onReady', async () => {
    for (const { method, url, config } of routes) {
      if (!config?.access) throw new Error(`route ${String(method)} ${url} declares no access`)
    }
  })
}

export interface AdmissionParts {
  callers: Callers
  limits: Limits
  open: OpenRequests
  /** Aborts when the gateway begins to shut down: nothing new may begin then. */
  draining: AbortSignal
}

/** Finds the caller of each request and refuses those that may not come in. */
export function admitRequests(
  app: FastifyInstance,
  { callers, limits, open, draining }: AdmissionParts,
): void {
  app.decorateRequest('caller', null)
  app.addHook('onRequest', async (request, reply) => {
    const { access, bucket = 'default' } = request.routeOptions.config
    // Public routes and unknown paths are limited by address.
    if (access === undefined || access === 'public') {
      if (bucket !== 'none') await limits.count(request, reply, 'default')
      refuseCredentialInUrl(request)
      return
    }
    const caller = await authenticate(request, callers)
    const isRefused = caller instanceof ApiProblem
    if (!isRefused) request.caller = caller
    if (bucket !== 'none') await limits.count(request, reply, isRefused ? 'default' : bucket)
    if (isRefused) throw caller
    open.enter(caller, reply)
    refuseCredentialInUrl(request)
    if (draining.aborted && isChange(request))
      throw new ApiProblem('draining', 'The gateway is shutting down; send this again in a moment.')
    requireScope(caller, access.anyOf)
  })
}

function isChange({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD'
}
