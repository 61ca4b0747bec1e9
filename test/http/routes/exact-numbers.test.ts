import { expect, test } from 'vitest'
import { ended, startWorld } from '../../helper.ts'

const STATS = '{"bytes":18446744073709551615,"ratio":1e400,"cpu":12.5}'

test('numbers of HOSTKEY arrive with all their digits: at once, from the store, and after a restart', async () => {
  const world = await startWorld()
  world.simulator.fault({
    action: 'load_stats',
    kind: 'respond',
    body: `{"result":"OK","scope":${STATS}}`,
    times: 2,
  })
  expect((await world.call('GET', '/vms/1000/stats')).text).toContain(`"stats":${STATS}`)

  const begun = await world.call('GET', '/vms/1000/stats', { headers: { prefer: 'respond-async' } })
  await ended(world, begun.body.id)
  await world.restart()
  expect((await world.call('GET', begun.body.self)).text).toContain(`"stats":${STATS}`)
})

test('so do the ids of snapshots, and a name of digits is a text', async () => {
  const world = await startWorld()
  const entry = '{"name":20261124,"snapshot_id":12345678901234567890}'
  world.simulator.fault({
    action: 'get_snapshot',
    kind: 'respond',
    body: `{"result":"OK","scope":[${entry}]}`,
    times: 1,
  })
  const { text, body } = await world.call('GET', '/vms/1000/snapshots')
  expect(body.snapshots).toMatchObject([{ name: '20261124', id: '12345678901234567890' }])
  expect(text).toContain(`"raw":${entry}`)
})
