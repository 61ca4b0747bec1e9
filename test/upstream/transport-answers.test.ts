/** What an answer is, however it comes: coded, behind interim answers, in a frame that breaks, over an old connection. */

import type { Socket } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { expect, onTestFinished, test, vi } from 'vitest'
import { MAX_ANSWER_BYTES } from '../../src/upstream/transport.ts'
import { answer, open, wire } from './wire.ts'

const JSON_TEXT = '{"result":"OK","callback":"k7d0q2m5k7d0q2m5"}'
const TAKEN = { kind: 'answer', answer: { status: 200, body: Buffer.from(JSON_TEXT) } }
const send = (socket: Socket, body: string | Buffer, headers = ''): void =>
  void socket.write(answer(body, headers), 'latin1')

test('no coding is asked for; what is sent all the same is taken off, and not told to whoever reads on', async () => {
  const coded: [string, Buffer][] = [
    ['gzip', gzipSync(JSON_TEXT)],
    ['X-GZip', gzipSync(JSON_TEXT)],
    ['deflate', deflateSync(JSON_TEXT)],
    ['deflate', deflateRawSync(JSON_TEXT)],
    ['br', brotliCompressSync(JSON_TEXT)],
    ['gzip, br', brotliCompressSync(gzipSync(JSON_TEXT))],
    ['identity', Buffer.from(JSON_TEXT)],
    // A front end that says it and does not do it.
    ['gzip', Buffer.from(JSON_TEXT)],
  ]
  const { baseUrl, requests, sockets } = await wire((socket, _request, nth) => {
    const [coding, body] = coded[nth - 1]!
    send(socket, body, `Content-Encoding: ${coding}\r\nX-Two: a\r\nx-two: b\r\n`)
  })
  const transport = open(baseUrl)
  for (const [coding] of coded) {
    const exchange = await transport.send()
    expect([coding, exchange]).toMatchObject([coding, TAKEN])
    const headers = exchange.kind === 'answer' ? exchange.answer.headers : {}
    expect(headers).not.toHaveProperty('content-encoding')
    expect(headers).toMatchObject({ 'x-two': 'a, b' })
  }
  expect(requests.every(request => /^accept-encoding: identity\r$/im.test(request))).toBe(true)
  expect(sockets).toHaveLength(1)
})

test.each([
  ['gzip', gzipSync, `an answer over ${MAX_ANSWER_BYTES} bytes`],
  ['br', brotliCompressSync, `an answer over ${MAX_ANSWER_BYTES} bytes`],
  ['zstd', gzipSync, 'a content coding that cannot be taken off'],
])('a bomb in %s, or what cannot be read, is lost; a mebibyte is none', async (coding, code, reason) => {
  const header = `content-encoding: ${coding}\r\n`
  const { baseUrl } = await wire((socket, _request, nth) =>
    send(socket, code(Buffer.alloc(MAX_ANSWER_BYTES + 2 - nth, ' ')), header),
  )
  const transport = open(baseUrl)
  expect(await transport.send()).toEqual({ kind: 'lost', cause: 'invalid', reason })
  if (coding === 'zstd') return
  const whole = await transport.send()
  expect(whole.kind === 'answer' && whole.answer.body.length).toBe(MAX_ANSWER_BYTES)
})

const HEAD = 'HTTP/1.1 200 OK\r\nretry-after: 3\r\n'
const LONG = `${HEAD}content-length: 500\r\n`
const GZIP = gzipSync(JSON_TEXT)
const BROKEN_FRAMES: [string, (socket: Socket, body: string) => void][] = [
  ['closed, with a length too long', (socket, body) => void socket.end(`${LONG}\r\n${body}`)],
  [
    'reset, with a length too long',
    (s, body) => void s.write(`${LONG}\r\n${body}`, () => s.resetAndDestroy()),
  ],
  ['open, with a length too long', (socket, body) => void socket.write(`${LONG}\r\n${body}`)],
  [
    'closed in the frame of chunks',
    (socket, body) =>
      void socket.end(`${HEAD}transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}`),
  ],
  [
    'closed where another chunk should begin',
    (socket, body) =>
      void socket.end(`${HEAD}transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`),
  ],
  [
    'no chunk after the first',
    (socket, body) =>
      void socket.end(
        `${HEAD}transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\nzz\r\n`,
      ),
  ],
]

test.each(BROKEN_FRAMES)('%s: whole JSON is the answer, and anything less is lost', async (_what, act) => {
  const bodies = [JSON_TEXT, JSON_TEXT.slice(0, -1), `${JSON_TEXT}\n<br`, '{}', '12']
  const { baseUrl } = await wire((socket, _request, nth) => act(socket, bodies[nth - 1]!))
  const transport = open(baseUrl, { timeoutMs: 300 })
  expect(await transport.send()).toMatchObject({ ...TAKEN, retryAfterMs: 3_000 })
  for (let nth = 2; nth <= bodies.length; nth += 1)
    expect(await transport.send()).toMatchObject({ kind: 'lost' })
})

