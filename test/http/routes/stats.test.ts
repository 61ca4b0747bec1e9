import { expect, test } from 'vitest'
import { ended, startWorld, stoppableClock } from '../../helper.ts'

test('stats are the object of HOSTKEY, without what is named like a secret', async () => {
  const world = await startWorld()
  const answer = await world.call('GET', '/vms/1001/stats')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toMatch(/^application\/json\b/)
  expect(answer.body).toEqual({
    vm_id: 1001,
    observed_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    stats: {
      power: 'on',
      cpu: 12.5,
      mem: { total: 4_294_967_296, used: 1_610_612_736 },
      disk: { total: 64_424_509_440, used: 10_737_418_240 },
      net: { in: 123_456_789, out: 98_765_432 },
    },
  })
})

test('whatever HOSTKEY says is handed on as it is', async () => {
  const world = await startWorld()
  const awkward = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2, "toJSON": 3}')
  for (const scope of [null, 'powered on', 7, ['a', 1], { nested: { deep: [{ a: null }] } }, awkward]) {
    const body = JSON.stringify({ result: 'OK', scope, context: {}, key: 'k' })
    world.simulator.fault({ action: 'check', kind: 'respond', body })
    const answer = await world.call('GET', '/vms/1000/stats')
    expect(answer.text).toContain(`"stats":${JSON.stringify(scope)}}`)
  }
})

test('when it takes long: 202 with an operation, whose result will be the stats', async () => {
  const clock = stoppableClock()
  clock.stop()
  const world = await startWorld({ env: { READ_WAIT_MS: '50' }, simulator: { now: clock.now } })
  const answer = await world.call('GET', '/vms/1000/stats')
  expect(answer.status).toBe(202)
  expect(answer.headers.get('location')).toBe(answer.body.self)
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(answer.body).toMatchObject({
    kind: 'stats.load',
    vm_id: 1000,
    snapshot: null,
    snapshot_type: null,
    status: 'running',
  })
  clock.go()
  expect(await ended(world, answer.body.id)).toMatchObject({
    status: 'succeeded',
    result: { vm_id: 1000, stats: { power: 'off' } },
  })
})
