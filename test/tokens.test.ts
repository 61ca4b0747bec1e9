/** A gateway that logs in with an API key: how often, what it tells of it, and how it leaves. */

import { expect, test } from 'vitest'
import { startWorld, type World } from './helper.ts'

const API_KEY = 'api-key-0123456789abcdef'
const open = (): Promise<World> =>
  startWorld({ env: { HOSTKEY_TOKEN: '', HOSTKEY_API_KEY: API_KEY }, simulator: { apiKey: API_KEY } })
/** The forms that auth.php got. */
const auth = (world: World, action: string) =>
  world.simulator.requests.filter(({ path, fields }) => path === '/auth.php' && fields.action === action)
const logged = (world: World, message: string): Record<string, unknown>[] =>
  world.log.filter(line => line.includes(message)).map(line => JSON.parse(line) as Record<string, unknown>)

test('a HOSTKEY that refuses every token is not stormed with logins, and the operator is told', async () => {
  const world = await open()
  world.simulator.fault({
    kind: 'respond',
    action: 'load_stats',
    body: '{"code":-2,"message":"invalid token"}',
    times: 1_000_000,
  })
  for (let round = 0; round < 5; round += 1) {
    const calls = Array.from({ length: 60 }, (_, i) => world.call('GET', `/vms/${1000 + i}/stats`))
    const answers = await Promise.all(calls)
    expect(new Set(answers.map(({ body }) => body.code))).toEqual(new Set(['upstream-unauthorized']))
  }
  expect(auth(world, 'login')).toHaveLength(2)
  expect(logged(world, 'a token that it had just given')).toMatchObject([
    { level: 40, age_ms: expect.any(Number) as number, next_login_ms: expect.any(Number) as number },
  ])
})

test('why a login was refused is in the log, without the key', async () => {
  const world = await open()
  world.simulator.fault({
    kind: 'respond',
    action: 'login',
    body: JSON.stringify({ code: -1, message: `key ${API_KEY} is bound to 203.0.113.7` }),
  })
  const answer = await world.call('GET', '/vms/1000/stats')
  expect([answer.status, answer.body.code]).toEqual([502, 'upstream-unauthorized'])
  expect(logged(world, 'refused the login')).toMatchObject([
    { reason: 'key [redacted] is bound to 203.0.113.7', next_login_ms: expect.any(Number) as number },
  ])
  expect(world.log.join('')).not.toContain(API_KEY)
})

test('at the end the session is logged out, and a HOSTKEY that hangs then holds nobody up', async () => {
  const world = await open()
  await world.call('GET', '/vms/1000/stats')
  const token = world.simulator.requests.find(({ path }) => path === '/vm.php')?.fields.token
  await world.restart()
  expect(auth(world, 'logout').map(({ fields }) => fields.token)).toEqual([token])

  await world.call('GET', '/vms/1000/stats')
  world.simulator.fault({ kind: 'hang', action: 'login' })
  world.simulator.fault({ kind: 'hang', action: 'logout' })
  const startedAt = performance.now()
  await world.gateway.close()
  expect(performance.now() - startedAt).toBeLessThan(4_000)
  expect(auth(world, 'logout')).toHaveLength(2)
})
