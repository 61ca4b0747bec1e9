/** The whole way of a message: a gateway over a simulated HOSTKEY, and a receiver on a socket of its own. */

import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import type { GatewayOverrides } from '../../src/gateway.ts'
import { ended, KEY, startWorld, type World } from '../helper.ts'
import { startReceiver, type Answering, type TestReceiver } from './receiver.ts'

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`
const OTHER_KEY = 'test-other-key-00000000000000000'

interface Told extends World {
  receiver: TestReceiver
}

/** A gateway with two callers of everything: one is told of ends at a receiver that answers so, the other is not. */
async function startTold(answer?: Answering, env = {}, overrides: GatewayOverrides = {}): Promise<Told> {
  const receiver = await startReceiver(answer)
  const world = await startWorld({
    env: { WEBHOOK_ALLOW: '127.0.0.1', ...env },
    overrides,
    callers: [
      { ...newEntry('tester', KEY, SCOPES, '*'), webhook: { url: receiver.url.href, secret: SECRET } },
      newEntry('other', OTHER_KEY, SCOPES, '*'),
    ],
  })
  return Object.assign(world, { receiver })
}

const create = (world: World, vmId = 1000, key = KEY, name = 'a'): ReturnType<World['call']> =>
  world.call('POST', `/vms/${vmId}/snapshots`, { body: { name }, key })

test('the end of an operation is told once, signed, and the operation shows it', async () => {
  const world = await startTold()
  const { body: started } = await create(world)
  expect(started).not.toHaveProperty('webhook')
  await expect.poll(() => world.receiver.got).toHaveLength(1)
  const [{ headers, body }] = world.receiver.got as [TestReceiver['got'][0]]
  const operation = await ended(world, started.id)
  expect(new Webhook(SECRET).verify(body, headers as Record<string, string>)).toEqual({
    type: 'operation.ended',
    timestamp: operation.finished_at,
    data: {
      id: started.id,
      self: `/operations/${started.id}`,
      resource: '/vms/1000/snapshots/a',
      kind: 'snapshot.create',
      vm_id: 1000,
      status: 'succeeded',
    },
  })
  expect(headers['webhook-id']).toBe(started.id.replace('op_', 'msg_'))
  await expect
    .poll(async () => (await world.call('GET', started.self)).body.webhook)
    .toEqual({ state: 'delivered', attempts: 1, last_at: expect.stringMatching(/Z$/) as string })
  const { operations } = (await world.call('GET', '/operations?limit=1')).body
  expect(operations[0].webhook.state).toBe('delivered')
  const { text } = await world.call('GET', '/metrics')
  expect(text).toContain('hostkey_gateway_webhooks_ended_total{caller="tester",state="delivered"} 1')
  expect(text).toContain('hostkey_gateway_webhook_attempt_duration_seconds_count{outcome="delivered"} 1')
  const [audit] = world.log.filter(line => line.includes('webhook ended'))
  expect(JSON.parse(audit!)).toMatchObject({
    audit: true,
    caller: 'tester',
    operation: started.id,
    state: 'delivered',
    attempts: 1,
  })
})

test('an attempt without an answer in time is a failure, and the next one may be taken', async () => {
  const world = await startTold(
    response => {
      if (world.receiver.got.length > 1) response.writeHead(204).end()
    },
    {},
    { webhooks: { timeoutMs: 200, firstPauseMs: 50 } },
  )
  const { body } = await create(world)
  const webhook = async (): Promise<unknown> => (await world.call('GET', body.self)).body.webhook
  await expect.poll(webhook).toMatchObject({ state: 'delivered', attempts: 2 })
  expect(
    world.log.filter(line => line.includes('the receiver of a webhook')).map(line => JSON.parse(line)),
  ).toMatchObject([
    { msg: 'the receiver of a webhook fails', caller: 'tester', reason: 'no answer within 200 ms' },
    { msg: 'the receiver of a webhook answers again', caller: 'tester' },
  ])
})

test('who asks for the operation while it is being told sees that it has ended; its entity tag follows the message', async () => {
  const told: Promise<unknown>[] = []
  const tags: (string | null)[] = []
  const world: Told = await startTold((response, { body }) => {
    const { self } = JSON.parse(body.toString()).data
    const looked = world.call('GET', self).then(({ body: operation, headers }) => {
      tags.push(headers.get('etag'))
      response.writeHead(204).end()
      return operation
    })
    told.push(looked)
  })
  const { body: started } = await create(world)
  await expect.poll(() => told).toHaveLength(1)
  expect(await told[0]).toMatchObject({
    status: 'succeeded',
    webhook: { state: 'pending', attempts: 0, last_at: null },
  })
  const headers = { 'if-none-match': tags[0]! }
  await expect.poll(async () => (await world.call('GET', started.self, { headers })).status).toBe(200)
  const { body } = await world.call('GET', started.self)
  expect(body.webhook.state).toBe('delivered')
})

test('a caller without a webhook is told nothing, and its operations show none', async () => {
  const world = await startTold()
  const { body } = await create(world, 1000, OTHER_KEY)
  expect(await ended(world, body.id)).not.toHaveProperty('webhook')
  const { body: told } = await create(world, 1001)
  await expect.poll(() => world.receiver.got).toHaveLength(1)
  expect(JSON.parse(world.receiver.got[0]!.body.toString()).data.id).toBe(told.id)
})

test('what HOSTKEY refuses is told too, and so is a read that outlived its wait', async () => {
  const world = await startTold()
  world.simulator.fault({ kind: 'refuse', reason: 'not today', action: 'create_snapshot', vmId: 1000 })
  const refused = await create(world)
  expect(refused.body.code).toBe('upstream-rejected')
  const { body: read } = await world.call('GET', '/vms/1000/stats', { headers: { prefer: 'respond-async' } })
  // One that is answered in time is no operation.
  expect((await world.call('GET', '/vms/1001/stats')).status).toBe(200)
  await expect.poll(() => world.receiver.got).toHaveLength(2)
  const told = world.receiver.got.map(({ body }) => JSON.parse(body.toString()).data)
  expect(told.map(({ kind, status }) => `${kind} ${status}`).toSorted()).toEqual([
    'snapshot.create failed',
    'stats.load succeeded',
  ])
  expect(told.map(({ self }) => self)).toContain(read.self)
})

test('a 410 stops the message of that operation, and of no other', async () => {
  const world = await startTold(response =>
    response.writeHead(world.receiver.got.length === 1 ? 410 : 204).end(),
  )
  const first = await create(world)
  await expect.poll(() => world.receiver.got).toHaveLength(1)
  const second = await create(world, 1001)
  const stateOf = async (self: string): Promise<string> => (await world.call('GET', self)).body.webhook?.state
  await expect.poll(() => stateOf(first.body.self)).toBe('stopped')
  await expect.poll(() => stateOf(second.body.self)).toBe('delivered')
})

test('stopped in the middle of an attempt, the gateway leaves the message to the next one, with the same id', async () => {
  let isHanging = true
  const world = await startTold(
    response => {
      if (!isHanging) response.writeHead(204).end()
    },
    { SHUTDOWN_MS: '200' },
  )
  const { body: started } = await create(world)
  await expect.poll(() => world.receiver.got).toHaveLength(1)
  isHanging = false
  await world.restart()
  await expect.poll(() => world.receiver.got).toHaveLength(2)
  const ids = world.receiver.got.map(({ headers }) => headers['webhook-id'])
  expect(ids[1]).toBe(ids[0])
  await expect
    .poll(async () => (await world.call('GET', started.self)).body.webhook)
    .toMatchObject({ state: 'delivered', attempts: 1 })
})

test('a receiver that hangs or is down delays no operation and no other receiver', async () => {
  const good = await startReceiver()
  const slow = await startReceiver(() => {})
  const entry = (name: string, url: URL): object => ({
    ...newEntry(name, `key-of-${name}-0000000000000000000`, SCOPES, '*'),
    webhook: { url: url.href, secret: SECRET },
  })
  const down = new URL('http://127.0.0.1:9/')
  const world = await startWorld({
    env: { WEBHOOK_ALLOW: '127.0.0.1', SHUTDOWN_MS: '200' },
    callers: [entry('slow', slow.url), entry('down', down), entry('good', good.url)] as never,
  })
  const key = (name: string): string => `key-of-${name}-0000000000000000000`
  // More messages to the one that hangs than it has places.
  for (let i = 0; i < 6; i += 1) {
    const { body } = await create(world, 1000, key('slow'), `s${i}`)
    await world.call('GET', body.self, { key: key('slow'), headers: { prefer: 'wait=10' } })
  }
  await create(world, 1002, key('down'))
  await expect.poll(() => slow.got.length).toBe(4)
  const atMs = performance.now()
  const { body } = await create(world, 1001, key('good'))
  await expect.poll(() => good.got).toHaveLength(1)
  expect(performance.now() - atMs).toBeLessThan(2_000)
  expect(JSON.parse(good.got[0]!.body.toString()).data.id).toBe(body.id)
  expect(slow.got).toHaveLength(4)
})
