import { expect, test, vi } from 'vitest'
import { SCOPES } from '../../../src/callers/caller.ts'
import { newEntry } from '../../../src/callers/key.ts'
import { ended, KEY, startWorld, stoppableClock, type Answer, type World } from '../../helper.ts'

const ASYNC = { headers: { prefer: 'respond-async' } }

/** Starts an operation that lists the snapshots of a type. */
async function listing(world: World, type: string, vmId = 1000, key = KEY): Promise<string> {
  return (await world.call('GET', `/vms/${vmId}/snapshots?type=${type}`, { ...ASYNC, key })).body.id
}

function idsOf(answer: Answer): string[] {
  return answer.body.operations.map(({ id }: { id: string }) => id)
}

test('pages: newest first, twenty when nothing is said, each operation once, whatever is started meanwhile', async () => {
  const world = await startWorld({ env: { BASE_PATH: '/gw' } })
  const ids: string[] = []
  for (let i = 0; i < 22; i += 1) ids.unshift(await listing(world, `t${i}`))
  const standard = await world.call('GET', '/operations')
  expect(idsOf(standard)).toEqual(ids.slice(0, 20))
  expect(standard.body.next_cursor).toMatch(/^[\w-]+$/)

  const seen: string[] = []
  let path: string | undefined = '/gw/operations?limit=8&kind=snapshot.list&vm_id=1000'
  for (let page = 1; path; page += 1) {
    const answer = await world.call('GET', path)
    expect(answer.status).toBe(200)
    seen.push(...idsOf(answer))
    const link = answer.headers.get('link')
    const { next_cursor: cursor } = answer.body
    path = link === null ? undefined : /^<(.+)>; rel="next"$/.exec(link)?.[1]
    const next = { limit: '8', kind: 'snapshot.list', vm_id: '1000', cursor }
    const query = new URLSearchParams(path?.replace('/gw/operations?', ''))
    expect(Object.fromEntries(query)).toEqual(cursor === null ? {} : next)
    expect(link === null).toBe(cursor === null)
    await listing(world, `later${page}`)
  }
  expect(seen).toEqual(ids)

  const exact = await world.call('GET', '/operations?limit=25')
  expect(exact.body).toMatchObject({ operations: { length: 25 }, next_cursor: null })
  expect(exact.headers.get('link')).toBeNull()
})

