/** Nothing is held for a caller who is one no longer: its key was withdrawn, or its token has expired. */

import { writeFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import { AUDIENCE, ES, ISSUER, sign, startProvider } from '../callers/provider.ts'
import {
  collect,
  KEY,
  serverEvents,
  startWorld,
  stoppableClock,
  upstreamCalls,
  type Answer,
  type World,
} from '../helper.ts'

const OTHER_KEY = 'other-caller-key-000000000000000'

/** All that can be held open for a caller: two streams of an operation, and a wait on each kind of route. */
async function holdAll(
  world: World,
  key: string,
): Promise<{ ended: Promise<[statuses: (string | undefined)[], answers: Answer[]]> }> {
  const call = (method: string, path: string, body?: object): Promise<Answer> =>
    world.call(method, path, { key, headers: { prefer: 'wait=20' }, ...(body ? { body } : {}) })
  const { body } = await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' }, key })
  const stream = await fetch(`${world.gateway.address}${body.self}/events`, { headers: { 'x-api-key': key } })
  const events = serverEvents(stream.body!)
  await events.next()
  const before = upstreamCalls(world).length
  const waits = [
    call('GET', body.self),
    call('POST', '/vms/1001/snapshots', { name: 'a' }),
    call('GET', '/vms/1000/snapshots'),
    call('GET', '/vms/1001/stats'),
  ]
  await vi.waitFor(() => expect(upstreamCalls(world).length).toBe(before + 3))
  const seen = collect(events).then(all => all.map(({ data }) => data?.status as string | undefined))
  return { ended: Promise.all([seen, Promise.all(waits)]) }
}

function expectHeldAsItIs([statuses, answers]: [(string | undefined)[], Answer[]]): void {
  expect(new Set(statuses)).toEqual(new Set(['running']))
  expect(answers.map(({ status, body }) => [status, body.status])).toEqual([
    [200, 'running'],
    [202, 'running'],
    [202, 'running'],
    [202, 'running'],
  ])
}

test('a key that is withdrawn ends streams and waits; those of others go on', async () => {
  const clock = stoppableClock()
  clock.stop()
  const other = newEntry('other', OTHER_KEY, SCOPES, '*')
  const world = await startWorld({
    simulator: { now: clock.now },
    callers: [newEntry('tester', KEY, SCOPES, '*'), other],
  })
  const { ended } = await holdAll(world, KEY)
  const [{ id }] = (await world.call('GET', '/operations?vm_id=1000', { key: OTHER_KEY })).body.operations
  const theirs = world.call('GET', `/operations/${id}`, { key: OTHER_KEY, headers: { prefer: 'wait=20' } })
  writeFileSync(world.callersFile, JSON.stringify({ callers: [other] }))
  const [statuses, answers] = await ended
  expectHeldAsItIs([statuses, answers])
  // What was answered is there for who may still see it.
  for (const { body } of answers)
    expect((await world.call('GET', `/operations/${body.id}`, { key: OTHER_KEY })).status).toBe(200)
  clock.go()
  expect((await theirs).body.status).toBe('succeeded')
  expect((await world.call('GET', '/operations')).status).toBe(401)
})

test('a token that expires ends streams and waits', async () => {
  const clock = stoppableClock()
  clock.stop()
  const provider = await startProvider(ES)
  const world = await startWorld({
    env: { JWT_JWKS_URL: provider.url, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE },
    simulator: { now: clock.now },
  })
  const exp = Math.floor(Date.now() / 1000) + 6
  const token = await sign({ claims: { exp, scope: SCOPES.join(' '), vms: '*' }, nowMs: Date.now() })
  const { ended } = await holdAll(world, token)
  expectHeldAsItIs(await ended)
  const lateMs = Date.now() - exp * 1000
  expect(lateMs).toBeGreaterThanOrEqual(-50)
  expect(lateMs).toBeLessThan(5_000)
})
