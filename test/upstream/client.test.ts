import { expect, onTestFinished, test } from 'vitest'
import type { Secret } from '../../src/config/secret.ts'
import { startSimulator, type Fault, type SimulatorOptions } from '../../src/simulator/simulator.ts'
import type { ActionName, ActionParams, Lost } from '../../src/operations/hostkey.ts'
import { KIND_NAMES, KINDS, mutates } from '../../src/operations/kinds/kinds.ts'
import { ACTIONS } from '../../src/upstream/actions.ts'
import { Breaker } from '../../src/upstream/breaker.ts'
import { Bulkhead } from '../../src/upstream/bulkhead.ts'
import { Client } from '../../src/upstream/client.ts'
import { Gate } from '../../src/upstream/gate.ts'
import { fixedSession, loginSession } from '../../src/upstream/session.ts'
import { Throttle } from '../../src/upstream/throttle.ts'
import { createTransport } from '../../src/upstream/transport.ts'

// Not named like secrets, so that nothing but their values gives them away.
const TOKEN = 'deadbeef11111111'
const API_KEY = 'cafebabe22222222'
const CREATE = { id: 1000, name: 'new', type: 'snapshot' }
const MUTATIONS = KIND_NAMES.filter(kind => mutates({ kind })).map(kind => KINDS[kind].action)

/** As many in a row open the circuit; no other test has so many. */
const FAILURES = 100

interface Options extends SimulatorOptions {
  readMethod?: 'POST' | 'GET'
  /** The fixed tokens, a later one each time the session looks; without any it logs in. */
  tokens?: string[]
  timeoutMs?: number
}

/** A client over real sockets to a simulated HOSTKEY whose tasks end when `clock.now` is moved. */
async function start({ readMethod = 'POST', tokens = [TOKEN], timeoutMs = 5_000, ...options }: Options = {}) {
  const clock = { now: Date.parse('2026-11-24T10:00:00.000Z') }
  const sim = await startSimulator({ token: TOKEN, apiKey: API_KEY, now: () => clock.now, ...options })
  const transport = createTransport({ baseUrl: sim.baseUrl, timeoutMs, concurrency: 4 })
  const log: unknown[] = []
  const looks = [...tokens]
  const secret = (values: string[]): Secret => ({
    current: () => (values.length > 1 ? values.shift() : values[0])!,
    recent: () => [...tokens, API_KEY],
    close: () => {},
  })
  const session =
    tokens.length > 0
      ? fixedSession(secret(looks))
      : loginSession({
          apiKey: secret([API_KEY]),
          send: fields => transport.send('auth.php', 'POST', fields),
          sendLogout: (fields, signal) => transport.send('auth.php', 'POST', fields, signal),
          host: '127.0.0.1',
          now: () => clock.now,
          log: { info: () => {}, warn: (fields, message) => void log.push([fields, message]) },
        })
  const hostkey = new Client({
    transport,
    session,
    readMethod,
    gate: new Gate(
      new Breaker({ failures: FAILURES, openMs: 1_000, now: () => clock.now }),
      new Bulkhead({ concurrency: 4, queue: 4, waitMs: 100 }),
    ),
    timeZone: null,
    checks: new Throttle({ now: () => clock.now }),
    log: { warn: (fields, message) => void log.push([fields, message]) },
  })
  onTestFinished(async () => {
    await transport.close()
    await sim.close()
  })
  const upstream = {
    pausedMs: () => hostkey.pausedMs(),
    call: (action: ActionName, params: ActionParams, signal?: AbortSignal, mayLeave?: () => boolean) =>
      hostkey.call({ action, params }, signal, mayLeave),
    check: (callback: string, signal?: AbortSignal) =>
      hostkey.check(callback, { action: 'get_snapshot', params: { id: 1000 } }, signal),
  }
  /** The tokens of the calls that vm.php saw. */
  const used = () => sim.requests.filter(({ path }) => path === '/vm.php').map(({ fields }) => fields.token)
  const logins = () => sim.requests.filter(({ path }) => path === '/auth.php').length
  /** A key of a task that is due. */
  const due = async (action: ActionName, params = { id: 1000 }) => {
    const outcome = await upstream.call(action, params)
    clock.now += 100
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind)
    return outcome.callback
  }
  return { sim, clock, transport, upstream, log, used, logins, due }
}

