import { expect, test } from 'vitest'
import type { Fault } from '../../src/simulator/simulator.ts'
import type { ActionName, Lost } from '../../src/operations/hostkey.ts'
import { ACTIONS } from '../../src/upstream/actions.ts'
import { realWorld, type World } from '../../src/world.ts'
import { CREATE, FAILURES, respond, start, TOKEN } from './start-client.ts'

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

test('a large answer is judged in a turn of the event loop of its own and cleaned in others, a small one at once', async () => {
  let turns = 0
  const soon: World['soon'] = call => {
    turns += 1
    realWorld.soon(call)
  }
  const { sim, upstream } = await start({ world: { ...realWorld, soon } })
  const list = (count: number) => ({
    result: 'OK',
    scope: Array.from({ length: count }, (_, i) => ({ name: `s${i}`, password: 'x' })),
  })
  sim.fault(respond(list(3)))
  await upstream.call('get_snapshot', { id: 1000 })
  expect(turns).toBe(0)
  sim.fault(respond(list(3_000)))
  const outcome = await upstream.call('get_snapshot', { id: 1000 })
  // Judged, its entries and the whole: each in a turn, and one behind it.
  expect(turns).toBeGreaterThanOrEqual(4)
  expect(outcome).toMatchObject({ kind: 'done', isLarge: true })
  expect(JSON.stringify(outcome)).not.toContain('password')
})
