import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { MAX_ANSWER_BYTES } from '../../src/upstream/transport.ts'
import { answer, FORM, open, wire } from './wire.ts'

/** Of tests that wait for it; the others never come near theirs. */
const TIMEOUT_MS = 400

const ok = (socket: Socket) => void socket.write(answer('{"result":"OK"}'))
const OK = {
  kind: 'answer',
  answer: { status: 200, headers: expect.any(Object), body: Buffer.from('{"result":"OK"}') },
  retryAfterMs: null,
}
const LOST = { kind: 'lost', reason: expect.any(String), cause: 'connection' }

test.each([
  ['', 'POST', 'POST /vm.php HTTP/1.1'],
  ['/', 'GET', 'GET /vm.php HTTP/1.1'],
  ['/api/v1//', 'POST', 'POST /api/v1/vm.php HTTP/1.1'],
] as const)(
  'below "%s" a %s carries the form in its body and nothing in its URL',
  async (path, method, line) => {
    const { baseUrl, requests } = await wire(ok)
    expect(await open(baseUrl + path).send(undefined, method)).toEqual(OK)
    const [head = '', body] = requests[0]!.split('\r\n\r\n')
    expect([head.split('\r\n')[0], body]).toEqual([line, FORM])
    expect(head).toContain(`content-type: application/x-www-form-urlencoded`)
    expect(head).toContain(`content-length: ${FORM.length}`)
  },
)

test('one connection serves one call after the other, also GETs with a body', async () => {
  const { baseUrl, requests, sockets } = await wire(ok)
  const { send } = open(baseUrl)
  for (const method of ['POST', 'GET', 'GET', 'POST', 'POST'] as const)
    expect(await send(undefined, method)).toEqual(OK)
  expect([requests.length, sockets.length]).toEqual([5, 1])
  expect(requests.every(request => request.includes('connection: keep-alive'))).toBe(true)
})

test('so many calls at once as there may be connections, the rest after them', async () => {
  const waiting: Socket[] = []
  const { baseUrl, requests, sockets } = await wire(socket => void waiting.push(socket))
  const { send } = open(baseUrl, { concurrency: 3, timeoutMs: 5_000 })
  const calls = Array.from({ length: 8 }, () => send())
  await expect.poll(() => requests.length, { interval: 2 }).toBe(3)
  while (requests.length < 8 || waiting.length > 0) {
    expect(waiting.length).toBeLessThanOrEqual(3)
    const [socket] = waiting.splice(0, 1)
    if (socket) ok(socket)
    else await sleep(1)
  }
  expect(await Promise.all(calls)).toEqual(calls.map(() => OK))
  expect(sockets).toHaveLength(3)
})

test.each([301, 302, 303, 307, 308])('a %d is an answer and is not followed', async status => {
  const { baseUrl, requests } = await wire((socket, _request, nth) =>
    nth === 1
      ? void socket.write(answer('moved', `location: ${baseUrl}/else\r\n`, `${status} Moved`))
      : ok(socket),
  )
  const { send } = open(baseUrl)
  expect(await send()).toMatchObject({ answer: { status, body: Buffer.from('moved') } })
  expect(await send()).toEqual(OK)
  expect(requests.map(request => request.split(' ')[1])).toEqual(['/vm.php', '/vm.php'])
})

