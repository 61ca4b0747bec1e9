import { expect, test, vi } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import type { Fault } from '../../src/simulator/simulator.ts'
import {
  callRaw,
  ended,
  KEY,
  mutations,
  startWorld,
  stoppableClock,
  upstreamCalls,
  type Answer,
  type World,
} from '../helper.ts'

const OTHER_KEY = 'other-caller-key-000000000000000'

function create(world: World, key: string, body: object = { name: 'a' }, caller = KEY): Promise<Answer> {
  return world.call('POST', '/vms/1000/snapshots', { body, headers: { 'idempotency-key': key }, key: caller })
}

test('a replay is the same operation as it is now, and calls nothing', async () => {
  const clock = stoppableClock()
  clock.stop()
  const world = await startWorld({ simulator: { now: clock.now } })
  const first = await create(world, 'k')
  expect(first.status).toBe(202)
  expect(first.headers.get('idempotency-replayed')).toBeNull()

  const running = await create(world, 'k')
  expect(running.status).toBe(202)
  expect(running.headers.get('idempotency-replayed')).toBe('true')
  expect(running.headers.get('location')).toBe(first.body.self)
  expect(running.body).toEqual(first.body)

  clock.go()
  const done = await ended(world, first.body.id)
  await world.restart()
  const later = await create(world, 'k')
  expect(later.status).toBe(200)
  expect(later.headers.get('idempotency-replayed')).toBe('true')
  expect(later.body).toEqual(done)
  expect(upstreamCalls(world)).toHaveLength(1)
})

test('it works on POST and DELETE, and a replay can wait as well', async () => {
  const world = await startWorld({ simulator: { taskMs: 100 } })
  for (const [method, path] of [
    ['POST', '/vms/1000/snapshots/first/restore'],
    ['DELETE', '/vms/1000/snapshots/first'],
  ] as const) {
    const headers = { 'idempotency-key': method }
    const first = await world.call(method, path, { headers })
    const replay = await world.call(method, path, { headers: { ...headers, prefer: 'wait=10' } })
    expect(first.body).toMatchObject({ status: 'running' })
    expect(replay.headers.get('idempotency-replayed')).toBe('true')
    expect(replay.body).toMatchObject({ id: first.body.id, status: 'succeeded' })
  }
  expect(mutations(world)).toHaveLength(2)
})

test('quoted and bare, and the order and spacing of the body, make no difference', async () => {
  const world = await startWorld({ env: { BASE_PATH: '/gw' } })
  const first = await create(world, 'k\\"1', { name: 'a', type: 'snapshot' })
  const headers = { 'idempotency-key': '"k\\\\\\"1"' }
  for (const path of ['/vms/1000/snapshots', '/gw/vms/1000/snapshots', '/vms/%31000/snapshots']) {
    const replay = await world.call('POST', path, { headers, body: ' {"type": "snapshot",\n"name": "a"}' })
    expect([replay.headers.get('idempotency-replayed'), replay.body.id], path).toEqual([
      'true',
      first.body.id,
    ])
  }
})

test('the same key with another request is refused', async () => {
  const world = await startWorld()
  const headers = { 'idempotency-key': 'k' }
  await world.call('DELETE', '/vms/1000/snapshots/first', { headers })
  for (const [method, path, body] of [
    ['DELETE', '/vms/1000/snapshots/other', undefined],
    ['DELETE', '/vms/1001/snapshots/first', undefined],
    ['DELETE', '/vms/1000/snapshots/first?type=other', undefined],
    ['POST', '/vms/1000/snapshots/first/restore', undefined],
    ['POST', '/vms/1000/snapshots', { name: 'first' }],
  ] as const) {
    const answer = await world.call(method, path, { headers, body })
    expect(answer.status, path).toBe(422)
    expect(answer.body).toMatchObject({
      code: 'idempotency-key-reused',
      errors: [{ in: 'header', field: 'Idempotency-Key' }],
    })
  }
  expect(upstreamCalls(world)).toHaveLength(1)
})

test('each caller has keys of its own', async () => {
  const world = await startWorld({
    callers: [newEntry('tester', KEY, SCOPES, '*'), newEntry('other', OTHER_KEY, SCOPES, '*')],
  })
  const mine = await create(world, 'k')
  await ended(world, mine.body.id)
  const theirs = await create(world, 'k', { name: 'b' }, OTHER_KEY)
  expect(theirs.status).toBe(202)
  expect(theirs.headers.get('idempotency-replayed')).toBeNull()
  expect(theirs.body).toMatchObject({ created_by: 'other', snapshot: 'b' })
})

test('while the first is still being accepted: 409, whatever the VM is busy with', async () => {
  const world = await startWorld()
  world.simulator.fault({ action: 'create_snapshot', kind: 'late', delayMs: 1_000 })
  const first = create(world, 'k')
  await vi.waitFor(() => expect(upstreamCalls(world)).toHaveLength(1))
  const meanwhile = await create(world, 'k')
  expect(meanwhile.status).toBe(409)
  expect(meanwhile.body.code).toBe('idempotency-in-progress')
  expect(Number(meanwhile.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await create(world, 'k', { name: 'b' })).status).toBe(422)
  expect((await create(world, 'other')).body.code).toBe('vm-busy')

  const { body } = await first
  expect(meanwhile.body.operation).toBe(body.self)
  expect((await create(world, 'k')).body.id).toBe(body.id)
  expect(mutations(world)).toHaveLength(1)
})

