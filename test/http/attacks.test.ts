/** Requests as attackers send them, over sockets that say whatever bytes they like. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { ConnectionLimits } from '../../src/http/connections.ts'
import { callRaw, KEY, startWorld, upstreamCalls, type Answer, type World } from '../helper.ts'

const TIMEOUT_MS = 8_000

interface Response {
  status: number
  headers: Record<string, string>
  body: string
}

interface Conversation {
  responses: Response[]
  tookMs: number
}

/** Sends these bytes, a piece every `pauseMs`, and reads until the other side closes. */
async function say(world: World, pieces: string | string[], pauseMs = 0): Promise<Conversation> {
  const startedAtMs = Date.now()
  const { port, hostname } = new URL(world.gateway.address)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  // A reset after the answer is as good as an end.
  socket.on('error', () => {})
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk))
  const closed = once(socket, 'close')
  socket.on('end', () => socket.destroy())
  for (const piece of [pieces].flat()) {
    if (socket.destroyed) break
    socket.write(piece, 'latin1')
    if (pauseMs > 0) await Promise.race([sleep(pauseMs), closed])
  }
  const late = sleep(TIMEOUT_MS, 'late')
  if ((await Promise.race([closed, late])) === 'late') throw new Error('the connection stays open')
  return {
    responses: parseResponses(Buffer.concat(chunks).toString('latin1')),
    tookMs: Date.now() - startedAtMs,
  }
}

