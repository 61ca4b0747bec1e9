/**
 * What Prometheus may know of a gateway, declared in one place. Labels come from short lists alone: route patterns,
 * codes, kinds, names of the callers file. No VM, operation or key is ever one.
 */

import { collectDefaultMetrics, Registry } from 'prom-client'
import { TOKEN_CALLER, type Caller } from '../callers/caller.ts'
import type { CallOutcome, CheckOutcome, Hostkey, Task } from '../operations/hostkey.ts'
import type { ReadKind } from '../operations/kinds/kind.ts'
import { KIND_NAMES } from '../operations/kinds/kinds.ts'
import { hasEnded, type Ended, type Operation } from '../operations/operation.ts'
import type { ReadSource } from '../operations/reads/reads.ts'
import type { Store, StoreLoad } from '../operations/store.ts'
import { BREAKER_STATES, type Breaker } from '../upstream/breaker.ts'
import type { Bulkhead } from '../upstream/bulkhead.ts'
import type { Send } from '../upstream/session.ts'
import type { Exchange } from '../upstream/transport.ts'
import { countLostLines, declareGauge, declareInstruments, declareWebhookInstruments } from './instruments.ts'
import { intercept } from './intercept.ts'

export interface Metrics {
  /** Counts an answered request. Without a route it was for none. */
  request(method: string, route: string | undefined, status: number, tookMs: number): void
  problem(caller: Caller | null, code: string): void
  /** Counts a request that was refused because its caller holds too many others open. */
  heldTooMuch(caller: Caller): void
  read(kind: ReadKind, source: ReadSource): void
  /** Times an attempt to tell a receiver of an end. */
  webhookAttempt(caller: string, outcome: 'delivered' | 'stopped' | 'failed', tookMs: number): void
  /** Counts a message of an end that is over. */
  webhookEnded(caller: string, state: 'delivered' | 'stopped' | 'given-up'): void
  /** The same, with every call of the store timed and every end counted. */
  store(store: Store): Store
  /** The same, with every call timed. */
  hostkey(hostkey: Hostkey): Hostkey
  /** The same, with every login timed. */
  login(send: Send): Send
  /** Reads these whenever somebody asks. */
  observeStore(store: Store): void
  observeUpstream(parts: { breaker: Breaker; bulkhead: Bulkhead }): void
  observeKeys(
    uses: () => readonly { caller: string; key: 'current' | 'previous'; lastUsedMs: number }[],
  ): void
  /** Everything, in the text format of Prometheus. */
  text(): Promise<string>
}

export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
/** The methods of a store that are not timed: they tell nothing of it. */
const UNTIMED = new Set<keyof Store>(['isSurelyOwner', 'onChange', 'close'])

/** Those of the process: several gateways in one (tests) must not each watch its event loop. */
let ofProcess: Registry | undefined

/** A registry of its own for one gateway. */
export function createMetrics(): Metrics {
  if (!ofProcess) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
    countLostLines(ofProcess)
  }
  return new GatewayMetrics(ofProcess)
}

class GatewayMetrics implements Metrics {
  readonly #registry = new Registry()
  readonly #instruments = declareInstruments(this.#registry)
  readonly #webhooks = declareWebhookInstruments(this.#registry)
  readonly #ofProcess: Registry

  constructor(process: Registry) {
    this.#ofProcess = process
  }

