/** What reads do behind their routes: ask again, share, cache, and become operations only when they must. */

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { SCOPES } from '../../../src/callers/caller.ts'
import { newEntry } from '../../../src/callers/key.ts'
import type { Fault } from '../../../src/simulator/faults.ts'
import {
  arrivals,
  ended,
  KEY,
  startWorld,
  stoppableClock,
  upstreamCalls,
  type Answer,
  type World,
} from '../../helper.ts'

const LIST = '/vms/1000/snapshots'
const OTHER_KEY = 'other-caller-key-000000000000000'
const HTML = { body: '<html><h1>Bad Gateway</h1></html>' }

async function operationsOf(world: World): Promise<Answer['body'][]> {
  return (await world.call('GET', '/operations?include=result')).body.operations
}

function connectionsOf({ gateway }: World): Promise<number> {
  return new Promise((resolve, reject) =>
    gateway.app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
}

describe('asked again', () => {
  test('a lost call or result is not seen by the caller', async () => {
    const world = await startWorld({ env: { HOSTKEY_TIMEOUT_MS: '500' } })
    const faults: Fault[] = [
      { action: 'check', kind: 'burn' },
      { action: 'check', kind: 'drop-after' },
      { action: 'get_snapshot', kind: 'lose-key' },
      { action: 'get_snapshot', kind: 'drop-before' },
      { action: 'get_snapshot', kind: 'drop-after' },
      { action: 'get_snapshot', kind: 'drop-body' },
      { action: 'get_snapshot', kind: 'hang' },
      { action: 'get_snapshot', kind: 'respond', status: 502, ...HTML },
      { action: 'get_snapshot', kind: 'respond-after', ...HTML },
      { action: 'get_snapshot', kind: 'huge' },
      { action: 'get_snapshot', kind: 'respond', status: 302, headers: { location: '/vm.php' } },
    ]
    for (const fault of faults) {
      const before = upstreamCalls(world).length
      world.simulator.fault(fault)
      const answer = await world.call('GET', LIST)
      expect(answer.body, fault.kind).toMatchObject({ snapshots: [{ name: 'first' }] })
      // A check whose answer broke before the key was read can simply be made once more.
      const calls = fault.kind === 'drop-after' && fault.action === 'check' ? [1, 2] : [2]
      expect(calls, fault.kind).toContain(upstreamCalls(world).length - before)
    }
    expect(await operationsOf(world)).toEqual([])
  })

  test('in vain: the problem says how it was lost, and no operation stays', async () => {
    // Short only where it has to pass.
    const world = await startWorld({ env: { HOSTKEY_TIMEOUT_MS: '100' } })
    const rows = [
      [{ kind: 'hang' }, 504, 'upstream-timeout'],
      [{ kind: 'hang-body' }, 504, 'upstream-timeout'],
      [{ kind: 'drop-before' }, 503, 'upstream-unavailable'],
      [{ kind: 'huge' }, 502, 'upstream-invalid'],
      [{ kind: 'respond', status: 500, ...HTML }, 502, 'upstream-invalid'],
      [{ kind: 'respond', body: '{"result":"OK"' }, 502, 'upstream-invalid'],
      [{ kind: 'respond', body: '' }, 502, 'upstream-invalid'],
    ] as const
    for (const [fault, status, code] of rows) {
      if (fault.kind === 'drop-before') await world.restart({ HOSTKEY_TIMEOUT_MS: '5000' })
      world.simulator.clearFaults()
      world.simulator.fault({ action: 'load_stats', times: 99, ...fault })
      const before = upstreamCalls(world).length
      const answer = await world.call('GET', '/vms/1000/stats')
      expect([answer.status, answer.body.code], JSON.stringify(fault)).toEqual([status, code])
      expect(upstreamCalls(world).length - before).toBe(4)
      expect(answer.headers.has('retry-after')).toBe(status === 503)
      expect(answer.text).not.toContain('Bad Gateway')
    }
    expect(await operationsOf(world)).toEqual([])
  })
})

describe('shared', () => {
  test('1,000 equal reads at once are one call of HOSTKEY', async () => {
    const clock = stoppableClock()
    clock.stop()
    const world = await startWorld({ simulator: { now: clock.now } })
    void arrivals(world, 1_000).then(clock.go)
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => world.call('GET', LIST)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(upstreamCalls(world)).toHaveLength(1)
  })

  test('only equal ones', async () => {
    const clock = stoppableClock()
    clock.stop()
    const world = await startWorld({ simulator: { now: clock.now } })
    void arrivals(world, 6).then(clock.go)
    await Promise.all(
      [
        LIST,
        `${LIST}/first`,
        `${LIST}?type=snapshot`,
        `${LIST}?type=b`,
        '/vms/1001/snapshots',
        '/vms/1000/stats',
      ].map(path => world.call('GET', path)),
    )
    expect(upstreamCalls(world).map(({ fields: { action, id, type } }) => [action, id, type])).toHaveLength(4)
  })

  test('those who wait less get one operation together, the others the result; one who leaves ends nothing', async () => {
    const clock = stoppableClock()
    clock.stop()
    const world = await startWorld({ simulator: { now: clock.now } })
    const read = (prefer: string, options: { signal?: AbortSignal } = {}): Promise<Answer> =>
      world.call('GET', LIST, { headers: { prefer }, ...options })
    const leaving = new AbortController()
    const left = read('wait=10', { signal: leaving.signal })
    const patient = read('wait=10')
    await vi.waitFor(() => expect(upstreamCalls(world)).toHaveLength(1))
    const [a, b] = await Promise.all([read('respond-async'), read('wait=0')])
    leaving.abort()
    await expect(left).rejects.toThrow('aborted')
    clock.go()
    expect([a.status, b.status]).toEqual([202, 202])
    expect(a.body.id).toBe(b.body.id)
    const answer = await patient
    expect(answer.status).toBe(200)
    expect((await ended(world, a.body.id)).result).toEqual(answer.body)
    expect(upstreamCalls(world)).toHaveLength(1)
    expect(await operationsOf(world)).toHaveLength(1)
  })

  test('a read whose last caller left is given up, and the next one starts anew', async () => {
    const world = await startWorld({
      env: { HOSTKEY_TOKEN: '', HOSTKEY_API_KEY: 'an-api-key' },
      simulator: { apiKey: 'an-api-key' },
    })
    // What is under way when the caller leaves is the login, which cannot be given up.
    world.simulator.fault({ action: 'login', kind: 'late', delayMs: 300 })
    const leaving = new AbortController()
    const left = world.call('GET', LIST, { signal: leaving.signal })
    await vi.waitFor(() => expect(world.simulator.requests).toHaveLength(1))
    leaving.abort()
    await expect(left).rejects.toThrow('aborted')
    await vi.waitFor(async () => expect(await connectionsOf(world)).toBe(0))
    expect((await world.call('GET', LIST)).status).toBe(200)
    expect(await operationsOf(world)).toEqual([])
    expect(upstreamCalls(world)).toHaveLength(1)
  })

  test('nobody polls for who left', async () => {
    const world = await startWorld()
    const leaving = new AbortController()
    const left = world.call('GET', '/vms/1003/stats', { signal: leaving.signal })
    await vi.waitFor(() => expect(world.simulator.requests.length).toBeGreaterThan(3))
    leaving.abort()
    await expect(left).rejects.toThrow('aborted')
    // Checks come every 60 ms at most; there is no event for one that never comes.
    await sleep(100)
    const { length } = world.simulator.requests
    await sleep(200)
    expect(world.simulator.requests).toHaveLength(length)
    expect(await operationsOf(world)).toEqual([])
  })
})

describe('the operation of a read that outlived its wait', () => {
  test('goes on by itself, also over a restart, and is kept', async () => {
    const clock = stoppableClock()
    clock.stop()
    const world = await startWorld({ env: { READ_WAIT_MS: '50' }, simulator: { now: clock.now } })
    const answer = await world.call('GET', `${LIST}/first`)
    expect(answer.status).toBe(202)
    expect(answer.headers.get('location')).toBe(answer.body.self)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answer.headers.get('preference-applied')).toBeNull()
    expect(answer.body).toMatchObject({
      kind: 'snapshot.list',
      vm_id: 1000,
      snapshot: null,
      snapshot_type: 'snapshot',
      status: 'running',
    })
    await world.restart()
    clock.go()
    const done = await ended(world, answer.body.id)
    expect(done).toMatchObject({
      status: 'succeeded',
      result: { vm_id: 1000, type: 'snapshot', snapshots: [{ name: 'first' }] },
      error: null,
    })
    expect((await world.call('GET', answer.body.self)).body).toEqual(done)
    expect(await operationsOf(world)).toEqual([done])
  })

  test('asks again for a lost result, and fails as an operation when that is in vain', async () => {
    const world = await startWorld({ simulator: { taskMs: 100 } })
    const start = async (): Promise<string> =>
      (await world.call('GET', LIST, { headers: { prefer: 'respond-async' } })).body.id
    world.simulator.fault({ action: 'check', kind: 'burn', times: 2 })
    expect(await ended(world, await start())).toMatchObject({ status: 'succeeded' })
    world.simulator.fault({ action: 'get_snapshot', kind: 'refuse', reason: 'no', times: 99 })
    expect(await ended(world, await start())).toMatchObject({
      status: 'failed',
      result: null,
      error: { code: 'operation-failed', upstream: { code: '-1' } },
    })
  })
})

