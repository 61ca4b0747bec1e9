/** One line in the log and one measurement for each request, when it was answered or when its caller has left. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Metrics } from '../observability/metrics.ts'

/** The status of a request whose caller left before it was answered in full; no answer has it (nginx coined it). */
const CALLER_LEFT = 499

/** Notes every request that reaches a hook. `now` is the clock of the gateway. */
export function noteRequests(
  app: FastifyInstance,
  metrics: Pick<Metrics, 'request'>,
  now: () => number,
): void {
  const note = (request: FastifyRequest, status: number, tookMs: number): void => {
    const route = request.routeOptions.url
    metrics.request(request.method, route, status, tookMs)
    request.log.info(
      {
        method: request.method,
        route: route ?? null,
        status,
        caller: request.caller?.id ?? null,
        took_ms: Math.round(tookMs),
      },
      'request',
    )
  }
  app.decorateRequest('startedAtMs', 0)
  app.addHook('onRequest', (request, _reply, done) => {
    request.startedAtMs = now()
    done()
  })
  app.addHook('onResponse', async (request, reply) => {
    note(request, reply.statusCode, reply.elapsedTime)
  })
  // For a request that is aborted there is no `onResponse`.
  app.addHook('onRequestAbort', async request => {
    note(request, CALLER_LEFT, now() - request.startedAtMs)
  })
}
