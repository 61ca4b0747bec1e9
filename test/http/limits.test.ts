import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import { KEY, startWorld, type Answer } from '../helper.ts'

/** Both header families of an answer. */
function limitsOf({ headers }: Answer): Record<string, string | number | null> {
  return {
    limit: Number(headers.get('ratelimit-limit')),
    remaining: Number(headers.get('ratelimit-remaining')),
    policy: headers.get('ratelimit-policy'),
    draft: headers.get('ratelimit')!.replace(/t=\d+$/, 't='),
  }
}

test('each caller has a quota, which both header families show', async () => {
  const world = await startWorld({
    env: { RATE_LIMIT_MAX: '3' },
    callers: [
      newEntry('tester', KEY, SCOPES, '*'),
      newEntry('other', 'key-other', SCOPES, '*'),
      { ...newEntry('small', 'key-small', SCOPES, '*'), rate_limit: { max: 1, window_ms: 5_000 } },
    ],
  })
  const list = (key = KEY): Promise<Answer> => world.call('GET', '/vms/4000/stats', { key })
  const policy = '"default";q=3;w=60'
  for (const remaining of [2, 1, 0]) {
    const answer = await list()
    expect(answer.status).toBe(404)
    expect(limitsOf(answer)).toEqual({ limit: 3, remaining, policy, draft: `"default";r=${remaining};t=` })
    const reset = Number(answer.headers.get('ratelimit-reset'))
    expect(reset).toBeGreaterThan(50)
    expect(reset).toBeLessThanOrEqual(60)
    expect(answer.headers.get('ratelimit')).toMatch(new RegExp(`t=${reset}$`))
  }
  const before = world.simulator.requests.length
  const limited = await list()
  expect(limited.status).toBe(429)
  expect(limited.headers.get('content-type')).toMatch(/^application\/problem\+json\b/)
  expect(limited.body).toMatchObject({
    code: 'rate-limited',
    status: 429,
    detail: expect.stringContaining('3'),
  })
  expect(limitsOf(limited)).toEqual({ limit: 3, remaining: 0, policy, draft: '"default";r=0;t=' })
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThanOrEqual(
    Number(limited.headers.get('ratelimit-reset')),
  )
  expect(world.simulator.requests).toHaveLength(before)
  expect((await list('key-other')).status).toBe(404)

  const small = await list('key-small')
  expect(limitsOf(small)).toMatchObject({ limit: 1, remaining: 0, policy: '"default";q=1;w=5' })
  expect((await list('key-small')).status).toBe(429)
})

test('reading operations has a bucket of its own, ten times as large', async () => {
  const world = await startWorld({ env: { RATE_LIMIT_MAX: '1' } })
  const create = await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' } })
  expect((await world.call('GET', '/vms/1000/stats')).status).toBe(429)
  const paths = ['/operations', create.body.self, `${create.body.self}/events`, '/operations/op_x']
  for (let i = 0; i < 10; i += 1) {
    const answer = await world.call('GET', paths[i % paths.length])
    expect(answer.status).not.toBe(429)
    expect(limitsOf(answer)).toEqual({
      limit: 10,
      remaining: 9 - i,
      policy: '"operations";q=10;w=60',
      draft: `"operations";r=${9 - i};t=`,
    })
  }
  for (const path of paths) expect((await world.call('GET', path)).status).toBe(429)
  expect((await world.call('GET', '/vms/1000/stats')).status).toBe(429)
})

test('without a valid key requests are counted by address, as the trusted proxy tells it', async () => {
  const world = await startWorld({ env: { RATE_LIMIT_MAX: '2', TRUST_PROXY: '127.0.0.1' } })
  const from = (address: string, path = '/operations', key: string | null = 'wrong'): Promise<number> =>
    world.call('GET', path, { key, headers: { 'x-forwarded-for': address } }).then(({ status }) => status)
  expect([await from('192.0.2.1'), await from('192.0.2.1'), await from('192.0.2.1')]).toEqual([401, 401, 429])
  // Not for what is public or does not exist either, but for probes and for callers.
  expect(await from('192.0.2.1', '/nothing')).toBe(429)
  expect(await from('192.0.2.1', '/openapi.json')).toBe(429)
  expect(await from('192.0.2.1', '/livez')).toBe(200)
  expect(await from('192.0.2.1', '/operations', KEY)).toBe(200)
  expect(await from('192.0.2.2')).toBe(401)
  // Who has one IPv6 address has a whole network of them.
  for (const [host, status] of [
    ['1', 401],
    ['2', 401],
    ['ffff:ffff:3', 429],
  ] as const)
    expect(await from(`2001:db8:0:1::${host}`)).toBe(status)
  expect(await from('2001:db8:0:2::1')).toBe(401)
})

