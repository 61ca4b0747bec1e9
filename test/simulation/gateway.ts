/**
 * One gateway in a simulation: the real core and dialect, put together as `src/gateway.ts` does it, without HTTP. It is
 * killed at any moment, and another process takes its place.
 */

import { fixedSecret } from '../../src/config/secret.ts'
import { loadConfig, type Config } from '../../src/config/config.ts'
import { openDialect, paces } from '../../src/core.ts'
import { presentEnd } from '../../src/http/schemas/message.ts'
import { NO_TRACING } from '../../src/observability/tracing.ts'
import { Operations } from '../../src/operations/operations.ts'
import type { Store } from '../../src/operations/store.ts'
import { Deliveries } from '../../src/webhooks/deliveries.ts'
import type { Chance } from './chance.ts'
import { API_KEY, TOKEN, type SimulatedHostkey } from './hostkey.ts'
import { Machine } from './machine.ts'
import type { SimulatedReceiver } from './receiver.ts'
import type { Schedule } from './schedule.ts'
import type { Trace } from './trace.ts'

/** Opens the store of a process. Rejects when that is not possible now. */
export type OpenStore = (machine: Machine, onBroken: (error: Error) => void, log: Log) => Promise<Store>

interface Log {
  info: (fields: object, message: string) => void
  warn: (fields: object, message: string) => void
  error: (fields: object, message: string) => void
}

export interface GatewaySettings {
  timeoutMs: number
  deadlineMs: number
  logsIn: boolean
  readCacheMs: number
}

export interface GatewayParts {
  name: string
  schedule: Schedule
  chance: Chance
  trace: Trace
  hostkey: SimulatedHostkey
  receiver: SimulatedReceiver
  settings: GatewaySettings
  openStore: OpenStore
  /** Called when a process ended that nobody killed. */
  onEnd: () => void
}

/** Everybody's name. */
export const CALLER = 'alice'

/** What a caller gets whose connection broke. */
export const BROKEN = Symbol('the connection broke')

const configs = new Map<string, Config>()

/** The configuration that these settings make; the same one for the same settings. */
function configOf({ timeoutMs, deadlineMs, logsIn, readCacheMs }: GatewaySettings): Config {
  const env = {
    ...(logsIn ? { HOSTKEY_API_KEY: API_KEY } : { HOSTKEY_TOKEN: TOKEN }),
    CALLERS_FILE: 'none',
    HOSTKEY_TIMEOUT_MS: String(timeoutMs),
    OPERATION_DEADLINE_MS: String(deadlineMs),
    READ_CACHE_MS: String(readCacheMs),
  }
  const key = JSON.stringify(env)
  let config = configs.get(key)
  if (!config) configs.set(key, (config = loadConfig(env)))
  return config
}

export class SimulatedGateway {
  readonly name: string
  readonly #parts: GatewayParts
  #machine: Machine | undefined
  #store: Store | undefined
  #operations: Operations | undefined
  /** Ends the open requests of callers when the process dies. */
  readonly #open = new Set<() => void>()
  /** How far its clock is from the true time. */
  aheadMs: number
  deaths = 0

  constructor(parts: GatewayParts, aheadMs: number) {
    this.name = parts.name
    this.#parts = parts
    this.aheadMs = aheadMs
  }

  get machine(): Machine | undefined {
    return this.#machine
  }

  get store(): Store | undefined {
    return this.#store
  }

  get isServing(): boolean {
    return this.#operations !== undefined
  }

  /** How many requests of callers wait for their answer. */
  get unanswered(): number {
    return this.#open.size
  }

  /** Starts a process, and again when it could not open its store. */
  async start(): Promise<void> {
    const { schedule, chance, trace, hostkey, receiver, settings, openStore } = this.#parts
    const machine = new Machine(schedule, chance.fork(), this.aheadMs, error =>
      this.#ends(machine, (error as Error).message),
    )
    this.#machine = machine
    const log: Log = {
      info: (fields, message) => trace.tell(this.name, `${message} ${said(fields)}`),
      warn: (fields, message) => trace.tell(this.name, `warns: ${message} ${said(fields)}`),
      error: (fields, message) => trace.tell(this.name, `fails: ${message} ${said(fields)}`),
    }
    try {
      const store = await openStore(machine, error => this.#ends(machine, error.message), log)
      if (machine.isDead) return
      const config = configOf(settings)
      const { client } = openDialect({
        upstream: config.upstream,
        transport: hostkey.transport(machine, settings.timeoutMs),
        secret: fixedSecret(settings.logsIn ? API_KEY : TOKEN),
        world: machine.world,
        log,
      })
      const deliveries = new Deliveries({
        outbox: store.outbox,
        receivers: receiver.of(CALLER),
        sender: receiver.senderOf(machine),
        bodyOf: operation => JSON.stringify(presentEnd(operation, '')),
        world: machine.world,
        log,
        apart: make => make(),
        onAttempt: () => {},
        onOver: () => {},
      })
      this.#store = store
      this.#operations = new Operations({
        store,
        webhooks: deliveries,
        hostkey: client,
        tracing: NO_TRACING.operations,
        world: machine.world,
        log,
        ...paces(config),
      })
      this.#operations.run()
      deliveries.start()
      trace.tell(this.name, 'serves')
    } catch (error) {
      this.#ends(machine, (error as Error).message)
    }
  }

  /** What a caller is told by this gateway, or that the connection broke because it died. */
  ask<T>(request: (operations: Operations) => Promise<T>): Promise<T | typeof BROKEN> {
    const operations = this.#operations
    const machine = this.#machine
    if (!operations || !machine) return Promise.resolve(BROKEN)
    return new Promise((resolve, reject) => {
      const broke = (): void => resolve(BROKEN)
      this.#open.add(broke)
      // It arrives when the process is awake.
      machine.after(this.#parts.chance.between(0, 3), () => {
        request(operations).then(
          told => {
            this.#open.delete(broke)
            resolve(told)
          },
          (error: unknown) => {
            this.#open.delete(broke)
            reject(error)
          },
        )
      })
    })
  }

  /** The process ends in the middle of whatever it does. */
  kill(): void {
    if (!this.#machine) return
    this.#machine.isDead = true
    this.aheadMs = this.#machine.aheadMs
    this.#machine = undefined
    this.#store = undefined
    this.#operations = undefined
    this.deaths += 1
    const open = [...this.#open]
    this.#open.clear()
    for (const broke of open) broke()
  }

  /** It ended itself. */
  #ends(machine: Machine, why: string): void {
    if (machine.isDead) return
    this.#parts.trace.tell(this.name, `ends: ${why}`)
    this.kill()
    this.#parts.onEnd()
  }
}

/** The members of a line of the log that matter to a story. */
function said(fields: object): string {
  const {
    err,
    status,
    kind,
    vm_id: vmId,
    snapshot,
    reason,
  } = fields as Record<string, string | undefined> & { err?: Error }
  const about =
    kind === undefined ? [] : [kind, 'of', vmId, snapshot ?? '', status === undefined ? '' : `as ${status}`]
  const why = err instanceof Error ? err.message : reason
  return [...about, ...(why === undefined ? [] : [`(${why})`])].join(' ')
}
