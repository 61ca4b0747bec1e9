/** The operations of the gateway behind one face: start, read, wait, see. `http/` talks to nothing else of the core. */

import type { World } from '../world.ts'
import { Engine, type EngineParts } from './engine.ts'
import type { ReadKind } from './kinds/kind.ts'
import { hasEnded, type Operation } from './operation.ts'
import { Reads, type ReadOutcome, type ReadRequest } from './reads/reads.ts'
import { startChange, type ChangeRequest, type Start } from './start.ts'
import { StoreUnavailable, type ListQuery, type OperationPage, type Store } from './store.ts'
import { Sweep } from './sweep.ts'
import { Waiters } from './waiters.ts'
import { Watch } from './watch.ts'

export interface OperationsOptions extends EngineParts {
  /** For how long the result of a read answers the next one, in milliseconds. */
  readCacheMs: number
  /** How many steps the watcher makes at once. */
  watchConcurrency: number
  /** For how long an ended operation stays readable, in milliseconds. */
  ttlMs: number
}

const WATCH_IDLE_MS = 5_000

export class Operations {
  readonly #store: Store
  readonly #world: World
  readonly #engine: Engine
  readonly #waiters: Waiters
  readonly #reads: Reads
  readonly #watch: Watch
  readonly #sweep: Sweep

  constructor(options: OperationsOptions) {
    this.#store = options.store
    this.#world = options.world
    this.#engine = new Engine(options)
    this.#waiters = new Waiters(options)
    this.#reads = new Reads(this.#engine, this.#waiters, options.readCacheMs)
    this.#watch = new Watch(this.#engine, this.#reads, {
      concurrency: options.watchConcurrency,
      // Nobody tells of what another replica let go.
      idleMs: options.store.relookMs ?? WATCH_IDLE_MS,
    })
    this.#sweep = new Sweep(options)
    this.#engine.onChangeEnd = operation => this.#reads.invalidate(operation.vmId)
    this.#engine.onDue = dueAtMs => this.#watch.nudge(dueAtMs)
  }

  /** Begins to watch, also over what an earlier process left running, and to sweep. */
  run(): void {
    this.#watch.start()
    this.#sweep.start()
  }

  /**
   * Starts a change; see `startChange`. While another one holds the VM it waits its turn, for up to `turnMs` or until a
   * signal aborts; then nothing was started.
   */
  async start(request: ChangeRequest, turnMs = 0, ...signals: AbortSignal[]): Promise<Start> {
    const untilMs = this.#world.monotonic() + turnMs
    for (;;) {
      const start = await startChange(this.#engine, this.#reads, request)
      const leftMs = untilMs - this.#world.monotonic()
      if (start.kind !== 'busy' || leftMs <= 0) return start
      await this.#waiters.until(start.operation.id, hasEnded, leftMs, ...signals)
      if (signals.some(({ aborted }) => aborted)) return start
    }
  }

  /** Reads; see `Reads.read`. */
  read<K extends ReadKind>(request: ReadRequest<K>): Promise<ReadOutcome<K>> {
    return this.#reads.read(request)
  }

  /** The operation once it ended, or as it is known when the wait is over, a signal aborts, or the store is away. */
  async wait(
    operation: Operation,
    waitMs: number,
    hurry: AbortSignal,
    gone: () => AbortSignal,
  ): Promise<Operation> {
    if (hasEnded(operation) || waitMs <= 0) return operation
    try {
      return (await this.#waiters.until(operation.id, hasEnded, waitMs, hurry, gone())) ?? operation
    } catch (error) {
      if (error instanceof StoreUnavailable) return operation
      throw error
    }
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
    this.#sweep.stop()
    await this.#watch.stop(patienceMs)
    this.#waiters.close()
  }
}
