import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { ApiProblem } from '../problem.ts'
import { problemsOnly, PUBLIC_PROBLEMS } from '../schemas/problem.ts'
import { jsonResponse } from '../answers.ts'
import type { RouteParts } from './parts.ts'

const Health = Type.Object(
  { status: Type.Literal('ok', { description: 'Always `ok`: anything else is a problem.' }) },
  { $id: 'Health', description: 'That the gateway is well.', examples: [{ status: 'ok' }] },
)

/** `/livez` and `/readyz`, without credentials and without limits: probes come often. */
export const healthRoutes: FastifyPluginAsyncTypebox<RouteParts> = async (app, { operations, draining }) => {
  app.addSchema(Health)
  const schema = { tags: ['Health'], security: [] }
  const ok = (description: string): object => jsonResponse(description, { $ref: 'Health#' })

  app.route({
    method: 'GET',
    url: '/livez',
    config: { access: 'public', bucket: 'none' },
    schema: {
      ...schema,
      operationId: 'getLiveness',
      summary: 'Is the process alive',
      description: 'Answers as long as the process can answer anything. Restart it when this fails.',
      response: { 200: ok('It is alive.'), ...problemsOnly(...PUBLIC_PROBLEMS) },
    },
    handler: (_request, reply) => reply.send({ status: 'ok' }),
  })

  app.route({
    method: 'GET',
    url: '/readyz',
    config: { access: 'public', bucket: 'none' },
    schema: {
      ...schema,
      operationId: 'getReadiness',
      summary: 'Can it take requests',
      description:
        'Fails while the store is away and from the moment the gateway is asked to shut down. HOSTKEY being away does not fail it: every replica would be taken out at once.',
      response: {
        200: ok('It can.'),
        ...problemsOnly(...PUBLIC_PROBLEMS, 'store-unavailable', 'draining'),
      },
    },
    handler: async (_request, reply) => {
      if (draining.aborted)
        throw new ApiProblem('draining', 'The gateway is shutting down.', { retryAfterS: 1 })
      await operations.ping()
      return reply.send({ status: 'ok' })
    },
  })
}