test('a coded answer that lost its last bytes is the answer when all of its JSON came', async () => {
  const { baseUrl } = await wire(
    (socket, _request, nth) =>
      // The sum and the length of gzip are its last eight bytes.
      void socket.end(
        Buffer.concat([
          Buffer.from(`${LONG}content-encoding: gzip\r\n\r\n`),
          GZIP.subarray(0, nth === 1 ? -8 : -16),
        ]),
      ),
  )
  const transport = open(baseUrl)
  expect(await transport.send()).toMatchObject(TAKEN)
  expect(await transport.send()).toMatchObject({ kind: 'lost' })
})

test('given up by the gateway: an answer that came whole until then is not thrown away', async () => {
  const giveUp = new AbortController()
  const { baseUrl, sockets } = await wire(socket => void socket.write(`${LONG}\r\n${JSON_TEXT}`))
  const call = open(baseUrl).send(giveUp.signal)
  await expect.poll(() => sockets[0]?.bytesWritten, { interval: 2 }).toBeGreaterThan(100)
  // The bytes are written; they come in the turns that follow.
  for (let turn = 0; turn < 50; turn += 1) await new Promise(resolve => void setImmediate(resolve))
  giveUp.abort()
  expect(await call).toMatchObject(TAKEN)
})

const INTERIM: [string, string][] = [
  ['one 100', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ['a 100 with headers', 'HTTP/1.1 100 Continue\r\nDate: now\r\nx: 100\r\n\r\n'],
  ['two of them', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'],
  [
    'each kind',
    'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 \r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 C\r\n\r\n',
  ],
]

test.each(INTERIM)(
  '%s before the answer is passed over, in however many pieces it comes',
  async (_what, interim) => {
    // The answer's own body says 100 as well, and comes as it is.
    const body = JSON.stringify({ result: 'OK', scope: 'HTTP/1.1 100 Continue\r\n\r\n' })
    const { baseUrl, sockets } = await wire((socket, _request, nth) => {
      const bytes = interim + answer(body)
      // Whole, and then cut into two at each place.
      if (nth === 1) return void socket.write(bytes)
      socket.setNoDelay(true)
      socket.write(bytes.slice(0, nth - 1))
      setImmediate(() => void socket.write(bytes.slice(nth - 1)))
    })
    const transport = open(baseUrl)
    const taken = { kind: 'answer', answer: { status: 200, body: Buffer.from(body) }, retryAfterMs: null }
    for (let nth = 1; nth <= interim.length + 20; nth += 1)
      expect(await transport.send()).toMatchObject(taken)
    expect(sockets).toHaveLength(1)
  },
)

test('a 100 and then nothing is lost in time', async () => {
  const { baseUrl } = await wire(socket => void socket.write('HTTP/1.1 100 Continue\r\n\r\n'))
  expect(await open(baseUrl, { timeoutMs: 200 }).send()).toMatchObject({ kind: 'lost', cause: 'timeout' })
})

test('64 KiB of headers are read, and more are lost', async () => {
  const header = (bytes: number) => `x-policy: ${'x'.repeat(bytes)}\r\n`
  const { baseUrl } = await wire((socket, _request, nth) =>
    send(socket, JSON_TEXT, header(nth === 1 ? 65_000 : 66_000)),
  )
  const transport = open(baseUrl)
  expect(await transport.send()).toMatchObject(TAKEN)
  expect(await transport.send()).toMatchObject({ kind: 'lost', reason: 'UND_ERR_HEADERS_OVERFLOW' })
})

test('a connection is not used for longer than half a minute, however busy it is', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const { baseUrl, sockets } = await wire(socket => send(socket, JSON_TEXT))
  const transport = open(baseUrl)
  const seen: number[] = []
  for (let s = 0; s <= 90; s += 2) {
    expect(await transport.send()).toMatchObject(TAKEN)
    seen.push(sockets.length)
    vi.setSystemTime(Date.now() + 2_000)
  }
  expect([seen[0], seen[15], seen[16], seen[31], seen[32]]).toEqual([1, 1, 2, 2, 3])
})

test('connections that are replaced lose and double nothing', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const { baseUrl, requests } = await wire(socket => {
    // Each exchange makes every connection too old.
    vi.setSystemTime(Date.now() + 31_000)
    send(socket, JSON_TEXT)
  })
  const transport = open(baseUrl, { concurrency: 3 })
  const calls = Array.from({ length: 60 }, (_, n) => transport.send(undefined, 'POST', { n }))
  for (const call of calls) expect(await call).toMatchObject(TAKEN)
  const bodies = requests.map(request => request.split('\r\n\r\n')[1])
  expect(bodies).toHaveLength(60)
  expect(new Set(bodies)).toEqual(new Set(calls.map((_, n) => `n=${n}`)))
})
