import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { parsePrefer } from '../../src/http/prefer.ts'
import { callRaw, ended, KEY, mutations, startWorld, stoppableClock, upstreamCalls } from '../helper.ts'

const SLOW = 1003

test.for([
  ['wait=3', 3_000, 'wait=3'],
  ['Wait = 3', 3_000, 'wait=3'],
  ['wait="3"', 3_000, 'wait=3'],
  ['wait=0', 0, 'wait=0'],
  // What stands in quotes is one value, whatever it looks like.
  ['foo="a, wait=5", wait=3', 3_000, 'wait=3'],
  ['foo="a\\", wait=5, respond-async"', null, null],
  ['foo; x="; , wait=5", respond-async', 0, 'respond-async'],
  ['wait="3, wait=5"', null, null],
  ['foo="open, wait=5', null, null],
  ['wait=3; x=y', 3_000, 'wait=3'],
  ['return=minimal, wait=3', 3_000, 'wait=3'],
  ['wait=3, wait=4', 3_000, 'wait=3'],
  ['wait=26', 25_000, 'wait=25'],
  ['wait=999999999', 25_000, 'wait=25'],
  [`wait=${'9'.repeat(400)}`, 25_000, 'wait=25'],
  ['respond-async', 0, 'respond-async'],
  ['Respond-Async, foo', 0, 'respond-async'],
  ['respond-async, wait=3', 3_000, 'wait=3'],
  ...['', ',', 'wait', 'wait=', 'wait=-1', 'wait=1.5', 'wait=1e3', 'wait=soon', 'wait 3'].map(
    nonsense => [nonsense, null, null] as const,
  ),
  ['waiting=3, x-wait=3, async', null, null],
] as const)('Prefer: %s', ([header, waitMs, applied]) => {
  expect(parsePrefer(header, 25_000)).toEqual({ waitMs, applied })
})

test('on a mutation: the end in time is a 200, and what was applied is said', async () => {
  const world = await startWorld()
  const create = (prefer: string | string[]) =>
    callRaw(world.gateway.address, 'POST', `/vms/1000/snapshots`, {
      headers: { 'content-type': 'application/json', prefer },
      body: JSON.stringify({ name: `n${mutations(world).length}` }),
    })
  for (const [prefer, status, applied] of [
    ['wait=99', 200, 'wait=25'],
    [['handling=lenient', 'wait=7'], 200, 'wait=7'],
    ['respond-async, wait=5', 200, 'wait=5'],
    ['respond-async', 202, 'respond-async'],
    ['wait=0', 202, 'wait=0'],
    ['wait=never', 202, null],
  ] as const) {
    const answer = await create(prefer as string | string[])
    expect([answer.status, answer.headers.get('preference-applied')], String(prefer)).toEqual([
      status,
      applied,
    ])
    expect(answer.body.status).toBe(status === 200 ? 'succeeded' : 'running')
    expect(answer.headers.get('location')).toBe(status === 200 ? null : answer.body.self)
    expect(answer.headers.has('retry-after')).toBe(status === 202)
    await ended(world, answer.body.id)
  }
})

test('a wait ends at its cap, on every route that can answer with an operation', async () => {
  const world = await startWorld({ env: { MAX_WAIT_MS: '120' } })
  const create = await world.call('POST', `/vms/${SLOW}/snapshots`, { body: { name: 'a' } })
  world.simulator.setVm(1000, { behaviour: 'slow' })
  for (const [method, path, status] of [
    ['GET', `/vms/${SLOW}/snapshots`, 202],
    ['GET', `/vms/${SLOW}/snapshots/a`, 202],
    ['GET', `/vms/${SLOW}/stats`, 202],
    ['POST', '/vms/1000/snapshots/first/restore', 202],
    ['GET', create.body.self, 200],
  ] as const) {
    const startedAtMs = Date.now()
    const answer = await world.call(method, path, { headers: { prefer: 'wait=10' } })
    const tookMs = Date.now() - startedAtMs
    expect([answer.status, answer.body.status], path).toEqual([status, 'running'])
    expect(answer.headers.get('preference-applied')).toBe('wait=0')
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answer.headers.get('location')).toBe(status === 202 ? answer.body.self : null)
    expect(tookMs).toBeGreaterThanOrEqual(110)
    expect(tookMs).toBeLessThan(9_000)
  }
})

test('respond-async on a read: an operation at once, kept like any other', async () => {
  const world = await startWorld()
  for (const [path, kind, result] of [
    ['/vms/1000/snapshots', 'snapshot.list', { snapshots: [{ name: 'first' }] }],
    ['/vms/1000/snapshots/first', 'snapshot.list', { snapshots: [{ name: 'first' }] }],
    ['/vms/1000/stats', 'stats.load', { stats: { power: 'off' } }],
  ] as const) {
    const answer = await world.call('GET', path, { headers: { prefer: 'respond-async' } })
    expect(answer.status).toBe(202)
    expect(answer.headers.get('preference-applied')).toBe('respond-async')
    expect(answer.headers.get('location')).toBe(answer.body.self)
    expect(answer.body).toMatchObject({ kind, status: 'running', created_by: 'tester' })
    expect(await ended(world, answer.body.id)).toMatchObject({ status: 'succeeded', result })
  }
  expect((await world.call('GET', '/operations')).body.operations).toHaveLength(3)
})

test('a caller who leaves while waiting ends nothing', async () => {
  const clock = stoppableClock()
  clock.stop()
  const world = await startWorld({ simulator: { now: clock.now } })
  const leaving = new AbortController()
  const waiting = fetch(`${world.gateway.address}/vms/1000/snapshots/first`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${KEY}`, prefer: 'wait=20' },
    signal: leaving.signal,
  })
  await vi.waitFor(() => expect(upstreamCalls(world)).toHaveLength(1))
  leaving.abort()
  await expect(waiting).rejects.toThrow('aborted')
  clock.go()
  const { operations } = (await world.call('GET', '/operations')).body
  expect(await ended(world, operations[0].id)).toMatchObject({ status: 'succeeded' })
})

test('a string hides what is in it, and takes nothing from what is beside it', () => {
  const text = fc.string({
    unit: fc.constantFrom('"', '\\', ',', ';', '=', ' ', 'wait=9', 'respond-async', 'a'),
  })
  fc.assert(
    fc.property(text, text, fc.nat(25), (value, parameter, seconds) => {
      const quoted = [value, parameter].map(one => `"${one.replaceAll(/["\\]/g, '\\$&')}"`)
      const header = `x=${quoted[0]}; y=${quoted[1]}, wait=${seconds}`
      expect(parsePrefer(header, 25_000)).toEqual({ waitMs: seconds * 1000, applied: `wait=${seconds}` })
      expect(parsePrefer(`x=${quoted[0]}; y=${quoted[1]}`, 25_000)).toEqual({ waitMs: null, applied: null })
    }),
  )
  // Nothing takes long.
  expect(parsePrefer(`${'"\\'.repeat(8_000)},wait=5`, 25_000).waitMs).toBeNull()
})
