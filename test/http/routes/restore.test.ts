/** A restore deletes newer snapshots for good: who asks for that to be refused is told their names, and nothing is sent. */

import { expect, test, vi } from 'vitest'
import { GUIDE } from '../../../src/simulator/simulator.ts'
import { mutations, startWorld, upstreamCalls, type Answer, type World } from '../../helper.ts'

const VM = 1000
const iso = (minute: number): string => `2026-11-24T10:0${minute}:00Z`
const sql = (minute: number): string => `2026-11-24 10:0${minute}:00`

/** HOSTKEY lists these for the VM, `times` times. */
function list(world: World, entries: object[], times: number | 'always' = 'always'): void {
  const body = JSON.stringify({ result: 'OK', scope: entries })
  world.simulator.fault({ kind: 'respond', action: 'get_snapshot', vmId: VM, body, times })
}

function restore(
  world: World,
  name: string,
  options: { ifNewer?: string; key?: string } = {},
): Promise<Answer> {
  const { ifNewer = 'refuse', key } = options
  return world.call('POST', `/vms/${VM}/snapshots/${name}/restore`, {
    body: { if_newer: ifNewer },
    headers: { prefer: 'wait=10', ...(key ? { 'idempotency-key': key } : {}) },
  })
}

const start = (snapshots = ['old', 'middle', 'new']): Promise<World> =>
  startWorld({ simulator: { ...GUIDE, vms: { [VM]: { power: 'off', snapshots } } } })

test.each<[string, object[], string[], RegExp]>([
  [
    'newer ones are there, dates with zones in any order',
    [
      { name: 'new', date: iso(3) },
      { name: 'old', date: iso(1) },
      { name: 'middle', date: iso(2) },
    ],
    ['new', 'middle'],
    /would discard newer snapshots for good: "new", "middle"/,
  ],
  [
    'newer ones are there, dates without zones',
    [
      { name: 'old', date: sql(1) },
      { name: 'new', date: sql(3) },
    ],
    ['new'],
    /would discard newer/,
  ],
  [
    'one date is missing',
    [{ name: 'old', date: iso(1) }, { name: 'middle' }],
    ['middle'],
    /cannot be told, .*: "middle"/,
  ],
  [
    'two dates are equal',
    [
      { name: 'old', date: iso(1) },
      { name: 'middle', date: iso(1) },
    ],
    ['middle'],
    /cannot be told/,
  ],
  [
    'only some dates have a zone',
    [
      { name: 'old', date: iso(3) },
      { name: 'middle', date: sql(1) },
    ],
    ['middle'],
    /cannot be told/,
  ],
  [
    'two have the name',
    [
      { name: 'old', date: iso(1) },
      { name: 'old', date: iso(2) },
    ],
    [],
    /cannot be told/,
  ],
  ['it is not in the list', [{ name: 'middle', date: iso(1) }], ['middle'], /cannot be told/],
  ['the list is empty', [], [], /the one to restore is not in the list/],
])('refuse: %s', async (_, entries, names, detail) => {
  const world = await start()
  list(world, entries)
  const refused = await restore(world, 'old', { key: 'k' })
  expect(refused.status).toBe(409)
  expect(refused.body).toMatchObject({ code: 'newer-snapshots', snapshots: names })
  expect(refused.body.detail).toMatch(detail)
  // Nothing was sent, nothing is left of it, and the VM and the key are free.
  expect(mutations(world)).toEqual([])
  expect((await world.call('GET', '/operations')).body.operations).toEqual([])
  const again = await restore(world, 'old', { ifNewer: 'discard', key: 'k2' })
  expect(again.body).toMatchObject({ status: 'succeeded' })
})

test('refuse: the key is free afterwards, and the same request goes through once nothing is newer', async () => {
  const world = await start(['old', 'new'])
  list(
    world,
    [
      { name: 'old', date: iso(1) },
      { name: 'new', date: iso(2) },
    ],
    1,
  )
  expect((await restore(world, 'old', { key: 'k' })).status).toBe(409)
  world.simulator.setVm(VM, { snapshots: ['old'] })
  const again = await restore(world, 'old', { key: 'k' })
  expect(again.headers.get('idempotency-replayed')).toBeNull()
  expect(again.body).toMatchObject({ status: 'succeeded', result: { settled_by: 'callback' } })
  expect(again.body.result).not.toHaveProperty('discarded')
})

