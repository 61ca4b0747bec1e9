/** The gateway as a Fastify app: plugins, hooks, handlers and routes in the order in which a request meets them. */

import { randomUUID } from 'node:crypto'
import Fastify, {
  LogController,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { FastifyBaseLogger } from 'fastify'
import { auditProblem } from './audit.ts'
import { authenticate, requireAccess, requireScope } from './auth.ts'
import type { Callers } from '../callers/callers.ts'
import type { Config } from '../config/config.ts'
import { BrokenRequests, CONNECTION_LIMITS, type ConnectionLimits } from './connections.ts'
import { allowOrigins } from './cors.ts'
import { registerDocs } from './openapi/docs.ts'
import type { TokenVerifier } from '../callers/jwt.ts'
import { createLimits } from './limits.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Operations } from '../operations/operations.ts'
import { ApiProblem, problemBody, type ApiProblemOptions, type FieldError } from './problem.ts'
import { healthRoutes } from './routes/health.ts'
import { metricsRoute } from './routes/metrics.ts'
import { operationRoutes } from './routes/operations.ts'
import type { RouteParts } from './routes/parts.ts'
import { problemRoutes } from './routes/problems.ts'
import { snapshotRoutes } from './routes/snapshots.ts'
import { startPageRoute } from './routes/start-page.ts'
import { statsRoutes } from './routes/stats.ts'
import { Operation, OperationList, operationPath } from './schemas/operation.ts'
import { Problem } from './schemas/problem.ts'
import { Snapshot, SnapshotCreate, SnapshotList, SnapshotRestore } from './schemas/snapshot.ts'
import { Stats } from './schemas/stats.ts'
import { API_HEADERS } from './headers.ts'
import type { LimitStore } from '../store/open.ts'
import { StoreUnavailable } from '../operations/store.ts'
import type { Tracing } from '../observability/tracing.ts'
import { buildValidator, fieldErrors } from './validation.ts'

export interface AppParts {
  operations: Operations
  callers: Callers
  /** For signed tokens; without it, only the keys of the callers file count. */
  tokens?: TokenVerifier
  metrics: Metrics
  tracing: Pick<Tracing, 'requests'>
  /** Aborts when the gateway begins to shut down. */
  draining: AbortSignal
  logger: FastifyBaseLogger
  now: () => number
  /** Where requests are counted, when that is not this process. */
  limitStore?: LimitStore
  /** Other limits than those of the product, for tests. */
  connectionLimits?: Partial<ConnectionLimits>
}

export type AppConfig = Pick<
  Config,
  | 'basePath'
  | 'publicUrl'
  | 'trustProxy'
  | 'corsOrigins'
  | 'maxWaitMs'
  | 'readWaitMs'
  | 'rateLimit'
  | 'docs'
  | 'shutdownMs'
> & { readonly upstream: Pick<Config['upstream'], 'timeoutMs'> }

declare module 'fastify' {
  interface FastifyRequest {
    startedAtMs: number
  }
  interface FastifyContextConfig {
    /** The body may be left out, and then reads as `{}`. */
    emptyBody?: boolean
  }
}

const BODY_LIMIT_BYTES = 16 * 1024
/** A name of 255 characters may come percent-encoded. */
const MAX_PARAM_LENGTH = 800
const MAX_TIMER_MS = 2_147_483_647
const REQUEST_ID = /^[A-Za-z0-9._-]{8,128}$/

/** Builds the app; the caller listens and closes. Rejects when a route declares no access. */
export async function buildApp(config: AppConfig, parts: AppParts): Promise<FastifyInstance> {
  const { basePath } = config
  const limit = { ...CONNECTION_LIMITS, ...parts.connectionLimits }
  const broken = new BrokenRequests(basePath, parts.logger, code => parts.metrics.problem(null, code))
  const app = Fastify({
    http: {
      maxHeaderSize: limit.headerBytes,
      headersTimeout: limit.headersMs,
      requestTimeout: limit.requestMs,
      connectionsCheckingInterval: limit.checkMs,
      // Node would answer with an empty 400.
      requireHostHeader: false,
    },
    clientErrorHandler: (error, socket) => broken.refuse(error, socket),
    loggerInstance: parts.logger,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.trustProxy.length > 0 ? [...config.trustProxy] : false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: limit.requestMs,
    keepAliveTimeout: limit.keepAliveMs,
    maxRequestsPerSocket: limit.requestsPerSocket,
    connectionTimeout: limit.silenceMs ?? longestSilenceMs(config),
    // A proxy that strips the prefix and one that keeps it are both served.
    rewriteUrl: request => stripPrefix(request.url ?? '/', basePath),
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: false },
    requestIdHeader: false,
    genReqId: request => {
      const offered = request.headers['x-request-id']
      return typeof offered === 'string' && REQUEST_ID.test(offered) ? offered : randomUUID()
    },
    return503OnClosing: false,
    // Problems name the fields themselves (`fieldErrors`): the sentence that Fastify makes of them nobody reads.
    schemaErrorFormatter: () => new Error('invalid'),
    forceCloseConnections: 'idle',
    schemaController: {
      compilersFactory: {
        buildValidator: buildValidator as never,
        // A compiled serializer for every answer of every route took 225 of the 350 ms of a start; the answers are small.
        buildSerializer: () => () => data => JSON.stringify(data),
      },
    },
    frameworkErrors: (error, request, reply) => {
      // No hook runs for these.
      reply.headers({ ...API_HEADERS, 'x-request-id': request.id, 'cache-control': 'no-store' })
      parts.metrics.request(request.method, undefined, sendFailure(error, request, reply), reply.elapsedTime)
    },
  })
  /** Answers with the problem that an error is. */
  function sendFailure(error: Error, request: FastifyRequest, reply: FastifyReply): number {
    const problem = toProblem(error)
    parts.metrics.problem(request.caller ?? null, problem.code)
    auditProblem(request, problem)
    sendProblem(problem, request, reply, basePath)
    return problem.statusCode
  }

  broken.follow(app.server)
  requireAccess(app)
  acceptOnlyJson(app)
  app.setErrorHandler((error, request, reply) => void sendFailure(error as Error, request, reply))

  parts.tracing.requests(app)
  app.decorateRequest('startedAtMs', 0)
  app.addHook('onRequest', (request, reply, done) => {
    request.startedAtMs = parts.now()
    reply
      .headers(request.routeOptions.config.securityHeaders ?? API_HEADERS)
      .header('x-request-id', request.id)
    const { httpVersion, headers } = request.raw
    const hasHost = headers.host !== undefined || httpVersion === '1.0'
    done(hasHost ? undefined : new ApiProblem('malformed-request', 'The request has no Host header.'))
  })
  await allowOrigins(app, config.corsOrigins)

  const limits = await createLimits(app, config.rateLimit, parts.limitStore)

  app.addHook('onRequest', async (request, reply) => {
    const { access, bucket = 'default' } = request.routeOptions.config
    // What is no route, or is public, is limited by address.
    if (access === undefined || access === 'public') {
      if (bucket !== 'none') await limits.count(request, reply, 'default')
      return
    }
    const who = await authenticate(request, parts.callers, parts.tokens)
    const isRefused = who instanceof ApiProblem
    if (!isRefused) request.caller = who
    if (bucket !== 'none') await limits.count(request, reply, isRefused ? 'default' : bucket)
    if (isRefused) throw who
    if (parts.draining.aborted && isChange(request))
      throw new ApiProblem('draining', 'The gateway is shutting down; send this again in a moment.')
    requireScope(who, access.anyOf)
  })

  app.addHook('preValidation', (request, _reply, done) => {
    const { schema, config: route } = request.routeOptions
    if (request.body === undefined && route.emptyBody) request.body = {}
    if (request.body === undefined || !schema || schema.body) return done()
    const message = 'this route takes no body'
    const errors: FieldError[] = [{ in: 'body', field: 'body', message }]
    done(new ApiProblem('validation-failed', `Invalid request: ${message}.`, { errors }))
  })

  app.addHook('onSend', (request, reply, payload, done) => {
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    // A caller told to come back must find quota then.
    const retryAfterS = Number(reply.getHeader('retry-after'))
    if (request.limit?.remaining === 0 && retryAfterS < request.limit.resetS)
      reply.header('retry-after', request.limit.resetS)
    done(null, payload)
  })

  const noteRequest = (request: FastifyRequest, status: number, tookMs: number): void => {
    parts.metrics.request(request.method, request.routeOptions.url, status, tookMs)
    request.log.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? null,
        status,
        caller: request.caller?.id ?? null,
        took_ms: Math.round(tookMs),
      },
      'request',
    )
  }
  app.addHook('onResponse', async (request, reply) => {
    noteRequest(request, reply.statusCode, reply.elapsedTime)
  })
  // The caller is gone before it was answered in full: then there is no `onResponse`.
  app.addHook('onRequestAbort', async request => {
    noteRequest(request, 499, parts.now() - request.startedAtMs)
  })

  for (const schema of [
    Problem,
    Operation,
    OperationList,
    Snapshot,
    SnapshotList,
    SnapshotCreate,
    SnapshotRestore,
    Stats,
  ])
    app.addSchema(schema)
  const answerOtherMethods = collectMethods(app)
  await registerDocs(app, config)
  const routeParts: RouteParts = {
    config,
    operations: parts.operations,
    draining: parts.draining,
    now: parts.now,
  }
  for (const routes of [
    snapshotRoutes,
    statsRoutes,
    operationRoutes,
    problemRoutes,
    healthRoutes,
    startPageRoute,
  ])
    await app.register(routes, routeParts)
  await app.register(metricsRoute, { metrics: parts.metrics })

  answerOtherMethods()
  app.setNotFoundHandler(request => {
    throw new ApiProblem(
      'route-not-found',
      `There is no route ${request.method} ${request.url.split('?')[0]}.`,
    )
  })
  return app
}