test.each([
  ['with a length', (size: number) => answer('x'.repeat(size))],
  [
    'in chunks',
    (size: number) =>
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${size.toString(16)}\r\n${'x'.repeat(size)}\r\n0\r\n\r\n`,
  ],
  ['until the end', (size: number) => `HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${'x'.repeat(size)}`],
])('an answer %s may have a mebibyte and no byte more', async (how, respond) => {
  const { baseUrl } = await wire((socket, _request, nth) => {
    socket.write(respond(MAX_ANSWER_BYTES + nth - 1))
    if (how === 'until the end') socket.end()
  })
  const { send } = open(baseUrl, { timeoutMs: 2_000 })
  const whole = await send()
  expect(whole.kind === 'answer' && whole.answer.body.length).toBe(MAX_ANSWER_BYTES)
  expect(await send()).toEqual({
    ...LOST,
    cause: 'invalid',
    reason: `an answer over ${MAX_ANSWER_BYTES} bytes`,
  })
})

test('an endless answer is cut off together with its connection', async () => {
  let written = 0
  const { baseUrl, sockets } = await wire(socket => {
    const more = () => {
      while (!socket.destroyed && socket.write('x'.repeat(65_536))) written += 65_536
    }
    socket.on('drain', more).write('HTTP/1.1 200 OK\r\n\r\n')
    more()
  })
  expect(await open(baseUrl).send()).toMatchObject({ ...LOST, cause: 'invalid' })
  await expect.poll(() => sockets[0]?.destroyed, { interval: 5 }).toBe(true)
  // What the kernel buffers comes on top.
  expect(written).toBeLessThan(MAX_ANSWER_BYTES * 16)
})

test('a refused connection certainly sent nothing', async () => {
  const { baseUrl, close } = await wire(ok)
  await close()
  expect(await open(baseUrl).send()).toEqual({ kind: 'unsent', reason: 'ECONNREFUSED' })
})

test.each([
  [
    'speaks no TLS',
    (socket: Socket) => void socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  ],
  ['resets in the handshake', (socket: Socket) => void socket.once('data', () => socket.resetAndDestroy())],
  ['closes at once', (socket: Socket) => socket.destroy()],
  ['hangs in the handshake', () => {}],
])('a server that %s certainly got nothing', async (_what, onConnection) => {
  const received: Buffer[] = []
  const { port } = await wire(
    () => {},
    socket => {
      socket.on('data', chunk => received.push(chunk))
      onConnection(socket)
    },
  )
  expect(await open(`https://127.0.0.1:${port}`, { timeoutMs: TIMEOUT_MS }).send()).toEqual({
    kind: 'unsent',
    reason: expect.any(String),
  })
  expect(Buffer.concat(received).includes(FORM)).toBe(false)
  // HTTP/2 is not even offered: it would carry more calls at once than there are connections.
  expect(Buffer.concat(received).includes('\u0002h2')).toBe(false)
})

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n'
const BREAKS: [string, (socket: Socket) => void][] = [
  ['reset without an answer', socket => void socket.resetAndDestroy()],
  ['closed without an answer', socket => void socket.end()],
  ['closed in the head', socket => void socket.end('HTTP/1.1 200 OK\r\nconte')],
  ['closed after the head', socket => void socket.end(HEAD)],
  ['closed in the body', socket => void socket.end(`${HEAD}{"result":`)],
  ['reset in the body', socket => void socket.write(`${HEAD}{"result":`, () => socket.resetAndDestroy())],
  [
    'closed in a chunk',
    socket => void socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{}'),
  ],
  ['no HTTP', socket => void socket.write('SSH-2.0-OpenSSH_9.9\r\n\r\n')],
  ['endless head', socket => void socket.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}`)],
  [
    'a switch of protocols',
    socket => void socket.write('HTTP/1.1 101 S\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n'),
  ],
]

test.each(BREAKS.flatMap(([what, act]) => (['POST', 'GET'] as const).map(method => ({ what, method, act }))))(
  '$what: a $method is lost and not sent again',
  async ({ method, act }) => {
    const { baseUrl, requests } = await wire((socket, _request, nth) =>
      nth === 1 ? act(socket) : ok(socket),
    )
    const { send } = open(baseUrl, { timeoutMs: 2_000 })
    expect(await send(undefined, method)).toEqual(LOST)
    // The next call works, and is the only other request that was seen.
    expect(await send(undefined, method, { action: 'next' })).toEqual(OK)
    expect(requests.map(request => request.split('\r\n\r\n')[1])).toEqual([FORM, 'action=next'])
  },
)

test.each<[string, (socket: Socket) => void]>([
  ['before the head', () => {}],
  ['in the head', socket => void socket.write('HTTP/1.1 200 OK\r\n')],
  ['after an early hint', socket => void socket.write('HTTP/1.1 103 Early Hints\r\n\r\n')],
  ['in the body', socket => void socket.write(`${HEAD}{"result":`)],
  [
    'byte after byte',
    socket => {
      socket.write(HEAD)
      const timer = setInterval(() => socket.write('x'), 20)
      socket.once('close', () => clearInterval(timer))
    },
  ],
])('a server that hangs %s is given up in time, with its connection', async (_where, act) => {
  const { baseUrl, requests, sockets } = await wire((socket, _request, nth) =>
    nth === 1 ? act(socket) : ok(socket),
  )
  const { send } = open(baseUrl, { timeoutMs: TIMEOUT_MS })
  const startedAt = performance.now()
  expect(await send()).toEqual({ ...LOST, cause: 'timeout' })
  expect(performance.now() - startedAt).toBeGreaterThan(TIMEOUT_MS - 10)
  expect(performance.now() - startedAt).toBeLessThan(TIMEOUT_MS + 500)
  expect(await send()).toEqual(OK)
  expect([requests.length, sockets.length, sockets[0]?.destroyed]).toEqual([2, 2, true])
})

test.each([
  ['102 Processing', '103 Early Hints'],
  ['103 Early Hints', '103 Early Hints'],
])('%s and %s come before the answer and are not it', async (...early) => {
  const { baseUrl, sockets } = await wire(socket => {
    for (const status of early) socket.write(`HTTP/1.1 ${status}\r\nlink: </x>\r\nretry-after: 9\r\n\r\n`)
    ok(socket)
  })
  const { send } = open(baseUrl)
  expect([await send(), await send(), sockets.length]).toEqual([OK, OK, 1])
})

test('an answer without a length ends with its connection', async () => {
  const { baseUrl, sockets } = await wire(socket => void socket.end('HTTP/1.0 200 OK\r\n\r\n{"result":"OK"}'))
  const { send } = open(baseUrl)
  expect([await send(), await send(), sockets.length]).toEqual([OK, OK, 2])
})

test.each([
  ['retry-after: 7\r\n', 7_000],
  ['retry-after: Tue, 24 Nov 2026 10:00:00 GMT\r\n', null],
  ['retry-after: -1\r\n', null],
])('%j is told as %s', async (header, retryAfterMs) => {
  const { baseUrl } = await wire(socket => void socket.write(answer('', header, '503 Busy')))
  expect(await open(baseUrl).send()).toMatchObject({ answer: { status: 503 }, retryAfterMs })
})

test('a kept connection that the server closed is not used again', async () => {
  const { baseUrl, sockets } = await wire(socket => void socket.end(answer('{"result":"OK"}')))
  const { send } = open(baseUrl)
  for (let i = 1; i <= 5; i += 1) expect([await send(), sockets.length]).toEqual([OK, i])
})

test('a kept connection that is closed on the next request loses it: it may have been carried out', async () => {
  const { baseUrl, requests, sockets } = await wire((socket, _request, nth) =>
    nth === 2 ? void socket.destroy() : ok(socket),
  )
  const { send } = open(baseUrl)
  expect([await send(), await send(), await send()]).toEqual([OK, LOST, OK])
  expect([requests.length, sockets.length]).toEqual([3, 2])
})

test('given up before the start: nothing is sent, over a new or a kept connection', async () => {
  const { baseUrl, requests, sockets } = await wire(ok)
  const { send } = open(baseUrl)
  const GIVEN_UP = { kind: 'unsent', reason: 'given up by the gateway' }
  expect(await send(AbortSignal.abort())).toEqual(GIVEN_UP)
  expect(sockets).toEqual([])
  expect(await send()).toEqual(OK)
  expect(await send(AbortSignal.abort())).toEqual(GIVEN_UP)
  expect([await send(), requests.length, sockets.length]).toEqual([OK, 2, 1])
})

test('given up while it is under way: lost, and the connection goes; given up later: no matter', async () => {
  const controller = new AbortController()
  const { baseUrl, sockets } = await wire((socket, _request, nth) =>
    nth === 1 ? controller.abort() : ok(socket),
  )
  const { send } = open(baseUrl)
  expect(await send(controller.signal)).toEqual({ ...LOST, reason: 'given up by the gateway' })
  const later = new AbortController()
  expect(await send(later.signal)).toEqual(OK)
  later.abort()
  expect([await send(), sockets.length]).toEqual([OK, 2])
})

test('given up in the queue: nothing is sent when its turn comes', async () => {
  const first = Promise.withResolvers<Socket>()
  const { baseUrl, requests } = await wire((socket, _request, nth) =>
    nth === 1 ? first.resolve(socket) : ok(socket),
  )
  const { send } = open(baseUrl)
  const running = send()
  const controller = new AbortController()
  const queued = send(controller.signal, 'POST', { action: 'queued' })
  const last = send(undefined, 'POST', { action: 'last' })
  const socket = await first.promise
  controller.abort()
  expect(await queued).toEqual({ kind: 'unsent', reason: 'given up by the gateway' })
  ok(socket)
  expect([await running, await last]).toEqual([OK, OK])
  expect(requests.map(request => request.split('\r\n\r\n')[1])).toEqual([FORM, 'action=last'])
})

test('too long in the queue: certainly not sent, then or later', async () => {
  const arrived = Promise.withResolvers<void>()
  const { baseUrl, requests } = await wire((socket, _request, nth) =>
    nth === 1 ? arrived.resolve() : ok(socket),
  )
  const { send } = open(baseUrl, { timeoutMs: TIMEOUT_MS })
  // All ten are over at the same moment, before the first, which leaves, can make room for another.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const calls = [send(), ...Array.from({ length: 9 }, () => send(undefined, 'POST', { q: 1 }))]
  await arrived.promise
  vi.advanceTimersByTime(TIMEOUT_MS)
  vi.useRealTimers()
  const [first, ...queued] = await Promise.all(calls)
  expect(first).toEqual({ ...LOST, cause: 'timeout' })
  expect(queued.map(({ kind }) => kind)).toEqual(queued.map(() => 'unsent'))
  // Behind the nine in the same queue: its answer proves that their turn came and went.
  expect(await open(baseUrl).send()).toEqual(OK)
  expect(await send(undefined, 'POST', { action: 'last' })).toEqual(OK)
  expect(requests.map(request => request.split('\r\n\r\n')[1])).toEqual([FORM, FORM, 'action=last'])
})

test('closing settles everything: what left is lost, what waited was not sent, and so is what comes later', async () => {
  const { baseUrl, requests } = await wire(() => {})
  const { send, close } = open(baseUrl)
  const calls = [send(), send()]
  await expect.poll(() => requests.length, { interval: 2 }).toBe(1)
  await close()
  expect(await Promise.all(calls)).toEqual([LOST, { kind: 'unsent', reason: 'UND_ERR_DESTROYED' }])
  expect(await send()).toEqual({ kind: 'unsent', reason: 'UND_ERR_DESTROYED' })
})

test('whether a request may leave is asked when its turn comes, and not before', async () => {
  const waiting: Socket[] = []
  const { baseUrl, requests } = await wire(socket => void waiting.push(socket))
  const { send } = open(baseUrl)
  let mayLeave: boolean | undefined
  const first = send()
  await expect.poll(() => waiting.length, { interval: 2 }).toBe(1)
  const asked: unknown[] = []
  const ask = (): boolean => {
    asked.push(mayLeave)
    return mayLeave!
  }
  const second = send(undefined, 'POST', undefined, ask)
  const third = send()
  mayLeave = false
  ok(waiting.pop()!)
  expect(await first).toEqual(OK)
  expect(await second).toEqual({ kind: 'unsent', reason: expect.any(String), isLate: true })
  await expect.poll(() => waiting.length, { interval: 2 }).toBe(1)
  ok(waiting.pop()!)
  expect(await third).toEqual(OK)
  expect([requests.length, asked]).toEqual([2, [false]])
})
