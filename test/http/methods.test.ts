import { METHODS } from 'node:http'
import { expect, test } from 'vitest'
import { callRaw, startWorld } from '../helper.ts'
import { expectProblem } from './expect-problem.ts'

test('wrong methods, with what the path takes', async () => {
  const world = await startWorld({ env: { DOCS: 'true' } })
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
    ['/metrics', 'GET, HEAD'],
    ['/problems/internal', 'GET, HEAD'],
    ['/', 'GET, HEAD'],
    ['/docs', 'GET, HEAD'],
  ] as const) {
    const taken = allow.split(', ')
    // All that Node can read; a client has to be told how to send CONNECT.
    const others = METHODS.filter(one => one !== 'CONNECT' && !taken.includes(one))
    const answers = await Promise.all(others.map(one => callRaw(world.gateway.address, one, path)))
    for (const [i, answer] of answers.entries()) {
      if (others[i] === 'HEAD') expect(answer.status).toBe(405)
      else expectProblem(answer, 'method-not-allowed')
      expect(answer.headers.get('allow')?.split(', ').toSorted(), path).toEqual(taken)
    }
  }
  // The method is wrong whatever the request carries.
  expectProblem(await world.call('PUT', '/vms/1000/snapshots', { body: '{' }), 'method-not-allowed')
  expectProblem(await world.call('PATCH', '/vms/x/stats'), 'method-not-allowed')
  expect(world.simulator.requests).toEqual([])
})
