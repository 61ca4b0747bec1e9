import { expect, test } from 'vitest'
import { startWorld } from '../helper.ts'
import { expectProblem } from './expect-problem.ts'

test('wrong methods, with what the path takes', async () => {
  const world = await startWorld()
  for (const [path, allow] of [
    ['/vms/1000/snapshots', 'GET, HEAD, POST'],
    ['/vms/1000/snapshots/a', 'DELETE, GET, HEAD'],
    ['/vms/1000/snapshots/a/restore', 'POST'],
    ['/vms/1000/stats', 'GET, HEAD'],
    ['/operations', 'GET, HEAD'],
    ['/operations/op_1', 'GET, HEAD'],
    ['/operations/op_1/events', 'GET'],
    ['/livez', 'GET, HEAD'],
    ['/readyz', 'GET, HEAD'],
    ['/openapi.json', 'GET, HEAD'],
  ] as const) {
    const taken = allow.split(', ')
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(
      one => !taken.includes(one),
    )) {
      const answer = await world.call(method, path)
      expectProblem(answer, 'method-not-allowed')
      expect(answer.headers.get('allow')?.split(', ').toSorted(), path).toEqual(taken)
    }
  }
  // The method is wrong whatever the request carries.
  expectProblem(await world.call('PUT', '/vms/1000/snapshots', { body: '{' }), 'method-not-allowed')
  expectProblem(await world.call('PATCH', '/vms/x/stats'), 'method-not-allowed')
  expect(world.simulator.requests).toEqual([])
})
