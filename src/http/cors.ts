/** Lets the web pages of the configured origins call. Without `CORS_ORIGINS` none may, and nothing is registered here. */

import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'

/** Pages can read these headers of an answer only when they are allowed to. */
const EXPOSED = [
  'Age',
  'Allow',
  'ETag',
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
  'WWW-Authenticate',
  'X-Request-Id',
]
/** Pages may send these headers. */
const ALLOWED = [
  'Authorization',
  'Cache-Control',
  'Content-Type',
  'Idempotency-Key',
  'If-None-Match',
  'Last-Event-ID',
  'Prefer',
  'X-API-Key',
  'X-Request-Id',
  // A page that is traced sends these two (W3C Trace Context).
  'traceparent',
  'tracestate',
]

/** This must be called before the hook that asks for credentials: a preflight has none. */
export async function allowOrigins(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return
  app.addHook('onRoute', route => {
    // This is the plugin's own route, through which a preflight of any path reaches the plugin.
    if (route.url === '*' && route.method === 'OPTIONS') route.config = { ...route.config, access: 'public' }
  })
  await app.register(cors, {
    delegator: (request, done) => {
      const { origin, 'access-control-request-method': method } = request.headers
      const isAllowed = origin !== undefined && origins.includes(origin)
      done(null, {
        origin: isAllowed ? origin : false,
        // Any other OPTIONS is a method that no route takes.
        preflight: method !== undefined,
        methods: ['GET', 'HEAD', 'POST', 'DELETE'],
        allowedHeaders: ALLOWED,
        exposedHeaders: EXPOSED,
        maxAge: 600,
      })
    },
  })
}