test('an address counts without its port, and what is none counts for the connection', async () => {
  const world = await startWorld({ env: { RATE_LIMIT_MAX: '2', TRUST_PROXY: '127.0.0.1,10.0.0.0/8' } })
  const from = (address: string): Promise<number> =>
    world
      .call('GET', '/operations', { key: null, headers: { 'x-forwarded-for': address } })
      .then(({ status }) => status)
  for (const spellings of [
    ['203.0.113.9:40001', '203.0.113.9:40002', '203.0.113.9'],
    ['[2001:db8::1]:443', '[2001:db8::1]', '2001:db8::1'],
    // The proxy in between writes the port of its own peer, too.
    ['203.0.113.10:1, 10.0.0.5:99', '203.0.113.10, 10.0.0.5', '203.0.113.10'],
    ['unknown', 'nonsense', '203.0.113.9:99999999'],
  ]) {
    const statuses = []
    for (const one of spellings) statuses.push(await from(one))
    expect(statuses, spellings.join(' ')).toEqual([401, 401, 429])
  }
  // They counted for the connection, which has no quota left; an address of its own has.
  expect([await from('1.2.3'), await from('203.0.113.11')]).toEqual([429, 401])
})

test('what nobody trusts tells no address', async () => {
  const world = await startWorld({ env: { RATE_LIMIT_MAX: '1' } })
  const statuses = []
  for (const address of ['192.0.2.1', '192.0.2.2'])
    statuses.push(
      (await world.call('GET', '/operations', { key: null, headers: { 'x-forwarded-for': address } })).status,
    )
  expect(statuses).toEqual([401, 429])
})

test('who comes back when told finds quota again', async () => {
  const world = await startWorld({ env: { RATE_LIMIT_MAX: '1', RATE_LIMIT_WINDOW_MS: '1000' } })
  expect((await world.call('GET', '/vms/1000/stats')).status).toBe(200)
  const limited = await world.call('GET', '/vms/1000/stats')
  expect(limited.status).toBe(429)
  await sleep(Number(limited.headers.get('retry-after')) * 1000)
  expect((await world.call('GET', '/vms/1000/stats')).status).toBe(200)
})

test('with an empty quota no Retry-After is earlier than its reset', async () => {
  const world = await startWorld({ env: { RATE_LIMIT_MAX: '2' } })
  const answers = [
    await world.call('POST', '/vms/1003/snapshots', { body: { name: 'a' } }),
    await world.call('POST', '/vms/1003/snapshots', { body: { name: 'b' } }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([202, 409])
  const [early, late] = answers.map(({ headers }) => Number(headers.get('retry-after')))
  expect(early).toBeLessThan(5)
  expect(late).toBe(Number(answers[1]!.headers.get('ratelimit-reset')))
  expect(late).toBeGreaterThan(50)
})

test(
  'a caller without quota gets none by requests from thousands of addresses',
  { timeout: 30_000 },
  async () => {
    const world = await startWorld({ env: { RATE_LIMIT_MAX: '1', LOG_LEVEL: 'silent' } })
    const stats = (): Promise<number> => world.call('GET', '/vms/1000/stats').then(({ status }) => status)
    expect([await stats(), await stats()]).toEqual([200, 429])
    // As many as the plugin would have counted by itself, and some more.
    for (let i = 0; i < 5_200; i += 1)
      await world.gateway.app.inject({ url: '/nothing', remoteAddress: `10.0.${i >> 8}.${i & 255}` })
    expect(await stats()).toBe(429)
  },
)
