/** A key in a path, a query, a request id or a body is refused, and shown nowhere. */

import { expect, test } from 'vitest'
import { newKey } from '../../src/callers/key.ts'
import { KEY, startWorld } from '../helper.ts'

const OURS = newKey()

test.each([
  ['its own', KEY],
  ['its own, in another case', KEY.toUpperCase()],
  ['its own, encoded', encodeURIComponent(KEY).replaceAll('-', '%2D')],
  ["somebody's", OURS],
])('a caller who puts a key (%s) into a path, a query, an id or a body', async (_, key) => {
  const world = await startWorld({ env: { LOG_LEVEL: 'trace' } })
  const refused = await Promise.all([
    world.call('GET', `/vms/1000/snapshots/${key}`),
    world.call('GET', `/operations?cursor=${key}`),
    world.call('GET', `/operations?${key}=1`),
    world.call('GET', `/${key}`),
    world.call('GET', `/problems/${key}`),
    world.call('POST', '/vms/1000/snapshots', { body: { name: decodeURIComponent(key) } }),
    world.call('POST', '/vms/1000/snapshots', { body: { [decodeURIComponent(key)]: 1 } }),
  ])
  expect(refused.map(({ status, body }) => [status, body.code])).toEqual(
    refused.map(() => [400, 'malformed-request']),
  )
  const id = decodeURIComponent(key)
  const named = await world.call('GET', '/vms/1000/stats', { headers: { 'x-request-id': id } })
  expect(named.status).toBe(200)
  const nobody = await Promise.all([
    world.call('GET', `/vms/1000/snapshots/${key}`, { key: null }),
    world.call('GET', `/${key}`, { key: null }),
  ])
  expect(world.simulator.ledger.map(({ action }) => action)).toEqual(['load_stats'])
  const shown = [...refused, ...nobody, named]
    .map(({ headers, text }) => JSON.stringify([...headers]) + text)
    .concat(world.log)
  expect(shown.filter(text => text.toLowerCase().includes(id.toLowerCase()))).toEqual([])
})

test('a credential that is too short to be one is found nowhere', async () => {
  const world = await startWorld()
  const { status } = await world.call('GET', '/vms/1000/stats', { key: '100' })
  expect(status).toBe(401)
})
