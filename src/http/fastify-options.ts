/** How Fastify is set up, before any plugin: connections, request ids, the base path, and how schemas are compiled. */

import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { LogController, type FastifyBaseLogger, type FastifyServerOptions } from 'fastify'
import type { Config } from '../config/config.ts'
import { trustIn } from './address.ts'
import type { ConnectionLimits } from './connections.ts'
import { readQuery } from './query.ts'
import { hasCredential } from './stray-credentials.ts'
import { buildValidator } from './validation.ts'

export type ServerConfig = Pick<Config, 'basePath' | 'trustProxy' | 'maxWaitMs' | 'readWaitMs'> & {
  readonly upstream: Pick<Config['upstream'], 'timeoutMs'>
}

export const BODY_LIMIT_BYTES = 16 * 1024
/** The name of a snapshot may have 255 characters, and each of them may come percent-encoded. */
const MAX_PARAM_LENGTH = 800
const MAX_TIMER_MS = 2_147_483_647
const REQUEST_ID = /^[A-Za-z0-9._-]{8,128}$/

/** Returns the options that do not depend on the gateway's parts. */
export function fastifyOptions(
  config: ServerConfig,
  limits: ConnectionLimits,
  logger: FastifyBaseLogger,
): FastifyServerOptions & { http: object } {
  return {
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkMs,
      // Node would answer with an empty 400; `protocol.ts` answers with a problem.
      requireHostHeader: false,
    },
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxRequestsPerSocket: limits.requestsPerSocket,
    connectionTimeout: limits.silenceMs ?? longestSilenceMs(config),
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    bodyLimit: BODY_LIMIT_BYTES,
    loggerInstance: logger,
    // `request-log.ts` writes the lines about requests.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustIn(config.trustProxy),
    rewriteUrl: request => withoutPrefix(request.url ?? '/', config.basePath),
    routerOptions: {
      maxParamLength: MAX_PARAM_LENGTH,
      ignoreTrailingSlash: false,
      querystringParser: readQuery,
    },
    requestIdHeader: false,
    genReqId: requestIdOf,
    // `errors.ts` names the invalid fields itself, so nobody would read the sentence that Fastify makes of them.
    schemaErrorFormatter: () => new Error('invalid'),
    schemaController: {
      compilersFactory: {
        buildValidator: buildValidator as never,
        // To compile a serializer for each answer of each route took 225 of the 350 ms of a start; the answers are small.
        buildSerializer: () => () => data => JSON.stringify(data),
      },
    },
  }
}

/** Returns the time for which nothing may go over a connection while a request is worked on: the longest wait and some more. */
function longestSilenceMs({ maxWaitMs, readWaitMs, upstream }: ServerConfig): number {
  return Math.min(MAX_TIMER_MS, Math.max(maxWaitMs, readWaitMs) + 4 * upstream.timeoutMs + 60_000)
}

/**
 * Takes the base path off a URL. A proxy that strips it and one that keeps it are both served, and so is one that sends
 * the whole address (RFC 9112, section 3.2.2).
 */
function withoutPrefix(target: string, basePath: string): string {
  const url = target.replace(/^https?:\/\/[^/?#]*(?=([/?#]?))/i, (_, next) => (next === '/' ? '' : '/'))
  if (basePath === '' || !url.startsWith(basePath)) return url
  const rest = url.slice(basePath.length)
  if (rest.startsWith('/')) return rest
  return rest === '' || rest.startsWith('?') ? `/${rest}` : url
}

/** Returns the id that the sender gave to the request, if it is well-formed, or else a new one. */
function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const offered = headers['x-request-id']
  const isFit = typeof offered === 'string' && REQUEST_ID.test(offered) && !hasCredential(offered, headers)
  return isFit ? offered : randomUUID()
}
