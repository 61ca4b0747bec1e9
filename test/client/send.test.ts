/** How the client sends: to a server that answers what the test wants, over real sockets. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createClient, ProblemError, type Operation } from '../../src/client/client.ts'
import { pauseMs, send } from '../../src/client/send.ts'
import { runProgram } from '../programs.ts'

const MODULE = new URL('../../src/client/client.ts', import.meta.url).href

/** What a process does that calls, aborts and has nothing else to do: `node -e ABORTS MODULE ADDRESS`. */
const ABORTS = `
  import { getEventListeners } from 'node:events'
  const { createClient } = await import(process.argv[1])
  const controller = new AbortController()
  const { signal } = controller
  const gateway = createClient({ baseUrl: process.argv[2], key: 'a-key', patienceMs: Infinity })
  const call = gateway.getStats({ vm_id: 1000 }, { signal }).catch(String)
  setTimeout(() => controller.abort('enough'), 300)
  const outcome = await call
  // A socket that was destroyed is closed at the end of a turn of the loop.
  for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate)
  const left = process.getActiveResourcesInfo().filter(one => !/Pipe|FSReq/.test(one))
  const listeners = getEventListeners(signal, 'abort').length
  const endedMs = performance.now()
  process.on('exit', () => {
    console.log(JSON.stringify({ outcome, left, listeners, late: performance.now() - endedMs > 1000 }))
  })
`

type Answer = (response: ServerResponse) => void

const problem =
  (status: number, code: string, headers: Record<string, string> = {}): Answer =>
  response => {
    response.writeHead(status, { 'content-type': 'application/problem+json', ...headers })
    response.end(JSON.stringify({ status, code, detail: 'as the test wants it' }))
  }

/** A page of something between the client and the gateway. */
const page =
  (status: number): Answer =>
  response =>
    void response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Sorry</h1>')

const stats: Answer = response =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end('{"vm_id":1000,"stats":{}}')

const silent: Answer = () => {}
const half: Answer = response => void response.writeHead(200, { 'content-length': '1000' }).write('{"vm_id":')

/** What passes by itself. */
const PASSING: Record<string, Answer> = {
  'too many': problem(429, 'rate-limited', { 'retry-after': '0' }),
  'HOSTKEY is away': problem(503, 'upstream-unavailable', { 'retry-after': '0' }),
  'the store is away': problem(503, 'store-unavailable'),
  'it is shutting down': problem(503, 'draining'),
  'the first request is still under way': problem(409, 'idempotency-in-progress'),
  'no gateway behind the proxy': page(502),
  'a slow gateway behind the proxy': page(504),
  'the proxy has no place': page(503),
  'the connection breaks': response => void response.socket!.destroy(),
  'the connection breaks in the answer': response => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
    response.write('{"vm_id":', () => response.socket!.destroy())
  },
}

/** What does not. */
const FINAL: Record<string, Answer> = {
  'it is served': stats,
  'the VM is busy': problem(409, 'vm-busy', { 'retry-after': '1' }),
  'the operation is another': problem(422, 'idempotency-key-reused'),
  'HOSTKEY refused': problem(502, 'upstream-rejected'),
  'HOSTKEY was too slow': problem(504, 'upstream-timeout'),
  'the gateway failed': problem(500, 'internal'),
  'the proxy does not know it': page(404),
  'the proxy does not know it, in JSON': response =>
    void response.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"no Route"}'),
}

interface Server {
  address: string
  requests: { request: IncomingMessage; body: string; atMs: number }[]
}

/** Answers one request after the other; the last answer is that of all others, too. */
async function startServer(answers: readonly Answer[]): Promise<Server> {
  const requests: Server['requests'] = []
  const server = createServer((request, response) => {
    const atMs = Date.now()
    void text(request).then(body => {
      requests.push({ request, body, atMs })
      answers[Math.min(requests.length, answers.length) - 1]!(response)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

const outcomeOf = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error)

test('a request is sent again until it is answered for good, and always the same', async () => {
  // The pauses are of `pauseMs`, and not of interest here.
  vi.spyOn(Math, 'random').mockReturnValue(-1)
  onTestFinished(() => void vi.restoreAllMocks())
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...Object.keys(PASSING)), { maxLength: 5 }),
      fc.constantFrom(...Object.keys(FINAL)),
      async (passing, final) => {
        const server = await startServer([...passing.map(one => PASSING[one]!), FINAL[final]!])
        const gateway = createClient({ baseUrl: server.address, key: 'a-key' })
        const outcome = await outcomeOf(gateway.createSnapshot({ vm_id: 1000, name: 'one' }))
        expect(server.requests).toHaveLength(passing.length + 1)
        const sent = server.requests.map(({ request: { method, url, headers }, body }) => [
          method,
          url,
          headers['idempotency-key'],
          headers.authorization,
          body,
        ])
        const [first] = sent
        expect(sent).toEqual(sent.map(() => first))
        expect(first).toEqual([
          'POST',
          '/vms/1000/snapshots',
          expect.stringMatching(/^[0-9a-f-]{36}$/),
          'Bearer a-key',
          '{"name":"one"}',
        ])
        if (final === 'it is served') expect(outcome).toMatchObject({ vm_id: 1000 })
        else if (final.startsWith('the proxy'))
          expect(outcome).toMatchObject({
            message: '/vms/{vm_id}/snapshots answered 404, but not with a problem',
          })
        else expect(outcome).toBeInstanceOf(ProblemError)
      },
    ),
    { numRuns: 60 },
  )
})

