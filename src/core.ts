/** How the core and the dialect are put together, which the gateway and the simulation of it share. */

import type { Config } from './config/config.ts'
import type { Secret } from './config/secret.ts'
import type { Log } from './operations/engine.ts'
import type { OperationsOptions } from './operations/operations.ts'
import type { Policy } from './operations/transition.ts'
import { Breaker } from './upstream/breaker.ts'
import { Bulkhead } from './upstream/bulkhead.ts'
import { Client } from './upstream/client.ts'
import { Gate } from './upstream/gate.ts'
import { fixedSession, loginSession, type Send, type Session } from './upstream/session.ts'
import { Throttle } from './upstream/throttle.ts'
import type { Transport } from './upstream/transport.ts'
import type { World } from './world.ts'

/** How long an ambiguous change is looked for; shorter when operations may not run that long. */
const SETTLE_MS = 120_000
const READ_CALLS = 4
/** HOSTKEY may be late to know a key that it issued (contract §1). A read is rather asked again. */
const KEY_GRACE_MS = { change: 10_000, read: 2_000 }
/** A burst may wait for a place, but only briefly: when HOSTKEY hangs, callers get their 503 soon. */
const QUEUE_PER_PLACE = 32
const QUEUE_WAIT_MS = 1_500
const BREAKER_FAILURES = 20
const BREAKER_OPEN_MS = 2_000

export interface DialectParts {
  upstream: Config['upstream']
  transport: Transport
  /** The token, or the API key to log in with. */
  secret: Secret
  world: World
  log: Log
  /** Puts something around the logins. */
  wrapLogin?: (send: Send) => Send
  /** How many failures in a row open the circuit. */
  breakerFailures?: number | undefined
}

export interface Dialect {
  client: Client
  session: Session
  breaker: Breaker
  bulkhead: Bulkhead
}

/** HOSTKEY as the core's port, over a transport; whoever opened the transport closes it after the session. */
export function openDialect(parts: DialectParts): Dialect {
  const { upstream, transport, secret, world, log, wrapLogin = send => send, breakerFailures } = parts
  const { baseUrl, concurrency, readMethod, timeZone, credential } = upstream
  const session =
    credential.kind === 'token'
      ? fixedSession(secret)
      : loginSession({
          apiKey: secret,
          send: wrapLogin(fields => transport.send('auth.php', 'POST', fields)),
          sendLogout: (fields, signal) => transport.send('auth.php', 'POST', fields, signal),
          host: new URL(baseUrl).hostname,
          world,
          log,
        })
  const queue = concurrency * QUEUE_PER_PLACE
  const bulkhead = new Bulkhead({ concurrency, queue, waitMs: QUEUE_WAIT_MS, world })
  const breaker = new Breaker({
    failures: breakerFailures ?? BREAKER_FAILURES,
    openMs: BREAKER_OPEN_MS,
    world,
  })
  const gate = new Gate(breaker, bulkhead)
  const client = new Client({
    transport,
    session,
    readMethod,
    gate,
    world,
    checks: new Throttle(world),
    timeZone,
    log,
  })
  return { client, session, breaker, bulkhead }
}

/** How fast and for how long operations are worked on. */
export function paces(
  config: Pick<
    Config,
    'upstream' | 'operationDeadlineMs' | 'checkMinMs' | 'checkMaxMs' | 'readCacheMs' | 'operationTtlMs'
  >,
  { keyGraceMs = KEY_GRACE_MS, leaseMs }: { keyGraceMs?: Policy['keyGraceMs']; leaseMs?: number } = {},
): Pick<OperationsOptions, 'policy' | 'leaseMs' | 'readCacheMs' | 'watchConcurrency' | 'ttlMs'> {
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
