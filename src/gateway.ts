/** The whole gateway from a configuration: used by the server, the demo and the tests. */

import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildApp, type AppParts } from './http/app.ts'
import { openCallers } from './callers/callers.ts'
import type { Config } from './config/config.ts'
import { silentConnections, type ConnectionLimits } from './http/connections.ts'
import { createMetrics } from './observability/metrics.ts'
import type { EngineParts } from './operations/engine.ts'
import { Operations } from './operations/operations.ts'
import { operationPath } from './http/schemas/operation.ts'
import { fileSecret, fixedSecret } from './config/secret.ts'
import { openStore } from './store/open.ts'
import { openTracing } from './observability/tracing.ts'
import { Breaker } from './upstream/breaker.ts'
import { Bulkhead } from './upstream/bulkhead.ts'
import { createUpstream } from './upstream/client.ts'
import { fixedSession, loginSession } from './upstream/session.ts'
import { Throttle } from './upstream/throttle.ts'
import { createTransport } from './upstream/transport.ts'

export interface Gateway {
  app: FastifyInstance
  /** Where it listens: `http://host:port`. */
  address: string
  /** Fails readiness, lets waiting callers go with what there is, and closes everything within `limitMs`. */
  close(options?: { drainMs?: number }): Promise<void>
}

/** For tests only. */
export interface GatewayOverrides {
  onStep?: EngineParts['onStep']
  now?: () => number
  /** How many failures in a row open the circuit. */
  breakerFailures?: number
  connectionLimits?: Partial<ConnectionLimits>
}

/** How long an ambiguous mutation is looked for; shorter when operations may not run that long. */
const SETTLE_MS = 120_000
const READ_CALLS = 4
const CLOSE_IDLE_MS = 50
/** A burst may wait for a place, but only briefly: when HOSTKEY hangs, callers get their 503 soon. */
const QUEUE_PER_PLACE = 32
const QUEUE_WAIT_MS = 1_500
const BREAKER_FAILURES = 20
const BREAKER_OPEN_MS = 2_000

/**
 * Opens the store and the callers file, starts to watch and listens.
 * @throws Error with one clear line when a part cannot be opened; `EADDRINUSE` and the like from listening.
 */
export async function startGateway(
  config: Config,
  logger: FastifyBaseLogger,
  overrides: GatewayOverrides = {},
): Promise<Gateway> {
  const { upstream: up, basePath } = config
  const { now = Date.now, breakerFailures = BREAKER_FAILURES } = overrides
  // In the order in which they are opened; closed in reverse.
  const closers: (() => Promise<void> | void)[] = []
  const close = async (): Promise<void> => {
    for (const closeOne of closers.splice(0).toReversed()) await closeOne()
  }
  try {
    const callers = openCallers(config.callersFile, logger)
    closers.push(() => callers.close())
    const secret =
      'file' in up.credential
        ? fileSecret(up.credential.file, message =>
            logger.error({ reason: message }, 'secret file is broken'),
          )
        : fixedSecret(up.credential.value)
    closers.push(() => secret.close())
    const metrics = createMetrics()
    const tracing = await openTracing(config.tracing)
    closers.push(() => tracing.close())
    const { store: bareStore, limitStore } = await openStore(config, logger, now, closers)
    const store = metrics.store(bareStore)
    const transport = createTransport({
      baseUrl: up.baseUrl,
      timeoutMs: up.timeoutMs,
      concurrency: up.concurrency,
    })
    closers.push(() => transport.close())
    const session =
      up.credential.kind === 'token'
        ? fixedSession(secret)
        : loginSession({
            apiKey: secret,
            send: tracing.login(metrics.login(fields => transport.send('auth.php', 'POST', fields))),
            sendLogout: (fields, signal) => transport.send('auth.php', 'POST', fields, signal),
            host: new URL(up.baseUrl).hostname,
            now,
            log: logger,
          })
    closers.push(() => session.close())
    const bulkhead = new Bulkhead({
      concurrency: up.concurrency,
      queue: up.concurrency * QUEUE_PER_PLACE,
      waitMs: QUEUE_WAIT_MS,
    })
    const breaker = new Breaker({
      failures: breakerFailures,
      openMs: BREAKER_OPEN_MS,
      // A pause of two seconds must not last for hours because the clock was set back.
      now: () => performance.now(),
    })
    metrics.observe({ store: bareStore, breaker, bulkhead })
    const operations = new Operations({
      store,
      upstream: tracing.upstream(
        metrics.upstream(
          createUpstream({
            transport,
            session,
            readMethod: up.readMethod,
            bulkhead,
            breaker,
            checks: new Throttle({ now: () => performance.now() }),
            log: logger,
          }),
        ),
      ),
      policy: {
        checkMinMs: config.checkMinMs,
        checkMaxMs: config.checkMaxMs,
        deadlineMs: config.operationDeadlineMs,
        settleMs: Math.min(SETTLE_MS, config.operationDeadlineMs),
        readCalls: READ_CALLS,
      },
      now,
      random: Math.random,
      log: logger,
      tracing: tracing.operations,
      // A call may log in and be made twice: four exchanges, and some room.
      leaseMs: up.timeoutMs * 4 + 10_000,
      readCacheMs: config.readCacheMs,
      watchConcurrency: Math.max(1, Math.floor(up.concurrency / 2)),
      ttlMs: config.operationTtlMs,
      pathOf: id => operationPath(id, basePath),
      onRead: (kind, source) => metrics.read(kind, source),
      ...(overrides.onStep ? { onStep: overrides.onStep } : {}),
    })
    const draining = new AbortController()
    const app = await buildApp(config, {
      operations,
      callers,
      metrics,
      tracing,
      ...(await tokensOf(config, now, logger)),
      draining: draining.signal,
      logger,
      now,
      limitStore,
      connectionLimits: overrides.connectionLimits ?? {},
    })
    closers.push(() => operations.stop(config.shutdownMs / 4))
    const closeSilent = silentConnections(app.server)
    closers.push(() => closeApp(app, closeSilent))
    const address = await app.listen({ host: config.host, port: config.port })
    operations.run()
    return {
      app,
      address,
      async close({ drainMs = 0 } = {}) {
        draining.abort()
        // Readiness fails now: load balancers get the time to notice before connections are refused.
        await sleep(drainMs)
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Loaded only where signed tokens are taken. */
async function tokensOf(
  { jwt }: Config,
  now: () => number,
  log: FastifyBaseLogger,
): Promise<Pick<AppParts, 'tokens'>> {
  if (!jwt) return {}
  const { createTokenVerifier } = await import('./callers/jwt.ts')
  return { tokens: createTokenVerifier(jwt, { now, log }) }
}

/** Fastify closes what is idle when it begins to close; what is answered after that would stay for the keep-alive time. */
async function closeApp(app: FastifyInstance, closeSilent: () => void): Promise<void> {
  const timer = setInterval(() => {
    app.server.closeIdleConnections()
    closeSilent()
  }, CLOSE_IDLE_MS)
  await app.close().finally(() => clearInterval(timer))
}
