/** What a request may carry: JSON, or nothing where the route takes no body. An empty body is none, whatever its type. */

import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { decodeUtf8, duplicateMembers } from './json.ts'
import { ApiProblem, type FieldError } from './problem.ts'
import { fieldName } from './validation.ts'

/** A media type of JSON (RFC 8259), with any parameters: `charset` has no meaning there, but must not say another one. */
const JSON_TYPE =
  /^application\/json[ \t]*(?:;(?:[ \t]*charset=(?:utf-?8|"utf-?8")[ \t]*|(?![ \t]*charset=)[^;]*))*$/i

/** Reads bodies as JSON and refuses all others. */
export function acceptOnlyJson(app: FastifyInstance): void {
  app.addHook('onRequest', ({ raw: { headers } }, _reply, done) => {
    const type = headers['content-type']
    if (type === undefined) return done()
    if (JSON_TYPE.test(type)) headers['content-type'] = 'application/json'
    // Without a type, Fastify finds out whether there is a body at all, and gives it to the parser `*`.
    else delete headers['content-type']
    done()
  })
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const isCoded = request.headers['content-encoding'] !== undefined && mayHaveBody(request.raw)
    done(isCoded && !isRead(request) && !request.is404 ? unsupportedCoding() : null, payload)
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, ({ method, is404 }, bytes, done) => {
    if (bytes.length === 0 || is404) done(null, undefined)
    else done(unsupportedType(method))
  })
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: unknown, bytes: Buffer) => (bytes.length === 0 ? undefined : readJson(bytes)),
  )
}

/**
 * Reads a body of JSON. Names such as `__proto__` are members like others here, and no schema knows them.
 * @throws ApiProblem when it cannot be read, or has a member twice
 */
function readJson(bytes: Buffer): unknown {
  const text = decodeUtf8(bytes)
  if (text === undefined) throw unreadable('is not UTF-8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw unreadable('is not well-formed JSON')
  }
  const twice = duplicateMembers(text)
  if (twice.length > 0) throw givenTwice(twice)
  return value
}

function unsupportedCoding(): ApiProblem {
  return new ApiProblem('unsupported-media-type', 'Send the body as it is, without a Content-Encoding.', {
    // RFC 9110, section 12.5.3.
    headers: { 'accept-encoding': 'identity' },
  })
}

/** Makes the problem of a body that is no JSON; its headers are those of RFC 9110, section 12.5.1, and of LDP, section 7.1. */
export function unsupportedType(method: string): ApiProblem {
  const accept = 'application/json'
  return new ApiProblem('unsupported-media-type', `Send the body as ${accept}.`, {
    headers: { accept, ...(method === 'POST' ? { 'accept-post': accept } : {}) },
  })
}

function unreadable(message: string): ApiProblem {
  return new ApiProblem('malformed-request', `The body ${message}.`, {
    errors: [{ in: 'body', field: 'body', message }],
  })
}

function givenTwice(fields: readonly string[]): ApiProblem {
  return invalidFields(
    fields.slice(0, 100).map(field => ({ in: 'body', field: fieldName(field), message: 'was given twice' })),
  )
}

/** Makes the problem of a request with these invalid fields. */
export function invalidFields(errors: FieldError[]): ApiProblem {
  const detail = errors.map(({ field, message }) => `${field} ${message}`).join('; ')
  return new ApiProblem('validation-failed', `Invalid request: ${detail.slice(0, 1_000).toWellFormed()}.`, {
    errors,
  })
}

/** Refuses a body that the route does not take, and one that is missing; it reads as `{}` where it may be left out. */
export function checkForBody(app: FastifyInstance): void {
  app.addHook('preValidation', async request => {
    const { schema, config } = request.routeOptions
    if (!schema) return
    if (schema.body) {
      if (request.body === undefined && config.emptyBody) request.body = {}
      if (request.body === undefined) refuse('is required')
      refuseHalvesOfPairs(request.body)
    } else if (request.body !== undefined || (isRead(request) && (await hasContent(request.raw)))) {
      refuse('is not taken by this route, which has all that it takes in its path and query')
    }
  })
}

function refuse(message: string): never {
  throw invalidFields([{ in: 'body', field: 'body', message }])
}

function isRead({ method }: { method: string }): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** Tells whether a request announces a body; one in chunks may still be empty. */
function mayHaveBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Tells whether a request has a body. For GET and HEAD nothing else reads it. */
async function hasContent(request: IncomingMessage): Promise<boolean> {
  if (!mayHaveBody(request)) return false
  if (request.headers['transfer-encoding'] === undefined) return true
  for await (const _ of request.iterator({ destroyOnReturn: false })) return true
  return false
}

/** Refuses text with half of a surrogate pair, which JSON can spell and UTF-8 cannot carry on to HOSTKEY (RFC 8259, section 8.2). */
function refuseHalvesOfPairs(body: unknown): void {
  const errors = Object.entries(Object(body) as Record<string, unknown>)
    .filter(([, value]) => typeof value === 'string' && !value.isWellFormed())
    .map(([field]): FieldError => ({
      in: 'body',
      field: fieldName(field),
      message: 'has half of a surrogate pair',
    }))
  if (errors.length > 0) throw invalidFields(errors)
}