test('what may not leave any more is not sent, a second try with a newer token neither', async () => {
  const { upstream, used } = await start({ tokens: ['refused-1', 'refused-2', TOKEN] })
  const late = { kind: 'unsent', reason: expect.any(String), isLate: true }
  let asked = 0
  // Once, and then no more.
  expect(await upstream.call('create_snapshot', CREATE, undefined, () => (asked += 1) === 1)).toEqual(late)
  expect(asked).toBe(2)
  expect(used()).toEqual(['refused-1'])
  // That tells nothing of HOSTKEY: it opens no circuit.
  for (let i = 0; i < FAILURES; i += 1) await upstream.call('create_snapshot', CREATE, undefined, () => false)
  expect(upstream.pausedMs()).toBe(0)
  expect(await upstream.call('create_snapshot', CREATE)).toMatchObject({ kind: 'accepted' })
  expect(used()).toHaveLength(2)
})

const respond = (value: unknown, fault: Partial<Fault> = {}): Fault => ({
  kind: 'respond',
  body: typeof value === 'string' ? value : JSON.stringify(value),
  ...fault,
})

test('a call is accepted with its key; the check carries no token and reads the result once', async () => {
  const { sim, clock, upstream, log } = await start({ readMethod: 'GET' })
  const accepted = await upstream.call('create_snapshot', { ...CREATE, backup_id: 'b' })
  expect(accepted).toEqual({ kind: 'accepted', callback: sim.ledger[0]?.callback })
  const key = sim.ledger[0]!.callback!
  expect(await upstream.check(key)).toEqual({ kind: 'pending' })
  clock.now += 100
  expect(await upstream.check(key)).toEqual({ kind: 'done', scope: 'snapshot new created', snapshots: null })
  expect(await upstream.check(key)).toEqual({ kind: 'gone' })
  expect(sim.requests.map(({ method, path, fields }) => ({ method, path, fields }))).toEqual([
    {
      method: 'POST',
      path: '/vm.php',
      fields: { action: 'create_snapshot', token: TOKEN, id: '1000', name: 'new', type: 'snapshot' },
    },
    ...[1, 2, 3].map(() => ({ method: 'POST', path: '/eq_callback.php', fields: { action: 'check', key } })),
  ])
  expect(log).toEqual([])
})

test.each(['POST', 'GET'] as const)(
  'with %s as the method of reads only get_snapshot is sent so',
  async readMethod => {
    const { sim, upstream } = await start({ readMethod })
    for (const action of Object.keys(ACTIONS) as ActionName[]) await upstream.call(action, CREATE)
    expect(sim.requests.map(({ method, fields }) => `${method} ${fields.action}`)).toEqual([
      'POST create_snapshot',
      `${readMethod} get_snapshot`,
      'POST load_stats',
      'POST remove_snapshot',
      'POST restore_snapshot',
    ])
  },
)

test('an immediate result is done at once', async () => {
  const { upstream } = await start({ immediateLists: true })
  expect(await upstream.call('get_snapshot', { id: 1000 })).toMatchObject({
    kind: 'done',
    snapshots: [{ name: 'first' }],
    scope: [{ name: 'first' }],
  })
})

const AMBIGUOUS: [string, Fault, Lost['cause']][] = [
  ['reset before it acted', { kind: 'drop-before' }, 'connection'],
  ['reset after it acted', { kind: 'drop-after' }, 'connection'],
  ['cut in the body', { kind: 'drop-body' }, 'connection'],
  ['no answer', { kind: 'hang' }, 'timeout'],
  ['no answer after it acted', { kind: 'hang-after' }, 'timeout'],
  ['no whole answer', { kind: 'hang-body' }, 'timeout'],
  ['a late answer', { kind: 'late', delayMs: 400 }, 'timeout'],
  ['too long an answer', { kind: 'huge' }, 'invalid'],
  ['an empty answer', respond(''), 'invalid'],
  ['garbage', respond('<html>{"a":1}</html>'), 'invalid'],
  ['a truncated answer', respond('{"result":"OK","callback":"k7d0'), 'invalid'],
  ['no known result', respond({ result: null }), 'invalid'],
  ['a redirect', respond('', { status: 307, headers: { location: '/vm.php' } }), 'invalid'],
  ['HTTP 408', respond('', { status: 408 }), 'invalid'],
  ['HTTP 500', respond('<h1>500</h1>', { status: 500 }), 'invalid'],
  ['HTTP 503 with JSON', respond({ message: 'overloaded' }, { status: 503 }), 'unavailable'],
]

