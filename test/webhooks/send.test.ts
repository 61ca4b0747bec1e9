/** One attempt, against receivers on real sockets that do what receivers do. */

import { createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { Webhook } from 'standardwebhooks'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Receiver } from '../../src/webhooks/receiver.ts'
import { createSender, type Sender, type SenderOptions, type Sent } from '../../src/webhooks/send.ts'
import { realWorld } from '../../src/world.ts'
import { startReceiver, type Answering } from './receiver.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const OLD_SECRET = `whsec_${Buffer.alloc(32, 8).toString('base64').replace('=', '')}`
const MESSAGE = {
  id: 'msg_1',
  atMs: Date.now(),
  body: '{"type":"operation.ended","data":{"é":"\u{1F4E6}"}}',
}

function sender(options: Partial<SenderOptions> = {}): Sender {
  const made = createSender({ allow: ['127.0.0.0/8', '::1'], world: realWorld, ...options })
  onTestFinished(() => made.close())
  return made
}

function receiverAt(url: string | URL, ...secrets: string[]): Receiver {
  return { name: 'tester', url: new URL(url), secrets: () => (secrets.length > 0 ? secrets : [SECRET]) }
}

/** A receiver that does what it likes with each connection, from the first byte on; returns its URL. */
async function startRaw(serve: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
    socket.resume()
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** Answers with this text as soon as something comes. */
const answering =
  (text: string | Buffer, then: (socket: Socket) => void = socket => socket.end()) =>
  (socket: Socket): void =>
    void socket.once('data', () => socket.write(text, () => then(socket)))

test('a receiver gets the very bytes that are signed, and what it needs to verify them', async () => {
  const { url, got } = await startReceiver()
  expect(await sender().send(receiverAt(url, SECRET, OLD_SECRET), MESSAGE)).toEqual({ kind: 'delivered' })
  const [{ method, path, headers, body }] = got as [(typeof got)[0]]
  expect([method, path]).toEqual(['POST', '/hook?for=gateway'])
  expect(headers).toEqual({
    host: url.host,
    connection: 'close',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(MESSAGE.body)),
    'accept-encoding': 'identity',
    'user-agent': 'hostkey-vm-gateway',
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(MESSAGE.atMs / 1000)),
    'webhook-signature': expect.stringMatching(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/) as string,
  })
  expect(body).toEqual(Buffer.from(MESSAGE.body))
  for (const secret of [SECRET, OLD_SECRET])
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual(
      JSON.parse(MESSAGE.body),
    )
})

test.each<[status: number, headers: Record<string, string>, sent: Sent]>([
  [200, {}, { kind: 'delivered' }],
  [202, {}, { kind: 'delivered' }],
  [204, {}, { kind: 'delivered' }],
  [299, {}, { kind: 'delivered' }],
  [410, {}, { kind: 'stopped' }],
  [300, {}, { kind: 'failed', reason: 'HTTP 300' }],
  [304, {}, { kind: 'failed', reason: 'HTTP 304' }],
  [400, {}, { kind: 'failed', reason: 'HTTP 400' }],
  [404, {}, { kind: 'failed', reason: 'HTTP 404' }],
  [500, {}, { kind: 'failed', reason: 'HTTP 500' }],
  [503, { 'retry-after': '7' }, { kind: 'failed', reason: 'HTTP 503', retryAfterMs: 7_000 }],
  [429, { 'Retry-After': '0' }, { kind: 'failed', reason: 'HTTP 429', retryAfterMs: 0 }],
  [429, { 'RETRY-AFTER': '86400' }, { kind: 'failed', reason: 'HTTP 429', retryAfterMs: 3_600_000 }],
  [429, { 'retry-after': '9'.repeat(400) }, { kind: 'failed', reason: 'HTTP 429', retryAfterMs: 3_600_000 }],
  [503, { 'retry-after': '-1' }, { kind: 'failed', reason: 'HTTP 503' }],
  [503, { 'retry-after': 'soon' }, { kind: 'failed', reason: 'HTTP 503' }],
  [
    503,
    { 'retry-after': 'Wed, 25 Nov 2026 20:00:30 GMT' },
    { kind: 'failed', reason: 'HTTP 503', retryAfterMs: 30_000 },
  ],
  [503, { 'retry-after': 'Wed, 25 Nov 2026 19:00:00 GMT' }, { kind: 'failed', reason: 'HTTP 503' }],
])('%d %o is %o', async (status, headers, sent) => {
  const { url } = await startReceiver(response => response.writeHead(status, headers).end())
  const world = { ...realWorld, now: () => Date.parse('2026-11-25T20:00:00Z') }
  expect(await sender({ world }).send(receiverAt(url), MESSAGE)).toEqual(sent)
})

