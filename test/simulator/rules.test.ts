import { expect, test } from 'vitest'
import { GUIDE } from '../../src/simulator/simulator.ts'
import { names, start } from './start.ts'

const four = { snapshots: ['a', 'b', 'c', 'd'] }

test('as the guide has it, a fifth snapshot of a type is refused', async () => {
  const { sim, vm, result } = await start({ ...GUIDE, vms: { 7: four } })
  expect(await vm('create_snapshot', { id: 7, name: 'e' })).toEqual({
    code: -1,
    message: 'failed to request snapshot creation for 7 - maximum number of snapshots reached (4)',
  })
  expect(sim.ledger).toEqual([])
  expect(await result('create_snapshot', { id: 7, name: 'e', type: 'backup' })).toMatchObject({
    result: 'OK',
  })
})

test('of two creates for the last place both can be accepted, and the second fails', async () => {
  const { sim, clock, vm, check } = await start({ snapshotLimit: 1, vms: { 7: {} } })
  const keys = [
    await vm('create_snapshot', { id: 7, name: 'a' }),
    await vm('create_snapshot', { id: 7, name: 'b' }),
  ]
  clock.now += 50
  expect(await check(keys[0].callback)).toMatchObject({ result: 'OK' })
  expect(await check(keys[1].callback)).toMatchObject({ result: 'Error', scope: /maximum/ })
  expect(names(sim, 7)).toEqual(['a'])
})

test('a VM has its own rules, and on one that rotates a create replaces the oldest; the ledger tells what was lost', async () => {
  const { sim, clock, result } = await start({ ...GUIDE, vms: { 7: { ...four, rotates: true }, 8: four } })
  const oldest = sim.vm(7)?.snapshots[0]
  clock.now += 1000
  expect(await result('create_snapshot', { id: 7, name: 'e' })).toMatchObject({ result: 'OK' })
  expect(names(sim, 7)).toEqual(['b', 'c', 'd', 'e'])
  expect(sim.ledger[0]).toMatchObject({ outcome: 'done', discarded: [oldest] })
  sim.setVm(8, { snapshotLimit: 5 })
  expect(await result('create_snapshot', { id: 8, name: 'e' })).toMatchObject({ result: 'OK' })
  expect(names(sim, 8)).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(sim.ledger[1]).not.toHaveProperty('discarded')
})

test('a restore deletes what is newer, of the same type and for good', async () => {
  const { sim, clock, result } = await start({ ...GUIDE, vms: { 7: { snapshots: ['a', 'b'] } } })
  await result('create_snapshot', { id: 7, name: 'c' })
  await result('create_snapshot', { id: 7, name: 'other', type: 'backup' })
  clock.now += 1
  await result('restore_snapshot', { id: 7, name: 'b' })
  expect(names(sim, 7)).toEqual(['a', 'b', 'other'])
  expect(sim.ledger.at(-1)?.discarded?.map(({ name }) => name)).toEqual(['c'])
  await result('restore_snapshot', { id: 7, name: 'a' })
  expect(names(sim, 7)).toEqual(['a', 'other'])
})

test('a restore that fails discards nothing', async () => {
  const { sim, result } = await start({ ...GUIDE, vms: { 7: four } })
  sim.fault({ kind: 'task-fails' })
  await result('restore_snapshot', { id: 7, name: 'a' })
  expect(names(sim, 7)).toHaveLength(4)
  expect(sim.ledger[0]).not.toHaveProperty('discarded')
})

test('a restore wants the VM powered off, at its acceptance and when it is carried out', async () => {
  const { sim, clock, vm, check } = await start({ ...GUIDE, vms: { 7: { power: 'on', snapshots: ['a'] } } })
  const restore = () => vm('restore_snapshot', { id: 7, name: 'a' })
  expect(await restore()).toMatchObject({ message: /server must be powered off/ })
  sim.setVm(7, { power: 'off' })
  const { callback } = await restore()
  sim.setVm(7, { power: 'on' })
  clock.now += 50
  expect(await check(callback)).toMatchObject({ result: 'Error', scope: 'server must be powered off' })
})

test('where twins are allowed a name can be there twice; a restore keeps both, and a delete takes both', async () => {
  const { sim, result } = await start({
    restoreDiscardsNewer: true,
    vms: { 7: { allowsTwins: true, snapshots: ['a'] } },
  })
  await result('create_snapshot', { id: 7, name: 'a' })
  await result('create_snapshot', { id: 7, name: 'b' })
  await result('restore_snapshot', { id: 7, name: 'a' })
  expect(names(sim, 7)).toEqual(['a', 'a'])
  expect(new Set(sim.vm(7)?.snapshots.map(({ snapshot_id: id }) => id)).size).toBe(2)
  await result('remove_snapshot', { id: 7, name: 'a' })
  expect(names(sim, 7)).toEqual([])
})
