/** What one caller holds open is bounded, whoever it is, and given back as soon as it ends. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import { KEY, startWorld, type World } from '../helper.ts'

const MAX = 3

async function startWithOther(): Promise<World> {
  return startWorld({
    env: { MAX_OPEN_PER_CALLER: String(MAX) },
    callers: [newEntry('tester', KEY, SCOPES, '*'), newEntry('other', 'other-key', SCOPES, '*')],
  })
}

/** Opens something that stays open, over a socket of its own, and waits for the first bytes of its answer where there are any. */
async function hold(world: World, path: string, headers = '', answered = true): Promise<() => void> {
  const { port, hostname } = new URL(world.gateway.address)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${KEY}\r\n${headers}\r\n`)
  if (answered) expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 200/)
  return () => void socket.destroy()
}

test('streams, waits and answers of one caller are bounded together, and others come in', async () => {
  const world = await startWithOther()
  const { body } = await world.call('POST', '/vms/1003/snapshots', { body: { name: 'slow' } })
  const arrived = once(world.gateway.app.server, 'request')
  const leaves = [
    await hold(world, `${body.self}/events`),
    await hold(world, `${body.self}/events`),
    await hold(world, body.self, 'Prefer: wait=20\r\n', false),
  ]
  await arrived
  await vi.waitFor(async () => {
    const refused = await world.call('GET', '/operations')
    expect([refused.status, refused.body.code]).toEqual([429, 'rate-limited'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.body.detail).toContain(`${MAX} requests`)
  })
  expect((await world.call('GET', '/operations', { key: 'other-key' })).status).toBe(200)
  expect((await world.call('GET', '/livez', { key: null })).status).toBe(200)
  const { text } = await world.call('GET', '/metrics')
  expect(text).toMatch(/^hostkey_gateway_open_refused_total\{caller="tester"\} [1-9]/m)

  // A key that is refused takes no place of anybody's.
  expect((await world.call('GET', '/operations', { key: 'wrong' })).status).toBe(401)
  for (const leave of leaves) {
    leave()
    await vi.waitFor(async () => expect((await world.call('GET', '/operations')).status).toBe(200))
    await hold(world, `${body.self}/events`)
    await vi.waitFor(async () => expect((await world.call('GET', '/operations')).status).toBe(429))
  }
})

test('what is answered gives its place back, whatever the answer is', async () => {
  const world = await startWithOther()
  for (let i = 0; i < 4 * MAX; i += 1) {
    expect((await world.call('GET', '/vms/1000/stats')).status).toBe(200)
    expect((await world.call('GET', '/operations/none')).status).toBe(404)
    expect((await world.call('POST', '/vms/1000/snapshots', { body: '{' })).status).toBe(400)
  }
})

test('a refused change leaves its idempotency key free', async () => {
  const world = await startWithOther()
  const { body } = await world.call('POST', '/vms/1003/snapshots', { body: { name: 'slow' } })
  const leaves: (() => void)[] = []
  for (let i = 0; i < MAX; i += 1) leaves.push(await hold(world, `${body.self}/events`))
  const create = { body: { name: 'a' }, headers: { 'idempotency-key': 'k' } }
  expect((await world.call('POST', '/vms/1000/snapshots', create)).status).toBe(429)
  for (const leave of leaves) leave()
  const repeated = await vi.waitFor(async () => {
    const answer = await world.call('POST', '/vms/1000/snapshots', create)
    expect(answer.status).toBe(202)
    return answer
  })
  expect(repeated.headers.has('idempotency-replayed')).toBe(false)
})