test.each([301, 302, 303, 307, 308])('a redirect (%d) is a failure and not followed', async status => {
  const target = await startReceiver()
  const { url } = await startReceiver(response =>
    response.writeHead(status, { location: target.url.href }).end(),
  )
  expect(await sender().send(receiverAt(url), MESSAGE)).toEqual({ kind: 'failed', reason: `HTTP ${status}` })
  expect(target.connections()).toBe(0)
})

const flood =
  (head: Record<string, string>, chunk: Buffer): Answering =>
  response => {
    response.writeHead(200, head)
    const write = (): void => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', write)
    write()
  }

test.each<[what: string, answer: Answering]>([
  ['endless', flood({}, Buffer.alloc(64 * 1024))],
  [
    'endless and said to be compressed',
    flood({ 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(1024 * 1024))),
  ],
  ['said to be huge', flood({ 'content-length': '1000000000000' }, Buffer.alloc(1024))],
  [
    'compressed to a thousandth of its size',
    response => response.writeHead(200, { 'content-encoding': 'br' }).end('no brotli'),
  ],
])('an answer that is %s costs nothing', async (_, answer) => {
  let written = 0
  const { url, connections } = await startReceiver((response, got) => {
    response.on('close', () => (written = response.socket?.bytesWritten ?? 0))
    answer(response, got)
  })
  const before = process.memoryUsage().arrayBuffers
  expect(await sender().send(receiverAt(url), MESSAGE)).toEqual({ kind: 'delivered' })
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
  expect(connections()).toBe(1)
  // What the kernel's buffers took in came without being read.
  expect(written).toBeLessThan(16 * 1024 * 1024)
})

const GOOD_HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n'

