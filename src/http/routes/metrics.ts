import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { METRICS_TYPE, type Metrics } from '../../observability/metrics.ts'
import { problemsOnly, PUBLIC_PROBLEMS } from '../schemas/problem.ts'

/** `/metrics` for Prometheus. Public like the probes, but limited: it costs more than they do. */
export const metricsRoute: FastifyPluginAsyncTypebox<{ metrics: Metrics }> = async (app, { metrics }) => {
  app.route({
    method: 'GET',
    url: '/metrics',
    config: { access: 'public' },
    schema: {
      operationId: 'getMetrics',
      tags: ['Health'],
      security: [],
      summary: 'Metrics for Prometheus',
      description:
        'Requests, calls to HOSTKEY, operations, the store and the process, in the text format of Prometheus. Callers appear by name; VMs, operations and keys never do.',
      response: {
        200: {
          description: 'The metrics.',
          content: {
            'text/plain': { schema: Type.String({ pattern: '^# HELP ', maxLength: 10_000_000 }) },
          },
        },
        ...problemsOnly(...PUBLIC_PROBLEMS, 'rate-limited'),
      },
    },
    handler: async (_request, reply) =>
      reply
        .type(METRICS_TYPE)
        .serializer(String)
        .send(await metrics.text()),
  })
}
