/**
 * One HTTP exchange with HOSTKEY over an undici Pool, told as an outcome instead of thrown: what matters to the
 * callers is whether the request *left*, since only a mutation that certainly did not may be sent again.
 */

import { buildConnector, Pool, type Dispatcher } from 'undici'
import type { Lost, MayLeave } from '../operations/hostkey.ts'
import { encodeForm } from './actions.ts'
import { decodeBody, isWholeJson } from './decode.ts'
import { passOverContinue } from './interim.ts'
import type { Answer } from './judge/text.ts'
import type { Timer, World } from '../world.ts'

/** An answer; or the request certainly never left; or it left and no whole answer came back. */
export type Exchange =
  | { kind: 'answer'; answer: Answer; retryAfterMs: number | null }
  | { kind: 'unsent'; reason: string; isLate?: true }
  | { kind: 'lost'; reason: string; cause: LostCause }

type LostCause = Lost['cause']

export interface TransportOptions {
  baseUrl: string
  /** The whole exchange, from queueing to the last byte, in milliseconds. */
  timeoutMs: number
  /** Connections, and so exchanges at once. */
  concurrency: number
  world: World
}

/** Answers over 1 MiB are cut off and refused (contract §3.6), as they come and with their content coding taken off. */
export const MAX_ANSWER_BYTES = 1024 * 1024
/** Cookies and policies of a front end may be long; Node's own limit is a quarter of this. */
const MAX_HEADER_BYTES = 64 * 1024
const TOO_LONG = `an answer over ${MAX_ANSWER_BYTES} bytes`
const GIVEN_UP = 'given up by the gateway'
const LATE = 'the operation is no longer surely ours'
/** Below the 5 s after which common PHP front ends close: a mutation on a dying connection would be ambiguous. */
const KEEP_ALIVE_MS = 4_000
/** An older connection is replaced however busy it is: where HOSTKEY's name points to now is seen within a minute. */
const MAX_CONNECTION_AGE_MS = 30_000

export interface Transport {
  /**
   * Sends one form to `<base>/<script>`, if it may leave when its turn comes. Never throws, never follows a redirect,
   * never sends twice.
   */
  send(
    script: string,
    method: 'POST' | 'GET',
    fields: Readonly<Record<string, string | number | undefined>>,
    signal?: AbortSignal,
    mayLeave?: MayLeave,
  ): Promise<Exchange>
  close(): Promise<void>
}

/** A transport to one base URL; `baseUrl` may carry a path. */
export function createTransport(options: TransportOptions): Transport {
  const { timeoutMs, world } = options
  const base = new URL(options.baseUrl)
  const basePath = base.pathname.replace(/\/+$/, '')
  // HTTP/2 would put many exchanges on one connection: `connections` would limit nothing.
  const connect = buildConnector({ timeout: timeoutMs, allowH2: false })
  const pool = new Pool(base.origin, {
    connections: options.concurrency,
    pipelining: 1,
    allowH2: false,
    connect: (target, told) => {
      connect(target, (...[error, socket]) =>
        error ? told(error, null) : told(null, passOverContinue(socket)),
      )
    },
    clientTtl: MAX_CONNECTION_AGE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  })
  return {
    send(script, method, fields, signal, mayLeave) {
      // Not even queued: an idle connection would be written to before an abort could be told.
      if (signal?.aborted) return Promise.resolve({ kind: 'unsent', reason: GIVEN_UP })
      const body = encodeForm(fields)
      return new Promise(resolve => {
        const collector = new Collector(resolve, { world, timeoutMs, signal, mayLeave })
        pool.dispatch(
          {
            path: `${basePath}/${script}`,
            method,
            body,
            headers: {
              'content-type': 'application/x-www-form-urlencoded',
              accept: 'application/json',
              // Without it a server may send any coding (RFC 9110, section 12.5.3).
              'accept-encoding': 'identity',
              'user-agent': 'hostkey-vm-gateway',
            },
            // Without it undici closes the connection after a GET with a body.
            reset: false,
          },
          collector,
        )
      })
    },
    close: () => pool.destroy(),
  }
}

interface CollectorOptions {
  world: World
  timeoutMs: number
  signal: AbortSignal | undefined
  mayLeave: MayLeave | undefined
}