test.each(AMBIGUOUS)('%s: a mutation was sent once and is lost', async (_what, fault, cause) => {
  const { sim, upstream } = await start(cause === 'timeout' ? { timeoutMs: 150 } : {})
  sim.fault({ ...fault, times: 9 })
  expect(await upstream.call('create_snapshot', CREATE)).toEqual({
    kind: 'lost',
    reason: expect.any(String),
    cause,
  })
  expect(await upstream.check('k'.repeat(32))).toMatchObject({ kind: 'lost', cause })
  expect(sim.requests).toHaveLength(2)
})

test.each<[string, Fault, object]>([
  [
    'HTTP 429 with a page',
    respond('<h1>Too Many</h1>', { status: 429, headers: { 'Retry-After': '7' } }),
    { kind: 'refused', reason: 'throttled', retryAfterMs: 7_000 },
  ],
  [
    'HTTP 429 with words of its own',
    respond({ code: -1, message: 'slow down' }, { status: 429 }),
    { kind: 'refused', reason: 'throttled', message: 'slow down' },
  ],
  [
    'HTTP 503 that refuses',
    respond({ code: -1, message: 'maintenance' }, { status: 503, headers: { 'Retry-After': '7' } }),
    { kind: 'refused', reason: 'throttled', retryAfterMs: 7_000 },
  ],
  [
    'HTTP 503 with a page, which proves nothing',
    respond('<h1>Maintenance</h1>', { status: 503, headers: { 'Retry-After': '7' } }),
    { kind: 'lost', cause: 'unavailable', retryAfterMs: 7_000 },
  ],
])('%s says that HOSTKEY is not available, and for how long', async (_what, fault, expected) => {
  const { sim, upstream } = await start()
  for (const action of ['create_snapshot', 'load_stats'] as const) {
    sim.fault({ ...fault, action })
    expect(await upstream.call(action, CREATE)).toMatchObject(expected)
  }
  sim.fault(respond({ code: -1, message: 'no such vm' }, { headers: { 'Retry-After': '7' } }))
  expect(await upstream.call('load_stats', CREATE)).toMatchObject({ reason: 'vm-missing' })
})

test.each<[string, Fault, number]>([
  ['HTTP 429', respond('', { status: 429 }), 5_000],
  ['HTTP 429 with a time', respond('', { status: 429, headers: { 'Retry-After': '9' } }), 9_000],
  ['HTTP 503 with a time', respond('', { status: 503, headers: { 'Retry-After': '9' } }), 9_000],
  [
    'an answer with a time',
    respond({ result: 'Not ready', key: 'k' }, { headers: { 'Retry-After': '9' } }),
    9_000,
  ],
])('%s at one check slows all of them, and nothing else', async (_what, fault, ms) => {
  const { sim, clock, upstream, due } = await start()
  const keys = [await due('load_stats'), await due('load_stats', { id: 1001 })] as const
  const checks = () => sim.requests.filter(({ fields }) => fields.action === 'check').length
  sim.fault({ ...fault, action: 'check' })
  expect(['lost', 'pending']).toContain((await upstream.check(keys[0])).kind)
  const held = { kind: 'unsent', reason: 'it asks to be asked less often', shedMs: ms }
  expect([await upstream.check(keys[0]), await upstream.check(keys[1])]).toEqual([held, held])
  expect(await upstream.call('load_stats', CREATE)).toMatchObject({ kind: 'accepted' })
  clock.now += ms - 1
  expect(await upstream.check(keys[1])).toEqual({ ...held, shedMs: 1 })
  expect([checks(), upstream.pausedMs()]).toEqual([1, 0])
  clock.now += 1
  expect((await Promise.all(keys.map(key => upstream.check(key)))).map(({ kind }) => kind)).toEqual([
    'done',
    'unsent',
  ])
  expect(await upstream.check(keys[1])).toMatchObject({ kind: 'done' })
  expect(checks()).toBe(3)
})

