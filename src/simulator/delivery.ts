import type { ServerResponse } from 'node:http'
import { Readable, pipeline } from 'node:stream'
import type { Fault } from './faults.ts'

/** An answer as it goes to the wire. */
export interface Reply {
  /** 200 when not given. */
  status?: number
  headers?: Record<string, string>
  body?: string | Buffer
  /** Informational responses that go ahead of it: 100, 102 or 103. */
  informational?: number[]
  /** The connection breaks after the whole body: short of the promised length, or without the last chunk. */
  frame?: 'length' | 'chunks'
}

export const bodyOf = ({ body = '' }: Reply): Buffer => Buffer.from(body)

/** Sends the reply the way the fault wants it; without a fault, as it is. JSON too has PHP's own content type. */
export function deliver(res: ServerResponse, reply: Reply, fault?: Fault): void {
  const bytes = bodyOf(reply)
  res.setHeader('content-type', 'text/html; charset=UTF-8')
  const hangUp = () => res.socket?.destroy()
  switch (fault?.kind) {
    case 'drop-before':
    case 'drop-after':
    case 'burn':
      hangUp()
      return
    case 'hang':
    case 'hang-after':
      return
    case 'drop-body':
      writeHead(res, reply).write(bytes.subarray(0, bytes.length / 2), hangUp)
      return
    case 'hang-body':
      writeHead(res, reply).write(bytes.subarray(0, 5))
      return
    case 'late': {
      const timer = setTimeout(() => send(res, reply), fault.delayMs ?? 1000)
      // Every way to end, the simulator's close among them, closes the response: no timer outlives it.
      res.once('close', () => clearTimeout(timer))
      return
    }
    case 'huge':
      // Chunked, so that a client's size limit cannot lean on Content-Length. A client that leaves is no error.
      pipeline(Readable.from(hugeJson(fault.bytes ?? 2 ** 21)), res, () => {})
      return
    default:
      send(res, reply)
  }
}

function send(res: ServerResponse, reply: Reply): void {
  for (const status of reply.informational ?? []) {
    if (status === 100) res.writeContinue()
    else if (status === 102) res.writeProcessing()
    else res.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
  }
  writeHead(res, reply)
  const bytes = bodyOf(reply)
  // Where there is no body, as under 204, there is no frame to break.
  if (reply.frame === undefined || bytes.length === 0 || reply.status === 204) {
    res.end(bytes)
    return
  }
  if (reply.frame === 'chunks') res.removeHeader('content-length')
  else res.setHeader('content-length', bytes.length + 100)
  // Half-closed and not reset, so that what was sent arrives.
  res.write(bytes, () => res.socket?.end())
}

function writeHead(res: ServerResponse, reply: Reply): ServerResponse {
  res.statusCode = reply.status ?? 200
  if (res.statusCode !== 204) res.setHeader('content-length', bodyOf(reply).length)
  for (const [name, value] of Object.entries(reply.headers ?? {})) res.setHeader(name, value)
  return res
}

function* hugeJson(bytes: number): Generator<string> {
  const [head, tail] = ['{"result":"OK","scope":"', '"}']
  yield head
  for (let left = bytes - head.length - tail.length; left > 0; left -= 65_536) {
    yield 'x'.repeat(Math.min(left, 65_536))
  }
  yield tail
}
