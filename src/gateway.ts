/** The whole gateway from a configuration: opens its parts in order and closes them in reverse. */

import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { setTimeout as sleep } from 'node:timers/promises'
import { openCallers } from './callers/callers.ts'
import type { Config } from './config/config.ts'
import { fileSecret, fixedSecret, type Secret } from './config/secret.ts'
import { buildApp } from './http/app.ts'
import { silentConnections, type ConnectionLimits } from './http/connections.ts'
import { createMetrics, type Metrics } from './observability/metrics.ts'
import { openTracing, type Tracing } from './observability/tracing.ts'
import type { Hostkey } from './operations/hostkey.ts'
import { Operations } from './operations/operations.ts'
import type { Store } from './operations/store.ts'
import type { Policy } from './operations/transition.ts'
import { openStore } from './store/open.ts'
import { Breaker } from './upstream/breaker.ts'
import { Bulkhead } from './upstream/bulkhead.ts'
import { Client } from './upstream/client.ts'
import { Gate } from './upstream/gate.ts'
import { fixedSession, loginSession } from './upstream/session.ts'
import { Throttle } from './upstream/throttle.ts'
import { createTransport } from './upstream/transport.ts'
import { realWorld, type World } from './world.ts'

export interface Gateway {
  app: FastifyInstance
  /** Where it listens: `http://host:port`. */
  address: string
  /** How many callers the callers file has now. */
  countCallers(): number
  /** How many of them have a webhook. */
  countReceivers(): number
  /** Fails readiness, lets waiting callers go with what there is, waits for `drainMs`, and closes everything. */
  close(options?: { drainMs?: number }): Promise<void>
}

/** What stands in for a part, or is put around one. */
export interface GatewayOverrides {
  /** Puts something around the two ports of the core. */
  wrapStore?: (store: Store) => Store
  wrapHostkey?: (hostkey: Hostkey) => Hostkey
  world?: World
  /** How many failures in a row open the circuit. */
  breakerFailures?: number
  keyGraceMs?: Policy['keyGraceMs']
  leaseMs?: number
  connectionLimits?: Partial<ConnectionLimits>
}

/** How long an ambiguous change is looked for; shorter when operations may not run that long. */
const SETTLE_MS = 120_000
const READ_CALLS = 4
/** HOSTKEY may be late to know a key that it issued (contract §1). A read is rather asked again. */
const KEY_GRACE_MS = { change: 10_000, read: 2_000 }
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
  const { world = realWorld, wrapStore = store => store, wrapHostkey = hostkey => hostkey } = overrides
  const { now } = world
  await using opened = new AsyncDisposableStack()
  const callers = opened.adopt(await openCallers(config, { now, log: logger }), it => it.close())
  const metrics = createMetrics()
  const tracing = opened.adopt(await openTracing(config.tracing), it => it.close())
  const { store, sharedLimits } = await openStore(config, logger, world, opened)
  metrics.observeStore(store)
  metrics.observeKeys(() => callers.keyUses())
  const hostkey = openHostkey(config, { logger, world, metrics, tracing, opened, overrides })
  const operations = new Operations({
    store: wrapStore(metrics.store(store)),
    hostkey: wrapHostkey(hostkey),
    tracing: tracing.operations,
    onRead: (kind, source) => metrics.read(kind, source),
    world,
    log: logger,
    ...paces(config, overrides),
  })
  const draining = new AbortController()
  const app = await buildApp(config, {
    operations,
    callers,
    metrics,
    tracing,
    draining: draining.signal,
    logger,
    world,
    sharedLimits,
    connectionLimits: overrides.connectionLimits ?? {},
  })
  opened.defer(() => operations.stop(config.shutdownMs / 4))
  const closeSilent = silentConnections(app.server)
  opened.defer(() => closeApp(app, closeSilent))
  const address = await app.listen({ host: config.host, port: config.port })
  operations.run()
  const parts = opened.move()
  return {
    app,
    address,
    countCallers: () => callers.count(),
    countReceivers: () => callers.countReceivers(),
    async close({ drainMs = 0 } = {}) {
      draining.abort()
      // Readiness fails now: load balancers get the time to notice before connections are refused.
      await sleep(drainMs)
      await parts.disposeAsync()
    },
  }
}

