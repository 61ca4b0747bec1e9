/**
 * Operations in Redis, for several replicas. Every decision is a script (`redis-scripts.ts`); this sends them, and knows
 * what it means when one is not answered. Nothing is sent twice unless sending it twice is the same as once, and nothing
 * is queued: while Redis is away every call rejects at once.
 *
 * What a replica holds to make its next step is leased, and freed earlier when the replica is not heard of for some
 * seconds. Callback keys stand in Redis: whoever may read it can read them.
 */

import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { parseRedisUrl, type RedisAddress } from '../../config/redis-url.ts'
import { SCRIPTS } from './scripts.ts'
import {
  mutates,
  StoreUnavailable,
  type IdempotencyKey,
  type Kind,
  type Operation,
  type Running,
  type ListQuery,
  type OperationPage,
  type Admission,
  type Store,
} from '../../operations/store.ts'

export interface RedisLog {
  info: (fields: object, message: string) => void
  warn: (fields: object, message: string) => void
}

export interface RedisStoreOptions {
  log: RedisLog
  /** How long an ended operation stays readable, at least. */
  ttlMs: number
  /** Milliseconds since the epoch. */
  now?: () => number
  /** How many operations one page of a list may look at. */
  pageScan?: number
  /** A replica that was silent for so long loses what it holds. */
  silenceMs?: number
}

const CONNECT_TIMEOUT_MS = 2_000
const COMMAND_TIMEOUT_MS = 1_000
/** Callers wait for this one on every request, and it is left out when it fails. */
const LIMITS_TIMEOUT_MS = 250
const RECONNECT_MAX_MS = 500
/** How long a start whose connection broke waits for the next one. */
const SECOND_TRY_MS = 500
const RELOOK_MS = 2_000
const BEAT_MS = 1_000
const SILENCE_MS = 4_000
const FREE_BATCH = 500
/** Enough that not all of them were taken while this machine was busy. */
const CLOCKS = 5
const CHUNK = 100
const PAGE_SCAN = 2_000
/** Lists of so few VMs are merged from the VMs' own indexes; others are picked from that of all. */
const MERGED_VMS = 32

