/** What a request may carry: JSON, or nothing where the route takes no body. */

import type { FastifyInstance } from 'fastify'
import { ApiProblem, type FieldError } from './problem.ts'

/** Reads bodies as JSON and refuses all others. An empty body is none, whatever its content type says. */
export function acceptOnlyJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parseJson(request, body as string, done)
  })
}

/** Refuses a body that the route does not take, and reads a missing one as `{}` where it may be left out. */
export function checkForBody(app: FastifyInstance): void {
  app.addHook('preValidation', (request, _reply, done) => {
    const { schema, config } = request.routeOptions
    if (request.body === undefined && config.emptyBody) request.body = {}
    if (request.body === undefined || !schema) return done()
    if (schema.body) return done(halvesOfPairs(request.body))
    const message = 'this route takes no body'
    const errors: FieldError[] = [{ in: 'body', field: 'body', message }]
    done(new ApiProblem('validation-failed', `Invalid request: ${message}.`, { errors }))
  })
}

/** Refuses text with half of a surrogate pair, which JSON can spell and UTF-8 cannot carry on to HOSTKEY (RFC 8259, section 8.2). */
function halvesOfPairs(body: unknown): ApiProblem | undefined {
  const message = 'has half of a surrogate pair'
  const errors = Object.entries(Object(body) as Record<string, unknown>)
    .filter(([, value]) => typeof value === 'string' && !value.isWellFormed())
    .map(([field]): FieldError => ({ in: 'body', field: field.toWellFormed(), message }))
  if (errors.length === 0) return undefined
  const detail = errors.map(({ field }) => `${field} ${message}`).join('; ')
  return new ApiProblem('validation-failed', `Invalid request: ${detail}.`, { errors })
}
