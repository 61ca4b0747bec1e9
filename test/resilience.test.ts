/** A gateway over a HOSTKEY that fails: who is told what, how often HOSTKEY is asked, and how it recovers. */

import { expect, test } from 'vitest'
import type { Fault } from '../src/simulator/simulator.ts'
import { SCOPES } from '../src/callers/caller.ts'
import { newEntry } from '../src/callers/key.ts'
import { ended, KEY, startWorld, type Answer, type World } from './helper.ts'

const actions = (world: World): string[] => world.simulator.requests.map(({ fields }) => fields.action ?? '')

test.for<[string, Partial<Fault>]>([
  ['a broken connection', { kind: 'drop-before' }],
  ['an HTTP 500 in HTML', { kind: 'respond', status: 500, body: '<h1>Internal Server Error</h1>' }],
  ['HTML with HTTP 200', { kind: 'respond', body: '<h1>Maintenance</h1>' }],
  ['a hang', { kind: 'hang' }],
  ['too many requests', { kind: 'respond', status: 429, body: '' }],
])('a read is asked again within its wait after %s', async ([, fault]) => {
  const world = await startWorld({ env: { HOSTKEY_TIMEOUT_MS: '300' } })
  world.simulator.fault({ action: 'load_stats', times: 2, ...fault } as Fault)
  const answer = await world.call('GET', '/vms/1000/stats')
  expect(answer.status).toBe(200)
  expect(actions(world).filter(action => action === 'load_stats')).toHaveLength(3)
})

test('HOSTKEY says when to come back: a read waits for it, and a caller is told', async () => {
  const world = await startWorld()
  const busy = { kind: 'respond', status: 503, headers: { 'Retry-After': '1' }, body: '' } as const
  world.simulator.fault({ action: 'load_stats', ...busy })
  expect((await world.call('GET', '/vms/1000/stats')).status).toBe(200)
  const [first, second] = world.simulator.requests.filter(({ fields }) => fields.action === 'load_stats')
  expect(second!.at - first!.at).toBeGreaterThanOrEqual(1_000)

  world.simulator.fault({
    ...busy,
    action: 'load_stats',
    status: 429,
    headers: { 'Retry-After': '0' },
    times: 9,
  })
  const refused = await world.call('GET', '/vms/1001/stats')
  expect(refused.body).toMatchObject({ status: 503, code: 'upstream-unavailable' })
  expect(refused.headers.get('retry-after')).toBe('1')
})

test.each([
  ['429, and nothing else', 429, ''],
  ['503 in HTML', 503, '<h1>503 Service Unavailable</h1>'],
  ['503 with a refusal', 503, '{"code":-1,"message":"try again later"}'],
])('a Retry-After that outlasts the wait ends it soon: HTTP %s', async (_, status, body) => {
  const world = await startWorld()
  const headers = { 'Retry-After': '120' }
  const busy = { kind: 'respond', action: 'load_stats', vmId: 1000, status, headers, body } as const
  world.simulator.fault({ ...busy, times: 9 })
  const sinceMs = performance.now()
  // Of two who wait for the same, the one with less patience gets no operation either.
  const answers = await Promise.all(
    [20, 10].map(wait => world.call('GET', '/vms/1000/stats', { headers: { prefer: `wait=${wait}` } })),
  )
  expect(performance.now() - sinceMs).toBeLessThan(5_000)
  for (const answer of answers) {
    expect([answer.status, answer.body.code]).toEqual([503, 'upstream-unavailable'])
    // As long as HOSTKEY says, and no longer than anybody would wait.
    expect(answer.headers.get('retry-after')).toBe('30')
  }
  expect(actions(world)).toEqual(['load_stats'])
  expect((await world.call('GET', '/operations')).body.operations).toEqual([])
})