test('a pause is never shorter than what was asked for, and grows when nothing was', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 0, max: 100_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (sent, seconds, random, other) => {
        const own = pauseMs(sent, null, random)
        expect(own).toBeGreaterThan(0)
        expect(own).toBeLessThanOrEqual(10_000)
        // Doubled each time until it is ten seconds, of which chance takes half at most.
        expect(pauseMs(sent + 1, null, other)).toBeGreaterThanOrEqual(Math.min(own, 5000))
        const asked = pauseMs(sent, String(seconds), random)
        expect(asked).toBeGreaterThan(seconds * 1000)
        expect(asked).toBeLessThanOrEqual(seconds * 1000 + 10_000)
        const date = new Date(Date.now() + seconds * 1000).toUTCString()
        // A date has no milliseconds, and some pass meanwhile.
        expect(pauseMs(sent, date, random)).toBeGreaterThan(seconds * 1000 - 2000)
        expect(pauseMs(sent, date, random)).toBeLessThanOrEqual(seconds * 1000 + 10_000)
      },
    ),
  )
  for (const nonsense of ['soon', '', '-5', new Date(0).toUTCString()])
    expect(pauseMs(1, nonsense)).toBeLessThanOrEqual(250)
})

test('it is not asked again before Retry-After has passed', async () => {
  const server = await startServer([problem(429, 'rate-limited', { 'retry-after': '1' }), stats])
  await createClient({ baseUrl: server.address, key: 'a-key' }).getStats({ vm_id: 1000 })
  const [first, second] = server.requests.map(({ atMs }) => atMs)
  expect(second! - first!).toBeGreaterThanOrEqual(1000)
})

/** An operation as far as following it needs to know it. */
const operationAt = (status: Operation['status'], updated: number): Operation =>
  ({ id: 'op_1', kind: 'stats.load', status, updated_at: String(updated), error: null }) as Operation

const told =
  (operation: Operation, retryAfter = '0'): Answer =>
  response =>
    void response
      .writeHead(200, { 'content-type': 'application/json', 'retry-after': retryAfter })
      .end(JSON.stringify(operation))

test('who follows an operation hears of each change once, whatever happens in between', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(-1)
  onTestFinished(() => void vi.restoreAllMocks())
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.constantFrom(...Object.keys(PASSING)), fc.integer({ min: 0, max: 3 })), {
        maxLength: 6,
      }),
      async steps => {
        const seen = steps.filter(step => typeof step === 'number').toSorted((one, other) => one - other)
        const times = [...seen]
        const server = await startServer([
          ...steps.map(step =>
            typeof step === 'number' ? told(operationAt('running', times.shift()!)) : PASSING[step]!,
          ),
          told(operationAt('succeeded', 4)),
        ])
        // It does not run out of patience: calls of this client have none.
        const gateway = createClient({ baseUrl: server.address, key: 'a-key', patienceMs: 0 })
        const changes: Operation[] = []
        const ended = await gateway.follow(operationAt('running', 0), {
          onChange: operation => void changes.push(operation),
        })
        expect(ended.status).toBe('succeeded')
        expect(changes.map(({ updated_at: at }) => Number(at))).toEqual([
          ...new Set([...seen.filter(at => at > 0), 4]),
        ])
        expect(server.requests.map(({ request }) => [request.url, request.headers.prefer])).toEqual(
          [...steps, 0].map(() => ['/operations/op_1', 'wait=20']),
        )
      },
    ),
    { numRuns: 40 },
  )
})

test('who follows an operation asks when it is told to', async () => {
  const server = await startServer([told(operationAt('running', 0), '1'), told(operationAt('succeeded', 1))])
  await createClient({ baseUrl: server.address, key: 'a-key' }).follow(operationAt('running', 0))
  const [first, second] = server.requests.map(({ atMs }) => atMs)
  expect(second! - first!).toBeGreaterThanOrEqual(1000)
})

