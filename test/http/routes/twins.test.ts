/** Two snapshots of one name: no reader is given one of them by chance. */

import { expect, test } from 'vitest'
import { startWorld, type World } from '../../helper.ts'

const LIST = [
  { name: 'twin', snapshot_id: 17, date: '2026-11-24T10:00:00Z' },
  { name: 'single', snapshot_id: 18 },
  { name: 'twin', snapshot_id: 'TOO LARGE' },
  { name: 'twin' },
]
/** The id as it stands in HOSTKEY's JSON, which JavaScript would round. */
const BODY = JSON.stringify({ result: 'OK', scope: LIST }).replace('"TOO LARGE"', '9007199254740995')

async function twins(): Promise<World> {
  const world = await startWorld()
  world.simulator.fault({ kind: 'respond', action: 'get_snapshot', body: BODY, times: 'always' })
  return world
}

test('the list has all of them; one by its name alone is 409, with the ids to choose from', async () => {
  const world = await twins()
  const { body: list } = await world.call('GET', '/vms/1000/snapshots')
  expect(list.snapshots.map(({ id }: { id: string }) => id)).toEqual(['17', '18', '9007199254740995', null])
  const answer = await world.call('GET', '/vms/1000/snapshots/twin')
  expect(answer.status).toBe(409)
  expect(answer.body).toMatchObject({
    code: 'snapshot-ambiguous',
    snapshots: ['17', '9007199254740995', 'no id'],
  })
  expect(answer.body.detail).toContain('3 snapshots "twin"')
  expect((await world.call('GET', '/vms/1000/snapshots/single')).body.id).toBe('18')
})

test('?id= picks one, of this name alone', async () => {
  const world = await twins()
  for (const id of ['17', '9007199254740995']) {
    const { status, body } = await world.call('GET', `/vms/1000/snapshots/twin?id=${id}`)
    expect([status, body.name, body.id]).toEqual([200, 'twin', id])
  }
  for (const path of ['twin?id=18', 'single?id=17', 'twin?id=9007199254740996', 'nothing?id=17']) {
    const { status, body } = await world.call('GET', `/vms/1000/snapshots/${path}`)
    expect([path, status, body.code]).toEqual([path, 404, 'snapshot-not-found'])
  }
  expect((await world.call('GET', '/vms/1000/snapshots/twin?id=')).body.code).toBe('validation-failed')
})