test('filters by VM, kind and status, alone and together', async () => {
  const world = await startWorld()
  const slow = (await world.call('POST', '/vms/1003/snapshots', { body: { name: 'a' } })).body.id
  const create = (await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' } })).body.id
  world.simulator.fault({ action: 'load_stats', kind: 'refuse', reason: 'no' })
  const stats = (await world.call('GET', '/vms/1000/stats', ASYNC)).body.id
  const list = await listing(world, 'snapshot')
  for (const id of [create, stats, list]) await ended(world, id)
  for (const [query, ids] of [
    ['', [list, stats, create, slow]],
    ['vm_id=1000', [list, stats, create]],
    ['vm_id=1004', []],
    ['kind=snapshot.create', [create, slow]],
    ['kind=stats.load', [stats]],
    ['status=running', [slow]],
    ['status=failed', [stats]],
    ['status=succeeded', [list, create]],
    ['status=unknown', []],
    ['vm_id=1000&kind=snapshot.create', [create]],
    ['vm_id=1000&status=running', []],
    ['vm_id=1003&kind=snapshot.create&status=running&limit=1', [slow]],
  ] as const)
    expect(idsOf(await world.call('GET', `/operations?${query}`)), query).toEqual(ids)
})

test('created_after and created_before cut the list at a time, to the millisecond, and with a cursor too', async () => {
  const world = await startWorld()
  for (let i = 0; i < 5; i += 1) await listing(world, `t${i}`)
  const all = (await world.call('GET', '/operations')).body.operations as { id: string; created_at: string }[]
  const listed = async (query: Record<string, string>): Promise<Answer> =>
    world.call('GET', `/operations?${new URLSearchParams(query).toString()}`)
  for (const { created_at: time } of all) {
    const [after, before] = [
      all.filter(one => one.created_at > time),
      all.filter(one => one.created_at < time),
    ]
    expect(idsOf(await listed({ created_after: time }))).toEqual(after.map(({ id }) => id))
    expect(idsOf(await listed({ created_before: time }))).toEqual(before.map(({ id }) => id))
    expect(idsOf(await listed({ created_after: time, created_before: time }))).toEqual([])
    const offset = `${new Date(Date.parse(time) + 7_200_000).toISOString().slice(0, -1)}+02:00`
    expect(idsOf(await listed({ created_before: offset }))).toEqual(before.map(({ id }) => id))
  }
  const [newest, second] = [all[0]!, all[1]!]
  const { next_cursor: cursor } = (await listed({ limit: '2' })).body
  // The cursor lies before the time, and the time before the cursor.
  expect(idsOf(await listed({ cursor, created_before: newest.created_at }))).toEqual(
    all.slice(2).map(({ id }) => id),
  )
  expect(idsOf(await listed({ cursor, created_before: all[3]!.created_at }))).toEqual(
    all.filter(one => one.created_at < all[3]!.created_at).map(({ id }) => id),
  )
  const page = await listed({
    limit: '1',
    created_before: newest.created_at,
    created_after: all[4]!.created_at,
  })
  expect(idsOf(page)).toEqual([second.id])
  expect(page.headers.get('link')).toContain('created_after=')
  expect(idsOf(await listed({ created_after: '0001-01-01T00:00:00Z' }))).toHaveLength(5)
  expect(idsOf(await listed({ created_after: '9999-12-31T23:59:59Z' }))).toEqual([])

  // A fraction of a millisecond counts.
  const between = newest.created_at.replace('Z', '5Z')
  expect(idsOf(await listed({ created_after: between, limit: '1' }))).toEqual([])
  expect(idsOf(await listed({ created_before: between, limit: '1' }))).toEqual([newest.id])

  for (const time of ['yesterday', '2026-11-24', '2026-02-30T00:00:00Z', '2026-11-24T10:15:30 02:00', '']) {
    const { status, body } = await listed({ created_after: time })
    expect([time, status, body.errors]).toEqual([
      time,
      400,
      [{ in: 'query', field: 'created_after', message: expect.stringMatching(/^must be a time .*`%2B`$/) }],
    ])
  }
})

test('resource is the path of what it is about, as callers reach it', async () => {
  const world = await startWorld({ env: { BASE_PATH: '/gw' } })
  const resourceOf = async (method: string, path: string, body?: object): Promise<string> => {
    const answer = await world.call(method, path, { headers: { prefer: 'respond-async' }, body })
    await ended(world, answer.body.id)
    return answer.body.resource
  }
  const all = {
    [await resourceOf('POST', '/vms/1004/snapshots', { name: 'a' })]: '/vms/1004/snapshots/a',
    [await resourceOf('POST', '/vms/1004/snapshots', { name: 'b', type: 'backup' })]:
      '/vms/1004/snapshots/b?type=backup',
    [await resourceOf('GET', '/vms/1004/snapshots')]: '/vms/1004/snapshots',
    [await resourceOf('GET', '/vms/1004/snapshots?type=backup')]: '/vms/1004/snapshots?type=backup',
    [await resourceOf('GET', '/vms/1004/stats')]: '/vms/1004/stats',
  }
  for (const [resource, path] of Object.entries(all)) {
    expect(resource).toBe(`/gw${path}`)
    expect([resource, (await world.call('GET', resource)).status]).toEqual([resource, 200])
  }
})

test('callers see the kinds of their families on the VMs of their list; all else is not there', async () => {
  const callers = {
    all: newEntry('all', 'key-all', SCOPES, '*'),
    snapshots: newEntry('snapshots', 'key-snapshots', ['snapshots:create'], '*'),
    stats: newEntry('stats', 'key-stats', ['stats:read'], '*'),
    one: newEntry('one', 'key-one', SCOPES, [1000]),
    none: newEntry('none', 'key-none', SCOPES, []),
  }
  const world = await startWorld({ callers: Object.values(callers) })
  const list = await listing(world, 'snapshot', 1000, 'key-one')
  const other = await listing(world, 'snapshot', 1001, 'key-all')
  const stats = (await world.call('GET', '/vms/1000/stats', { ...ASYNC, key: 'key-stats' })).body.id
  const visible: Record<keyof typeof callers, string[]> = {
    all: [stats, other, list],
    snapshots: [other, list],
    stats: [stats],
    one: [stats, list],
    none: [],
  }
  for (const [name, ids] of Object.entries(visible)) {
    const key = `key-${name}`
    expect(idsOf(await world.call('GET', '/operations', { key })), name).toEqual(ids)
    for (const id of [list, other, stats]) {
      const isVisible = ids.includes(id)
      for (const path of [`/operations/${id}`, `/operations/${id}/events`]) {
        const answer = await world.call('GET', path, { key })
        const code = answer.body?.code ?? 'none'
        expect([answer.status, code], `${name} ${path}`).toEqual(
          isVisible ? [200, 'none'] : [404, 'operation-not-found'],
        )
      }
    }
  }
  // Neither a filter nor a cursor widens what is seen.
  const foreign = await world.call('GET', '/operations?vm_id=1001', { key: 'key-one' })
  expect(idsOf(foreign)).toEqual([])
  const page = await world.call('GET', '/operations?limit=1', { key: 'key-all' })
  const rest = await world.call('GET', `/operations?cursor=${page.body.next_cursor}`, { key: 'key-one' })
  expect(idsOf(rest)).toEqual([list])
})

test('what cannot exist, what does not, and what is foreign are told apart by nobody', async () => {
  const world = await startWorld({
    callers: [newEntry('tester', KEY, SCOPES, '*'), newEntry('none', 'key-none', SCOPES, [])],
  })
  const id = await listing(world, 'snapshot')
  const bodies = []
  for (const one of [
    id,
    id.replace(/.$/, last => (last === '0' ? '1' : '0')),
    'op_x',
    'x',
    "' OR 1=1",
    '%00',
    '..%2f',
  ]) {
    const { status, body } = await world.call('GET', `/operations/${encodeURI(one)}`, { key: 'key-none' })
    expect(status, one).toBe(404)
    bodies.push({ ...body, instance: '' })
  }
  for (const body of bodies) expect(body).toEqual(bodies[0])
  expect(bodies[0].code).toBe('operation-not-found')
})

test('one operation: running with Retry-After and no Location, ended without, held on request', async () => {
  const clock = stoppableClock()
  clock.stop()
  const world = await startWorld({ simulator: { now: clock.now } })
  const { body: started } = await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' } })
  const running = await world.call('GET', started.self)
  expect([running.status, running.body]).toEqual([200, started])
  expect(Number(running.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(running.headers.get('location')).toBeNull()
  clock.go()
  const held = await world.call('GET', started.self, { headers: { prefer: 'wait=10' } })
  expect(held.headers.get('preference-applied')).toBe('wait=10')
  expect(held.headers.get('retry-after')).toBeNull()
  expect(held.body).toMatchObject({ status: 'succeeded' })
  expect(held.body.updated_at > started.updated_at).toBe(true)
  // As often as one likes, and after a restart.
  expect((await world.call('GET', started.self)).body).toEqual(held.body)
  await world.restart()
  expect((await world.call('GET', started.self)).body).toEqual(held.body)
})

test('ended operations go after OPERATION_TTL_MS, running ones stay', async () => {
  const world = await startWorld({ env: { OPERATION_TTL_MS: '100' } })
  const slow = await listing(world, 'snapshot', 1003)
  const id = await listing(world, 'snapshot')
  await vi.waitFor(async () => expect((await world.call('GET', `/operations/${id}`)).status).toBe(404), 3_000)
  expect(idsOf(await world.call('GET', '/operations'))).toEqual([slow])
})
