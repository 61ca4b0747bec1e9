/**
 * What a connection may cost, and the answer to bytes that are no request. A slow sender is cut off while it sends
 * (`headersMs`, `requestMs`), and a slow reader while it reads (`silenceMs`).
 */

import { randomUUID } from 'node:crypto'
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import { problemBody, type ProblemCode } from './problem.ts'
import { API_HEADERS } from './headers.ts'

export interface ConnectionLimits {
  /** The request line and all headers together may have so many bytes. */
  headerBytes: number
  /** All headers must arrive within this time after the first byte of a request. */
  headersMs: number
  /** The whole request must arrive within this time. */
  requestMs: number
  /** Node checks the two times above so often. */
  checkMs: number
  /** A connection over which nothing comes is kept for so long, after an answer or opened ahead: longer than by common load balancers, so that we never close first. */
  keepAliveMs: number
  /** A connection ends after so many requests; the next one may then lead to a new replica. */
  requestsPerSocket: number
  /** Nothing may go over a connection for so long while a request is worked on; null to go by the longest wait. */
  silenceMs: number | null
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  headerBytes: 16 * 1024,
  headersMs: 10_000,
  requestMs: 15_000,
  checkMs: 1_000,
  keepAliveMs: 72_000,
  requestsPerSocket: 10_000,
  silenceMs: null,
}

/**
 * Watches for connections over which nothing has come yet: browsers, pools and probes open them in advance. Node takes
 * them for busy, and would wait for them when it closes. Returns a function that closes those that there are.
 */
export function silentConnections(server: Server): () => void {
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return () => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }
}

/** A refused sender has so long to read why, before the connection is closed. */
const LINGER_MS = 250

interface Refusal {
  status: number
  phrase: string
  code: ProblemCode
  detail: string
  headers?: Readonly<Record<string, string>>
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  HOSTKEY_NO_PROXY: {
    status: 405,
    phrase: 'Method Not Allowed',
    code: 'method-not-allowed',
    detail: 'CONNECT is for proxies, and the gateway is none.',
    headers: { allow: 'DELETE, GET, HEAD, POST' },
  },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    phrase: 'Request Header Fields Too Large',
    code: 'malformed-request',
    detail: 'The URL and the headers are too large together.',
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    phrase: 'Payload Too Large',
    code: 'payload-too-large',
    detail: 'The chunk extensions are too large.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    phrase: 'Request Timeout',
    code: 'malformed-request',
    detail: 'The request did not arrive in time.',
  },
}
const NOT_HTTP: Refusal = {
  status: 400,
  phrase: 'Bad Request',
  code: 'malformed-request',
  detail: 'The request is not well-formed HTTP.',
}

/**
 * Answers with a problem what Node's parser refuses, once a connection at most, and closes the connection. `silentMs` is
 * for how long a connection over which nothing came may go on after Node has complained of it.
 */
export class BrokenRequests {
  readonly #basePath: string
  readonly #silentMs: number
  readonly #log: FastifyBaseLogger
  readonly #onRefused: (code: ProblemCode) => void
  /** The answer to the latest request of each connection tells what was sent already. */
  readonly #latest = new WeakMap<Socket, ServerResponse>()
  readonly #refused = new WeakSet<Socket>()

  constructor(
    { basePath, silentMs }: { basePath: string; silentMs: number },
    log: FastifyBaseLogger,
    onRefused: (code: ProblemCode) => void,
  ) {
    this.#basePath = basePath
    this.#silentMs = silentMs
    this.#log = log
    this.#onRefused = onRefused
  }

  /** Begins to note the requests of a server. */
  follow(server: Server): void {
    server.on('request', (request, response) => this.#latest.set(request.socket, response))
    server.on('connect', (_request, socket) => {
      this.refuse(Object.assign(new Error('no proxy'), { code: 'HOSTKEY_NO_PROXY' }), socket as Socket)
    })
  }

  /** Handles an error of Node's parser, or of the socket: this is for Fastify's `clientErrorHandler`. */
  refuse(error: Error & { code?: string }, socket: Socket): void {
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0) return this.#letBeSilent(socket)
    if (this.#refused.has(socket)) return
    this.#refused.add(socket)
    if (error.code === 'ECONNRESET' || !socket.writable || !this.#mayAnswer(socket)) {
      socket.destroy()
      return
    }
    const { status, phrase, code, detail, headers = {} } = REFUSALS[error.code ?? ''] ?? NOT_HTTP
    const id = randomUUID()
    const body = `${JSON.stringify({ ...problemBody(code, detail, id, this.#basePath), status })}\n`
    const lines = [
      `HTTP/1.1 ${status} ${phrase}`,
      'content-type: application/problem+json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${id}`,
      'cache-control: no-store',
      ...Object.entries({ ...API_HEADERS, ...headers }).map(([name, value]) => `${name}: ${value}`),
      'connection: close',
    ]
    this.#onRefused(code)
    this.#log.info({ reqId: id, status, reason: error.code ?? null }, 'request refused')
    socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
    setTimeout(() => socket.destroy(), LINGER_MS).unref()
  }

  /**
   * Node complains once of a connection that was opened ahead and is silent, when `headersMs` have passed. It may stay
   * silent for some more time; then nobody asked anything, so nobody is answered.
   */
  #letBeSilent(socket: Socket): void {
    const timer = setTimeout(() => {
      if (socket.bytesRead === 0) socket.destroy()
    }, this.#silentMs)
    socket.once('close', () => clearTimeout(timer))
    timer.unref()
  }

  /**
   * Tells whether the broken bytes are a request that has no answer yet. No request gets two answers, nothing is written
   * into the middle of another answer, and a request that is being worked on is not called refused.
   */
  #mayAnswer(socket: Socket): boolean {
    const latest = this.#latest.get(socket)
    if (!latest) return true
    const { req: request } = latest
    if (latest.writableFinished) return request.complete
    return latest.socket === socket && !latest.headersSent && !request.complete
  }
}
