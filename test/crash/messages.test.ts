/** Kills the gateway (SIGKILL) at each point between an operation's end and the delivery of its message: the next one delivers it. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { expect, onTestFinished, test, vi } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { call, KEY, temporaryDirectory, TOKEN } from '../helper.ts'
import { startReceiver } from '../webhooks/receiver.ts'
import { startProcess, type GatewayProcess } from './child.ts'

const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`

test.for([
  // How often the receiver is told in all.
  { point: 'the end is stored', holdAt: 'snapshot.create/end-stored', answers: true, times: 1 },
  { point: 'the receiver has the message', holdAt: '', answers: false, times: 2 },
  { point: 'the receiver has answered', holdAt: 'snapshot.create/message-sent', answers: true, times: 2 },
])('killed when $point', { timeout: 40_000 }, async ({ holdAt, answers, times }) => {
  let isAnswering = answers
  const receiver = await startReceiver(response => {
    if (isAnswering) response.writeHead(204).end()
  })
  const directory = temporaryDirectory()
  const simulator = await startSimulator({ token: TOKEN, taskMs: 0 })
  onTestFinished(() => simulator.close())
  const callersFile = join(directory, 'callers.json')
  const webhook = { url: receiver.url.href, secret: SECRET }
  writeFileSync(
    callersFile,
    JSON.stringify({ callers: [{ ...newEntry('tester', KEY, SCOPES, '*'), webhook }] }),
  )
  const start = async (env = {}): Promise<GatewayProcess> => {
    const gateway = await startProcess({
      PORT: '0',
      HOSTKEY_BASE_URL: simulator.baseUrl,
      HOSTKEY_TOKEN: TOKEN,
      CALLERS_FILE: callersFile,
      STORE_URL: `sqlite:${join(directory, 'gateway.db')}`,
      CHECK_MIN_MS: '10',
      WEBHOOK_ALLOW: '127.0.0.1',
      ...env,
    })
    onTestFinished(() => gateway.kill())
    return gateway
  }
  const doomed = await start({ HOLD_AT: JSON.stringify({ 1000: holdAt }) })
  const { body } = await call(doomed.address, 'POST', '/vms/1000/snapshots', { body: { name: 'a' } })
  if (holdAt === '') await vi.waitFor(() => expect(receiver.got).toHaveLength(1), 10_000)
  else await doomed.held(1000)
  await doomed.kill()

  isAnswering = true
  const { address } = await start()
  await vi.waitFor(async () => {
    const { body: operation } = await call(address, 'GET', body.self)
    expect(operation).toMatchObject({ status: 'succeeded', webhook: { state: 'delivered', attempts: 1 } })
  }, 10_000)
  expect(receiver.got).toHaveLength(times)
  for (const { headers, body: bytes } of receiver.got) {
    expect(headers['webhook-id']).toBe(body.id.replace('op_', 'msg_'))
    const { data } = new Webhook(SECRET).verify(bytes, headers as Record<string, string>) as {
      data: object
    }
    expect(data).toMatchObject({ id: body.id, status: 'succeeded' })
  }
})