test.each<[what: string, serve: (socket: Socket) => void, sent: Sent]>([
  [
    'a body that breaks off',
    answering(`${GOOD_HEAD}ab`, socket => socket.resetAndDestroy()),
    { kind: 'delivered' },
  ],
  ['a body that never ends', answering(`${GOOD_HEAD}ab`, () => {}), { kind: 'delivered' }],
  [
    'a 100 that nobody asked for before',
    answering(`HTTP/1.1 100 Continue\r\n\r\n${GOOD_HEAD}abcde`),
    { kind: 'delivered' },
  ],
  [
    'an early hint before',
    answering(`HTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n${GOOD_HEAD}abcde`),
    { kind: 'delivered' },
  ],
  ['HTTP/1.0 without a length', answering('HTTP/1.0 200 OK\r\n\r\nfine'), { kind: 'delivered' }],
  [
    'headers in capitals',
    answering('HTTP/1.1 503 NO\r\nRETRY-AFTER: 3\r\nCONTENT-LENGTH: 0\r\n\r\n'),
    { kind: 'failed', reason: 'HTTP 503', retryAfterMs: 3_000 },
  ],
  [
    'a reset before the answer',
    socket => socket.resetAndDestroy(),
    { kind: 'failed', reason: expect.stringMatching(/^(ECONNRESET|UND_ERR_SOCKET|EPIPE)$/) as string },
  ],
  [
    'a close without an answer',
    socket => void socket.once('data', () => socket.end()),
    { kind: 'failed', reason: 'UND_ERR_SOCKET' },
  ],
  ['no HTTP', answering('220 smtp.example.com ESMTP\r\n'), { kind: 'failed', reason: 'HTTPParserError' }],
  [
    'an endless head',
    answering(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(100_000)}`),
    { kind: 'failed', reason: 'UND_ERR_HEADERS_OVERFLOW' },
  ],
  ['half a head', answering('HTTP/1.1 200', () => {}), { kind: 'failed', reason: 'no answer within 300 ms' }],
  ['nothing', () => {}, { kind: 'failed', reason: 'no answer within 300 ms' }],
  [
    'an interim answer without end',
    answering(
      'HTTP/1.1 102 Processing\r\n\r\n',
      socket => void setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 20).unref(),
    ),
    { kind: 'failed', reason: 'no answer within 300 ms' },
  ],
])('a receiver that answers with %s', async (_, serve, sent) => {
  const closed = Promise.withResolvers<void>()
  const url = await startRaw(socket => {
    socket.on('close', () => closed.resolve())
    serve(socket)
  })
  expect(await sender({ timeoutMs: 300 }).send(receiverAt(url), MESSAGE)).toEqual(sent)
  // Nothing stays open.
  await closed.promise
})

test('a receiver that closes or resets each connection after its answer, or never keeps one, loses nothing', async () => {
  const { url, got, connections } = await startReceiver(response => {
    const { socket } = response
    response
      .writeHead(204, { connection: 'keep-alive', 'keep-alive': 'timeout=60' })
      .end(() => socket?.resetAndDestroy())
  })
  const one = sender()
  for (let i = 0; i < 5; i += 1) {
    const sent = await Promise.all(Array.from({ length: 4 }, () => one.send(receiverAt(url), MESSAGE)))
    expect(sent.map(({ kind }) => kind)).toEqual(Array<string>(4).fill('delivered'))
  }
  expect([got.length, connections()]).toEqual([20, 20])
})

test('a TLS handshake that never ends is over with the time, and so is a name that is never found', async () => {
  const closed = Promise.withResolvers<void>()
  const url = await startRaw(socket => void socket.on('close', () => closed.resolve()))
  const late = { kind: 'failed', reason: 'no answer within 200 ms' }
  const hangs = receiverAt(url.replace('http:', 'https:'))
  expect(await sender({ timeoutMs: 200 }).send(hangs, MESSAGE)).toEqual(late)
  await closed.promise
  const never = sender({ timeoutMs: 200, lookup: () => new Promise(() => {}) })
  expect(await never.send(receiverAt('https://receiver.example.com/'), MESSAGE)).toEqual(late)
})

test('what the network says is a reason, and shows nothing of the URL', async () => {
  const error = Object.assign(new Error('getaddrinfo ENOTFOUND canary.example'), { code: 'ENOTFOUND' })
  const unknown = sender({ lookup: () => Promise.reject(error) })
  const failed = (reason: string): Sent => ({ kind: 'failed', reason })
  expect(await unknown.send(receiverAt('https://canary.example/'), MESSAGE)).toEqual(failed('ENOTFOUND'))
  const away = receiverAt('http://127.0.0.1:1/canary')
  expect(await sender().send(away, MESSAGE)).toEqual(failed('ECONNREFUSED'))
})

test('without a secret nothing is sent', async () => {
  const { url, connections } = await startReceiver()
  const receiver: Receiver = { name: 'tester', url, secrets: () => [] }
  expect(await sender().send(receiver, MESSAGE)).toEqual({
    kind: 'failed',
    reason: 'there is no secret to sign with',
  })
  expect(connections()).toBe(0)
})

test('the signal of the caller and the end of the sender break an attempt off; nothing begins after that', async () => {
  let hanging = 0
  const url = await startRaw(socket => {
    hanging += 1
    socket.on('close', () => (hanging -= 1))
  })
  const one = sender()
  const leaving = new AbortController()
  const left = one.send(receiverAt(url), MESSAGE, leaving.signal)
  const stays = one.send(receiverAt(url), MESSAGE)
  await vi.waitFor(() => expect(hanging).toBe(2))
  leaving.abort(new Error('left'))
  expect(await left).toEqual({ kind: 'failed', reason: 'left' })
  await vi.waitFor(() => expect(hanging).toBe(1))
  await one.close()
  expect(await stays).toEqual({ kind: 'failed', reason: 'given up by the gateway' })
  await vi.waitFor(() => expect(hanging).toBe(0))
  expect(await one.send(receiverAt(url), MESSAGE)).toEqual({
    kind: 'failed',
    reason: 'given up by the gateway',
  })
  const never = sender({ lookup: () => new Promise(() => {}) })
  const named = receiverAt('https://receiver.example.com/')
  expect(await never.send(named, MESSAGE, leaving.signal)).toEqual({ kind: 'failed', reason: 'left' })
  expect(hanging).toBe(0)
})

test('proxies that the environment names are not used', async () => {
  const proxy = await startReceiver()
  for (const name of [
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'ALL_PROXY',
    'http_proxy',
    'https_proxy',
    'NODE_USE_ENV_PROXY',
  ]) {
    vi.stubEnv(name, name === 'NODE_USE_ENV_PROXY' ? '1' : proxy.url.origin)
    onTestFinished(() => void vi.unstubAllEnvs())
  }
  const { url, got } = await startReceiver()
  expect(await sender().send(receiverAt(url), MESSAGE)).toEqual({ kind: 'delivered' })
  expect([got.length, proxy.connections()]).toEqual([1, 0])
})