/** A connection that never queues and never repeats: what fails, fails now. */
function connect(address: RedisAddress, log: RedisLog, name: string, commandTimeout: number): Redis {
  const { servers, sentinel, username, password, db, tls } = address
  const redis = new Redis({
    ...(sentinel === null
      ? servers[0]
      : {
          sentinels: [...servers],
          name: sentinel,
          enableTLSForSentinelMode: tls,
          sentinelCommandTimeout: 1_000,
        }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    db,
    protocol: 2,
    connectionName: `hkgw-${name}`,
    scripts: SCRIPTS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout,
    // Longer than a command's: a server that hangs is told from one that is slow.
    socketTimeout: commandTimeout * 2,
    keepAlive: 5_000,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    retryStrategy: tries => Math.min(50 * 2 ** Math.min(tries, 10), RECONNECT_MAX_MS),
    sentinelRetryStrategy: tries => Math.min(50 * 2 ** Math.min(tries, 10), RECONNECT_MAX_MS),
    // The master became a replica: the next connection leads to the new one.
    reconnectOnError: error => error.message.startsWith('READONLY'),
  })
  // Its errors carry their command, and so passwords and callback keys: only the message is told, once for each time away.
  let away = false
  redis.on('error', (error: Error) => {
    if (!away) log.warn({ connection: name, reason: error.message }, 'Redis is away')
    away = true
  })
  redis.on('ready', () => {
    if (away) log.info({ connection: name }, 'Redis is back')
    away = false
  })
  return redis
}

/** What @fastify/rate-limit counts in, so that limits hold for all replicas together. */
export function connectLimits(url: string, log: RedisLog): { redis: Redis; nameSpace: string } {
  const address = parseRedisUrl(url)
  return {
    redis: connect(address, log, 'limits', LIMITS_TIMEOUT_MS),
    nameSpace: `{${address.prefix}}:limit:`,
  }
}

/** Connects, and waits a moment for it: a Redis that is away is come back to, and fails readiness until then. */
export async function openRedisStore(url: string, options: RedisStoreOptions): Promise<Store> {
  const store = new RedisStore(parseRedisUrl(url), options)
  await store.opened()
  return store
}

/** The command was sent and its answer never came: it may have been done. */
class AnswerLost extends StoreUnavailable {}

class RedisStore implements Store {
  readonly relookMs = RELOOK_MS
  readonly #redis: Redis
  readonly #subscriber: Redis
  readonly #tag: string
  readonly #replica = randomBytes(8).toString('hex')
  readonly #options: Required<RedisStoreOptions>
  readonly #listeners = new Set<(id: string) => void>()
  /** Saves whose answer was lost, by what they wrote: the same object again is the same write. */
  readonly #unsure = new WeakMap<Operation, string>()
  /** Started or not, it was told to have failed, and so may not stay. */
  readonly #undo = new Set<string>()
  /** What these took nobody works on, and others leave it to this replica, which is alive. */
  readonly #lostClaims = new Set<string>()
  /** Redis's clock less `performance.now()`, as measured last: each is too small by the time its answer took. */
  readonly #clocks: number[] = []
  /** Signs of life without a gap; Redis was there for as long. */
  #beats = 0
  #beatTimer: NodeJS.Timeout | undefined
  #closed = false

  constructor(address: RedisAddress, options: RedisStoreOptions) {
    this.#options = { now: Date.now, pageScan: PAGE_SCAN, silenceMs: SILENCE_MS, ...options }
    this.#tag = `{${address.prefix}}:`
    const { log } = options
    this.#redis = connect(address, log, 'store', COMMAND_TIMEOUT_MS)
    this.#subscriber = connect(address, log, 'changes', COMMAND_TIMEOUT_MS)
    this.#redis.on('ready', () => {
      warnOfLoss(this.#redis, log)
      this.#beat().catch(() => {})
    })
    this.#subscriber.on('ready', () => {
      this.#subscriber.subscribe(`${this.#tag}changes`).catch(() => this.#subscriber.disconnect(true))
    })
    this.#subscriber.on('message', (_channel: string, message: string) => {
      const [replica, id] = message.split(' ')
      // Its own changes it has told already.
      if (id !== undefined && replica !== this.#replica) this.#tell(id)
    })
    this.#scheduleBeat()
  }

  /** Resolves when both connections serve, or after a moment. */
  async opened(): Promise<void> {
    const enough = AbortSignal.timeout(CONNECT_TIMEOUT_MS)
    while (!enough.aborted) {
      if (this.#clocks.length > 0 && this.#subscriber.mode === 'subscriber') return
      await sleep(5)
    }
  }

  async start(operation: Operation, claim: IdempotencyKey | null, nowMs: number): Promise<Admission> {
    const { rev, dueAtMs, ...doc } = operation
    const start = (): Promise<Answer> =>
      this.#run(
        'opStart',
        this.#replica,
        this.#deadline(),
        nowMs,
        operation.id,
        rev,
        operation.status,
        Math.round(dueAtMs ?? nowMs),
        operation.kind,
        operation.vmId,
        operation.createdBy,
        mutates(operation) ? 1 : 0,
        JSON.stringify(doc),
        ...(claim ? [digest(claim), claim.fingerprint, claim.expiresAtMs] : ['', '', '']),
      )
    const [kind, ...found] = (await start().catch(async (error: unknown) => {
      if (!(error instanceof AnswerLost)) throw error
      try {
        if (await this.#reconnected()) return await start()
      } catch {
        // The first failure says enough.
      }
      this.#undo.add(operation.id)
      throw error
    })) as [string, ...OperationFields]
    if (kind === 'started') this.#tell(operation.id)
    switch (kind) {
      case 'started':
      case 'reused':
        return { kind }
      case 'busy':
        return { kind, operation: toOperation(found) }
      case 'replay': {
        const first = toOperation(found)
        return { kind, operation: first, inProgress: first.step === 'call' }
      }
      default:
        throw new StoreUnavailable('the store was reached too late')
    }
  }

  async save(operation: Operation): Promise<boolean> {
    const { rev, dueAtMs, ...doc } = operation
    const write = this.#unsure.get(operation) ?? newWriteId()
    try {
      const saved = await this.#run(
        'opSave',
        this.#replica,
        write,
        operation.id,
        rev,
        operation.status,
        dueAtMs === null ? '' : Math.round(dueAtMs),
        operation.finishedAtMs ?? '',
        JSON.stringify(doc),
        this.#options.ttlMs,
      )
      this.#unsure.delete(operation)
      if (saved === 1) this.#tell(operation.id)
      return saved === 1
    } catch (error) {
      if (error instanceof AnswerLost) this.#unsure.set(operation, write)
      throw error
    }
  }

  async discard({ id, rev }: Pick<Operation, 'id' | 'rev'>): Promise<boolean> {
    try {
      const discarded = (await this.#run('opDiscard', this.#replica, id, rev)) === 1
      if (discarded) this.#tell(id)
      return discarded
    } catch (error) {
      this.#undo.add(id)
      throw error
    }
  }

  async get(id: string): Promise<Operation | undefined> {
    const [rev, due, doc] = await this.#attempt(() =>
      this.#redis.hmget(`${this.#tag}op:${id}`, 'rev', 'due', 'doc'),
    )
    return doc ? toOperation([rev!, due!, doc]) : undefined
  }

  async list(query: ListQuery): Promise<OperationPage> {
    const { visible, vmId, kind, status, limit, olderThan, newerThan = '' } = query
    const all = visible.vmIds === '*'
    if (vmId !== undefined && visible.vmIds !== '*' && !visible.vmIds.includes(vmId)) return []
    const vmIds = vmId === undefined ? visible.vmIds : [vmId]
    if (vmIds.length === 0) return []
    const merged = vmIds !== '*' && vmIds.length <= MERGED_VMS
    const only = JSON.stringify({
      kinds: visible.kinds,
      by: visible.createdBy,
      kind,
      status,
      vms: merged || all ? undefined : vmIds,
    })
    const indexes = merged ? vmIds.map(id => `vm:${id}`) : ['all']
    const page: OperationPage = []
    let from = olderThan === undefined ? '+' : `(${olderThan}`
    for (let scanned = 0; ;) {
      const [seen, last, more, fields] = (await this.#run(
        'opList',
        from,
        CHUNK,
        limit - page.length,
        only,
        ...indexes,
      )) as [number, string, number, string[]]
      const found = toOperations(fields)
      page.push(...found.filter(({ id }) => id > newerThan))
      if (last <= newerThan || more === 0 || page.length >= limit) return page
      scanned += seen
      if (scanned >= this.#options.pageScan) return Object.assign(page, { cutAt: last })
      from = `(${last}`
    }
  }

  async claimDue(nowMs: number, leaseMs: number, limit: number): Promise<Running[]> {
    if (limit <= 0) return []
    const claim = newWriteId()
    const till = Math.round(nowMs + leaseMs)
    const claimed = await this.#run(
      'opClaim',
      this.#replica,
      claim,
      this.#deadline(),
      nowMs,
      till,
      limit,
    ).catch((error: unknown) => {
      if (error instanceof AnswerLost) this.#lostClaims.add(claim)
      throw error
    })
    if (claimed === 0) throw new StoreUnavailable('the store was reached too late')
    return toOperations(claimed as string[]) as Running[]
  }

  async nextDueAtMs(): Promise<number | null> {
    const [, dueAtMs] = await this.#attempt(() =>
      this.#redis.zrange(`${this.#tag}due`, '0', '0', 'WITHSCORES'),
    )
    return dueAtMs === undefined ? null : Number(dueAtMs)
  }

  async running(): Promise<Partial<Record<Kind, number>>> {
    const counts = await this.#attempt(() => this.#redis.hgetall(`${this.#tag}running`))
    return Object.fromEntries(Object.entries(counts).map(([kind, count]) => [kind, Number(count)]))
  }

  async sweep(endedBeforeMs: number, nowMs: number, limit: number): Promise<number> {
    return (await this.#run('opSweep', nowMs, endedBeforeMs, limit)) as number
  }

  onChange(listener: (id: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Writes: a Redis that is full, or only a copy, answers reads. */
  async ping(): Promise<void> {
    await this.#beat()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    clearTimeout(this.#beatTimer)
    // Others need not wait for its silence.
    await this.#run('replicaLeave', this.#replica, this.#options.now()).catch(() => {})
    this.#closed = true
    this.#redis.disconnect()
    this.#subscriber.disconnect()
  }

  #tell(id: string): void {
    for (const listener of this.#listeners) listener(id)
  }

  /** On Redis's clock, when this replica will have given up a command sent now. */
  #deadline(): number {
    if (this.#clocks.length === 0) throw new StoreUnavailable('the store was not reached yet')
    return Math.floor(Math.max(...this.#clocks) + performance.now() + COMMAND_TIMEOUT_MS)
  }

  /** Whether there is a new connection within a moment; a server that only hangs has the old one. */
  async #reconnected(): Promise<boolean> {
    const isReady = (): boolean => this.#redis.status === 'ready'
    if (isReady()) return false
    const enough = AbortSignal.timeout(SECOND_TRY_MS)
    while (!enough.aborted && !this.#closed && !isReady()) await sleep(10)
    return isReady()
  }

  /**
   * A sign of life, which also reads Redis's clock. Others are found silent only by who has seen Redis without a gap for
   * longer: when Redis itself was away, everybody was silent.
   */
  async #beat(): Promise<void> {
    const { now, silenceMs } = this.#options
    const silence = this.#beats * BEAT_MS > silenceMs ? silenceMs : ''
    try {
      const redisMs = (await this.#run('replicaBeat', this.#replica, now(), silence, FREE_BATCH)) as number
      this.#clocks.push(redisMs - performance.now())
      if (this.#clocks.length > CLOCKS) this.#clocks.shift()
    } catch (error) {
      this.#beats = 0
      throw error
    }
    for (const id of this.#undo) {
      // Only as it was started: what somebody took over has a life of its own.
      await this.#run('opDiscard', this.#replica, id, 1)
      this.#undo.delete(id)
    }
    for (const claim of this.#lostClaims) {
      await this.#run('opUnclaim', this.#replica, claim, now())
      this.#lostClaims.delete(claim)
    }
  }

  #scheduleBeat(): void {
    if (this.#closed) return
    this.#beatTimer = setTimeout(() => {
      const done = (beats: number): void => {
        this.#beats = beats
        this.#scheduleBeat()
      }
      this.#beat().then(
        () => done(this.#beats + 1),
        () => done(0),
      )
    }, BEAT_MS).unref()
  }

  #run(name: keyof typeof SCRIPTS, ...args: (string | number)[]): Promise<Answer> {
    const scripts = this.#redis as unknown as Record<
      keyof typeof SCRIPTS,
      (tag: string, ...args: (string | number)[]) => Promise<Answer>
    >
    return this.#attempt(() => scripts[name](this.#tag, ...args))
  }

  async #attempt<T>(command: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreUnavailable('the store is closed')
    try {
      return await command()
    } catch (error) {
      const { name, message } = error as Error
      const refused = name === 'ReplyError' || message.startsWith("Stream isn't writeable")
      const Kind = refused ? StoreUnavailable : AnswerLost
      // Not the error itself: it carries the command, and so callback keys.
      throw new Kind('the store could not be reached', { cause: new Error(message) })
    }
  }
}

function newWriteId(): string {
  return randomBytes(12).toString('base64url')
}

type Answer = string | number | (string | number | string[])[]
/** Revision, due time and document; the rest of an answer may have more of them. */
type OperationFields = string[]

function toOperation([rev, due, doc]: OperationFields): Operation {
  return Object.assign(JSON.parse(doc!) as Operation, {
    rev: Number(rev),
    dueAtMs: due === '' ? null : Number(due),
  })
}

function toOperations(fields: string[]): Operation[] {
  const operations: Operation[] = []
  for (let i = 0; i < fields.length; i += 3) operations.push(toOperation(fields.slice(i, i + 3)))
  return operations
}

/** The key itself stays out of Redis; and whatever it and the caller's name contain, it is one word. */
function digest({ caller, key }: IdempotencyKey): string {
  return createHash('sha256')
    .update(JSON.stringify([caller, key]))
    .digest('hex')
}

/** What Redis is set to may break what the gateway promises; it says so, as far as `INFO` tells. */
function warnOfLoss(redis: Redis, log: RedisLog): void {
  redis.info().then(
    text => {
      const info = Object.fromEntries(text.split(/\r?\n/).map(line => line.split(':', 2)))
      if (info.aof_enabled === '0')
        log.warn({}, 'Redis keeps no append-only file: what was acknowledged is lost when it restarts')
      if (info.maxmemory !== '0' && info.maxmemory_policy !== 'noeviction')
        log.warn({ policy: info.maxmemory_policy }, 'Redis may evict what was acknowledged; set noeviction')
    },
    () => {},
  )
}
