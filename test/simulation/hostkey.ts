/**
 * The simulated HOSTKEY behind a network that delays, drops and cuts, but repeats nothing. A request is on its way, is
 * carried out, and its answer is on its way; whatever happens to the gateway meanwhile, the rest goes on.
 */

import { Cloud, type CloudOptions } from '../../src/simulator/cloud.ts'
import { bodyOf } from '../../src/simulator/delivery.ts'
import { FaultQueue, type Fault } from '../../src/simulator/faults.ts'
import { Scripts } from '../../src/simulator/scripts.ts'
import { Tokens } from '../../src/simulator/tokens.ts'
import type { Exchange, Transport } from '../../src/upstream/transport.ts'
import type { Chance } from './chance.ts'
import type { Machine } from './machine.ts'
import type { Happening, Schedule } from './schedule.ts'
import type { Trace } from './trace.ts'

export const TOKEN = 'fixed-token-of-the-account'
export const API_KEY = 'api-key-of-the-account'
export const AN_HOUR_MS = 3_600_000

export type Fields = Readonly<Record<string, string | number | undefined>>

export interface HostkeyParts {
  schedule: Schedule
  chance: Chance
  trace: Trace
  cloud: CloudOptions
  /** Nothing is ever on its way for long. */
  isCalm: boolean
  /** Called just before a request of a gateway leaves. */
  onLeave: (fields: Fields) => void
}

export class SimulatedHostkey {
  readonly cloud: Cloud
  readonly tokens: Tokens
  readonly #faults = new FaultQueue()
  readonly #scripts: Scripts
  readonly #parts: HostkeyParts
  /** Until when nobody can connect. */
  refusesUntilMs = 0
  /** What is there at the start is older than that. At the end time passes, so that everything that was begun has ended. */
  aheadMs = -AN_HOUR_MS

  constructor(parts: HostkeyParts) {
    this.#parts = parts
    const draw = (limit: number): number => parts.chance.below(limit)
    const now = (): number => this.#nowMs
    this.cloud = new Cloud({ ...parts.cloud, draw }, now)
    this.aheadMs = 0
    this.tokens = new Tokens({ token: TOKEN, apiKey: API_KEY, draw, tokenTtlMs: 240_000 }, now)
    this.#scripts = new Scripts(this.cloud, this.tokens, this.#faults)
  }

  get #nowMs(): number {
    return this.#parts.schedule.nowMs + this.aheadMs
  }

  /** What it writes into the `Date` of its answers. */
  get date(): string {
    return new Date(this.#nowMs).toUTCString()
  }

  fault(fault: Fault): void {
    this.#faults.add(fault)
  }

  heal(): void {
    this.#faults.clear()
    this.refusesUntilMs = 0
  }

  /** The way from one gateway to HOSTKEY. */
  transport(machine: Machine, timeoutMs: number): Transport {
    return {
      send: (script, _method, fields, signal, mayLeave = () => true) =>
        new Promise(resolve =>
          new Sending(this, { machine, timeoutMs, script, fields, signal, mayLeave }, resolve).start(),
        ),
      close: () => Promise.resolve(),
    }
  }

  get parts(): HostkeyParts {
    return this.#parts
  }

  /** How long something is on its way. */
  delayMs(): number {
    const { chance, isCalm } = this.#parts
    return !isCalm && chance.is(0.02) ? chance.between(100, 4_000) : chance.between(1, 20)
  }

  serve(script: string, fields: Fields): ReturnType<Scripts['serve']> {
    const texts: Record<string, string> = {}
    for (const [name, value] of Object.entries(fields)) if (value !== undefined) texts[name] = String(value)
    return this.#scripts.serve('POST', `/${script}`, texts)
  }
}

interface Request {
  machine: Machine
  timeoutMs: number
  script: string
  fields: Fields
  signal: AbortSignal | undefined
  mayLeave: () => boolean
}

/** One exchange; settles exactly once, as that of `src/upstream/transport.ts` does. */
class Sending {
  readonly #hostkey: SimulatedHostkey
  readonly #request: Request
  readonly #resolve: (exchange: Exchange) => void
  #timer: Happening | undefined
  #isSent = false
  #isOver = false

  constructor(hostkey: SimulatedHostkey, request: Request, resolve: (exchange: Exchange) => void) {
    this.#hostkey = hostkey
    this.#request = request
    this.#resolve = resolve
  }

  start(): void {
    const { machine, timeoutMs, signal } = this.#request
    if (signal?.aborted) return this.#end({ kind: 'unsent', reason: 'given up' })
    signal?.addEventListener('abort', () => this.#break('given up', 'connection'), { once: true })
    this.#timer = machine.after(timeoutMs, () => this.#break('no answer in time', 'timeout'))
    machine.after(this.#hostkey.delayMs() / 4, () => this.#leave())
  }

  #leave(): void {
    const { script, fields, mayLeave } = this.#request
    const { schedule, onLeave } = this.#hostkey.parts
    if (this.#isOver) return
    if (schedule.nowMs < this.#hostkey.refusesUntilMs)
      return this.#end({ kind: 'unsent', reason: 'ECONNREFUSED' })
    if (!mayLeave()) return this.#end({ kind: 'unsent', reason: 'too late', isLate: true })
    this.#isSent = true
    if (script === 'vm.php') onLeave(fields)
    // From here on it has nothing to do with the gateway any more.
    schedule.after(this.#hostkey.delayMs(), () => this.#arrive())
  }

  #arrive(): void {
    const { machine, script, fields } = this.#request
    const { trace } = this.#hostkey.parts
    const { reply, fault } = this.#hostkey.serve(script, fields)
    const about =
      script === 'vm.php' ? `${fields.action} ${fields.id} ${fields.backup_id ?? fields.name ?? ''}` : script
    trace.tell('HOSTKEY', `${fault ? `(${fault.kind}) ` : ''}${about}: ${String(reply.body).slice(0, 90)}`)
    const later = (call: () => void, ms = this.#hostkey.delayMs()): void => void machine.after(ms, call)
    switch (fault?.kind) {
      case 'hang':
      case 'hang-after':
      case 'hang-body':
        return
      case 'drop-before':
      case 'drop-after':
      case 'drop-body':
      case 'burn':
        return later(() => this.#break('ECONNRESET', 'connection'))
      case 'late':
        return later(() => this.#answer(reply), fault.delayMs ?? 1_000)
      default:
        return later(() => this.#answer(reply))
    }
  }

  #answer(reply: ReturnType<Scripts['serve']>['reply']): void {
    const { status = 200, headers = {} } = reply
    const seconds = headers['retry-after']
    const answer = {
      status,
      headers: { 'content-type': 'application/json', date: this.#hostkey.date, ...headers },
      body: bodyOf(reply),
    }
    this.#end({
      kind: 'answer',
      answer,
      retryAfterMs: seconds === undefined ? null : Number(seconds) * 1_000,
    })
  }

  #break(reason: string, cause: 'connection' | 'timeout'): void {
    this.#end(this.#isSent ? { kind: 'lost', reason, cause } : { kind: 'unsent', reason })
  }

  #end(exchange: Exchange): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#timer) this.#timer.isCancelled = true
    this.#resolve(exchange)
  }
}