/** For how long nothing may go over a connection while a request is worked on, and some time more. */
function longestSilenceMs({ maxWaitMs, readWaitMs, upstream }: AppConfig): number {
  return Math.min(MAX_TIMER_MS, Math.max(maxWaitMs, readWaitMs) + 4 * upstream.timeoutMs + 60_000)
}

function isChange(request: FastifyRequest): boolean {
  return request.method !== 'GET' && request.method !== 'HEAD'
}

function stripPrefix(url: string, basePath: string): string {
  if (basePath === '' || !url.startsWith(basePath)) return url
  const rest = url.slice(basePath.length)
  return rest.startsWith('/') ? rest : rest === '' || rest.startsWith('?') ? `/${rest}` : url
}

/** JSON bodies only; an empty one is no body, whatever its content type says. */
function acceptOnlyJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parseJson(request, body as string, done)
  })
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/** Notes the methods of each path; the function it returns answers all others with 405 and `Allow`. */
function collectMethods(app: FastifyInstance): () => void {
  const paths = new Map<
    string,
    { methods: Set<string>; access: FastifyRequest['routeOptions']['config']['access'] }
  >()
  let collecting = true
  app.addHook('onRoute', ({ url, method, config, schema }) => {
    // Hidden ones are the files of Swagger UI.
    if (!collecting || schema?.hide) return
    const path = paths.get(url) ?? { methods: new Set<string>(), access: config?.access }
    for (const one of [method].flat()) path.methods.add(one)
    paths.set(url, path)
  })
  return () => {
    collecting = false
    for (const [url, { methods, access = 'public' }] of paths) {
      const allow = [...methods].toSorted().join(', ')
      const handler = (request: FastifyRequest): never => {
        throw new ApiProblem(
          'method-not-allowed',
          `${request.method} is not for this path; it takes ${allow}.`,
          { headers: { allow } },
        )
      }
      app.route({
        url,
        method: METHODS.filter(method => !methods.has(method)),
        config: { access },
        schema: { hide: true },
        // Before the body is looked at: the method is wrong whatever it carries.
        onRequest: async request => handler(request),
        handler,
      })
    }
  }
}