test('what cannot be reached got nothing', async () => {
  const { sim, upstream } = await start()
  await sim.close()
  const unsent = { kind: 'unsent', reason: 'ECONNREFUSED' }
  expect(await upstream.call('create_snapshot', CREATE)).toEqual(unsent)
  expect(await upstream.check('k'.repeat(32))).toEqual(unsent)
})

test('an abort reaches the wire', async () => {
  const { sim, upstream } = await start()
  const unsent = { kind: 'unsent', reason: 'given up by the gateway' }
  expect(await upstream.call('create_snapshot', CREATE, AbortSignal.abort())).toEqual(unsent)
  expect(await upstream.check('k'.repeat(32), AbortSignal.abort())).toEqual(unsent)
  expect(sim.requests).toEqual([])
})

const REFUSALS_OF_TOKEN = [
  respond({ code: -2, message: 'access denied' }),
  respond({ code: -1, message: 'invalid hash' }),
  respond({ result: 'Fail', message: 'token expired' }),
  respond('<h1>401</h1>', { status: 401 }),
]

test.each(MUTATIONS.flatMap(action => REFUSALS_OF_TOKEN.map(fault => ({ action, fault, body: fault.body }))))(
  '$action refused by $body is sent once more with a new token',
  async ({ action, fault }) => {
    const { sim, upstream, used, logins } = await start({ tokens: [] })
    sim.fault({ ...fault, action })
    const outcome = await upstream.call(action, {
      ...CREATE,
      ...(action !== 'create_snapshot' && { name: 'first' }),
    })
    expect(outcome).toEqual({ kind: 'accepted', callback: sim.ledger[0]?.callback })
    expect([used().length, new Set(used()).size, logins(), sim.ledger.length]).toEqual([2, 2, 2, 1])
  },
)

test.each(MUTATIONS)('%s refused for the token twice is sent no third time', async action => {
  const { sim, upstream, used, logins } = await start({ tokens: [] })
  sim.fault({ kind: 'respond', action, body: '{"code":-2,"message":"invalid token"}', times: 9 })
  expect(await upstream.call(action, CREATE)).toEqual({ kind: 'unauthorized', message: 'invalid token' })
  expect([used().length, logins()]).toEqual([2, 2])
})

test('what happens to the second try is the outcome: lost is lost', async () => {
  const { sim, upstream, used } = await start({ tokens: [] })
  sim.fault(respond({ code: -2, message: 'invalid token' }, { action: 'create_snapshot' }))
  sim.fault({ kind: 'drop-after', action: 'create_snapshot', times: 9 })
  expect(await upstream.call('create_snapshot', CREATE)).toMatchObject({ kind: 'lost' })
  expect([used().length, sim.ledger.length]).toEqual([2, 1])
})

test('expired tokens are renewed by one login for all the calls that meet it', async () => {
  const { sim, upstream, logins } = await start({ tokens: [] })
  await upstream.call('load_stats', { id: 1000 })
  sim.expireTokens()
  const outcomes = await Promise.all([1000, 1001, 1004].map(id => upstream.call('load_stats', { id })))
  expect(outcomes.map(({ kind }) => kind)).toEqual(['accepted', 'accepted', 'accepted'])
  expect(logins()).toBe(2)
})

test.each([
  ['that was not rotated is not tried again', ['revoked'], ['revoked'], 'unauthorized'],
  ['that was rotated is tried again', ['revoked', TOKEN], ['revoked', TOKEN], 'accepted'],
  ['that was rotated twice is tried again once', ['a', 'b', 'b', 'c'], ['a', 'b'], 'unauthorized'],
])('a fixed token %s', async (_what, tokens, expected, kind) => {
  const { upstream, used } = await start({ tokens })
  expect(await upstream.call('create_snapshot', CREATE)).toMatchObject({ kind })
  expect(used()).toEqual(expected)
})

