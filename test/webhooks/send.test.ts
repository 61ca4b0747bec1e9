import { Webhook } from 'standardwebhooks'
import { expect, onTestFinished, test } from 'vitest'
import type { Receiver } from '../../src/webhooks/receiver.ts'
import { createSender, type Sender, type SenderOptions } from '../../src/webhooks/send.ts'
import { realWorld } from '../../src/world.ts'
import { startReceiver } from './receiver.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const MESSAGE = { id: 'msg_1', atMs: Date.now(), body: '{"type":"operation.ended","data":{"é":"\u{1F4E6}"}}' }

function sender(options: Partial<SenderOptions> = {}): Sender {
  const made = createSender({ allow: ['127.0.0.0/8', '::1'], world: realWorld, ...options })
  onTestFinished(() => made.close())
  return made
}

function receiverAt(url: string | URL, ...secrets: string[]): Receiver {
  return { name: 'tester', url: new URL(url), secrets: () => (secrets.length > 0 ? secrets : [SECRET]) }
}

test('a receiver gets the very bytes that are signed', async () => {
  const { url, got } = await startReceiver()
  expect(await sender().send(receiverAt(url), MESSAGE)).toEqual({ kind: 'delivered' })
  const [{ method, path, headers, body }] = got as [(typeof got)[0]]
  expect([method, path, headers['content-type'], headers.host]).toEqual([
    'POST',
    '/hook?for=gateway',
    'application/json',
    url.host,
  ])
  expect(body).toEqual(Buffer.from(MESSAGE.body))
  expect(new Webhook(SECRET).verify(body, headers as Record<string, string>)).toEqual(
    JSON.parse(MESSAGE.body),
  )
})
