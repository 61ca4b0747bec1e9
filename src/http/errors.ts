/** Every error of a request is answered as a problem, whoever threw it: a route, a hook, or Fastify itself. */

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Metrics } from '../observability/metrics.ts'
import { StoreUnavailable } from '../operations/store.ts'
import { auditProblem } from './audit.ts'
import { invalidFields, unsupportedType } from './body.ts'
import { BODY_LIMIT_BYTES } from './fastify-options.ts'
import { API_HEADERS } from './headers.ts'
import { ApiProblem, problemBody, type ProblemCode } from './problem.ts'
import { operationPath } from './schemas/operation.ts'
import { fieldErrors } from './validation.ts'

/** Answers a request with the problem that an error is, and returns the status of the answer. */
export type AnswerError = (error: Error, request: FastifyRequest, reply: FastifyReply) => number

/** Makes the function that answers errors. `basePath` stands before the links in problems. */
export function errorAnswers(basePath: string, metrics: Pick<Metrics, 'problem'>): AnswerError {
  return (error, request, reply) => {
    const problem = toProblem(error, request)
    metrics.problem(request.caller ?? null, problem.code)
    auditProblem(request, problem)
    logFailure(problem, request)
    sendProblem(problem, request, reply, basePath)
    return problem.statusCode
  }
}

/** Answers every error that is thrown while a request is worked on, and every request for an unknown path. */
export function handleErrors(app: FastifyInstance, answerError: AnswerError): void {
  app.setErrorHandler((error: Error, request, reply) => void answerError(error, request, reply))
  app.setNotFoundHandler(({ method, url }) => {
    throw new ApiProblem('route-not-found', `${method} ${repeatable(url)} is no route of this gateway.`)
  })
}

/** The path of a URL without what is neither a word nor a number: whoever is lost may have put a key there. */
function repeatable(url: string): string {
  return url
    .split('?', 1)[0]!
    .replaceAll(/[^/]+/g, part => (/^(?:[A-Za-z_.-]{1,24}|\d{1,10})$/.test(part) ? part : '…'))
}

/** Makes the handler of what Fastify refuses before any hook has run, such as a URL that is not well-formed. */
export function frameworkErrors(answerError: AnswerError, metrics: Pick<Metrics, 'request'>) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    reply.headers({ ...API_HEADERS, 'x-request-id': request.id, 'cache-control': 'no-store' })
    metrics.request(request.method, undefined, answerError(error, request, reply), reply.elapsedTime)
  }
}

/** What Fastify's own errors are to a caller. */
const FRAMEWORK_PROBLEMS: Readonly<Record<string, readonly [ProblemCode, detail: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload-too-large', `The body may have ${BODY_LIMIT_BYTES} bytes.`],
  FST_ERR_CTP_INVALID_JSON_BODY: ['malformed-request', 'The body is not well-formed JSON.'],
  FST_ERR_BAD_URL: ['malformed-request', 'The URL is not well-formed.'],
  FST_ERR_ROUTE_MAX_PARAM_LENGTH: ['malformed-request', 'A part of the path is too long.'],
}

/** Returns the problem that an error is. What nobody foresaw is `internal`, and its cause is for the log alone. */
function toProblem(error: Error, { method }: FastifyRequest): ApiProblem {
  if (error instanceof ApiProblem) return error
  if (error instanceof StoreUnavailable) {
    return new ApiProblem(
      'store-unavailable',
      'The operation store cannot be used now; nothing was changed.',
      { cause: error },
    )
  }
  const { code, statusCode = 500, validation, validationContext = 'body' } = error as FastifyError
  if (validation) return invalidFields(fieldErrors(validation, validationContext))
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return unsupportedType(method)
  const known = FRAMEWORK_PROBLEMS[code]
  if (known) return new ApiProblem(...known, { cause: error })
  if (statusCode >= 400 && statusCode < 500) {
    const detail =
      error instanceof SyntaxError ? 'The body is not well-formed JSON.' : 'The request could not be read.'
    return new ApiProblem('malformed-request', detail, { cause: error })
  }
  return new ApiProblem(
    'internal',
    'Something went wrong in the gateway; its log has the details under the id in `instance`.',
    { cause: error },
  )
}

function logFailure({ code, message, cause, statusCode }: ApiProblem, request: FastifyRequest): void {
  if (statusCode < 500) return
  const level = code === 'internal' ? 'error' : 'warn'
  request.log[level]({ code, detail: message, err: cause }, 'request failed')
}

function sendProblem(
  { code, message, extras, operationId, headers, statusCode }: ApiProblem,
  request: FastifyRequest,
  reply: FastifyReply,
  basePath: string,
): void {
  const operation = operationId === null ? {} : { operation: operationPath(operationId, basePath) }
  void reply
    .code(statusCode)
    .headers(headers)
    .type('application/problem+json')
    .send(problemBody(code, message, request.id, basePath, { ...extras, ...operation }))
}
