import { expect, test } from 'vitest'
import { ended, startWorld } from './helper.ts'

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

  const restored = await world.call('POST', '/vms/1000/snapshots/a/restore', {
    headers: { prefer: 'wait=10' },
  })
  expect(restored.status).toBe(200)
  expect(restored.headers.get('preference-applied')).toBe('wait=10')
  expect(restored.body).toMatchObject({ status: 'succeeded', kind: 'snapshot.restore' })

  const deleted = await world.call('DELETE', '/vms/1000/snapshots/a', { headers: { prefer: 'wait=10' } })
  expect(deleted.body).toMatchObject({ status: 'succeeded', kind: 'snapshot.delete' })
  expect((await world.call('GET', '/vms/1000/snapshots/a')).status).toBe(404)
})

test('the five actions send exactly the fields of the page', async () => {
  const world = await startWorld({ env: { HOSTKEY_READ_METHOD: 'GET' } })
  const wait = { headers: { prefer: 'wait=10' } }
  await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a', type: 'snapshot' }, ...wait })
  await world.call('GET', '/vms/1000/snapshots')
  await world.call('GET', '/vms/1000/stats')
  await world.call('POST', '/vms/1000/snapshots/a/restore', { body: { backup_id: 'b 1' }, ...wait })
  await world.call('DELETE', '/vms/1000/snapshots/a', wait)
  const sent = world.simulator.requests
    .filter(request => request.path.endsWith('vm.php'))
    .map(({ method, contentType, body }) => ({ method, contentType, body }))
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