test('what lasts longer than the patience is told at once', async () => {
  const server = await startServer([problem(503, 'draining', { 'retry-after': '3600' })])
  const gateway = createClient({ baseUrl: server.address, key: 'a-key' })
  expect(await outcomeOf(gateway.getStats({ vm_id: 1000 }))).toMatchObject({ problem: { code: 'draining' } })
  expect(server.requests).toHaveLength(1)
  const nobody = createClient({ baseUrl: 'http://127.0.0.1:1', key: 'a-key', patienceMs: 500 })
  expect(await outcomeOf(nobody.getStats({ vm_id: 1000 }))).toMatchObject({
    message: 'http://127.0.0.1:1/vms/1000/stats does not answer',
    cause: { code: 'ECONNREFUSED' },
  })
})

test('a change is not sent again when its key may be forgotten: after a sleep of the computer', async () => {
  const server = await startServer([problem(503, 'draining', { 'retry-after': '1' })])
  const gateway = createClient({ baseUrl: server.address, key: 'a-key', patienceMs: Infinity })
  const startedMs = Date.now()
  const now = vi.spyOn(Date, 'now')
  onTestFinished(() => now.mockRestore())
  let sleptMs = 0
  now.mockImplementation(() => startedMs + sleptMs)
  const change = outcomeOf(gateway.createSnapshot({ vm_id: 1000, name: 'one' }))
  await vi.waitUntil(() => server.requests.length > 0)
  // In the pause that follows, the clock goes on by a day.
  setTimeout(() => (sleptMs = 24 * 3_600_000), 600)
  expect(await change).toMatchObject({ problem: { code: 'draining' } })
  expect(server.requests).toHaveLength(1)
})

test('who says nothing for some time is asked again, also who lets nobody in', async () => {
  const request = (address: string): Request => new Request(`${address}/vms/1000/stats`)
  const asked = { silenceMs: 100, signal: undefined }
  for (const first of [silent, half]) {
    const server = await startServer([first, stats])
    expect((await send(request(server.address), { patienceMs: 10_000, ...asked })).status).toBe(200)
    expect(server.requests).toHaveLength(2)
  }
  expect(await outcomeOf(send(request(await startFullPort()), { patienceMs: 0, ...asked }))).toMatchObject({
    cause: { message: 'nothing came for 100 ms' },
  })
})

test('with a signal that has aborted already nothing is sent', async () => {
  const server = await startServer([stats])
  const gateway = createClient({ baseUrl: server.address, key: 'a-key' })
  const late = gateway.createSnapshot({ vm_id: 1000, name: 'one' }, { signal: AbortSignal.abort('too late') })
  expect(await outcomeOf(late)).toBe('too late')
  // Whatever was on its way would be there before this one.
  await gateway.getStats({ vm_id: 1000 })
  expect(server.requests.map(({ request }) => request.method)).toEqual(['GET'])
})

test('an abort is told by its reason, also where there is no patience left', async () => {
  const server = await startServer([silent])
  const gateway = createClient({ baseUrl: server.address, key: 'a-key', patienceMs: 0 })
  const controller = new AbortController()
  const call = outcomeOf(gateway.getStats({ vm_id: 1000 }, { signal: controller.signal }))
  await vi.waitUntil(() => server.requests.length > 0)
  controller.abort('enough')
  expect(await call).toBe('enough')
})

test('what is no answer at all is a failure', async () => {
  const server = await startServer([response => void response.writeHead(999).end()])
  const gateway = createClient({ baseUrl: server.address, key: 'a-key', patienceMs: 0 })
  expect(await outcomeOf(gateway.getStats({ vm_id: 1000 }))).toMatchObject({ message: /does not answer$/ })
})

/** A port whose queue is full: to connect to it takes for ever. */
async function startFullPort(): Promise<string> {
  const server = runProgram(process.execPath, {
    args: [
      '-e',
      `const server = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
         console.log(server.address().port)
         Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
       })`,
    ],
  })
  const [port = ''] = await server.line(/^\d+$/)
  const sockets = Array.from({ length: 8 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}))
  onTestFinished(() => sockets.forEach(socket => socket.destroy()))
  await once(sockets[0]!, 'connect')
  return `http://127.0.0.1:${port}`
}

test.each([
  ['connecting', startFullPort],
  ['connecting again', async () => 'http://127.0.0.1:1'],
  ['waiting for an answer', async () => (await startServer([silent])).address],
  ['reading an answer', async () => (await startServer([half])).address],
  [
    'pausing',
    async () => (await startServer([problem(429, 'rate-limited', { 'retry-after': '60' })])).address,
  ],
])('an abort while %s ends it with its reason, and leaves nothing behind', async (_, start) => {
  const program = runProgram(process.execPath, {
    args: ['--input-type=module', '-e', ABORTS, MODULE, await start()],
  })
  expect([await program.ended, ...program.stderr]).toEqual([0])
  expect(JSON.parse(program.stdout.join('\n'))).toEqual({
    outcome: 'enough',
    left: [],
    listeners: 0,
    late: false,
  })
})
