/** Two gateways over one PostgreSQL, and one receiver. */

import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import { loadConfig } from '../../src/config/config.ts'
import { startGateway, type Gateway, type GatewayOverrides } from '../../src/gateway.ts'
import { call, closedAfterAll, KEY, startWorld, type Answer, type World } from '../helper.ts'
import { lacksPostgres, startPostgres, type PostgresServer } from '../store/postgres/postgres-server.ts'
import { startReceiver, type Answering, type TestReceiver } from './receiver.ts'

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`

describe.skipIf(lacksPostgres())('replicas', () => {
  let server: PostgresServer
  let schemas = 0
  const onFinished = closedAfterAll()
  beforeAll(async () => {
    server = await startPostgres({ onFinished })
  })

  async function startTwo(
    answer?: Answering,
    overrides: GatewayOverrides = {},
  ): Promise<{ world: World; receiver: TestReceiver; other: Gateway }> {
    const receiver = await startReceiver(answer)
    const world = await startWorld({
      env: {
        WEBHOOK_ALLOW: '127.0.0.1',
        STORE_URL: server.url(`w${(schemas += 1)}`),
        SHUTDOWN_MS: '400',
      },
      callers: [
        { ...newEntry('tester', KEY, SCOPES, '*'), webhook: { url: receiver.url.href, secret: SECRET } },
      ],
      simulator: { vms: Object.fromEntries(Array.from({ length: 12 }, (_, i) => [1 + i, {}])) },
      overrides,
    })
    const other = await startGateway(loadConfig(world.env), pino({ level: 'silent' }), overrides)
    onTestFinished(() => other.close())
    return { world, receiver, other }
  }

  const create = (base: string, vmId: number): Promise<Answer> =>
    call(base, 'POST', `/vms/${vmId}/snapshots`, { body: { name: 'a' } })

  test('each end is told once, by whichever ended it, and both show it as ended while it is told', async () => {
    const seen: [string, string][] = []
    const bases: string[] = []
    const { world, receiver, other } = await startTwo((response, { body }) => {
      const { self } = JSON.parse(body.toString()).data
      void Promise.all(bases.map(base => call(base, 'GET', self))).then(answers => {
        seen.push(answers.map(({ body: operation }) => operation.status) as [string, string])
        response.writeHead(204).end()
      })
    })
    bases.push(world.gateway.address, other.address)
    const started = await Promise.all(Array.from({ length: 12 }, (_, i) => create(bases[i % 2]!, 1 + i)))
    const states = async (): Promise<string[]> =>
      Promise.all(
        started.map(async ({ body }) => (await call(bases[0]!, 'GET', body.self)).body.webhook?.state),
      )
    await expect.poll(states, { timeout: 15_000 }).toEqual(Array(12).fill('delivered'))
    expect(new Set(receiver.got.map(({ headers }) => headers['webhook-id']))).toEqual(
      new Set(started.map(({ body }) => body.id.replace('op_', 'msg_'))),
    )
    expect(seen).toEqual(Array.from({ length: 12 }, () => ['succeeded', 'succeeded']))
    // Nor does one come later.
    await sleep(1_500)
    expect(receiver.got).toHaveLength(12)
  }, 40_000)

  test('what a replica had under way when it stopped is sent by the other', async () => {
    let isHanging = true
    const { world, receiver, other } = await startTwo(response => {
      if (!isHanging) response.writeHead(204).end()
    })
    const { body } = await create(world.gateway.address, 1)
    await expect.poll(() => receiver.got, { timeout: 5_000 }).toHaveLength(1)
    isHanging = false
    await world.gateway.close()
    await expect.poll(() => receiver.got, { timeout: 15_000 }).toHaveLength(2)
    expect(receiver.got[1]!.headers['webhook-id']).toBe(receiver.got[0]!.headers['webhook-id'])
    await expect
      .poll(async () => (await call(other.address, 'GET', body.self)).body.webhook)
      .toMatchObject({ state: 'delivered', attempts: 1 })
  }, 40_000)
})