/** All of a connection's answers; throws at bytes that are none. */
function parseResponses(text: string): Response[] {
  const responses: Response[] = []
  let rest = text
  while (rest !== '') {
    const match = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/.exec(rest)
    if (!match) throw new Error(`no answer begins here: ${JSON.stringify(rest.slice(0, 200))}`)
    const headers = Object.fromEntries(
      match[2]!
        .split('\r\n')
        .filter(Boolean)
        .map(line => [line.split(':')[0]!.toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    )
    const length = Number(headers['content-length'] ?? 0)
    const start = match[0].length
    responses.push({ status: Number(match[1]), headers, body: rest.slice(start, start + length) })
    rest = rest.slice(start + length)
  }
  return responses
}

/** The one answer, which must be a problem that ends the connection and tells nothing of the server. */
function refusalOf({ responses }: Conversation): number {
  expect(responses).toHaveLength(1)
  const { status, headers, body } = responses[0]!
  expect(headers).toMatchObject({
    'content-type': expect.stringMatching(/^application\/problem\+json\b/),
    connection: 'close',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    'x-request-id': expect.stringMatching(/^[\w-]{36}$/),
  })
  expect(headers.server ?? headers['x-powered-by']).toBeUndefined()
  expect(JSON.parse(body)).toMatchObject({ status, instance: headers['x-request-id'] })
  return status
}

const AUTH = `Host: gateway\r\nAuthorization: Bearer ${KEY}\r\n`
const CREATE = `POST /vms/1000/snapshots HTTP/1.1\r\n${AUTH}Content-Type: application/json\r\n`
const BODY = '{"name":"smuggled"}'
const HIDDEN = `POST /vms/1000/snapshots HTTP/1.1\r\n${AUTH}Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`
const CHUNKED = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`
const DELETE = `DELETE /vms/1000/snapshots/first HTTP/1.1\r\n${AUTH}`

const SMUGGLING: Record<string, string> = {
  'a length and chunks': `${CREATE}Content-Length: ${CHUNKED.length}\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
  'chunks and a length that ends early': `${CREATE}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${CHUNKED}${HIDDEN}`,
  'chunks that end before a hidden request': `${CREATE}Content-Length: ${5 + HIDDEN.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'two lengths': `${CREATE}Content-Length: ${BODY.length}\r\nContent-Length: 5\r\n\r\n${BODY}${HIDDEN}`,
  'twice the same length': `${CREATE}Content-Length: ${BODY.length}\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  'a list of lengths': `${CREATE}Content-Length: ${BODY.length}, ${BODY.length}\r\n\r\n${BODY}`,
  'a length with a plus': `${CREATE}Content-Length: +${BODY.length}\r\n\r\n${BODY}`,
  'a length with a minus': `${CREATE}Content-Length: -${BODY.length}\r\n\r\n${BODY}`,
  'a length with a space inside': `${CREATE}Content-Length: 1 9\r\n\r\n${BODY}`,
  'a length in hex': `${CREATE}Content-Length: 0x13\r\n\r\n${BODY}`,
  'a length beyond all numbers': `${CREATE}Content-Length: 18446744073709551635\r\n\r\n${BODY}`,
  'no length': `${CREATE}Content-Length:\r\n\r\n${BODY}`,
  'a space before the colon': `${CREATE}Content-Length : ${BODY.length}\r\n\r\n${BODY}`,
  'a space before a header': `${CREATE} Content-Length: ${BODY.length}\r\n\r\n${BODY}`,
  'a folded header': `${CREATE}X-Folded: a\r\n b\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  'a folded Transfer-Encoding': `${CREATE}Transfer-Encoding:\r\n chunked\r\n\r\n${CHUNKED}`,
  'bare line feeds': `${CREATE}Content-Length: ${BODY.length}\r\n\r\n${BODY}`.replaceAll('\r\n', '\n'),
  'a bare line feed between headers': `${CREATE}X-A: b\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  'a bare carriage return in a header': `${CREATE}X-A: b\rContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  'a NUL in a header': `${CREATE}X-A: b\0c\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  'a NUL in a header name': `${CREATE}X\0A: b\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  xchunked: `${CREATE}Transfer-Encoding: xchunked\r\n\r\n${CHUNKED}`,
  'chunked, identity': `${CREATE}Transfer-Encoding: chunked, identity\r\n\r\n${CHUNKED}`,
  'chunked twice, with a length': `${CREATE}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\nContent-Length: 5\r\n\r\n${CHUNKED}`,
  'chunks in HTTP/1.0 with a length': `${CREATE.replace('1.1', '1.0')}Content-Length: ${CHUNKED.length}\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
  'chunks that end in line feeds': `${CREATE}Transfer-Encoding: chunked\r\n\r\n${CHUNKED.replaceAll('\r\n', '\n')}`,
  'a chunk size that is no number': `${CREATE}Transfer-Encoding: chunked\r\n\r\nxyz\r\n${BODY}\r\n0\r\n\r\n`,
  'a chunk size with a plus': `${CREATE}Transfer-Encoding: chunked\r\n\r\n+13\r\n${BODY}\r\n0\r\n\r\n`,
  'a chunk size in hex': `${CREATE}Transfer-Encoding: chunked\r\n\r\n0x13\r\n${BODY}\r\n0\r\n\r\n`,
  'a chunk size beyond all numbers': `${CREATE}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff3\r\n${BODY}\r\n0\r\n\r\n`,
  'a chunk that is longer than its size': `${CREATE}Transfer-Encoding: chunked\r\n\r\n5\r\n${BODY}\r\n0\r\n\r\n`,
  'endless chunk extensions': `${CREATE}Transfer-Encoding: chunked\r\n\r\n13;${'x'.repeat(20_000)}\r\n${BODY}\r\n0\r\n\r\n`,
  'a line feed in a chunk extension': `${CREATE}Transfer-Encoding: chunked\r\n\r\n13;a\n${BODY}\r\n0\r\n\r\n`,
  'no version': 'GET /operations\r\n\r\n',
  'a version nobody speaks': `${DELETE.replace('1.1', '3.7')}\r\n`,
  'HTTP/2 without asking': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'a tab in the request line': `${DELETE.replace(' HTTP', '\tHTTP')}\r\n`,
  'a method nobody knows': `${DELETE.replace('DELETE', 'ERASE')}\r\n`,
  'a method in small letters': `${DELETE.replace('DELETE', 'delete')}\r\n`,
  'no Host': `${DELETE.replace('Host: gateway\r\n', '')}Connection: close\r\n\r\n`,
  'two Host lines': `${DELETE}Host: other\r\nConnection: close\r\n\r\n`,
  'two Content-Types': `${CREATE}content-type: text/plain\r\nConnection: close\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  'the same Host twice': `${DELETE}HOST: gateway\r\nConnection: close\r\n\r\n`,
  'two Host lines in HTTP/1.0': `${DELETE.replace('1.1', '1.0')}Host: other\r\n\r\n`,
  'TLS to a plain port': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
}

test('nothing that two servers could read differently reaches HOSTKEY or is answered twice', async () => {
  const world = await startWorld()
  for (const [what, bytes] of Object.entries(SMUGGLING))
    expect([what, refusalOf(await say(world, bytes))]).toEqual([
      what,
      what === 'endless chunk extensions' ? 413 : 400,
    ])
  expect(world.simulator.requests).toEqual([])
  // The same bytes, as they should be.
  const good = await say(
    world,
    `${CREATE}Transfer-Encoding: chunked\r\nConnection: close\r\nPrefer: wait=10\r\n\r\n13;a=b\r\n${BODY}\r\n0\r\n\r\n`,
  )
  expect(good.responses.map(({ status }) => status)).toEqual([200])
  expect(world.simulator.ledger).toHaveLength(1)
})

test('a request hidden in the body of another is only a body', async () => {
  const world = await startWorld()
  const outer = (line: string, headers: string, type = 'application/json'): string =>
    `${line} HTTP/1.1\r\nHost: gateway\r\n${headers}Content-Type: ${type}\r\nConnection: close\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`
  const credentials = `Authorization: Bearer ${KEY}\r\n`
  for (const [bytes, status] of [
    [outer('POST /vms/1000/snapshots', credentials), 400],
    [outer('POST /vms/1000/snapshots', ''), 401],
    // A body that a GET should not have is refused.
    [outer('GET /operations', credentials), 400],
    [outer('GET /livez', '', 'text/plain'), 400],
    [outer('PUT /operations', credentials), 405],
    [outer('POST /nothing', ''), 400],
    [outer('GET /%ff', ''), 400],
    [outer('GET /livez', 'Upgrade: h2c\r\n').replace('Connection: close', 'Connection: Upgrade, close'), 400],
  ] as const)
    expect([bytes.slice(0, 60), (await say(world, bytes)).responses.map(one => one.status)]).toEqual([
      bytes.slice(0, 60),
      [status],
    ])
  expect(world.simulator.requests).toEqual([])
})

/** A gateway with short limits. */
function startImpatient(limits: Partial<ConnectionLimits> = {}): Promise<World> {
  const connectionLimits = { headersMs: 300, requestMs: 600, checkMs: 50, ...limits }
  return startWorld({ overrides: { connectionLimits } })
}

test('who sends slowly is cut off', async () => {
  const world = await startImpatient({ requestMs: 2_000 })
  const drip = (text: string, count: number): string[] => Array.from({ length: count }, () => text)
  const head = `${CREATE}Content-Length: 1000\r\n\r\n`
  const bodies = [
    ['half a request line', ['POST /vms'], 300],
    ['a header now and then', [CREATE, ...drip('X-A: b\r\n', 100)], 300],
    ['a body that stops', [`${head}{"na`], 2_000],
    ['a byte now and then', [head, ...drip('{', 100)], 2_000],
    [
      'a chunk now and then',
      [`${CREATE}Transfer-Encoding: chunked\r\n\r\n`, ...drip('1\r\n{\r\n', 100)],
      2_000,
    ],
  ] as const
  const said = bodies.map(async ([what, pieces, limitMs]) => {
    const conversation = await say(world, [...pieces], 40)
    expect([what, refusalOf(conversation)]).toEqual([what, 408])
    expect(conversation.tookMs, what).toBeGreaterThanOrEqual(limitMs - 20)
    expect(conversation.tookMs, what).toBeLessThan(limitMs + 1_500)
  })
  await Promise.all(said)
  expect(world.simulator.requests).toEqual([])
})

