/**
 * Rate limits over @fastify/rate-limit: callers by id, everybody without a valid key by address. Reading operations
 * has a bucket of its own, ten times as large, so that waiting never eats the quota for acting.
 */

import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ApiProblem } from './problem.ts'
import type { LimitStore } from '../store/open.ts'

export type Bucket = 'default' | 'operations'

const OPERATIONS_FACTOR = 10

declare module 'fastify' {
  interface FastifyRequest {
    /** Where the request's bucket stands; null where nothing is limited. */
    limit: { remaining: number; resetS: number } | null
  }
}

export interface Limits {
  /** Counts a request of `request.caller`, or of its address when there is none. @throws ApiProblem `rate-limited` */
  count(request: FastifyRequest, reply: FastifyReply, bucket: Bucket): Promise<void>
}

/** Registers the plugin; nothing is limited until `count` is called. */
export async function createLimits(
  app: FastifyInstance,
  standard: { max: number; windowMs: number },
  store: LimitStore = {},
): Promise<Limits> {
  // Without its Redis it lets everybody through: what costs something needs the store anyway.
  await app.register(rateLimit, { global: false, skipOnError: true, ...store })
  app.decorateRequest('limit', null)

  const limiter = (bucket: Bucket, factor: number): ReturnType<typeof app.createRateLimit> =>
    app.createRateLimit({
      max: request => (request.caller?.rateLimit?.max ?? standard.max) * factor,
      timeWindow: request => request.caller?.rateLimit?.windowMs ?? standard.windowMs,
      keyGenerator: request =>
        `${bucket}:${request.caller ? `caller:${request.caller.id}` : `address:${rateLimit.normalizeIP(request.ip, 64)}`}`,
    })
  const limiters = { default: limiter('default', 1), operations: limiter('operations', OPERATIONS_FACTOR) }

  return {
    async count(request, reply, bucket) {
      const state = await limiters[bucket](request)
      if (state.isAllowed) return
      const { max, timeWindow, remaining, ttlInSeconds: resetS } = state
      request.limit = { remaining, resetS }
      reply.headers({
        // What the plugin sends, and the current draft's form of it (draft-ietf-httpapi-ratelimit-headers-11).
        'ratelimit-limit': max,
        'ratelimit-remaining': remaining,
        'ratelimit-reset': resetS,
        'ratelimit-policy': `"${bucket}";q=${max};w=${Math.ceil(timeWindow / 1000)}`,
        ratelimit: `"${bucket}";r=${remaining};t=${resetS}`,
      })
      if (!state.isExceeded) return
      throw new ApiProblem(
        'rate-limited',
        `More than ${max} requests within ${Math.ceil(timeWindow / 1000)} s.`,
        { retryAfterS: resetS },
      )
    },
  }
}