test('of many equal requests at once exactly one reaches HOSTKEY', async () => {
  const world = await startWorld({ simulator: { taskMs: 60_000 } })
  const answers = await Promise.all(Array.from({ length: 100 }, () => create(world, 'k')))
  const fresh = answers.filter(
    ({ status, headers }) => status === 202 && !headers.has('idempotency-replayed'),
  )
  expect(fresh).toHaveLength(1)
  const { id, self } = fresh[0]!.body
  const outcomes = new Set(
    answers.map(({ status, body }) => `${status} ${body.id ?? body.code} ${body.operation ?? body.self}`),
  )
  expect([`202 ${id} ${self}`, `409 idempotency-in-progress ${self}`]).toEqual(
    expect.arrayContaining([...outcomes]),
  )
  expect(upstreamCalls(world)).toHaveLength(1)
})

test('a refused request is replayed as its failed operation; one that never left frees its key', async () => {
  const world = await startWorld()
  world.simulator.fault({ action: 'create_snapshot', kind: 'refuse', reason: 'server is locked' })
  const refused = await create(world, 'refused')
  expect(refused.body.code).toBe('upstream-conflict')
  const replay = await create(world, 'refused')
  expect(replay.status).toBe(200)
  expect(replay.headers.get('idempotency-replayed')).toBe('true')
  expect(replay.body).toMatchObject({ self: refused.body.operation, status: 'failed' })
  expect(upstreamCalls(world)).toHaveLength(1)

  const { TOKEN } = await import('../helper.ts')
  world.simulator.expireTokens({ fixed: true })
  expect((await create(world, 'unsent')).body.code).toBe('upstream-unauthorized')
  world.simulator.setToken(TOKEN)
  const again = await create(world, 'unsent')
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, null])
})

const LATER = { 'Retry-After': '2' }
const REFUSAL = '{"code":-1,"message":"failed to request snapshot creation for 1000 - too many requests"}'

test.each<[string, Partial<Fault>]>([
  ['HTTP 429 and nothing else', { kind: 'respond', status: 429, headers: LATER, body: '' }],
  ['HTTP 429 in HTML', { kind: 'respond', status: 429, headers: LATER, body: '<h1>429</h1>' }],
  ['a refusal under HTTP 429', { kind: 'respond', status: 429, headers: LATER, body: REFUSAL }],
  ['a refusal under HTTP 503', { kind: 'respond', status: 503, headers: LATER, body: REFUSAL }],
  ['a refusal in words', { kind: 'respond', body: REFUSAL }],
])('%s leaves the key free: the repeated request is carried out', async (_, fault) => {
  const world = await startWorld()
  world.simulator.fault({ ...fault, action: 'create_snapshot' } as Fault)
  const refused = await create(world, 'k')
  expect([refused.status, refused.body.code]).toEqual([503, 'upstream-unavailable'])
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(fault.headers ? 2 : 1)
  expect((await world.call('GET', '/operations')).body.operations).toEqual([])

  const again = await create(world, 'k')
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, null])
  expect(await ended(world, again.body.id)).toMatchObject({ status: 'succeeded' })
  const replay = await create(world, 'k')
  expect([replay.body.id, replay.headers.get('idempotency-replayed')]).toEqual([again.body.id, 'true'])
  expect(upstreamCalls(world, 'create_snapshot')).toHaveLength(2)
  expect(mutations(world)).toHaveLength(1)
})

test('so does a limit of the gateway itself', async () => {
  const world = await startWorld({ env: { RATE_LIMIT_MAX: '1', RATE_LIMIT_WINDOW_MS: '1000' } })
  await world.call('GET', '/vms/1000/stats')
  const limited = await create(world, 'k')
  expect([limited.status, limited.body.code]).toEqual([429, 'rate-limited'])
  await vi.waitFor(
    async () => {
      const again = await create(world, 'k')
      expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, null])
    },
    { timeout: 5_000, interval: 200 },
  )
  expect(mutations(world)).toHaveLength(1)
})

test('keys are 1 to 255 visible ASCII characters, and reads take no notice of them', async () => {
  const world = await startWorld()
  const headers = (key: string | string[]) => ({ 'content-type': 'application/json', 'idempotency-key': key })
  const post = (key: string | string[]): Promise<Answer> =>
    callRaw(world.gateway.address, 'POST', '/vms/1000/snapshots', {
      headers: headers(key),
      body: '{"name":"a"}',
    })
  for (const key of [
    '',
    '""',
    'a b',
    '"a b"',
    '"open',
    '"a"b',
    '"a\\b"',
    '"a";b=1',
    '"a", "a"',
    'k'.repeat(256),
    `"${'k'.repeat(256)}"`,
    'ü',
    'a\tb',
    ['a', 'b'],
  ]) {
    const answer = await post(key)
    expect(answer.status, String(key)).toBe(400)
    expect(answer.body).toMatchObject({
      code: 'validation-failed',
      errors: [{ in: 'header', field: 'Idempotency-Key' }],
    })
  }
  const read = await world.call('GET', '/vms/1000/stats', { headers: { 'idempotency-key': 'a b' } })
  expect([read.status, read.headers.get('idempotency-replayed')]).toEqual([200, null])
  expect(mutations(world)).toEqual([])
  for (const key of ['!', '~'.repeat(255), `"${'k'.repeat(255)}"`]) {
    const answer = await post(key)
    expect(answer.body.code, key).not.toBe('validation-failed')
    expect((await post(key)).headers.get('idempotency-replayed'), key).toBe('true')
    await ended(world, (await world.call('GET', '/operations')).body.operations[0].id)
  }
})
