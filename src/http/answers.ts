/** How operations are answered: the same status, headers and body on every route that can answer with one. */

import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Scope } from '../callers/caller.ts'
import { hasEnded, type Operation } from '../operations/operation.ts'
import { retryAfterS } from './failures.ts'
import { operationPath, presentOperation } from './schemas/operation.ts'
import { RETRY_AFTER_HEADER } from './schemas/problem.ts'

/** Ends every answer of JSON with a newline, so that the prompt of a shell stands on a line of its own. */
export function endJsonWithNewline(app: FastifyInstance): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    const isJson = typeof payload === 'string' && /\bjson\b/.test(String(reply.getHeader('content-type')))
    done(null, isJson ? `${payload}\n` : payload)
  })
}

/** Answers with an operation as it is: 202 while it runs, 200 once it ended. */
export function sendOperation(
  reply: FastifyReply,
  operation: Operation,
  { basePath, nowMs }: { basePath: string; nowMs: number },
): FastifyReply {
  const running = !hasEnded(operation)
  if (running) {
    const location = operationPath(operation.id, basePath)
    reply.headers({ 'retry-after': retryAfterS(operation, nowMs), location })
  }
  return reply.code(running ? 202 : 200).send(presentOperation(operation, basePath))
}

export const REPLAYED_HEADER = {
  'Idempotency-Replayed': {
    type: 'string',
    enum: ['true'],
    maxLength: 4,
    description: 'The operation was started by an earlier request with this Idempotency-Key.',
  },
}

/** The 202 of a route, for its `response` schema. */
export function runningResponse(description: string, headers: object = {}): object {
  return {
    description,
    headers: {
      ...RETRY_AFTER_HEADER,
      Location: {
        type: 'string',
        format: 'uri-reference',
        maxLength: 300,
        description: 'The path of the operation.',
      },
      ...headers,
    },
    content: { 'application/json': { schema: { $ref: 'Operation#' } } },
  }
}

/** Any other answer with a body of JSON. */
export function jsonResponse(description: string, schema: object, headers: object = {}): object {
  return { description, headers, content: { 'application/json': { schema } } }
}

/**
 * The security of a route, for its schema. Scopes of keys have no place in the standard that all importers accept, so
 * they stand in an extension (and in the description).
 */
export function secured(...scopes: Scope[]): {
  security: Record<string, string[]>[]
  'x-required-scopes'?: Scope[]
} {
  const security = [{ bearer: [] }, { apiKey: [] }]
  return scopes.length > 0 ? { security, 'x-required-scopes': scopes } : { security }
}

/** From a 202 to the operation it speaks of. */
export const OPERATION_LINK = {
  202: {
    getOperation: {
      operationId: 'getOperation',
      parameters: { operation_id: '$response.body#/id' },
      description: 'Follow the operation until it has ended.',
    },
  },
}
