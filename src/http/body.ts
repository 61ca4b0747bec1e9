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
    if (request.body === undefined || !schema || schema.body) return done()
    const message = 'this route takes no body'
    const errors: FieldError[] = [{ in: 'body', field: 'body', message }]
    done(new ApiProblem('validation-failed', `Invalid request: ${message}.`, { errors }))
  })
}
