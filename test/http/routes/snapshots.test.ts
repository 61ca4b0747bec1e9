import { describe, expect, test } from 'vitest'
import {
  ended,
  mutations,
  startWorld,
  stoppableClock,
  upstreamCalls,
  type Answer,
  type World,
} from '../../helper.ts'

const WAIT = { headers: { prefer: 'wait=10' } }
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

test('a snapshot is created, listed, seen, restored and deleted', async () => {
  const world = await startWorld()
  const created = await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' } })
  expect(created.status).toBe(202)
  expect(created.headers.get('location')).toBe(created.body.self)
  expect(Number(created.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await ended(world, created.body.id)).toMatchObject({
    status: 'succeeded',
    kind: 'snapshot.create',
    snapshot: 'a',
    snapshot_type: 'snapshot',
  })

  const list = await world.call('GET', '/vms/1000/snapshots')
  expect(list.status).toBe(200)
  expect(list.body.snapshots.map((snapshot: { name: string }) => snapshot.name)).toEqual(['first', 'a'])
  expect((await world.call('GET', '/vms/1000/snapshots/a')).body).toMatchObject({
    name: 'a',
    type: 'snapshot',
  })
  expect((await world.call('GET', '/vms/1000/snapshots/b')).body).toMatchObject({
    status: 404,
    code: 'snapshot-not-found',
  })

  const restored = await world.call('POST', '/vms/1000/snapshots/a/restore', WAIT)
  expect(restored.status).toBe(200)
  expect(restored.headers.get('preference-applied')).toBe('wait=10')
  expect(restored.body).toMatchObject({ status: 'succeeded', kind: 'snapshot.restore' })

  const deleted = await world.call('DELETE', '/vms/1000/snapshots/a', WAIT)
  expect(deleted.body).toMatchObject({ status: 'succeeded', kind: 'snapshot.delete' })
  expect((await world.call('GET', '/vms/1000/snapshots/a')).status).toBe(404)
})

test('the five actions send exactly the fields of the page', async () => {
  const world = await startWorld({ env: { HOSTKEY_READ_METHOD: 'GET' } })
  await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a', type: 'snapshot' }, ...WAIT })
  await world.call('GET', '/vms/1000/snapshots')
  await world.call('GET', '/vms/1000/stats')
  await world.call('POST', '/vms/1000/snapshots/a/restore', { body: { backup_id: 'b 1' }, ...WAIT })
  await world.call('DELETE', '/vms/1000/snapshots/a', WAIT)
  const sent = upstreamCalls(world).map(({ method, contentType, body }) => ({ method, contentType, body }))
  const contentType = 'application/x-www-form-urlencoded'
  const token = 'token=test-token-1111111111111111'
  expect(sent).toEqual([
    { method: 'POST', contentType, body: `action=create_snapshot&${token}&id=1000&name=a&type=snapshot` },
    { method: 'GET', contentType, body: `action=get_snapshot&${token}&id=1000&type=snapshot` },
    { method: 'POST', contentType, body: `action=load_stats&${token}&id=1000` },
    {
      method: 'POST',
      contentType,
      body: `action=restore_snapshot&${token}&id=1000&name=a&type=snapshot&backup_id=b+1`,
    },
    { method: 'POST', contentType, body: `action=remove_snapshot&${token}&id=1000&name=a&type=snapshot` },
  ])
})

test('the type goes with each of the five routes', async () => {
  const world = await startWorld()
  const created = await world.call('POST', '/vms/1000/snapshots', {
    body: { name: 'a', type: 'backup' },
    ...WAIT,
  })
  expect(created.body).toMatchObject({ status: 'succeeded', snapshot_type: 'backup' })
  const list = await world.call('GET', '/vms/1000/snapshots?type=backup')
  expect(list.body).toMatchObject({ type: 'backup', snapshots: [{ name: 'a', type: 'backup' }] })
  expect((await world.call('GET', '/vms/1000/snapshots/a')).status).toBe(404)
  expect((await world.call('GET', '/vms/1000/snapshots/a?type=backup')).status).toBe(200)
  const body = { type: 'backup', backup_id: '7' }
  expect((await world.call('POST', '/vms/1000/snapshots/a/restore', { body, ...WAIT })).body).toMatchObject({
    status: 'succeeded',
    snapshot_type: 'backup',
  })
  expect((await world.call('DELETE', '/vms/1000/snapshots/a', WAIT)).status).toBe(404)
  expect((await world.call('DELETE', '/vms/1000/snapshots/a?type=backup', WAIT)).body.status).toBe(
    'succeeded',
  )
  expect(upstreamCalls(world).map(({ fields }) => fields.type)).toEqual(
    ['backup', 'backup', 'snapshot', 'backup', 'backup', 'snapshot', 'backup'], // in the order above
  )
})

describe('shapes', () => {
  test('an operation, running and ended', async () => {
    const world = await startWorld()
    const answer = await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' } })
    expect(answer.headers.get('content-type')).toMatch(/^application\/json\b/)
    expect(answer.headers.get('preference-applied')).toBeNull()
    const time = expect.stringMatching(TIME)
    const { id } = answer.body
    const running = {
      id: expect.stringMatching(/^op_[0-9a-z]{26}$/),
      self: `/operations/${id}`,
      resource: '/vms/1000/snapshots/a',
      kind: 'snapshot.create',
      vm_id: 1000,
      snapshot: 'a',
      snapshot_type: 'snapshot',
      status: 'running',
      created_at: time,
      updated_at: time,
      finished_at: null,
      created_by: 'tester',
      result: null,
      error: null,
    }
    expect(answer.body).toEqual(running)
    expect(await ended(world, id)).toEqual({
      ...running,
      status: 'succeeded',
      finished_at: time,
      result: { settled_by: 'callback', raw: 'snapshot a created' },
    })
  })

  test('a list and its entries, with unknown members in `raw`', async () => {
    const world = await startWorld()
    const raw = {
      name: 'first',
      snapshot_id: expect.any(Number),
      type: 'snapshot',
      date: expect.any(String),
      size: 10_737_418_240,
    }
    const snapshot = {
      name: 'first',
      id: expect.stringMatching(/^\d+$/),
      type: 'snapshot',
      created_at: expect.stringMatching(TIME),
      raw,
    }
    const list = await world.call('GET', '/vms/1000/snapshots')
    expect(list.body).toEqual({
      vm_id: 1000,
      type: 'snapshot',
      observed_at: expect.stringMatching(TIME),
      snapshots: [snapshot],
      raw: [raw],
    })
    expect(list.headers.get('age')).toBeNull()
    expect((await world.call('GET', '/vms/1000/snapshots/first')).body).toEqual(snapshot)
    expect((await world.call('GET', '/vms/1001/snapshots')).body).toMatchObject({ snapshots: [], raw: [] })
  })

  test('a list that HOSTKEY answers at once needs no check', async () => {
    const world = await startWorld({ simulator: { immediateLists: true } })
    expect((await world.call('GET', '/vms/1000/snapshots')).body.snapshots).toHaveLength(1)
    expect(world.simulator.requests).toHaveLength(1)
  })

  test('what is not recognised is null, never an empty list, and no snapshot is said to be missing', async () => {
    const world = await startWorld()
    const scope = { something: 'else', count: 2 }
    const body = JSON.stringify({ result: 'OK', module: 'vm', action: 'get_snapshot', scope })
    world.simulator.fault({ action: 'get_snapshot', kind: 'respond', body, times: 2 })
    const list = await world.call('GET', '/vms/1000/snapshots')
    expect(list.status).toBe(200)
    expect(list.body).toMatchObject({ snapshots: null, raw: scope })
    expect((await world.call('GET', '/vms/1000/snapshots/first')).body).toMatchObject({
      status: 502,
      code: 'upstream-invalid',
    })
  })
})

describe('names', () => {
  test('every character a name may have, encoded or not, reaches HOSTKEY as it is', async () => {
    const world = await startWorld()
    for (const name of ['...', '-', 'A_z.0-9', 'n'.repeat(255)]) {
      const encoded = Buffer.from(name).toString('hex').replace(/../g, '%$&')
      const created = await world.call('POST', '/vms/1000/snapshots', { body: { name }, ...WAIT })
      expect(created.body).toMatchObject({ status: 'succeeded', snapshot: name })
      for (const path of [name, encoded])
        expect((await world.call('GET', `/vms/1000/snapshots/${path}`)).body.name).toBe(name)
      expect((await world.call('DELETE', `/vms/1000/snapshots/${encoded}`, WAIT)).body).toMatchObject({
        status: 'succeeded',
        snapshot: name,
      })
    }
  })

  test('a restore takes a backup id of any printable text', async () => {
    const world = await startWorld()
    for (const backup_id of ['x', 'ü & =+/%00 ✓', '𝄞'.repeat(255)]) {
      const body = { backup_id }
      const answer = await world.call('POST', '/vms/1000/snapshots/first/restore', { body, ...WAIT })
      expect(answer.body.status).toBe('succeeded')
      expect(world.simulator.ledger.at(-1)?.backupId).toBe(backup_id)
    }
  })

  test('a restore takes no body, an empty one and an empty object', async () => {
    const world = await startWorld()
    for (const options of [
      WAIT,
      { body: '', ...WAIT },
      { body: '{}', headers: { 'content-type': 'application/json; charset=utf-8', prefer: 'wait=10' } },
    ])
      expect((await world.call('POST', '/vms/1000/snapshots/first/restore', options)).body.status).toBe(
        'succeeded',
      )
  })

  test('the first and the last VM are VMs', async () => {
    const world = await startWorld({ simulator: { vms: { 1: {}, 2_147_483_647: {} } } })
    for (const vm_id of [1, 2_147_483_647])
      expect((await world.call('GET', `/vms/${vm_id}/snapshots`)).body).toMatchObject({
        vm_id,
        snapshots: [],
      })
  })
})

describe('refusals', () => {
  const create = (world: World): Promise<Answer> =>
    world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' } })

  test('of a mutation, at once', async () => {
    const world = await startWorld()
    const reasons = [
      ['vm-not-found', 404, 'server not found'],
      ['snapshot-not-found', 404, 'snapshot a not found'],
      ['upstream-conflict', 409, 'snapshot a already exists'],
      ['upstream-conflict', 409, 'server must be powered off'],
      ['upstream-conflict', 409, 'server is locked'],
      ['upstream-rejected', 502, 'the moon is in the wrong phase'],
    ] as const
    const routes: [string, string, object?][] = [
      ['POST', '/vms/1000/snapshots', { name: 'a' }],
      ['DELETE', '/vms/1000/snapshots/first'],
      ['POST', '/vms/1000/snapshots/first/restore', {}],
    ]
    for (const [code, status, reason] of reasons) {
      for (const [method, path, body] of routes) {
        world.simulator.fault({ kind: 'refuse', reason })
        const answer = await world.call(method, path, body ? { body } : {})
        expect(answer.status, reason).toBe(status)
        expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json\b/)
        expect(answer.body).toMatchObject({ code, status, upstream: { code: '-1' } })
        expect(answer.body.upstream.message).toMatch(
          new RegExp(`^failed to request .* for 1000 - ${reason}$`),
        )
        // It was on disk before HOSTKEY was asked, and stays to be seen.
        const operation = await world.call('GET', answer.body.operation)
        expect(operation.body).toMatchObject({ status: 'failed', error: { code: 'operation-failed' } })
        expect(operation.body.error.upstream).toEqual(answer.body.upstream)
      }
    }
    expect(mutations(world)).toEqual([])
  })

  test('of a read', async () => {
    const world = await startWorld()
    for (const path of ['/vms/4000/snapshots', '/vms/4000/snapshots/a', '/vms/4000/stats']) {
      const answer = await world.call('GET', path)
      expect(answer.status, path).toBe(404)
      expect(answer.body).toMatchObject({ code: 'vm-not-found', upstream: { code: '-1' } })
      expect(answer.body.operation).toBeUndefined()
    }
  })

  test('upstream-unauthorized: nothing of it stays, and the token is not shown', async () => {
    const world = await startWorld()
    world.simulator.expireTokens({ fixed: true })
    for (const answer of [await create(world), await world.call('GET', '/vms/1000/snapshots')]) {
      expect(answer.status).toBe(502)
      expect(answer.body.code).toBe('upstream-unauthorized')
      expect(answer.headers.get('www-authenticate')).toBeNull()
    }
    expect((await world.call('GET', '/operations')).body.operations).toEqual([])
  })

  test('upstream-unavailable: what certainly did not leave leaves no operation and no hold', async () => {
    const world = await startWorld()
    const { port } = world.simulator
    await world.simulator.close()
    for (const answer of [
      await create(world),
      await create(world),
      await world.call('GET', '/vms/1000/stats'),
    ]) {
      expect(answer.status).toBe(503)
      expect(answer.body.code).toBe('upstream-unavailable')
      expect(answer.text).not.toContain(String(port))
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    expect((await world.call('GET', '/operations')).body.operations).toEqual([])
  })

  test('a task that fails: 200 with the failed operation for who waits, a problem inside', async () => {
    const world = await startWorld()
    world.simulator.fault({ action: 'create_snapshot', kind: 'task-fails', reason: 'no space left' })
    const answer = await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' }, ...WAIT })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('retry-after')).toBeNull()
    expect(answer.headers.get('location')).toBeNull()
    const { id } = answer.body
    expect(answer.body).toMatchObject({
      status: 'failed',
      result: null,
      error: {
        type: '/problems/operation-failed',
        title: expect.any(String),
        status: 502,
        detail: expect.stringContaining('no space left'),
        instance: id,
        code: 'operation-failed',
        upstream: { message: 'no space left' },
      },
    })
  })

  test('a task of a read that fails is a problem while its caller waits', async () => {
    const world = await startWorld()
    expect((await world.call('GET', '/vms/1002/snapshots')).body).toMatchObject({
      status: 502,
      code: 'upstream-rejected',
      upstream: { code: 'Error', message: 'internal error' },
    })
    expect((await world.call('GET', '/operations')).body.operations).toEqual([])
  })
})

describe('one mutation per VM', () => {
  test('another gets 409 with the running one, until that ends; other VMs and reads go on', async () => {
    const clock = stoppableClock()
    clock.stop()
    const world = await startWorld({ simulator: { now: clock.now, immediateLists: true } })
    const first = await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' } })
    for (const [method, path] of [
      ['POST', '/vms/1000/snapshots/first/restore'],
      ['DELETE', '/vms/1000/snapshots/first'],
    ] as const) {
      const busy = await world.call(method, path)
      expect(busy.status).toBe(409)
      expect(busy.body).toMatchObject({ code: 'vm-busy', operation: first.body.self })
      expect(Number(busy.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    expect((await world.call('GET', '/vms/1000/snapshots', WAIT)).status).toBe(200)
    expect((await world.call('POST', '/vms/1004/snapshots', { body: { name: 'a' } })).status).toBe(202)
    clock.go()
    await ended(world, first.body.id)
    expect((await world.call('DELETE', '/vms/1000/snapshots/first')).status).toBe(202)
    expect(mutations(world).map(({ action, vmId }) => `${action} ${vmId}`)).toEqual([
      'create_snapshot 1000',
      'create_snapshot 1004',
      'remove_snapshot 1000',
    ])
  })

  test('of many at once one is let through', async () => {
    const world = await startWorld({ simulator: { taskMs: 60_000 } })
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        world.call('POST', '/vms/1000/snapshots', { body: { name: `n${i}` } }),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      202,
      ...Array(19).fill(409),
    ])
    expect(mutations(world)).toHaveLength(1)
  })
})
