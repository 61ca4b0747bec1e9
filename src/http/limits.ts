/**
 * Rate limits over @fastify/rate-limit. A caller is counted by its id, and whoever has no valid key by the address. The
 * routes that read operations have a bucket of their own, ten times as large, so that waiting never eats the quota for
 * acting.
 */

import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { addressOf } from './address.ts'
import { localCounts } from './limit-counts.ts'
import { ApiProblem } from './problem.ts'
import type { Bucket } from './route-config.ts'
import type { World } from '../world.ts'
import { sharedCounts, type SharedLimits } from './shared-counts.ts'

const OPERATIONS_FACTOR = 10

export interface Limits {
  /** Counts a request of `request.caller`, or of its address when there is none. @throws ApiProblem `rate-limited` */
  count(request: FastifyRequest, reply: FastifyReply, bucket: Bucket): Promise<void>
}

/** Registers the plugin; nothing is limited until `count` is called. `standard` is the quota of a caller without its own. */
export async function createLimits(
  app: FastifyInstance,
  standard: { max: number; windowMs: number },
  world: World,
  shared?: SharedLimits,
): Promise<Limits> {
  await app.register(rateLimit, {
    global: false,
    store: shared ? sharedCounts(shared, world) : localCounts(world),
  })
  app.decorateRequest('limit', null)
  comeBackWhenThereIsQuota(app)

  const limiter = (bucket: Bucket, factor: number): ReturnType<typeof app.createRateLimit> =>
    app.createRateLimit({
      max: request => (request.caller?.rateLimit?.max ?? standard.max) * factor,
      timeWindow: request => request.caller?.rateLimit?.windowMs ?? standard.windowMs,
      keyGenerator: request => `${bucket}:${whoCounts(request)}`,
    })
  const limiters = { default: limiter('default', 1), operations: limiter('operations', OPERATIONS_FACTOR) }

  return {
    async count(request, reply, bucket) {
      const state = await limiters[bucket](request)
      if (state.isAllowed) return
      const { max, timeWindow, remaining, ttlInSeconds: resetS } = state
      const windowS = Math.ceil(timeWindow / 1000)
      request.limit = { remaining, resetS }
      reply.headers({
        // The plugin's own family, and the form of the current draft (draft-ietf-httpapi-ratelimit-headers-11).
        'ratelimit-limit': max,
        'ratelimit-remaining': remaining,
        'ratelimit-reset': resetS,
        'ratelimit-policy': `"${bucket}";q=${max};w=${windowS}`,
        ratelimit: `"${bucket}";r=${remaining};t=${resetS}`,
      })
      if (!state.isExceeded) return
      throw new ApiProblem('rate-limited', `More than ${max} requests within ${windowS} s.`, {
        retryAfterS: resetS,
      })
    },
  }
}

/** Whoever has one IPv6 address has a whole network of them, so the network is counted. */
function whoCounts(request: FastifyRequest): string {
  const { caller } = request
  return caller ? `caller:${caller.id}` : `address:${rateLimit.normalizeIP(addressOf(request), 64)}`
}

/** A caller whose quota is used up is not told to come back before there is quota again. */
function comeBackWhenThereIsQuota(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const { limit } = request
    if (limit?.remaining === 0 && Number(reply.getHeader('retry-after')) < limit.resetS)
      reply.header('retry-after', limit.resetS)
    done(null, payload)
  })
}