/** Every error as a problem; the unknown become `internal`, with the cause for the log alone. */
function toProblem(error: Error): ApiProblem {
  if (error instanceof ApiProblem) return error
  if (error instanceof StoreUnavailable) {
    return new ApiProblem(
      'store-unavailable',
      'The operation store cannot be used now; nothing was changed.',
      { cause: error },
    )
  }
  const { code, statusCode = 500, validation, validationContext = 'body' } = error as FastifyError
  if (validation) {
    const errors = fieldErrors(validation, validationContext)
    const detail = errors.map(({ field, message }) => `${field} ${message}`).join('; ')
    return new ApiProblem('validation-failed', `Invalid request: ${detail.slice(0, 1_000)}.`, { errors })
  }
  const known: Record<string, [ApiProblem['code'], string]> = {
    FST_ERR_CTP_BODY_TOO_LARGE: ['payload-too-large', `The body may have ${BODY_LIMIT_BYTES} bytes.`],
    FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'Send the body as application/json.'],
    FST_ERR_BAD_URL: ['malformed-request', 'The URL is not well-formed.'],
    FST_ERR_ROUTE_MAX_PARAM_LENGTH: ['malformed-request', 'A part of the path is too long.'],
  }
  const [problem, detail] = known[code] ?? []
  const options: ApiProblemOptions = { cause: error }
  if (problem && detail) return new ApiProblem(problem, detail, options)
  if (statusCode >= 400 && statusCode < 500) {
    return new ApiProblem(
      'malformed-request',
      code === 'FST_ERR_CTP_INVALID_JSON_BODY' || error instanceof SyntaxError
        ? 'The body is not well-formed JSON.'
        : 'The request could not be read.',
      options,
    )
  }
  return new ApiProblem(
    'internal',
    'Something went wrong in the gateway; its log has the details under the id in `instance`.',
    options,
  )
}

function sendProblem(
  problem: ApiProblem,
  request: FastifyRequest,
  reply: FastifyReply,
  basePath: string,
): void {
  const { code, message, extras, operationId, headers, statusCode } = problem
  const operation = operationId === null ? {} : { operation: operationPath(operationId, basePath) }
  if (statusCode >= 500) {
    const level = code === 'internal' ? 'error' : 'warn'
    request.log[level]({ code, detail: message, err: problem.cause }, 'request failed')
  }
  void reply
    .code(statusCode)
    .headers(headers)
    .type('application/problem+json')
    .send(problemBody(code, message, request.id, basePath, { ...extras, ...operation }))
}
