/** A known path with a method that it does not take is 405 with `Allow` (RFC 9110, section 15.5.6), and not 404. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiProblem } from './problem.ts'
import type { Access } from './route-config.ts'

/**
 * All that Node can read, down to PROPFIND; it keeps CONNECT to itself (`connections.ts`). An import of `node:http` would
 * load all that it exports.
 */
const ALL_METHODS = process.getBuiltinModule('node:http').METHODS.filter(method => method !== 'CONNECT')

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
  for (const method of ALL_METHODS) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method)
  app.addHook('onRoute', ({ url, method, config, schema }) => {
    // Below the page of Swagger UI there are its files.
    if (!collecting || (schema?.hide && url !== '/docs')) return
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
    method: ALL_METHODS.filter(method => !methods.has(method)),
    config: { access },
    schema: { hide: true },
    // The body is not looked at: the method is wrong whatever it carries.
    onRequest: async request => refuse(request),
    handler: refuse,
  })
}