describe('cached', () => {
  test('a fresh result is served with its age, to every caller and for one snapshot too', async () => {
    const world = await startWorld({
      env: { READ_CACHE_MS: '60000' },
      callers: [newEntry('tester', KEY, SCOPES, '*'), newEntry('other', OTHER_KEY, SCOPES, '*')],
    })
    const first = await world.call('GET', LIST)
    expect(first.headers.get('age')).toBeNull()
    for (const path of [LIST, `${LIST}/first`]) {
      const cached = await world.call('GET', path, { key: OTHER_KEY })
      expect([cached.status, cached.headers.get('age')]).toEqual([200, '0'])
      expect(cached.headers.get('cache-control')).toBe('private, no-cache')
    }
    // That something is missing is not for keeping, whatever it is concluded from.
    const missing = await world.call('GET', `${LIST}/missing`)
    expect([missing.status, missing.headers.get('age'), missing.headers.get('cache-control')]).toEqual([
      404,
      null,
      'no-store',
    ])
    await vi.waitFor(async () => expect((await world.call('GET', LIST)).headers.get('age')).toBe('1'), {
      timeout: 2_000,
      interval: 100,
    })
    expect((await world.call('GET', LIST)).body).toEqual(first.body)
    expect(upstreamCalls(world)).toHaveLength(1)

    for (const value of ['no-cache', 'max-age=0, No-Cache']) {
      const anew = await world.call('GET', LIST, { headers: { 'cache-control': value } })
      expect(anew.headers.get('age'), value).toBeNull()
      expect(anew.body.observed_at > first.body.observed_at).toBe(true)
    }
    expect(upstreamCalls(world)).toHaveLength(3)
    expect(
      (await world.call('GET', LIST, { headers: { 'cache-control': 'x-no-cache-not' } })).headers.get('age'),
    ).toBe('0')
  })

  test('only for READ_CACHE_MS, and never a failure', async () => {
    const world = await startWorld({ env: { READ_CACHE_MS: '100' } })
    await world.call('GET', LIST)
    await vi.waitFor(async () => {
      await world.call('GET', LIST)
      expect(upstreamCalls(world)).toHaveLength(2)
    })
    world.simulator.fault({ action: 'load_stats', kind: 'refuse', reason: 'no' })
    expect((await world.call('GET', '/vms/1000/stats')).status).toBe(502)
    expect((await world.call('GET', '/vms/1000/stats')).status).toBe(200)
  })

  test('a mutation of the VM drops what is kept, at its start and at its end', async () => {
    const clock = stoppableClock()
    const world = await startWorld({ env: { READ_CACHE_MS: '60000' }, simulator: { now: clock.now } })
    const names = async (): Promise<string> => {
      const { body } = await world.call('GET', LIST)
      return body.snapshots.map(({ name }: { name: string }) => name).join()
    }
    await world.call('GET', '/vms/1001/snapshots')
    expect(await names()).toBe('first')
    clock.stop()
    const create = await world.call('POST', LIST, { body: { name: 'a' } })
    expect(upstreamCalls(world, 'get_snapshot')).toHaveLength(2)
    const during = world.call('GET', LIST)
    await vi.waitFor(() => expect(upstreamCalls(world, 'get_snapshot')).toHaveLength(3))
    clock.go()
    await ended(world, create.body.id)
    await during
    expect(await names()).toBe('first,a')
    expect(await names()).toBe('first,a')
    expect((await world.call('GET', '/vms/1001/snapshots')).headers.get('age')).not.toBeNull()
    expect(upstreamCalls(world, 'get_snapshot')).toHaveLength(4)
  })

  test('a read that began before the mutation is not joined after it', async () => {
    const world = await startWorld({ env: { READ_CACHE_MS: '60000' } })
    world.simulator.fault({ action: 'get_snapshot', kind: 'late', delayMs: 400 })
    const early = world.call('GET', LIST)
    await vi.waitFor(() => expect(upstreamCalls(world)).toHaveLength(1))
    await world.call('POST', LIST, { body: { name: 'a' }, headers: { prefer: 'wait=10' } })
    const late = await world.call('GET', LIST)
    expect(late.body.snapshots).toHaveLength(2)
    await early
    expect((await world.call('GET', LIST)).body).toEqual(late.body)
  })
})
