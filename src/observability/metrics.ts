/**
 * What Prometheus may know of a gateway, declared in one place. Labels come from short lists alone: route patterns,
 * codes, kinds, names of the callers file. No VM, operation or key is ever one.
 */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { TOKEN_CALLER, type Caller } from '../callers/caller.ts'
import { KINDS, type Kind, type Operation } from '../operations/operation.ts'
import type { ReadKind, ReadSource } from '../operations/reads/reads.ts'
import type { ProblemCode } from '../http/problem.ts'
import type { Store } from '../operations/store.ts'
import { BREAKER_STATES, type Breaker } from '../upstream/breaker.ts'
import type { Bulkhead } from '../upstream/bulkhead.ts'
import type { CallOutcome, CheckOutcome, Upstream } from '../upstream/client.ts'
import type { Send } from '../upstream/session.ts'
import type { Exchange } from '../upstream/transport.ts'
import { VERSION } from '../config/version.ts'

export interface Metrics {
  /** Counts an answered request. Without a route it was for none. */
  request(method: string, route: string | undefined, status: number, tookMs: number): void
  problem(caller: Caller | null, code: ProblemCode): void
  read(kind: ReadKind, source: ReadSource): void
  /** The same, with every step of the store timed and every end counted. */
  store(store: Store): Store
  /** The same, with every call timed. */
  upstream(upstream: Upstream): Upstream
  /** The same, with every login timed. */
  login(send: Send): Send
  /** Reads these whenever somebody asks. */
  observe(parts: { store: Store; breaker: Breaker; bulkhead: Bulkhead }): void
  /** Everything, in the text format of Prometheus. */
  text(): Promise<string>
}

export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

const NAME = 'hostkey_gateway_'
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
/** The methods of a store that take time. */
type Step = Exclude<keyof Store, 'relookMs' | 'onChange' | 'close'>

/** Those of the process: several gateways in one (tests) must not each watch its event loop. */
let ofProcess: Registry | undefined

/** A registry of its own for one gateway. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const histogram = <const L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ): Histogram<L> => new Histogram({ name: NAME + name, help, labelNames, buckets, registers })
  const counter = <const L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
  ): Counter<L> => new Counter({ name: NAME + name, help, labelNames, registers })

  const requests = histogram(
    'http_request_duration_seconds',
    'Requests by the pattern of their route; status 499 is a caller who left.',
    ['method', 'route', 'status'],
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  )
  const problems = counter(
    'problems_total',
    'Requests that were refused or failed, by caller and problem code; callers by signed token are all "jwt".',
    ['caller', 'code'],
  )
  const calls = histogram(
    'upstream_call_duration_seconds',
    'Calls to HOSTKEY by what came of them, with the wait for a place.',
    ['action', 'outcome'],
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30],
  )
  const reads = counter(
    'reads_total',
    'Reads by where the answer came from: the cache, a read under way, or HOSTKEY.',
    ['kind', 'source'],
  )
  const ended = counter('operations_ended_total', 'Stored operations that this process saw end.', [
    'kind',
    'status',
  ])
  // From zero on, so that the first one is an increase.
  for (const kind of Object.keys(KINDS))
    for (const status of ['succeeded', 'failed', 'unknown']) ended.inc({ kind, status }, 0)
  const timesToEnd = histogram(
    'operation_duration_seconds',
    'From the start of a stored operation to its end.',
    ['kind'],
    [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200],
  )
  const steps = histogram(
    'store_duration_seconds',
    'Steps of the operation store.',
    ['method', 'outcome'],
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
  )
  const build = { version: VERSION, node: process.versions.node }
  new Gauge({
    name: `${NAME}build_info`,
    help: 'What runs here; always 1.',
    labelNames: Object.keys(build),
    registers,
  }).set(build, 1)
  if (!ofProcess) collectDefaultMetrics({ register: (ofProcess = new Registry()) })

  const call = <T extends CallOutcome | CheckOutcome | Exchange>(
    action: string,
    made: Promise<T>,
  ): Promise<T> =>
    timed(made, (seconds, outcome) => calls.observe({ action, outcome: outcomeOf(outcome) }, seconds))

  function countEnd({ kind, status, createdAtMs, finishedAtMs }: Operation): void {
    ended.inc({ kind, status })
    timesToEnd.observe({ kind }, Math.max(0, finishedAtMs! - createdAtMs) / 1000)
  }

  /** A gauge that is read when somebody asks; what cannot be read then is left out. */
  function gauge<const L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    read: (set: (labels: Record<L, string>, value: number) => void) => Promise<void> | void,
  ): void {
    const told = new Gauge({
      name: NAME + name,
      help,
      labelNames,
      registers,
      async collect() {
        told.reset()
        try {
          await read((labels, value) => told.set(labels, value))
        } catch {
          // The store is away, which other metrics tell.
        }
      },
    })
  }

  return {
    request(method, route, status, tookMs) {
      requests.observe(
        { method: METHODS.has(method) ? method : 'other', route: route ?? 'none', status },
        tookMs / 1000,
      )
    },
    problem: (caller, code) => problems.inc({ caller: labelOf(caller), code }),
    read: (kind, source) => reads.inc({ kind, source }),

    store(store) {
      const step = <M extends Step>(method: M): Store[M] =>
        ((...args: never[]) =>
          timed(
            (store[method] as (...args: never[]) => Promise<unknown>)(...args),
            (seconds, _result, failed) =>
              steps.observe({ method, outcome: failed ? 'error' : 'ok' }, seconds),
          )) as Store[M]
      const save = step('save')
      return {
        ...(store.relookMs === undefined ? {} : { relookMs: store.relookMs }),
        start: step('start'),
        discard: step('discard'),
        get: step('get'),
        list: step('list'),
        claimDue: step('claimDue'),
        nextDueAtMs: step('nextDueAtMs'),
        running: step('running'),
        sweep: step('sweep'),
        ping: step('ping'),
        save(operation) {
          const saved = save(operation)
          if (operation.status !== 'running')
            saved.then(
              done => done && countEnd(operation),
              () => {},
            )
          return saved
        },
        onChange: listener => store.onChange(listener),
        close: () => store.close(),
      }
    },

    upstream: upstream => ({
      call: (action, ...rest) => call(action, upstream.call(action, ...rest)),
      check: (...args) => call('check', upstream.check(...args)),
      pausedMs: () => upstream.pausedMs(),
      close: () => upstream.close(),
    }),

    login: send => fields => call('login', send(fields)),

    observe({ store, breaker, bulkhead }) {
      gauge(
        'operations_running',
        'Operations in the store that run; replicas of one store tell the same.',
        ['kind'],
        async set => {
          const running = await store.running()
          for (const kind of Object.keys(KINDS) as Kind[]) set({ kind }, running[kind] ?? 0)
        },
      )
      gauge('breaker_state', '1 for the state of the circuit breaker, 0 for the others.', ['state'], set => {
        for (const state of BREAKER_STATES) set({ state }, Number(state === breaker.state))
      })
      gauge(
        'upstream_calls',
        'Calls to HOSTKEY under way, and those that wait for a place.',
        ['state'],
        set => {
          set({ state: 'running' }, bulkhead.running)
          set({ state: 'waiting' }, bulkhead.queued)
        },
      )
    },

    async text() {
      return `${await registry.metrics()}\n${await ofProcess!.metrics()}`
    },
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