  request(method: string, route: string | undefined, status: number, tookMs: number): void {
    this.#instruments.requests.observe(
      { method: METHODS.has(method) ? method : 'other', route: route ?? 'none', status },
      tookMs / 1000,
    )
  }

  problem(caller: Caller | null, code: string): void {
    this.#instruments.problems.inc({ caller: labelOf(caller), code })
  }

  heldTooMuch(caller: Caller): void {
    this.#instruments.heldTooMuch.inc({ caller: labelOf(caller) })
  }

  read(kind: ReadKind, source: ReadSource): void {
    this.#instruments.reads.inc({ kind, source })
  }

  webhookAttempt(caller: string, outcome: 'delivered' | 'stopped' | 'failed', tookMs: number): void {
    const { webhookAttempts, webhooksEnded } = this.#webhooks
    webhookAttempts.observe({ outcome }, tookMs / 1000)
    // From zero on, so that the first one is an increase.
    for (const state of ['delivered', 'stopped', 'given-up']) webhooksEnded.inc({ caller, state }, 0)
  }

  webhookEnded(caller: string, state: 'delivered' | 'stopped' | 'given-up'): void {
    this.#webhooks.webhooksEnded.inc({ caller, state })
  }

  store(store: Store): Store {
    const { storeTimes } = this.#instruments
    return intercept(store, ({ method, args: [operation] }, next) => {
      if (UNTIMED.has(method)) return next()
      return timed(next() as Promise<unknown>, (seconds, result, failed) => {
        storeTimes.observe({ method, outcome: failed ? 'error' : 'ok' }, seconds)
        const saved = method === 'save' && result === true ? (operation as Operation) : null
        if (saved && hasEnded(saved)) this.#countEnd(saved)
      })
    })
  }

  hostkey(hostkey: Hostkey): Hostkey {
    return intercept(hostkey, ({ method, args: [task] }, next) => {
      if (method !== 'call' && method !== 'check') return next()
      const action = method === 'call' ? (task as Task).action : method
      return this.#call(action, next() as ReturnType<Hostkey['call']>)
    })
  }

  login(send: Send): Send {
    return fields => this.#call('login', send(fields))
  }

  observeStore(store: Store): void {
    declareGauge(
      this.#registry,
      'operations_running',
      'Operations in the store that run; replicas of one store tell the same.',
      ['kind'],
      async set => {
        const running = await store.running()
        for (const kind of KIND_NAMES) set({ kind }, running[kind] ?? 0)
      },
    )
    const load = store.load?.bind(store)
    if (load) this.#observeLoad(load)
  }

  #observeLoad(load: () => StoreLoad): void {
    declareGauge(
      this.#registry,
      'store_connections',
      'Connections to PostgreSQL, of the pool.',
      ['state'],
      set => {
        const { used, idle } = load()
        set({ state: 'used' }, used)
        set({ state: 'idle' }, idle)
      },
    )
    declareGauge(
      this.#registry,
      'store_waits',
      'Who waits for a connection to PostgreSQL, and writes of a commit that nobody has confirmed.',
      ['state'],
      set => {
        const { waiting, inDoubt } = load()
        set({ state: 'for-connection' }, waiting)
        set({ state: 'in-doubt' }, inDoubt)
      },
    )
  }

  observeKeys(
    uses: () => readonly { caller: string; key: 'current' | 'previous'; lastUsedMs: number }[],
  ): void {
    declareGauge(
      this.#registry,
      'caller_key_last_used_timestamp_seconds',
      'When a key of the callers file was last used here since the start; no sample for one that was not.',
      ['caller', 'key'],
      set => {
        // The later one counts where a caller has several previous keys.
        for (const { caller, key, lastUsedMs } of uses().toSorted((a, b) => a.lastUsedMs - b.lastUsedMs))
          set({ caller, key }, lastUsedMs / 1000)
      },
    )
  }

  observeUpstream({ breaker, bulkhead }: { breaker: Breaker; bulkhead: Bulkhead }): void {
    declareGauge(
      this.#registry,
      'breaker_state',
      '1 for the state of the circuit breaker, 0 for the others.',
      ['state'],
      set => {
        for (const state of BREAKER_STATES) set({ state }, Number(state === breaker.state))
      },
    )
    declareGauge(
      this.#registry,
      'upstream_calls',
      'Calls to HOSTKEY under way, and those that wait for a place.',
      ['state'],
      set => {
        set({ state: 'running' }, bulkhead.running)
        set({ state: 'waiting' }, bulkhead.queued)
      },
    )
  }

  async text(): Promise<string> {
    return `${await this.#registry.metrics()}\n${await this.#ofProcess.metrics()}`
  }

  #call<T extends CallOutcome | CheckOutcome | Exchange>(action: string, made: Promise<T>): Promise<T> {
    const { calls } = this.#instruments
    return timed(made, (seconds, outcome) => calls.observe({ action, outcome: outcomeOf(outcome) }, seconds))
  }

  #countEnd({ kind, status, createdAtMs, finishedAtMs }: Ended): void {
    const { ended, timesToEnd } = this.#instruments
    ended.inc({ kind, status })
    timesToEnd.observe({ kind }, Math.max(0, finishedAtMs - createdAtMs) / 1000)
  }
}

/** What came of a call, in a word: a lost one by its cause, and what the gateway held back apart from what could not be sent. */
function outcomeOf(outcome: CallOutcome | CheckOutcome | Exchange | undefined): string {
  if (outcome === undefined) return 'error'
  if (outcome.kind === 'lost') return outcome.cause
  return outcome.kind === 'unsent' && 'shedMs' in outcome ? 'shed' : outcome.kind
}

/** Whoever signs tokens can make any number of subjects. */
function labelOf(caller: Caller | null): string {
  if (!caller) return 'anonymous'
  return caller.id.startsWith(TOKEN_CALLER) ? 'jwt' : caller.id
}

/** Tells how long a promise took, without standing between it and whoever waits for it. */
function timed<T>(
  promise: Promise<T>,
  tell: (seconds: number, result: T | undefined, failed: boolean) => void,
): Promise<T> {
  const startedAtMs = performance.now()
  const seconds = (): number => (performance.now() - startedAtMs) / 1000
  promise.then(
    result => tell(seconds(), result, false),
    () => tell(seconds(), undefined, true),
  )
  return promise
}
