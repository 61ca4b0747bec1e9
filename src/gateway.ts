/** The whole gateway from a configuration: opens its parts in order and closes them in reverse. */

import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { setTimeout as sleep } from 'node:timers/promises'
import { openCallers } from './callers/callers.ts'
import type { CallersFile } from './callers/file.ts'
import type { Config } from './config/config.ts'
import { fileSecret, fixedSecret, type Secret } from './config/secret.ts'
import { openDialect, paces } from './core.ts'
import { buildApp } from './http/app.ts'
import { silentConnections, type ConnectionLimits } from './http/connections.ts'
import { presentEnd } from './http/schemas/message.ts'
import { createMetrics, type Metrics } from './observability/metrics.ts'
import { openTracing, type Tracing } from './observability/tracing.ts'
import type { Hostkey } from './operations/hostkey.ts'
import { Operations } from './operations/operations.ts'
import type { Store } from './operations/store.ts'
import type { Policy } from './operations/transition.ts'
import { openStore } from './store/open.ts'
import { createTransport } from './upstream/transport.ts'
import { Deliveries } from './webhooks/deliveries.ts'
import { createSender } from './webhooks/send.ts'
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
  /** How fast messages of ends are tried again, and given to another process. */
  webhooks?: { firstPauseMs?: number; leaseMs?: number; timeoutMs?: number }
}

const CLOSE_IDLE_MS = 50

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
  const common = { logger, world, metrics, tracing, opened, overrides }
  const hostkey = openHostkey(config, common)
  const timedStore = wrapStore(metrics.store(store))
  const deliveries = openDeliveries(config, callers, timedStore, common)
  const operations = new Operations({
    store: timedStore,
    hostkey: wrapHostkey(hostkey),
    tracing: tracing.operations,
    onRead: (kind, source) => metrics.read(kind, source),
    webhooks: deliveries,
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
  // What ends while it stops is delivered by the next process.
  opened.defer(async () => {
    await Promise.all([operations, deliveries].map(it => it.stop(config.shutdownMs / 4)))
  })
  const closeSilent = silentConnections(app.server)
  opened.defer(() => closeApp(app, closeSilent))
  const address = await app.listen({ host: config.host, port: config.port })
  operations.run()
  deliveries.start()
  const parts = opened.move()
  return {
    app,
    address,
    countCallers: () => callers.count(),
    countReceivers: () => callers.receiverNames().length,
    async close({ drainMs = 0 } = {}) {
      draining.abort()
      // Readiness fails now: load balancers get the time to notice before connections are refused.
      await sleep(drainMs)
      await parts.disposeAsync()
    },
  }
}

/** What all parts are made with. */
interface Common {
  logger: FastifyBaseLogger
  world: World
  metrics: Metrics
  tracing: Tracing
  opened: AsyncDisposableStack
  overrides: GatewayOverrides
}

/** What tells receivers of ends, with every attempt timed and every message counted. */
function openDeliveries(
  { webhookAllow: allow, basePath }: Config,
  receivers: CallersFile,
  { outbox }: Store,
  {
    logger: log,
    world,
    metrics,
    tracing,
    opened,
    overrides: { webhooks: { timeoutMs, ...pace } = {} },
  }: Common,
): Deliveries {
  const limit = timeoutMs === undefined ? {} : { timeoutMs }
  const sender = opened.adopt(createSender({ allow, world, ...limit }), it => it.close())
  return new Deliveries({
    ...pace,
    outbox,
    receivers,
    sender,
    bodyOf: operation => JSON.stringify(presentEnd(operation, basePath)),
    world,
    log,
    apart: make => tracing.operations.apart(make),
    onAttempt: (caller, outcome, tookMs) => metrics.webhookAttempt(caller, outcome, tookMs),
    onOver: (caller, state) => metrics.webhookEnded(caller, state),
  })
}

/** HOSTKEY as the core's port, with every call timed and traced. */
function openHostkey(
  { upstream }: Config,
  { logger, world, metrics, tracing, opened, overrides }: Common,
): Hostkey {
  const secret = opened.adopt(openSecret(upstream.credential, logger), it => it.close())
  const { baseUrl, timeoutMs, concurrency } = upstream
  const transport = opened.adopt(createTransport({ baseUrl, timeoutMs, concurrency, world }), it =>
    it.close(),
  )
  const { client, session, breaker, bulkhead } = openDialect({
    upstream,
    transport,
    secret,
    world,
    log: logger,
    wrapLogin: send => tracing.login(metrics.login(send)),
    breakerFailures: overrides.breakerFailures,
  })
  opened.defer(() => session.close())
  metrics.observeUpstream({ breaker, bulkhead })
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

/** Fastify closes what is idle when it begins to close; what is answered after that would stay for the keep-alive time. */
async function closeApp(app: FastifyInstance, closeSilent: () => void): Promise<void> {
  const timer = setInterval(() => {
    app.server.closeIdleConnections()
    closeSilent()
  }, CLOSE_IDLE_MS)
  await app.close().finally(() => clearInterval(timer))
}
