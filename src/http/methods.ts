/** A known path with a method that it does not take is 405 with `Allow` (RFC 9110, section 15.5.6), and not 404. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiProblem } from './problem.ts'
import type { Access } from './route-config.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

interface Path {
  methods: Set<string>
  access: Access
}

/**
 * Notes the methods of each path that is registered from now on. The function that it returns is to be called after the
 * last route: it makes every other method of these paths a 405.
 */
export function collectMethods(app: FastifyInstance): () => void {
  const paths = new Map<string, Path>()
  let collecting = true
  app.addHook('onRoute', ({ url, method, config, schema }) => {
    // The hidden routes are the files of Swagger UI.
    if (!collecting || schema?.hide) return
    const path = paths.get(url) ?? { methods: new Set(), access: config?.access ?? 'public' }
    for (const one of [method].flat()) path.methods.add(one)
    paths.set(url, path)
  })
  return () => {
    collecting = false
    for (const [url, path] of paths) refuseOthers(app, url, path)
  }
}

function refuseOthers(app: FastifyInstance, url: string, { methods, access }: Path): void {
  const allow = [...methods].toSorted().join(', ')
  const refuse = ({ method }: FastifyRequest): never => {
    throw new ApiProblem('method-not-allowed', `${method} is not for this path; it takes ${allow}.`, {
      headers: { allow },
    })
  }
  app.route({
    url,
    method: METHODS.filter(method => !methods.has(method)),
    config: { access },
    schema: { hide: true },
    // The body is not looked at: the method is wrong whatever it carries.
    onRequest: async request => refuse(request),
    handler: refuse,
  })
}