test("refuse: older ones, and one alone, are in nobody's way", async () => {
  const world = await start(['old', 'new'])
  list(
    world,
    [
      { name: 'old', date: sql(1) },
      { name: 'new', date: sql(2) },
    ],
    1,
  )
  expect((await restore(world, 'new')).body.status).toBe('succeeded')
  list(world, [{ name: 'old' }], 1)
  expect((await restore(world, 'old')).body.status).toBe('succeeded')
  expect(mutations(world)).toHaveLength(2)
})

test('discard, as HOSTKEY does it, asks for no list; what is known to be lost is told', async () => {
  const world = await start()
  expect((await restore(world, 'new', { ifNewer: 'discard' })).body.result).not.toHaveProperty('discarded')
  expect(upstreamCalls(world, 'get_snapshot')).toEqual([])
  // Somebody has read the list shortly before.
  list(
    world,
    [
      { name: 'new', date: iso(3) },
      { name: 'old', date: iso(1) },
      { name: 'middle', date: iso(2) },
    ],
    1,
  )
  await world.call('GET', `/vms/${VM}/snapshots`)
  const { body } = await restore(world, 'old', { ifNewer: 'discard' })
  expect(body).toMatchObject({ status: 'succeeded', result: { discarded: ['new', 'middle'] } })
  await world.restart()
  expect((await world.call('GET', body.self)).body).toEqual(body)
})

test('refuse: the VM is held while its snapshots are listed, and free as soon as that is refused', async () => {
  const world = await start()
  // Made in one moment, their order cannot be told.
  world.simulator.fault({ kind: 'late', delayMs: 700, action: 'get_snapshot', vmId: VM })
  const restoring = restore(world, 'old')
  await vi.waitFor(() => expect(upstreamCalls(world, 'get_snapshot')).toHaveLength(1))
  const busy = await world.call('POST', `/vms/${VM}/snapshots`, { body: { name: 'x' } })
  expect([busy.status, busy.body.code]).toEqual([409, 'vm-busy'])
  // Who waits for a turn gets it when the restore is refused, long before its own wait is over.
  const waiting = await world.call('POST', `/vms/${VM}/snapshots`, {
    body: { name: 'y' },
    headers: { prefer: 'wait=20' },
  })
  expect((await restoring).body.code).toBe('newer-snapshots')
  expect(waiting.body).toMatchObject({ status: 'succeeded' })
  expect(mutations(world).map(({ name }) => name)).toEqual(['y'])
})

test.each([
  ['drops every connection', { kind: 'drop-before' }, 503, 'upstream-unavailable'],
  [
    'takes no requests',
    { kind: 'respond', status: 503, headers: { 'Retry-After': '60' } },
    503,
    'upstream-unavailable',
  ],
  ['answers in HTML', { kind: 'respond', body: '<html>' }, 502, 'upstream-invalid'],
  ['does not know the VM', { kind: 'refuse', reason: 'server not found' }, 404, 'vm-not-found'],
  [
    'lists in a shape that nobody knows',
    { kind: 'respond', body: '{"result":"OK","scope":{"a":1}}' },
    502,
    'upstream-invalid',
  ],
] as const)('refuse: a HOSTKEY that %s while it is asked for the list', async (_, fault, status, code) => {
  const world = await start()
  world.simulator.fault({ ...fault, action: 'get_snapshot', vmId: VM, times: 'always' })
  const answer = await restore(world, 'old', { key: 'k' })
  expect([answer.status, answer.body.code]).toEqual([status, code])
  if (status === 503) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(mutations(world)).toEqual([])
  expect((await world.call('GET', '/operations')).body.operations).toEqual([])
  world.simulator.clearFaults()
  // Nothing is left of it: the VM and the key are free.
  const again = await restore(world, 'new', { ifNewer: 'discard' })
  expect(again.body).toMatchObject({ status: 'succeeded' })
})
