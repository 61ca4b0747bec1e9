/** Receivers on real sockets of this machine, with and without TLS. */

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { onTestFinished } from 'vitest'

export interface Got {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: Buffer
  /** The name that was asked for by SNI. */
  sni: string | false | null | undefined
}

export interface TestReceiver {
  url: URL
  port: number
  /** What came so far. */
  got: Got[]
  /** How many connections were made to it. */
  connections: () => number
}

export type Answering = (response: ServerResponse, got: Got) => void

/** Starts a receiver on 127.0.0.1, or another loopback address; it ends with the test. */
export async function startReceiver(
  answer: Answering = response => response.writeHead(204).end(),
  {
    host = '127.0.0.1',
    port: wanted = 0,
    tls,
  }: { host?: string; port?: number; tls?: { key: string; cert: string } } = {},
): Promise<TestReceiver> {
  const got: Got[] = []
  let connections = 0
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request
      const { servername: sni } = request.socket as Partial<TLSSocket>
      const one = { method, path, headers, body: Buffer.concat(chunks), sni }
      got.push(one)
      answer(response, one)
    })
  }
  const server = tls ? createTlsServer(tls, listener) : createServer(listener)
  server.on('connection', () => {
    connections += 1
  })
  server.listen(wanted, host)
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host
  return {
    url: new URL(`${tls ? 'https' : 'http'}://${name}:${port}/hook?for=gateway`),
    port,
    got,
    connections: () => connections,
  }
}
