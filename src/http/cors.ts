/** Web pages of the configured origins may call; without `CORS_ORIGINS` none may, and nothing here is registered. */

import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'

/** The answer headers of the contract that pages cannot read unless told. */
const EXPOSED = [
  'Age',
  'Idempotency-Replayed',
  'Link',
  'Location',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Limit',
  'RateLimit-Policy',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Retry-After',
  'X-Request-Id',
]
const ALLOWED = [
  'Authorization',
  'Cache-Control',
  'Content-Type',
  'Idempotency-Key',
  'Prefer',
  'X-API-Key',
  'X-Request-Id',
]

/** To be registered before whatever asks for credentials: a preflight has none. */
export async function allowOrigins(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return
  app.addHook('onRoute', route => {
    // The plugin's own route, which makes a preflight of any path reach the plugin.
    if (route.url === '*' && route.method === 'OPTIONS') route.config = { ...route.config, access: 'public' }
  })
  await app.register(cors, {
    delegator: (request, done) => {
      const { origin, 'access-control-request-method': method } = request.headers
      const isAllowed = origin !== undefined && origins.includes(origin)
      done(null, {
        origin: isAllowed ? origin : false,
        // Any other OPTIONS is a method no route takes.
        preflight: method !== undefined,
        methods: ['GET', 'HEAD', 'POST', 'DELETE'],
        allowedHeaders: ALLOWED,
        exposedHeaders: EXPOSED,
        maxAge: 600,
      })
    },
  })
}