test('a connection that was opened ahead may be silent as long as an idle one, and hears nothing at its end', async () => {
  const world = await startImpatient({ keepAliveMs: 1_200 })
  const ahead = await say(world, [])
  expect(ahead.responses).toEqual([])
  expect(ahead.tookMs).toBeGreaterThanOrEqual(1_150)
  expect(ahead.tookMs).toBeLessThan(2_500)
  // One that speaks late is served, and has its time to speak from then on.
  const probe = 'GET /livez HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n'
  expect((await say(world, ['', '', probe], 300)).responses.map(({ status }) => status)).toEqual([200])
  const slow = await say(world, ['', '', 'GET /livez', ...Array.from({ length: 20 }, () => 'x')], 300)
  expect(refusalOf(slow)).toBe(408)
})

test('an unknown expectation and CONNECT are refused with a problem', async () => {
  const world = await startWorld()
  const ask = (line: string, headers: string): string =>
    `${line} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n${headers}\r\n`
  const { responses } = await say(world, ask('GET /livez', 'Expect: a-miracle\r\n'))
  expect(responses).toHaveLength(1)
  expect(responses[0]!.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(JSON.parse(responses[0]!.body)).toMatchObject({ status: 417, code: 'expectation-failed' })
  const met = await say(world, ask('GET /livez', 'Expect: 100-continue\r\n'))
  expect(met.responses.map(({ status }) => status)).toEqual([100, 200])
  const old = ask('GET /livez', 'Expect: a-miracle\r\n').replace('1.1', '1.0')
  expect((await say(world, old)).responses.map(({ status }) => status)).toEqual([200])
  const connected = await say(world, ask('CONNECT gateway:443', ''))
  expect(refusalOf(connected)).toBe(405)
  expect(connected.responses[0]!.headers.allow).toContain('GET')
  for (const line of ['GET /livez#x', 'GET *', 'OPTIONS *'])
    expect([line, (await say(world, ask(line, ''))).responses.map(({ status }) => status)]).toEqual([
      line,
      [400],
    ])
  for (const expectation of ['100-Continue', '100-continue, 100-continue', ' ,', ''])
    expect(
      (await say(world, ask('GET /livez', `Expect: ${expectation}\r\n`))).responses.at(-1)!.status,
      expectation,
    ).toBe(200)
  expect((await say(world, ask('GET /livez', 'Expect: 100-continue, x\r\n'))).responses.at(-1)!.status).toBe(
    417,
  )
})

test('a proxy may send the whole address, with the base path and without', async () => {
  const world = await startWorld({ env: { BASE_PATH: '/gw' } })
  const statusOf = async (target: string): Promise<number | undefined> =>
    (await say(world, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).responses[0]?.status
  for (const base of ['http://gateway.example', 'HTTPS://user@[::1]:8443']) {
    for (const path of ['/livez', '/gw/livez', '', '/', '/gw', '/gw/'])
      expect(await statusOf(base + path), base + path).toBe(200)
    for (const path of ['/gw?x=1', '?x=1', '/vms/x/stats?x'])
      expect([400, 401]).toContain(await statusOf(base + path))
    expect(await statusOf(`${base}/gw/gw/livez`)).toBe(404)
    expect(await statusOf(`${base}/nothing`)).toBe(404)
  }
})

test('the limits are for sending: an answer may take longer', async () => {
  const world = await startImpatient()
  const { status, body } = await world.call('POST', '/vms/1003/snapshots', {
    body: { name: 'a' },
    headers: { prefer: 'wait=1' },
  })
  expect([status, body.status]).toEqual([202, 'running'])
})

test('a request that was answered is not answered again when the rest of it is late or broken', async () => {
  const world = await startImpatient()
  const head = CREATE.replace(KEY, 'wrong')
  for (const pieces of [
    [`${head}Content-Length: 1000\r\n\r\n`, '{'],
    [`${head}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n{\r\n', 'no chunk\r\n'],
  ])
    expect((await say(world, pieces, 100)).responses.map(({ status }) => status)).toEqual([401])
})

test('what is being worked on is not refused for what follows it', async () => {
  const world = await startWorld()
  const wait = `${CREATE}Prefer: wait=20\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`.replace(
    '1000',
    '1003',
  )
  expect((await say(world, [wait, 'nonsense\r\n\r\n'], 300)).responses).toEqual([])
  expect(world.simulator.ledger).toHaveLength(1)
})

test('URLs and headers have 16 KiB together', async () => {
  const world = await startWorld()
  const request = (path: string, header: string): string =>
    `GET ${path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nX-A: ${header}\r\n\r\n`
  for (const [path, header] of [
    [`/livez?${'x'.repeat(16_400)}`, ''],
    ['/livez', 'x'.repeat(16_400)],
    [`/livez?${'x'.repeat(8_200)}`, 'x'.repeat(8_200)],
    ['/livez', `b\r\n${'X-Many: header\r\n'.repeat(1_100)}X-End: x`],
  ] as const)
    expect(refusalOf(await say(world, request(path, header)))).toBe(431)
  // Read, and refused for what it says.
  const good = await say(world, request(`/livez?${'x'.repeat(8_000)}`, 'x'.repeat(8_000)))
  expect(good.responses.map(({ status }) => status)).toEqual([400])
})

test('connections end: idle ones, silent ones, and those that served enough', async () => {
  const world = await startImpatient({ keepAliveMs: 100, silenceMs: 400, requestsPerSocket: 3 })
  const probe = 'GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n'
  const idle = await say(world, probe)
  expect(idle.responses.map(({ status }) => status)).toEqual([200])
  // Node gives a second more than it tells.
  expect(idle.tookMs).toBeLessThan(2_500)

  const many = await say(world, [probe, probe, probe], 50)
  expect(many.responses.map(({ headers }) => headers.connection)).toEqual([
    'keep-alive',
    'keep-alive',
    'close',
  ])

  const silent = await say(
    world,
    `${CREATE}Prefer: wait=20\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`.replace('1000', '1003'),
  )
  expect(silent.responses).toEqual([])
  expect(silent.tookMs).toBeLessThan(2_000)
})

test('bodies that mean harm to a parser are refused', async () => {
  const world = await startWorld()
  for (const [path, body, field] of [
    ['snapshots', '{"name":"a","__proto__":{"type":"x"}}', '__proto__'],
    ['snapshots', '{"name":"a","\\u005f_proto__":{"type":"x"}}', '__proto__'],
    ['snapshots', '{"name":"a","constructor":{"prototype":{"type":"x"}}}', 'constructor'],
    ['snapshots', '{"__proto__":null,"name":"a"}', '__proto__'],
    ['snapshots', `{"name":${'['.repeat(8_000)}${']'.repeat(8_000)}}`, 'name'],
    ['snapshots', `${'{"name":'.repeat(1_800)}1${'}'.repeat(1_800)}`, 'name'],
    ['snapshots', '['.repeat(16_000), 'body'],
    ['snapshots', '{"name":"\\ud800"}', 'name'],
    ['snapshots', '\ufeff{"name":"a"', 'body'],
    ['snapshots/first/restore', '{"backup_id":"\\ud800"}', 'backup_id'],
    ['snapshots/first/restore', '{"backup_id":"a\\udfffb"}', 'backup_id'],
    ['snapshots/first/restore', '{"backup_id":"\\ude00\\ud83d"}', 'backup_id'],
    ['snapshots/first/restore', '{"backup_id":"a\\u0000"}', 'backup_id'],
  ] as const) {
    const answer = await world.call('POST', `/vms/1000/${path}`, { body })
    expect([answer.status, answer.body.errors?.[0].field], body.slice(0, 50)).toEqual([400, field])
  }
  expect(({} as { type?: string }).type).toBeUndefined()
  expect(world.simulator.requests).toEqual([])
  // Whole pairs are text like any other.
  const { status } = await world.call('POST', '/vms/1000/snapshots/first/restore', {
    body: '{"backup_id":"\\ud83d\\ude00"}',
  })
  expect([status, upstreamCalls(world)[0]!.fields.backup_id]).toEqual([202, '\u{1f600}'])
})

test.each(['', '127.0.0.1'])(
  'no answer repeats where a request says it came from (TRUST_PROXY=%s)',
  async trusted => {
    const world = await startWorld({ env: { TRUST_PROXY: trusted, DOCS: 'true' } })
    const evil = 'evil.example'
    const headers = {
      host: evil,
      forwarded: `host=${evil};proto=https;for=192.0.2.1`,
      'x-forwarded-host': evil,
      'x-forwarded-proto': 'javascript',
      'x-forwarded-prefix': `/${evil}`,
      'x-forwarded-server': evil,
      'x-original-url': `/${evil}`,
      'x-rewrite-url': `/${evil}`,
      'x-http-method-override': 'DELETE',
      referer: `https://${evil}/`,
      origin: `https://${evil}`,
    }
    const answers: Answer[] = []
    for (const [method, path] of [
      ['POST', '/vms/1000/snapshots'],
      ['GET', '/operations?limit=1'],
      ['GET', '/vms/1000/snapshots/first'],
      ['GET', '/nothing'],
      ['GET', '/openapi.json'],
      ['GET', '/docs'],
      ['GET', '/docs/'],
      ['GET', '/%ff'],
    ] as const) {
      const body = method === 'POST' ? '{"name":"a"}' : null
      const json = { ...headers, 'content-type': 'application/json' }
      answers.push(
        await callRaw(world.gateway.address, method, path, { headers: body ? json : headers, body }),
      )
    }
    expect(answers.map(({ status }) => status)).toEqual([202, 200, 200, 404, 200, 200, 200, 400])
    for (const answer of answers) {
      expect(JSON.stringify([...answer.headers]) + answer.text).not.toMatch(
        /evil\.example|javascript:|192\.0\.2\.1/,
      )
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
    expect(world.log.join('')).not.toContain(evil)
  },
)

test('a request id is taken only when it can do no harm in a log', async () => {
  const world = await startWorld()
  const answered = async (id: string | string[]): Promise<string | null> =>
    (await callRaw(world.gateway.address, 'GET', '/livez', { headers: { 'x-request-id': id } })).headers.get(
      'x-request-id',
    )
  for (const good of ['abcd-EFGH.1_2', 'x'.repeat(128)]) expect(await answered(good)).toBe(good)
  for (const bad of [
    '',
    'short',
    'x'.repeat(129),
    'with a space',
    'a\tb\tc\td\te',
    'abcdefgh"},{"level":"fatal',
    'abcdefgh\\r\\n',
    '\u001b[31mabcdefgh'.replace('\u001b', '%1b'),
    '${jndi:ldap://x}',
    '<script>12345678',
    'ümläute-äöü',
    ['abcdefgh', 'ijklmnop'],
  ])
    expect([bad, await answered(bad)]).toEqual([
      bad,
      expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
    ])
})