test('after many failures callers get a fast 503, HOSTKEY is left alone, and all is well again by itself', async () => {
  const world = await startWorld({ env: { HOSTKEY_TIMEOUT_MS: '500' } })
  const running = (await world.call('POST', '/vms/1003/snapshots', { body: { name: 'slow' } })).body
  world.simulator.fault({ kind: 'drop-before', times: 1_000_000 })
  const read = (vm: number): Promise<Answer> => world.call('GET', `/vms/${vm}/stats`)
  await expect
    .poll(async () => (await read(1000)).body.detail, { timeout: 10_000 })
    .toContain('failed too often')

  const asked = world.simulator.requests.length
  const answers = await Promise.all([
    ...Array.from({ length: 50 }, (_, i) => read(2000 + i)),
    world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' } }),
  ])
  for (const { status, body, headers } of answers) {
    expect([status, body.code]).toEqual([503, 'upstream-unavailable'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(2)
  }
  // Neither callers nor the watcher, whose operation goes on running, came through; but for one probe.
  expect(world.simulator.requests.length - asked).toBeLessThanOrEqual(1)
  expect((await world.call('GET', running.self)).body.status).toBe('running')
  // Nothing was sent, so nothing holds the VM.
  expect((await world.call('GET', '/operations?vm_id=1000')).body.operations).toEqual([])

  world.simulator.clearFaults()
  await expect.poll(async () => (await read(1000)).status, { timeout: 5_000, interval: 50 }).toBe(200)
  const { status } = await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' } })
  expect(status).toBe(202)
})

test.for<[string, Partial<Fault>]>([
  ['HTML', { kind: 'respond', body: '<h1>Internal Server Error</h1>', status: 500 }],
  ['nonsense', { kind: 'respond', body: '{"what":1}' }],
  ['no answer in time', { kind: 'hang' }],
])('four VMs that HOSTKEY answers with %s: all others are served', async ([, fault]) => {
  const [bad, well] = [100, 200].map(first => Array.from({ length: 4 }, (_, i) => first + i)) as [
    number[],
    number[],
  ]
  const world = await startWorld({
    // Long enough for a machine that is busy, where nothing hangs.
    env: { HOSTKEY_TIMEOUT_MS: fault.kind === 'hang' ? '500' : '5000' },
    simulator: { vms: Object.fromEntries([...bad, ...well].map(id => [id, {}])) },
  })
  for (const vmId of bad) world.simulator.fault({ ...fault, vmId, times: 1_000_000 } as Fault)
  for (const vmId of bad)
    expect((await world.call('POST', `/vms/${vmId}/snapshots`, { body: { name: 'a' } })).status).toBe(202)
  // They are looked at, again and again, and while nobody else asks HOSTKEY seems to be away.
  await expect
    .poll(() => scrapeState(world), { timeout: 15_000, interval: 20 })
    .toBe('hostkey_gateway_breaker_state{state="open"} 1')
  for (let i = 0; i < 30; i += 1) {
    const answers = await Promise.all(well.map(vmId => world.call('GET', `/vms/${vmId}/stats`)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  }
})

test('VMs that hang take half of what a caller has, and the rest is for its others', async () => {
  const hanging = Array.from({ length: 12 }, (_, i) => 100 + i)
  const world = await startWorld({ env: { HOSTKEY_CONCURRENCY: '4', HOSTKEY_TIMEOUT_MS: '400' } })
  for (const vmId of hanging) world.simulator.fault({ kind: 'hang', vmId, times: 1_000_000 })
  const leave = new AbortController()
  const { signal } = leave
  const callers = hanging.map(async vmId => {
    while (!signal.aborted) await world.call('GET', `/vms/${vmId}/stats`, { signal }).catch(() => {})
  })
  try {
    // Once each of them was met, and its call is over, it is known which they are.
    const { requests } = world.simulator
    const met = () => new Set(requests.map(({ fields }) => fields.id)).size
    await expect.poll(met, { timeout: 30_000 }).toBe(hanging.length)
    const sent = requests.length
    await expect.poll(() => requests.length - sent, { timeout: 30_000 }).toBeGreaterThanOrEqual(3)
    const statuses: number[] = []
    for (let i = 0; i < 100; i += 1) statuses.push((await world.call('GET', '/vms/1000/stats')).status)
    expect(statuses.filter(status => status === 200).length).toBeGreaterThanOrEqual(99)
  } finally {
    leave.abort()
    await Promise.all(callers)
  }
}, 60_000)

test('one caller with 60 VMs that hang: all others are served, also with what it asked for before them', async () => {
  const hanging = Array.from({ length: 60 }, (_, i) => 100 + i)
  const greedyKey = 'greedy-caller-key-00000000000000'
  const world = await startWorld({
    env: { HOSTKEY_CONCURRENCY: '4', HOSTKEY_TIMEOUT_MS: '1000' },
    callers: [newEntry('tester', KEY, SCOPES, '*'), newEntry('greedy', greedyKey, SCOPES, '*')],
  })
  for (const vmId of hanging) world.simulator.fault({ kind: 'hang', vmId, times: 1_000_000 })
  // Its changes are looked at, its reads are asked for anew, and it wants to know of everybody's VMs.
  for (const vmId of hanging)
    void world.call('POST', `/vms/${vmId}/snapshots`, { body: { name: 'a' }, key: greedyKey }).catch(() => {})
  const leave = new AbortController()
  const { signal } = leave
  const greedy = [...hanging, 1000, 1001].map(async vmId => {
    while (!signal.aborted)
      await world.call('GET', `/vms/${vmId}/stats`, { signal, key: greedyKey }).catch(() => {})
  })
  try {
    // By now it has all that it can get.
    await expect.poll(() => actions(world).length, { timeout: 30_000 }).toBeGreaterThanOrEqual(8)
    const answers: unknown[] = []
    const startedAt = performance.now()
    for (let i = 0; i < 60; i += 1) {
      const { status, body } = await world.call('GET', `/vms/${1000 + (i % 2)}/stats`)
      answers.push(status === 200 ? 200 : [status, body.detail])
      if (i % 20 > 0) continue
      const { self } = (await world.call('POST', '/vms/1000/snapshots', { body: { name: `a${i}` } })).body
      answers.push((await ended(world, self.split('/').at(-1))).status)
    }
    expect(answers.filter(answer => answer !== 200 && answer !== 'succeeded')).toEqual([])
    // Whoever joined what that caller waits for would wait with it.
    expect(performance.now() - startedAt).toBeLessThan(30_000)
  } finally {
    leave.abort()
    await Promise.all(greedy)
  }
}, 60_000)

const scrapeState = async (world: World): Promise<string | undefined> =>
  /^hostkey_gateway_breaker_state\{state="open"\} \d/m.exec((await world.call('GET', '/metrics')).text)?.[0]

test('refusals are answers: they open nothing', async () => {
  const world = await startWorld()
  const answers = await Promise.all(Array.from({ length: 60 }, () => world.call('GET', '/vms/9/stats')))
  expect(new Set(answers.map(({ body }) => body.code))).toEqual(new Set(['vm-not-found']))
  expect((await world.call('GET', '/vms/1000/stats')).status).toBe(200)
})

test('a HOSTKEY that hangs: so many calls at once, and who finds no place is told so soon', async () => {
  // Half of them for one caller.
  const world = await startWorld({ env: { HOSTKEY_CONCURRENCY: '4', HOSTKEY_TIMEOUT_MS: '8000' } })
  world.simulator.fault({ kind: 'hang', times: 1_000_000 })
  const before = Date.now()
  const calls = Array.from({ length: 100 }, (_, i) => world.call('GET', `/vms/${2000 + i}/stats`))
  const shed = (await Promise.all(calls.slice(2))).map(({ status, body }) => [status, body.code])
  expect(new Set(shed.map(String))).toEqual(new Set(['503,upstream-unavailable']))
  expect(Date.now() - before).toBeLessThan(6_000)
  expect(world.simulator.requests).toHaveLength(2)
  world.simulator.clearFaults()
  world.simulator.restart()
  await Promise.all(calls)
})

test('thousands of running operations do not starve callers, and never exceed the concurrency', async () => {
  const vmIds = Array.from({ length: 1_000 }, (_, i) => 1 + i)
  const world = await startWorld({
    env: { HOSTKEY_CONCURRENCY: '4', CHECK_MIN_MS: '1', CHECK_MAX_MS: '20' },
    simulator: { vms: Object.fromEntries(vmIds.map(id => [id, {}])) },
  })
  world.simulator.fault({ kind: 'never-done', action: 'create_snapshot', times: vmIds.length })
  // Half of the places is the watcher's, so not more at once than the rest can take before they waited too long.
  for (let i = 0; i < vmIds.length; i += 20) {
    const starts = vmIds
      .slice(i, i + 20)
      .map(vmId => world.call('POST', `/vms/${vmId}/snapshots`, { body: { name: 'a' } }))
    expect(new Set((await Promise.all(starts)).map(({ status }) => status))).toEqual(new Set([202]))
  }
  const startedAt = performance.now()
  for (const vmId of vmIds.slice(0, 20))
    expect((await world.call('GET', `/vms/${vmId}/stats`)).status).toBe(200)
  expect((performance.now() - startedAt) / 20).toBeLessThan(500)
  // The watcher was at it all the while, over the same few connections.
  expect(actions(world).filter(action => action === 'check').length).toBeGreaterThan(100)
  expect(world.simulator.connections).toBeLessThanOrEqual(4)
}, 60_000)

test('a caller who leaves stops the read that only it waited for, and no change', async () => {
  const world = await startWorld()
  const leave = new AbortController()
  world.simulator.fault({ kind: 'never-done', action: 'load_stats' })
  const read = world.call('GET', '/vms/1000/stats', { signal: leave.signal }).catch(() => {})
  await expect.poll(() => actions(world)).toContain('check')
  leave.abort()
  await read
  // Nobody asks on: once the check under way has ended, none follows.
  let seen = -1
  await expect
    .poll(() => seen === (seen = actions(world).filter(action => action === 'check').length), {
      interval: 200,
    })
    .toBe(true)
  expect((await world.call('GET', '/operations')).body.operations).toEqual([])

  const hurry = new AbortController()
  world.simulator.fault({ kind: 'late', delayMs: 300, action: 'create_snapshot' })
  const change = world
    .call('POST', '/vms/1000/snapshots', { body: { name: 'a' }, signal: hurry.signal })
    .catch(() => {})
  await expect.poll(() => actions(world)).toContain('create_snapshot')
  hurry.abort()
  await change
  const { operations } = (await world.call('GET', '/operations')).body
  expect(await ended(world, operations[0].id)).toMatchObject({ status: 'succeeded' })
})
