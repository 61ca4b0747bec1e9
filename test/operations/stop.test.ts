import { expect, test } from 'vitest'
import { ended, startWorld } from '../helper.ts'

test('a look under way does not hold up the shutdown, and the next process looks again', async () => {
  // The list of the slow VM would take a minute, and the look waits for it.
  const world = await startWorld()
  world.simulator.fault({ kind: 'drop-after', action: 'create_snapshot', vmId: 1003 })
  const { body } = await world.call('POST', '/vms/1003/snapshots', { body: { name: 'a' } })
  await expect.poll(() => world.simulator.ledger.map(({ action }) => action)).toContain('get_snapshot')
  world.simulator.setVm(1003, { behaviour: 'normal', snapshots: ['a'] })
  await world.restart()
  expect(await ended(world, body.id)).toMatchObject({ status: 'succeeded', result: { settled_by: 'look' } })
}, 10_000)

test('a check that hangs is waited for a while, then left to the next process', async () => {
  const world = await startWorld({ env: { SHUTDOWN_MS: '200' } })
  world.simulator.fault({ kind: 'hang', action: 'check', vmId: 1000 })
  const { body } = await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' } })
  await expect.poll(() => world.simulator.requests.at(-1)?.path).toBe('/eq_callback.php')
  await world.restart()
  expect(await ended(world, body.id)).toMatchObject({
    status: 'succeeded',
    result: { settled_by: 'callback' },
  })
}, 10_000)
