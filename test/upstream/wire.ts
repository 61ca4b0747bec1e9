/** For tests of the wire: a server that plays with single bytes, and a transport to it. Both end with the test. */

import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { createTransport, type TransportOptions } from '../../src/upstream/transport.ts'
import { realWorld } from '../../src/world.ts'

const FIELDS = { action: 'create_snapshot', token: 'T', id: 1000 }
export const FORM = 'action=create_snapshot&token=T&id=1000'

/** A server that does byte by byte what a test says: `onRequest` gets each whole request as it came. */
export async function wire(
  onRequest: (socket: Socket, request: string, nth: number) => void,
  onConnection: (socket: Socket) => void = () => {},
) {
  const requests: string[] = []
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    onConnection(socket)
    let pending = ''
    socket.on('data', chunk => {
      pending += chunk.toString('latin1')
      const head = pending.indexOf('\r\n\r\n') + 4
      const length = head + Number(/content-length: (\d+)/i.exec(pending)?.[1] ?? 0)
      if (head < 4 || pending.length < length) return
      requests.push(pending.slice(0, length))
      pending = pending.slice(length)
      onRequest(socket, requests.at(-1)!, requests.length)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    if (server.listening) await once(server, 'close')
  }
  onTestFinished(close)
  return { baseUrl: `http://127.0.0.1:${port}`, port, requests, sockets, close }
}

export function open(baseUrl: string, options: Partial<TransportOptions> = {}) {
  const transport = createTransport({
    baseUrl,
    timeoutMs: 5_000,
    concurrency: 1,
    world: realWorld,
    ...options,
  })
  onTestFinished(() => transport.close())
  return {
    close: () => transport.close(),
    send: (
      signal?: AbortSignal,
      method: 'POST' | 'GET' = 'POST',
      fields: Record<string, string | number> = FIELDS,
      mayLeave?: () => boolean,
    ) => transport.send('vm.php', method, fields, signal, mayLeave),
  }
}

/** A whole answer with its length. */
export function answer(body: string | Buffer, headers = '', status = '200 OK'): string {
  const length = Buffer.byteLength(body)
  return `HTTP/1.1 ${status}\r\ncontent-length: ${length}\r\n${headers}\r\n${body.toString('latin1')}`
}
