/**
 * Makes one attempt to deliver one message to one receiver. Each has a connection of its own: no connection is kept that the
 * receiver could close in the middle of the next message, and each time the address is judged anew. Redirects are not
 * followed, and no proxy is used, whatever the environment names.
 */

import { Client, type Dispatcher } from 'undici'
import { passOverContinue } from '../upstream/interim.ts'
import type { World } from '../world.ts'
import { receiverConnector, type Connector, type ConnectorOptions } from './connect.ts'
import type { Receiver } from './receiver.ts'
import { signedHeaders, type Message } from './sign.ts'

/** What came of an attempt. A reason shows neither the URL nor a secret. */
export type Sent =
  | { readonly kind: 'delivered' }
  /** The receiver wants no more of this message (410). */
  | { readonly kind: 'stopped' }
  /** Another attempt may do better, but not before `retryAfterMs` from now, when the receiver said so. */
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs?: number }

export interface Sender {
  /** Makes one attempt. It never throws for what the receiver or the network does. */
  send(receiver: Receiver, message: Message, signal?: AbortSignal): Promise<Sent>
  /** Breaks off all attempts, which have failed then, and makes no others. */
  close(): Promise<void>
}

export interface SenderOptions extends ConnectorOptions {
  world: Pick<World, 'now' | 'timeout'>
  /** One attempt, from finding the address to the end of the answer. */
  timeoutMs?: number
}

const TIMEOUT_MS = 10_000
/** So much of an answer is read, out of courtesy: what it says beyond its status is of no interest. */
const MAX_ANSWER_BYTES = 16 * 1024
/** A receiver may ask for no longer pause than the longest one that is made anyway. */
const MAX_RETRY_AFTER_MS = 3_600_000

export function createSender({ world, timeoutMs = TIMEOUT_MS, ...options }: SenderOptions): Sender {
  const connect = receiverConnector(options)
  const closing = new AbortController()
  const underWay = new Set<Promise<Sent>>()
  return {
    async send(receiver, message, signal) {
      const secrets = receiver.secrets()
      if (secrets.length === 0) return { kind: 'failed', reason: 'there is no secret to sign with' }
      const late = world.timeout(timeoutMs)
      const signals = [late, closing.signal, ...(signal ? [signal] : [])]
      const exchange = exchangeWith(connect, receiver.url, {
        body: Buffer.from(message.body),
        headers: signedHeaders(message, secrets),
        signal: AbortSignal.any(signals),
      })
      const sent = exchange.then(
        ({ statusCode, headers }) => outcomeOf(statusCode, headers['retry-after'], world.now()),
        (error: unknown): Sent => ({
          kind: 'failed',
          reason: late.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error),
        }),
      )
      underWay.add(sent)
      return sent.finally(() => underWay.delete(sent))
    },
    async close() {
      closing.abort(new Error('given up by the gateway'))
      await Promise.all(underWay)
    },
  }
}

interface Request {
  body: Buffer
  headers: Record<string, string>
  signal: AbortSignal
}

/** Sends a request and returns the head of its answer. @throws Error when there is none, or the signal aborts before */
async function exchangeWith(
  connect: Connector,
  url: URL,
  { body, headers, signal }: Request,
): Promise<Dispatcher.ResponseData> {
  signal.throwIfAborted()
  const client = new Client(url.origin, {
    connect: (_target, tell) => {
      connect(url, signal).then(
        socket => tell(null, passOverContinue(socket)),
        (error: Error) => tell(error, null),
      )
    },
    allowH2: false,
    // The signal ends all of it.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const giveUp = (): unknown => client.destroy(signal.reason as Error)
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    const answer = await client.request({
      method: 'POST',
      path: `${url.pathname}${url.search}`,
      body,
      headers: {
        'content-type': 'application/json',
        'accept-encoding': 'identity',
        'user-agent': 'hostkey-vm-gateway',
        ...headers,
      },
      // The last request on this connection.
      reset: true,
    })
    await passOver(answer.body)
    return answer
  } finally {
    signal.removeEventListener('abort', giveUp)
    await client.destroy()
  }
}

/** Reads an answer as far as it is worth it. That it breaks off changes nothing: its head has come. */
async function passOver(body: AsyncIterable<Buffer>): Promise<void> {
  let size = 0
  try {
    for await (const chunk of body) {
      size += chunk.length
      if (size > MAX_ANSWER_BYTES) return
    }
  } catch {
    // The receiver, or the time, ended it.
  }
}

function outcomeOf(status: number, retryAfter: string | string[] | undefined, nowMs: number): Sent {
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  if (status === 410) return { kind: 'stopped' }
  const retryAfterMs = parseRetryAfter(retryAfter, nowMs)
  return { kind: 'failed', reason: `HTTP ${status}`, ...(retryAfterMs !== undefined && { retryAfterMs }) }
}

/** `Retry-After` (RFC 9110, section 10.2.3) in milliseconds from now: whole seconds, or a date. */
function parseRetryAfter(header: string | string[] | undefined, nowMs: number): number | undefined {
  const text = String(header).trim()
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return ms >= 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined
}

function reasonOf(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException
  return code ?? (name === 'Error' || name === 'Refused' ? message : name)
}