test('other refusals are not tried again, nor is one that only quotes a name like a refusal of the token', async () => {
  const { sim, upstream, logins } = await start({ tokens: [] })
  const first = await upstream.call('create_snapshot', { ...CREATE, name: 'first' })
  const message = 'failed to request snapshot creation for 1000 - snapshot first already exists'
  expect(first).toEqual({ kind: 'refused', reason: 'conflict', code: '-1', message })
  await upstream.call('create_snapshot', { ...CREATE, id: 1004, name: 'token-expired' })
  const quoting = { code: -1, message: 'snapshot token-expired already exists' }
  sim.fault(respond(quoting, { action: 'create_snapshot', times: 9 }))
  const outcome = await upstream.call('create_snapshot', { ...CREATE, name: 'token-expired' })
  expect(outcome).toEqual({ kind: 'refused', reason: 'conflict', code: '-1', message: quoting.message })
  expect([sim.requests.length, logins()]).toEqual([4, 1])
})

test.each(['load_stats', 'create_snapshot'] as const)(
  '%s of a VM that was ordered after the login is sent once more, with a session that knows it',
  async action => {
    const { sim, clock, upstream, used, logins } = await start({ tokens: [] })
    await upstream.call('load_stats', { id: 1000 })
    sim.setVm(4242, {})
    const message = 'failed to request it for 4242 - server not found'
    sim.fault(respond({ code: -1, message }, { action, vmId: 4242, times: 2 }))
    const params = { ...CREATE, id: 4242 }
    // As old as the login is: nothing that came since.
    expect(await upstream.call(action, params)).toMatchObject({ kind: 'refused', message })
    expect([used().length, logins()]).toEqual([2, 1])
    clock.now += 5_000
    expect(await upstream.call(action, params)).toMatchObject({ kind: 'accepted' })
    expect([used().length, new Set(used()).size, logins()]).toEqual([4, 2, 2])
    expect(sim.ledger.map(({ vmId }) => vmId)).toEqual([1000, 4242])
    // A VM that the session does know is refused for another reason, and one that nobody knows stays so.
    sim.fault(respond({ code: -1, message }, { action, vmId: 4242 }))
    clock.now += 5_000
    expect(await upstream.call(action, params)).toMatchObject({ kind: 'refused' })
    expect(await upstream.call(action, { ...CREATE, id: 9 })).toMatchObject({ kind: 'refused' })
    expect([used().length, logins()]).toEqual([6, 3])
  },
)

test('without a token nothing is called: a refused login, a login that got lost', async () => {
  const { sim, upstream, used, clock } = await start({ tokens: [] })
  const message = `key ${API_KEY} is unknown`
  sim.fault(respond({ code: -1, message }, { action: 'login' }))
  expect(await upstream.call('create_snapshot', CREATE)).toEqual({
    kind: 'unauthorized',
    message: 'key [redacted] is unknown',
  })
  clock.now += 5_000
  sim.fault({ kind: 'drop-after', action: 'login' })
  expect(await upstream.call('create_snapshot', CREATE)).toMatchObject({ kind: 'unsent' })
  expect(used()).toEqual([])
  expect(await upstream.call('create_snapshot', CREATE)).toMatchObject({ kind: 'accepted' })
})

const ECHO = `with ${TOKEN} at ${API_KEY}: root_pass`
const CLEAN = 'with [redacted] at [redacted]: root_pass'

