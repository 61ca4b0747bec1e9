/** Whatever happens to a mutation's call, it is sent once, ends truthfully, and its caller can follow it. */

import { expect, test } from 'vitest'
import type { Fault } from '../../../src/simulator/faults.ts'
import { ended, startWorld, upstreamCalls, type Answer } from '../../helper.ts'

const HTML = { body: '<html><h1>Fatal error</h1></html>' }

type Status = 'succeeded' | 'unknown'
/** A fault, how often the call takes effect, and how create, delete and restore end. */
const CASES: [string, Omit<Fault, 'action' | 'vmId'> & { check?: true }, 0 | 1, Status, Status, Status][] = [
  ['drop-before', { kind: 'drop-before' }, 0, 'unknown', 'unknown', 'unknown'],
  ['drop-after', { kind: 'drop-after' }, 1, 'succeeded', 'succeeded', 'unknown'],
  ['drop-body', { kind: 'drop-body' }, 1, 'succeeded', 'succeeded', 'unknown'],
  ['hang', { kind: 'hang' }, 0, 'unknown', 'unknown', 'unknown'],
  ['hang-after', { kind: 'hang-after' }, 1, 'succeeded', 'succeeded', 'unknown'],
  ['garbage', { kind: 'respond-after', ...HTML }, 1, 'succeeded', 'succeeded', 'unknown'],
  [
    'a 502 of a proxy',
    { kind: 'respond-after', status: 502, ...HTML },
    1,
    'succeeded',
    'succeeded',
    'unknown',
  ],
  ['an empty answer', { kind: 'respond-after', body: '' }, 1, 'succeeded', 'succeeded', 'unknown'],
  [
    'a redirect',
    { kind: 'respond', status: 307, headers: { location: '/vm.php' } },
    0,
    'unknown',
    'unknown',
    'unknown',
  ],
  ['a huge answer', { kind: 'huge' }, 0, 'unknown', 'unknown', 'unknown'],
  ['lose-key', { kind: 'lose-key' }, 1, 'succeeded', 'succeeded', 'unknown'],
  ['burn', { kind: 'burn', check: true }, 1, 'succeeded', 'succeeded', 'unknown'],
  ['never-done', { kind: 'never-done' }, 1, 'unknown', 'unknown', 'unknown'],
]

const ROUTES = [
  ['create_snapshot', 'POST', '', { name: 'new' }],
  ['remove_snapshot', 'DELETE', '/old', undefined],
  ['restore_snapshot', 'POST', '/old/restore', undefined],
] as const

test('create, delete and restore end as the VM says, after at most one call each', async () => {
  const rows = CASES.flatMap(([name, { check, ...fault }, effects, ...ends], i) =>
    ROUTES.map(([action, method, tail, body], j) => ({
      title: `${name} of ${action}`,
      vmId: 2000 + i * ROUTES.length + j,
      fault: { action: check ? 'check' : action, ...fault },
      // Every fault meets callers who wait and callers who do not.
      prefer: (i + j) % 2 === 0 ? 'wait=10' : 'wait=0',
      effects,
      action,
      method,
      tail,
      body,
      end: ends[j]!,
    })),
  )
  const world = await startWorld({
    env: {
      HOSTKEY_TIMEOUT_MS: '1500',
      HOSTKEY_CONCURRENCY: '64',
      OPERATION_DEADLINE_MS: '2500',
      CHECK_MAX_MS: '400',
    },
    simulator: { vms: Object.fromEntries(rows.map(({ vmId }) => [vmId, { snapshots: ['old'] }])) },
  })

  await Promise.all(
    rows.map(async ({ title, vmId, fault, prefer, effects, action, method, tail, body, end }) => {
      world.simulator.fault({ ...fault, vmId })
      const answer = await world.call(method, `/vms/${vmId}/snapshots${tail}`, { headers: { prefer }, body })
      // A problem, an operation that runs, or one that ended: each leads to the operation.
      expect([`200 ${end}`, '202 running', '504 upstream-timeout', '502 upstream-invalid'], title).toContain(
        `${answer.status} ${answer.body.code ?? answer.body.status}`,
      )
      const self = answer.body.operation ?? answer.body.self
      const operation = await ended(world, self.split('/').pop())
      const unknown = { code: 'outcome-unknown', detail: expect.stringContaining(`VM ${vmId}`) }
      expect({ title, ...operation }).toMatchObject({
        title,
        status: end,
        result: end === 'succeeded' ? { settled_by: 'look' } : null,
        error: end === 'succeeded' ? null : unknown,
      })
      const calls = upstreamCalls(world, action).filter(({ fields }) => fields.id === String(vmId))
      expect(calls, title).toHaveLength(1)
      const happened = world.simulator.ledger.filter(one => one.vmId === vmId && one.action === action)
      expect(happened, title).toHaveLength(effects)
      // The VM is free again.
      const next = await world.call('POST', `/vms/${vmId}/snapshots`, { body: { name: 'next' } })
      expect(next.status, title).toBe(202)
    }),
  )
})

test('a restore that may have happened is said at once to who does not wait', async () => {
  const world = await startWorld({ env: { HOSTKEY_TIMEOUT_MS: '400' } })
  const restore = (): Promise<Answer> => world.call('POST', '/vms/1000/snapshots/first/restore')
  world.simulator.fault({ action: 'restore_snapshot', kind: 'hang-after' })
  const timedOut = await restore()
  expect([timedOut.status, timedOut.body.code]).toEqual([504, 'upstream-timeout'])
  world.simulator.fault({ action: 'restore_snapshot', kind: 'respond-after', ...HTML })
  const garbled = await restore()
  expect([garbled.status, garbled.body.code]).toEqual([502, 'upstream-invalid'])
  for (const { body } of [timedOut, garbled])
    expect((await world.call('GET', body.operation)).body.status).toBe('unknown')
})

test('a snapshot that was there before is not taken for the one that was asked for', async () => {
  let behindMs = 60_000
  const world = await startWorld({
    env: { OPERATION_DEADLINE_MS: '300' },
    simulator: { now: () => Date.now() - behindMs, vms: { 1000: { snapshots: ['dated'] }, 1004: {} } },
  })
  behindMs = 0
  // Known by its date, or by a list that was read shortly before.
  world.simulator.setVm(1004, { snapshots: ['listed'] })
  await world.call('GET', '/vms/1004/snapshots')
  for (const [vmId, name] of [
    [1000, 'dated'],
    [1004, 'listed'],
  ] as const) {
    world.simulator.fault({ action: 'create_snapshot', kind: 'drop-before' })
    const { body } = await world.call('POST', `/vms/${vmId}/snapshots`, { body: { name } })
    expect(await ended(world, body.id), name).toMatchObject({
      status: 'unknown',
      error: { detail: expect.stringContaining('may be an older one') },
    })
  }
})

test('while nobody can list the snapshots, nothing is made up', async () => {
  const world = await startWorld({ env: { OPERATION_DEADLINE_MS: '300' } })
  world.simulator.fault({ action: 'remove_snapshot', kind: 'drop-after' })
  world.simulator.fault({ action: 'get_snapshot', kind: 'respond', ...HTML, times: 99 })
  const { body } = await world.call('DELETE', '/vms/1000/snapshots/first')
  expect(await ended(world, body.id)).toMatchObject({ status: 'unknown' })
})
