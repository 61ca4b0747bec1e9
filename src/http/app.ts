/** The gateway as a Fastify app: the plugins, hooks and routes in the order in which a request meets them. */

import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { Callers } from '../callers/callers.ts'
import type { Config } from '../config/config.ts'
import type { Metrics } from '../observability/metrics.ts'
import type { Tracing } from '../observability/tracing.ts'
import type { Operations } from '../operations/operations.ts'
import { admitRequests, requireAccess } from './admission.ts'
import { endJsonWithNewline } from './answers.ts'
import { acceptOnlyJson, checkForBody } from './body.ts'
import { BrokenRequests, CONNECTION_LIMITS, type ConnectionLimits } from './connections.ts'
import { allowOrigins } from './cors.ts'
import { errorAnswers, frameworkErrors, handleErrors } from './errors.ts'
import { fastifyOptions, type ServerConfig } from './fastify-options.ts'
import { setHeaders } from './headers.ts'
import { createLimits } from './limits.ts'
import type { SharedLimits } from './shared-counts.ts'
import { collectMethods } from './methods.ts'
import { OpenRequests } from './open-requests.ts'
import { Turns } from './turns.ts'
import { registerDocs } from './openapi/docs.ts'
import { followHttp } from './protocol.ts'
import { noteRequests } from './request-log.ts'
import { healthRoutes } from './routes/health.ts'
import { metricsRoute } from './routes/metrics.ts'
import { operationRoutes } from './routes/operations.ts'
import type { RouteParts } from './routes/parts.ts'
import { problemRoutes } from './routes/problems.ts'
import { snapshotRoutes } from './routes/snapshots.ts'
import { startPageRoute } from './routes/start-page.ts'
import { statsRoutes } from './routes/stats.ts'
import { COMPONENTS } from './schemas/components.ts'
import { refuseCredentialsInBodies } from './stray-credentials.ts'
import { refuseUnknownQueries } from './validation.ts'
import type { World } from '../world.ts'

export interface AppParts {
  operations: Operations
  callers: Callers
  metrics: Metrics
  tracing: Pick<Tracing, 'requests'>
  /** Aborts when the gateway begins to shut down. */
  draining: AbortSignal
  logger: FastifyBaseLogger
  world: World
  /** Where requests of all replicas are counted together. */
  sharedLimits?: SharedLimits | undefined
  /** Tests give other limits than those of the product. */
  connectionLimits?: Partial<ConnectionLimits>
}

export type AppConfig = ServerConfig &
  Pick<Config, 'publicUrl' | 'corsOrigins' | 'rateLimit' | 'maxOpenPerCaller' | 'docs'>

/** Builds the app, which the caller listens with and closes. `ready()` rejects when a route declares no access. */
export async function buildApp(config: AppConfig, parts: AppParts): Promise<FastifyInstance> {
  const { basePath } = config
  const { operations, callers, metrics, draining, logger, world } = parts
  const { now } = world
  const limits = { ...CONNECTION_LIMITS, ...parts.connectionLimits }
  const silentMs = Math.max(0, limits.keepAliveMs - limits.headersMs)
  const broken = new BrokenRequests({ basePath, silentMs }, logger, code => metrics.problem(null, code))
  const answerError = errorAnswers(basePath, metrics)
  const app = Fastify({
    ...fastifyOptions(config, limits, logger),
    clientErrorHandler: (error, socket) => broken.refuse(error, socket),
    frameworkErrors: frameworkErrors(answerError, metrics),
  })

  broken.follow(app.server)
  requireAccess(app)
  acceptOnlyJson(app)
  handleErrors(app, answerError)

  parts.tracing.requests(app)
  noteRequests(app, metrics, now)
  setHeaders(app)
  endJsonWithNewline(app)
  followHttp(app)
  await allowOrigins(app, config.corsOrigins)
  const rateLimits = await createLimits(app, config.rateLimit, world, parts.sharedLimits)
  const open = new OpenRequests(config.maxOpenPerCaller, caller => metrics.heldTooMuch(caller))
  admitRequests(app, { callers, limits: rateLimits, open, draining })
  checkForBody(app)
  refuseCredentialsInBodies(app)

  for (const component of COMPONENTS) app.addSchema(component)
  refuseUnknownQueries(app)
  const answerOtherMethods = collectMethods(app)
  await registerDocs(app, config)
  const routeParts: RouteParts = { config, operations, draining, now, turns: new Turns(world) }
  await app.register(snapshotRoutes, routeParts)
  await app.register(statsRoutes, routeParts)
  await app.register(operationRoutes, routeParts)
  await app.register(problemRoutes, routeParts)
  await app.register(healthRoutes, routeParts)
  await app.register(startPageRoute, routeParts)
  await app.register(metricsRoute, { metrics })
  answerOtherMethods()
  return app
}
