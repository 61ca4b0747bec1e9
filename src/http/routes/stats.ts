import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ReadHeaders, ref, VmParams } from '../schemas/common.ts'
import { problemResponses, UPSTREAM_PROBLEMS } from '../schemas/problem.ts'
import { Stats } from '../schemas/stats.ts'
import { jsonResponse, OPERATION_LINK, runningResponse, secured } from '../answers.ts'
import type { RouteParts } from './parts.ts'
import { AGE_HEADER, answerRead } from './read.ts'

/** `/vms/{vm_id}/stats` */
export const statsRoutes: FastifyPluginAsyncTypebox<RouteParts> = async (app, parts) => {
  app.route({
    method: 'GET',
    url: '/vms/:vm_id/stats',
    config: { access: { anyOf: ['stats:read'] } },
    links: OPERATION_LINK,
    schema: {
      operationId: 'getStats',
      tags: ['Stats'],
      summary: 'See the load of a VM',
      description:
        'Waits for HOSTKEY for some seconds; when that is not enough, answers with an operation whose `result` will be the stats. Needs the scope `stats:read`.',
      ...secured('stats:read'),
      params: VmParams,
      headers: ReadHeaders,
      response: {
        200: jsonResponse('The stats.', ref(Stats), AGE_HEADER),
        202: runningResponse('Not ready in time; follow the operation.'),
        ...problemResponses(...UPSTREAM_PROBLEMS),
      },
    },
    handler: (request, reply) => {
      const what = { kind: 'stats.load', vmId: request.params.vm_id, type: null } as const
      return answerRead(parts, request, reply, what, stats => stats)
    },
  })
}
