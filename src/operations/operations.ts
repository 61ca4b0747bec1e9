/** The operations of the gateway behind one face: start, read, wait, see. Routes talk to nothing else. */

import type { ListQuery, OperationPage, Store } from './store.ts'
import { Engine, type EngineParts } from './engine.ts'
import type { Operation } from './operation.ts'
import { Reads, type ReadOutcome, type ReadRequest } from './reads/reads.ts'
import { startMutation, type MutationRequest, type PathOf, type Started } from './start.ts'
import { hasEnded, Waiters } from './waiters.ts'
import { Watch } from './watch.ts'

export interface OperationsOptions extends EngineParts {
  readCacheMs: number
  watchConcurrency: number
  /** How long an ended operation stays readable. */
  ttlMs: number
  pathOf: PathOf
}

/** A sweep removes this many at a time, so that no request waits for it. */
const SWEEP_BATCH = 200
const SWEEP_INTERVAL_MS = 30_000
const WATCH_IDLE_MS = 5_000

export class Operations {
  readonly #store: Store
  readonly #engine: Engine
  readonly #waiters: Waiters
  readonly #reads: Reads
  readonly #watch: Watch
  readonly #options: OperationsOptions
  #sweepTimer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: OperationsOptions) {
    this.#options = options
    this.#store = options.store
    this.#engine = new Engine(options)
    this.#waiters = new Waiters(options.store)
    this.#reads = new Reads(this.#engine, this.#waiters, options.readCacheMs)
    this.#watch = new Watch(this.#engine, {
      concurrency: options.watchConcurrency,
      // What another replica let go nobody tells of.
      idleMs: options.store.relookMs ?? WATCH_IDLE_MS,
    })
    this.#engine.onMutationEnd = operation => this.#reads.invalidate(operation.vmId)
    this.#engine.onDue = dueAtMs => this.#watch.nudge(dueAtMs)
    // Within the lease, with room for what follows the look.
    this.#engine.look = (operation, signal) => this.#reads.look(operation, options.leaseMs / 2, signal)
  }

  /** Begins to watch, also over what an earlier process left running, and to sweep. */
  run(): void {
    this.#watch.start()
    this.#scheduleSweep(0)
  }

  /** Starts a mutation; see `startMutation`. */
  start(request: MutationRequest): Promise<Started> {
    return startMutation(this.#engine, this.#reads, request, this.#options.pathOf)
  }

  read(request: ReadRequest): Promise<ReadOutcome> {
    return this.#reads.read(request)
  }

  /** The operation once it ended, or as it is when the wait is over or a signal aborts. */
  async wait(
    operation: Operation,
    waitMs: number,
    hurry: AbortSignal,
    gone: () => AbortSignal,
  ): Promise<Operation> {
    if (hasEnded(operation) || waitMs <= 0) return operation
    return (await this.#waiters.until(operation.id, hasEnded, waitMs, hurry, gone())) ?? operation
  }

  /** The operation once it differs from `seen` in what callers see, or as it is after `limitMs` or when a signal aborts. */
  nextVisible(seen: Operation, limitMs: number, ...signals: AbortSignal[]): Promise<Operation | undefined> {
    return this.#waiters.until(
      seen.id,
      now => now.updatedAtMs !== seen.updatedAtMs || now.status !== seen.status,
      limitMs,
      ...signals,
    )
  }

  get(id: string): Promise<Operation | undefined> {
    return this.#store.get(id)
  }

  list(query: ListQuery): Promise<OperationPage> {
    return this.#store.list(query)
  }

  ping(): Promise<void> {
    return this.#store.ping()
  }

  /** Stops watching and sweeping; resolves when the steps under way are stored or, after `patienceMs`, given up. The store stays open. */
  async stop(patienceMs: number): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#sweepTimer)
    await this.#watch.stop(patienceMs)
    this.#waiters.close()
  }

  #scheduleSweep(delayMs: number): void {
    if (this.#stopped) return
    this.#sweepTimer = setTimeout(() => {
      const nowMs = this.#options.now()
      this.#store.sweep(nowMs - this.#options.ttlMs, nowMs, SWEEP_BATCH).then(
        swept =>
          this.#scheduleSweep(swept >= SWEEP_BATCH ? 100 : Math.min(SWEEP_INTERVAL_MS, this.#options.ttlMs)),
        error => {
          this.#options.log.error({ err: error as Error }, 'the sweep failed')
          this.#scheduleSweep(SWEEP_INTERVAL_MS)
        },
      )
    }, delayMs)
    this.#sweepTimer.unref()
  }
}