/** Collects one answer; settles exactly once. */
class Collector implements Dispatcher.DispatchHandler {
  readonly #settle: (exchange: Exchange) => void
  readonly #timer: Timer
  readonly #world: World
  readonly #signal: AbortSignal | undefined
  readonly #mayLeave: MayLeave
  #controller: Dispatcher.DispatchController | undefined
  #settled = false
  /** Set just before the head is written to the socket: until then nothing left. */
  #sent = false
  #status = 0
  #headers: Readonly<Record<string, string>> = {}
  #chunks: Buffer[] = []
  #size = 0

  constructor(
    settle: (exchange: Exchange) => void,
    { world, timeoutMs, signal, mayLeave = () => true }: CollectorOptions,
  ) {
    this.#world = world
    this.#settle = settle
    this.#mayLeave = mayLeave
    this.#timer = world.after(timeoutMs, () =>
      this.#giveUp(`no whole answer within ${timeoutMs} ms`, 'timeout'),
    )
    this.#signal = signal
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Called just before the head is written, when there is a connection with nothing else under way on it. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (!this.#mayLeave()) this.#end({ kind: 'unsent', reason: LATE, isLate: true })
    // Settled before its turn came (timeout in the queue), or a second try of undici's own: it must not leave.
    if (this.#settled || this.#sent) {
      controller.abort(new Error('not sent'))
      return
    }
    this.#controller = controller
    this.#sent = true
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return
    this.#status = status
    this.#headers = plainHeaders(headers)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return
    this.#size += chunk.length
    if (this.#size > MAX_ANSWER_BYTES) {
      this.#end({ kind: 'lost', reason: TOO_LONG, cause: 'invalid' })
      this.#controller?.abort(new Error(TOO_LONG))
      return
    }
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#end(this.#answer())
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const code = (error as NodeJS.ErrnoException).code ?? error.name
    this.#break(code, /TIMEOUT/.test(code) ? 'timeout' : 'connection')
  }

  readonly #onAbort = (): void => this.#giveUp(GIVEN_UP, 'connection')

  #giveUp(reason: string, cause: LostCause): void {
    this.#break(reason, cause)
    this.#controller?.abort(new Error(reason))
  }

  /** The exchange ends before its answer did. What came of the answer counts when it is whole JSON: nothing was missing but the frame. */
  #break(reason: string, cause: LostCause): void {
    if (this.#settled) return
    if (!this.#sent) return this.#end({ kind: 'unsent', reason })
    const came = this.#status === 0 ? undefined : this.#answer()
    const isWhole = came?.kind === 'answer' && isWholeJson(came.answer.body)
    this.#end(isWhole ? came : { kind: 'lost', reason, cause })
  }

  /** What came so far, as an answer. */
  #answer(): Exchange {
    const { 'content-encoding': coding = '', ...headers } = this.#headers
    const decoded = decodeBody(Buffer.concat(this.#chunks), coding, MAX_ANSWER_BYTES)
    switch (decoded.kind) {
      case 'too-long':
        return { kind: 'lost', reason: TOO_LONG, cause: 'invalid' }
      case 'broken':
        return { kind: 'lost', reason: 'a content coding that cannot be taken off', cause: 'invalid' }
      case 'body': {
        const answer = { status: this.#status, headers, body: decoded.body }
        return {
          kind: 'answer',
          answer,
          retryAfterMs: parseRetryAfter(headers['retry-after'], this.#world.now()),
        }
      }
    }
  }

  #end(exchange: Exchange): void {
    if (this.#settled) return
    this.#settled = true
    this.#world.cancel(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#chunks = []
    this.#settle(exchange)
  }
}

/** Names in lower case; what was sent several times with commas between (RFC 9110, section 5.3). */
function plainHeaders(
  headers: Record<string, string | string[] | undefined>,
): Readonly<Record<string, string>> {
  const plain: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) plain[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  return plain
}

/** `Retry-After` (RFC 9110, section 10.2.3) in milliseconds from now: whole seconds, or a date; null when it is neither. */
function parseRetryAfter(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null
  // Of several seconds the first counts; a date has a comma of its own.
  const seconds = /^\s*(\d{1,9})\s*(,|$)/.exec(text)?.[1]
  if (seconds !== undefined) return Number(seconds) * 1000
  const ms = Date.parse(text) - nowMs
  return ms >= 0 ? ms : null
}
