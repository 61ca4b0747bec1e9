/**
 * Every dress of HOSTKEY's answers under every change and read: whoever asked is told what the simulator's ledger holds,
 * or, of what no outsider can prove, that it is unknown.
 */

import { expect, test, vi } from 'vitest'
import type { Dress } from '../src/simulator/dresses/dress.ts'
import { DRESSES, canWear, dressesOn, isProvable } from '../src/simulator/dresses/dresses.ts'
import { mutations, startWorld, upstreamCalls, type World } from './helper.ts'

const CHANGES = [
  { action: 'create_snapshot', method: 'POST', path: '/snapshots', body: { name: 'new' } },
  { action: 'remove_snapshot', method: 'DELETE', path: '/snapshots/old' },
  { action: 'restore_snapshot', method: 'POST', path: '/snapshots/old/restore' },
] as const
const READS = [
  { action: 'get_snapshot', path: '/snapshots' },
  { action: 'load_stats', path: '/stats' },
] as const
const WAIT = { prefer: 'wait=20' }

/** A refused token is everybody's trouble and not one VM's, so it would spoil the other cells. */
const dressed = (...on: Dress['on'][]) =>
  dressesOn(...on).filter(name => DRESSES[name].told !== 'unauthorized')
/** Each dress of a change with each of the truths that may stand behind it. */
const TRUTHS = dressed('call', 'wait', 'end', 'any').flatMap(dress =>
  DRESSES[dress].acts.map(acts => ({ dress, acts })),
)

/** Checks come soon enough to find a task running. The circuit stays closed, so that cells do not shed each other. */
const start = (): Promise<World> =>
  startWorld({
    simulator: { taskMs: 60 },
    env: {
      HOSTKEY_CONCURRENCY: '256',
      OPERATION_DEADLINE_MS: '3000',
      CHECK_MAX_MS: '200',
      MAX_OPEN_PER_CALLER: '10000',
      LOG_LEVEL: 'error',
    },
    overrides: { breakerFailures: Infinity },
  })

test('a change is told as it was, and sent once', async () => {
  const world = await start()
  const cells = TRUTHS.flatMap(truth => CHANGES.map(change => ({ ...truth, ...change }))).map((cell, i) => ({
    ...cell,
    vmId: 10_000 + i,
  }))
  const early: string[] = []
  await Promise.all(
    cells.map(async ({ dress, acts, action, method, path, vmId, ...rest }) => {
      world.simulator.setVm(vmId, { snapshots: ['old'] })
      world.simulator.fault({ kind: 'dress', dress, action, vmId, acts, reason: 'server is locked' })
      const answer = await world.call(method, `/vms/${vmId}${path}`, { headers: WAIT, ...rest })
      // What will be true in a moment is not true yet.
      const { outcome } = world.simulator.ledger.find(one => one.vmId === vmId && one.action === action) ?? {}
      if (answer.body.status === 'succeeded' && outcome !== 'done') early.push(`${dress}, ${acts}, ${action}`)
    }),
  )
  await vi.waitUntil(() => world.simulator.ledger.every(({ outcome }) => outcome !== 'pending'))
  const untrue = await Promise.all(
    cells.map(async ({ dress, acts, action, vmId }) => {
      const [operation] = (await world.call('GET', `/operations?vm_id=${vmId}`)).body.operations
      // Refused before anything was begun, a change may leave no operation.
      const told: string = operation?.status ?? 'failed'
      const { ledger } = world.simulator
      const happened = ledger.some(
        one => one.vmId === vmId && one.action === action && one.outcome === 'done',
      )
      const sent = upstreamCalls(world, action).filter(({ fields }) => fields.id === String(vmId)).length
      expect(happened, dress).toBe(acts)
      const isHonest = told === 'unknown' && !isProvable(DRESSES[dress], action, acts)
      const isTold = told === (happened ? 'succeeded' : 'failed')
      return (isTold || isHonest) && sent === 1
        ? []
        : `${dress}, ${happened}, ${action}: ${told}, sent ${sent}`
    }),
  )
  expect({ untrue: untrue.flat(), early }).toEqual({ untrue: [], early: [] })
}, 60_000)

test('a read is answered with what is there', async () => {
  const world = await start()
  const names = ['20261124', 'nightly']
  const cells = dressed('call', 'wait', 'end', 'any', 'list')
    .flatMap(dress => READS.map(read => ({ dress, ...read })))
    .filter(({ dress, action }) => canWear(DRESSES[dress], action))
  const untrue = await Promise.all(
    cells.map(async ({ dress, action, path }, i) => {
      const vmId = 10_000 + i
      world.simulator.setVm(vmId, { snapshots: names })
      world.simulator.fault({ kind: 'dress', dress, action, vmId, reason: 'server is locked' })
      const { status, body } = await world.call('GET', `/vms/${vmId}${path}`, { headers: WAIT })
      const shown: string[] | undefined = body.snapshots?.map(({ name }: { name: string }) => name).toSorted()
      const isRight = action === 'load_stats' ? body.stats?.power === 'off' : String(shown) === String(names)
      // Only what was not carried out may be refused.
      const isTrue = status === 200 ? isRight : DRESSES[dress].acts.every(acts => !acts)
      return isTrue ? [] : `${dress}, ${action}: ${status} ${body.code ?? JSON.stringify(body).slice(0, 120)}`
    }),
  )
  expect(untrue.flat()).toEqual([])
}, 60_000)

test.each([-3_600_000, 3_600_000])(
  'HOSTKEY has a clock that is %s ms ahead: a date that fits by the one of the gateway proves nothing',
  async clocksApartMs => {
    let aheadMs = 0
    const world = await startWorld({
      simulator: { taskMs: 20, now: () => Date.now() + aheadMs },
      env: { CHECK_MAX_MS: '200' },
    })
    // Somebody else made it, at what is now by the clock of the gateway.
    world.simulator.setVm(1000, { snapshots: ['old'] })
    aheadMs = clocksApartMs
    world.simulator.fault({ kind: 'drop-before', action: 'create_snapshot' })
    const { body } = await world.call('POST', '/vms/1000/snapshots', { headers: WAIT, body: { name: 'old' } })
    expect([body.status, mutations(world)]).toEqual(['unknown', []])
  },
)
