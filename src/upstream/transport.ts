/**
 * One HTTP exchange with HOSTKEY over an undici Pool, told as an outcome instead of thrown: what matters to the
 * callers is whether the request *left*, since only a mutation that certainly did not may be sent again.
 */

import { Pool, type Dispatcher } from 'undici'
import type { Lost } from '../operations/hostkey.ts'
import { encodeForm } from './actions.ts'
import type { Answer } from './judge/text.ts'

/** An answer; or the request certainly never left; or it left and no whole answer came back. */
export type Exchange =
  | { kind: 'answer'; answer: Answer; retryAfterMs: number | null }
  | { kind: 'unsent'; reason: string }
  | { kind: 'lost'; reason: string; cause: LostCause }

type LostCause = Lost['cause']

export interface TransportOptions {
  baseUrl: string
  /** The whole exchange, from queueing to the last byte, in milliseconds. */
  timeoutMs: number
  /** Connections, and so exchanges at once. */
  concurrency: number
}

/** Answers over 1 MiB are cut off and refused (contract §3.6). */
export const MAX_ANSWER_BYTES = 1024 * 1024
const GIVEN_UP = 'given up by the gateway'
/** Below the 5 s after which common PHP front ends close: a mutation on a dying connection would be ambiguous. */
const KEEP_ALIVE_MS = 4_000

export interface Transport {
  /** Sends one form to `<base>/<script>`. Never throws, never follows a redirect, never sends twice. */
  send(
    script: string,
    method: 'POST' | 'GET',
    fields: Readonly<Record<string, string | number | undefined>>,
    signal?: AbortSignal,
  ): Promise<Exchange>
  close(): Promise<void>
}

/** A transport to one base URL; `baseUrl` may carry a path. */
export function createTransport(options: TransportOptions): Transport {
  const base = new URL(options.baseUrl)
  const basePath = base.pathname.replace(/\/+$/, '')
  const pool = new Pool(base.origin, {
    connections: options.concurrency,
    pipelining: 1,
    // HTTP/2 would put many exchanges on one connection: `connections` would limit nothing.
    allowH2: false,
    connect: { timeout: options.timeoutMs },
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  })
  return {
    send(script, method, fields, signal) {
      // Not even queued: an idle connection would be written to before an abort could be told.
      if (signal?.aborted) return Promise.resolve({ kind: 'unsent', reason: GIVEN_UP })
      const body = encodeForm(fields)
      return new Promise(resolve => {
        const collector = new Collector(resolve, options.timeoutMs, signal)
        pool.dispatch(
          {
            path: `${basePath}/${script}`,
            method,
            body,
            headers: {
              'content-type': 'application/x-www-form-urlencoded',
              accept: 'application/json',
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

/** Collects one answer; settles exactly once. */
class Collector implements Dispatcher.DispatchHandler {
  readonly #settle: (exchange: Exchange) => void
  readonly #timer: NodeJS.Timeout
  readonly #signal: AbortSignal | undefined
  #controller: Dispatcher.DispatchController | undefined
  #settled = false
  /** Set just before the head is written to the socket: until then nothing left. */
  #sent = false
  #status = 0
  #retryAfterMs: number | null = null
  #chunks: Buffer[] = []
  #size = 0

  constructor(settle: (exchange: Exchange) => void, timeoutMs: number, signal: AbortSignal | undefined) {
    this.#settle = settle
    this.#timer = setTimeout(
      () => this.#giveUp(`no whole answer within ${timeoutMs} ms`, 'timeout'),
      timeoutMs,
    )
    this.#signal = signal
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
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
    this.#retryAfterMs = parseRetryAfter(headers['retry-after'])
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return
    this.#size += chunk.length
    if (this.#size > MAX_ANSWER_BYTES) {
      this.#giveUp(`an answer over ${MAX_ANSWER_BYTES} bytes`, 'invalid')
      return
    }
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    const answer = { status: this.#status, body: Buffer.concat(this.#chunks) }
    this.#end({ kind: 'answer', answer, retryAfterMs: this.#retryAfterMs })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const code = (error as NodeJS.ErrnoException).code ?? error.name
    if (this.#sent)
      this.#end({ kind: 'lost', reason: code, cause: /TIMEOUT/.test(code) ? 'timeout' : 'connection' })
    else this.#end({ kind: 'unsent', reason: code })
  }

  readonly #onAbort = (): void => this.#giveUp(GIVEN_UP, 'connection')

  #giveUp(reason: string, cause: LostCause): void {
    this.#end(this.#sent ? { kind: 'lost', reason, cause } : { kind: 'unsent', reason })
    this.#controller?.abort(new Error(reason))
  }

  #end(exchange: Exchange): void {
    if (this.#settled) return
    this.#settled = true
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#chunks = []
    this.#settle(exchange)
  }
}

/** `Retry-After` (RFC 9110, section 10.2.3) in milliseconds from now: whole seconds, or a date; null when it is neither. */
function parseRetryAfter(header: string | string[] | undefined): number | null {
  const text = Array.isArray(header) ? header[0] : header
  if (text === undefined) return null
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000
  const ms = Date.parse(text) - Date.now()
  return ms >= 0 ? ms : null
}