test.each<[string, unknown, object]>([
  [
    'a refusal',
    { code: `E ${TOKEN}`, message: ECHO },
    { kind: 'refused', reason: 'rejected', code: 'E [redacted]', message: CLEAN },
  ],
  [
    'a refusal of the token',
    { code: -2, message: `invalid token ${ECHO}` },
    { kind: 'unauthorized', message: `invalid token ${CLEAN}` },
  ],
  [
    'a message with members',
    { code: -1, message: { why: ECHO, root_pass: 'hunter2' } },
    { kind: 'refused', reason: 'rejected', code: '-1', message: `{"why":"${CLEAN}"}` },
  ],
  [
    'a message that is JSON',
    { code: -1, message: '{"why":"disk","root_pass":"hunter2"}' },
    { kind: 'refused', reason: 'rejected', code: '-1', message: '{"why":"disk"}' },
  ],
  ['an endless message', { code: -1, message: 'x'.repeat(5_000) }, { message: 'x'.repeat(1_000) }],
  [
    'an immediate result',
    {
      result: 'OK',
      scope: { [TOKEN]: 1, cpu: 2, root_pass: 'hunter2', note: ECHO, raw: '{"token":"x","a":1}' },
    },
    { kind: 'done', scope: { '[redacted]': 1, cpu: 2, note: CLEAN, raw: '{"a":1}' }, snapshots: null },
  ],
])('%s shows no secret', async (_what, value, expected) => {
  const { sim, upstream } = await start()
  sim.fault(respond(value))
  expect(await upstream.call('load_stats', { id: 1000 })).toMatchObject(expected)
})

test('a check shows no secret either, its own key among them', async () => {
  const { sim, upstream, due } = await start()
  const key = await due('load_stats')
  const echo = `${ECHO} by ${key}`
  const clean = `${CLEAN} by [redacted]`
  sim.fault(respond({ result: 'OK', scope: { note: echo, vnc_password: 'x' }, key }, { action: 'check' }))
  sim.fault(respond({ result: `Error ${key}`, scope: echo }, { action: 'check' }))
  sim.fault(respond({ result: 'OK', context: { error: { why: echo, pin: 1 } } }, { action: 'check' }))
  sim.fault(respond({ result: 'Error', scope: `{"key":"${key}","why":"disk"}` }, { action: 'check' }))
  expect(await upstream.check(key)).toEqual({
    kind: 'done',
    scope: expect.objectContaining({ note: clean }),
    snapshots: null,
  })
  expect(await upstream.check(key)).toEqual({
    kind: 'failed',
    reason: 'rejected',
    code: 'Error [redacted]',
    message: clean,
  })
  expect(await upstream.check(key)).toEqual({
    kind: 'failed',
    reason: 'rejected',
    code: 'context.error',
    message: `{"why":"${clean}"}`,
  })
  expect(await upstream.check(key)).toEqual({
    kind: 'failed',
    reason: 'rejected',
    code: 'Error',
    message: '{"why":"disk"}',
  })
  const { scope } = (await upstream.check(key)) as { scope: object }
  expect(scope).toHaveProperty('cpu')
  expect(Object.keys(scope).filter(name => /pass/.test(name))).toEqual([])
})

test('that leniency was needed is logged, without the body', async () => {
  const { sim, upstream, log } = await start()
  const warning = `<b>Warning</b>: ${TOKEN}<br />`
  sim.fault(respond(`${warning}{"result":"OK","callback":"k7d0q2m5"}`))
  sim.fault(respond(`${warning}{"result":"OK","scope":[]}`, { status: 500 }))
  sim.fault(respond(`${warning}{"result":"OK","scope":1}`))
  expect(await upstream.call('create_snapshot', CREATE)).toEqual({ kind: 'accepted', callback: 'k7d0q2m5' })
  expect(await upstream.call('get_snapshot', CREATE)).toEqual({ kind: 'done', scope: [], snapshots: [] })
  expect(await upstream.check('k7d0q2m5')).toEqual({ kind: 'done', scope: 1, snapshots: null })
  const message = 'upstream JSON had to be dug out of other text'
  expect(log).toEqual([
    [{ action: 'create_snapshot', http_status: 200, bytes: expect.any(Number) }, message],
    [{ action: 'get_snapshot', http_status: 500, bytes: expect.any(Number) }, message],
    [{ action: 'check', http_status: 200, bytes: expect.any(Number) }, message],
  ])
})

test('over a transport that is closed nothing is sent', async () => {
  const { upstream, transport } = await start()
  await transport.close()
  expect(await upstream.call('load_stats', { id: 1000 })).toEqual({
    kind: 'unsent',
    reason: 'UND_ERR_DESTROYED',
  })
})
