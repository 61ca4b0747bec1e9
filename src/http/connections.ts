/**
 * What a connection may cost, and the answer to bytes that are no request. Slow senders are cut off while they send
 * (`headersMs`, `requestMs`), slow readers while they read (`silenceMs`).
 */

import { randomUUID } from 'node:crypto'
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import { problemBody, type ProblemCode } from './problem.ts'
import { API_HEADERS } from './headers.ts'

export interface ConnectionLimits {
  /** Of the request line and all headers. */
  headerBytes: number
  /** All headers must have arrived within this time, from the connection's start or the last answer's end on. */
  headersMs: number
  /** The whole request must have arrived within this time. */
  requestMs: number
  /** How often that is looked at. */
  checkMs: number
  /** Longer than common load balancers keep their side open, so that it is never we who close first. */
  keepAliveMs: number
  /** Now and then a connection is opened anew, and finds its way to a new replica. */
  requestsPerSocket: number
  /** For how long nothing may go over a connection while a request is worked on; null to go by the longest wait. */
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
 * Notes connections over which nothing has come yet: browsers, pools and probes open them ahead. Node takes them for busy
 * and waits for them when it closes. The function it returns closes those there are.
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

/** How long a refused sender has to read why. */
const LINGER_MS = 250

interface Refusal {
  status: number
  phrase: string
  code: ProblemCode
  detail: string
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
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

/** Answers what Node's parser refuses with a problem, at most once a connection, and closes it. */
export class BrokenRequests {
  readonly #basePath: string
  readonly #log: FastifyBaseLogger
  readonly #onRefused: (code: ProblemCode) => void
  /** The answer to the latest request of each connection. */
  readonly #latest = new WeakMap<Socket, ServerResponse>()
  readonly #refused = new WeakSet<Socket>()

  constructor(basePath: string, log: FastifyBaseLogger, onRefused: (code: ProblemCode) => void) {
    this.#basePath = basePath
    this.#log = log
    this.#onRefused = onRefused
  }

  follow(server: Server): void {
    server.on('request', (request, response) => this.#latest.set(request.socket, response))
  }

  refuse(error: Error & { code?: string }, socket: Socket): void {
    if (this.#refused.has(socket)) return
    this.#refused.add(socket)
    if (error.code === 'ECONNRESET' || !socket.writable || !this.#mayAnswer(socket)) {
      socket.destroy()
      return
    }
    const { status, phrase, code, detail } = REFUSALS[error.code ?? ''] ?? NOT_HTTP
    const id = randomUUID()
    const body = JSON.stringify({ ...problemBody(code, detail, id, this.#basePath), status })
    const lines = [
      `HTTP/1.1 ${status} ${phrase}`,
      'content-type: application/problem+json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${id}`,
      'cache-control: no-store',
      ...Object.entries(API_HEADERS).map(([name, value]) => `${name}: ${value}`),
      'connection: close',
    ]
    this.#onRefused(code)
    this.#log.info({ reqId: id, status, reason: error.code ?? null }, 'request refused')
    socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
    setTimeout(() => socket.destroy(), LINGER_MS).unref()
  }

  /**
   * Whether the broken bytes are a request that has no answer yet: never two answers to one request, never words in
   * the middle of another answer, and never "refused" to a request that is being worked on.
   */
  #mayAnswer(socket: Socket): boolean {
    const latest = this.#latest.get(socket)
    if (!latest) return true
    const { req: request } = latest
    if (latest.writableFinished) return request.complete
    return latest.socket === socket && !latest.headersSent && !request.complete
  }
}