interface HostkeyParts {
  logger: FastifyBaseLogger
  world: World
  metrics: Metrics
  tracing: Tracing
  opened: AsyncDisposableStack
  overrides: GatewayOverrides
}

/** HOSTKEY as the core's port, with every call timed and traced. */
function openHostkey(
  { upstream: { baseUrl, timeoutMs, concurrency, readMethod, timeZone, credential } }: Config,
  { logger, world, metrics, tracing, opened, overrides }: HostkeyParts,
): Hostkey {
  const secret = opened.adopt(openSecret(credential, logger), it => it.close())
  const transport = opened.adopt(createTransport({ baseUrl, timeoutMs, concurrency, world }), it =>
    it.close(),
  )
  const login = tracing.login(metrics.login(fields => transport.send('auth.php', 'POST', fields)))
  const session =
    credential.kind === 'token'
      ? fixedSession(secret)
      : loginSession({
          apiKey: secret,
          send: login,
          sendLogout: (fields, signal) => transport.send('auth.php', 'POST', fields, signal),
          host: new URL(baseUrl).hostname,
          world,
          log: logger,
        })
  opened.defer(() => session.close())
  const bulkhead = new Bulkhead({
    concurrency,
    queue: concurrency * QUEUE_PER_PLACE,
    waitMs: QUEUE_WAIT_MS,
    world,
  })
  const breaker = new Breaker({
    failures: overrides.breakerFailures ?? BREAKER_FAILURES,
    openMs: BREAKER_OPEN_MS,
    world,
  })
  metrics.observeUpstream({ breaker, bulkhead })
  const client = new Client({
    transport,
    session,
    readMethod,
    gate: new Gate(breaker, bulkhead),
    checks: new Throttle(world),
    timeZone,
    log: logger,
  })
  return tracing.hostkey(metrics.hostkey(client))
}

function openSecret(credential: Config['upstream']['credential'], logger: FastifyBaseLogger): Secret {
  if (!('file' in credential)) return fixedSecret(credential.value)
  const { file, kind } = credential
  return fileSecret(
    file,
    message => logger.error({ reason: message }, 'secret file is broken'),
    () => logger.info({ file, kind }, 'secret file read again'),
  )
}

/** How fast and for how long operations are worked on. */
function paces(
  config: Config,
  { keyGraceMs = KEY_GRACE_MS, leaseMs }: GatewayOverrides,
): Pick<
  ConstructorParameters<typeof Operations>[0],
  'policy' | 'leaseMs' | 'readCacheMs' | 'watchConcurrency' | 'ttlMs'
> {
  const { upstream, operationDeadlineMs } = config
  return {
    policy: {
      checkMinMs: config.checkMinMs,
      checkMaxMs: config.checkMaxMs,
      deadlineMs: operationDeadlineMs,
      settleMs: Math.min(SETTLE_MS, operationDeadlineMs),
      keyGraceMs,
      readCalls: READ_CALLS,
    },
    // A call may log in and be made twice: four exchanges, and some room.
    leaseMs: leaseMs ?? upstream.timeoutMs * 4 + 10_000,
    readCacheMs: config.readCacheMs,
    watchConcurrency: Math.max(1, Math.floor(upstream.concurrency / 2)),
    ttlMs: config.operationTtlMs,
  }
}

/** Fastify closes what is idle when it begins to close; what is answered after that would stay for the keep-alive time. */
async function closeApp(app: FastifyInstance, closeSilent: () => void): Promise<void> {
  const timer = setInterval(() => {
    app.server.closeIdleConnections()
    closeSilent()
  }, CLOSE_IDLE_MS)
  await app.close().finally(() => clearInterval(timer))
}
