/** Webhooks as the gateway signs them, verified as a service does it. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createClient, verifyWebhook, WebhookError, type WebhookMessage } from '../../src/client/client.ts'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import { signedHeaders } from '../../src/webhooks/sign.ts'
import { KEY, startWorld } from '../helper.ts'
import { startReceiver } from '../webhooks/receiver.ts'

const message: fc.Arbitrary<WebhookMessage> = fc.record({
  type: fc.constant('operation.ended' as const),
  timestamp: fc.constant('2026-11-25T20:00:00.000Z'),
  data: fc.record({
    id: fc.constant('op_01kaw3v8s0q6m2c5d7e9f1g3h5'),
    self: fc.constant('/operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5'),
    resource: fc.string({ unit: 'grapheme' }),
    kind: fc.constantFrom('snapshot.create', 'stats.load'),
    vm_id: fc.integer({ min: 1 }),
    status: fc.constantFrom('succeeded', 'failed', 'unknown'),
  }),
})

/** Base64 with the padding at its end, or without. */
const secret = fc.tuple(fc.uint8Array({ minLength: 24, maxLength: 64 }), fc.boolean()).map(
  ([bytes, padded]) =>
    `whsec_${Buffer.from(bytes)
      .toString('base64')
      .replace(padded ? /$/ : /=*$/, '')}`,
)
const twoSecrets = fc.uniqueArray(secret, {
  minLength: 2,
  maxLength: 2,
  selector: one => one.replace(/=*$/, ''),
})

/** The headers as servers give them: Node in small letters, others as they came or as `Headers`. */
const asGiven = fc.constantFrom<((headers: Record<string, string>) => Parameters<typeof verifyWebhook>[1])[]>(
  headers => headers,
  headers => new Headers(headers),
  headers => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value])),
)

test('what the gateway signs is verified, also while its secrets rotate', () => {
  fc.assert(
    fc.property(message, twoSecrets, asGiven, fc.boolean(), (told, [one, other], given, asBytes) => {
      const body = JSON.stringify(told)
      const sign = (...secrets: string[]): ReturnType<typeof given> =>
        given(signedHeaders({ id: 'msg_1', atMs: Date.now(), body }, secrets))
      const raw = asBytes ? new TextEncoder().encode(body) : body
      expect(verifyWebhook(raw, sign(one!), one!)).toEqual(told)
      // The gateway signs with both; or the service knows both.
      expect(verifyWebhook(raw, sign(one!, other!), other!)).toEqual(told)
      expect(verifyWebhook(raw, sign(one!), [other!, one!])).toEqual(told)
      // As it was read from a file.
      expect(verifyWebhook(raw, sign(one!), `${one}\n`)).toEqual(told)
      expect(() => verifyWebhook(raw, sign(one!), other!)).toThrow(WebhookError)
      expect(() => verifyWebhook(raw, sign(one!), [])).toThrow(WebhookError)
    }),
  )
})

test('what was changed, is old or is not signed at all is refused', () => {
  fc.assert(
    fc.property(message, secret, fc.nat(), (told, key, at) => {
      const body = JSON.stringify(told)
      const sign = (atMs: number): Record<string, string> => signedHeaders({ id: 'msg_1', atMs, body }, [key])
      const nowMs = Date.now()
      const place = at % body.length
      const changed = `${body.slice(0, place)}${body[place] === '0' ? '1' : '0'}${body.slice(place + 1)}`
      expect(() => verifyWebhook(changed, sign(nowMs), key)).toThrow(WebhookError)
      expect(() => verifyWebhook(` ${body}`, sign(nowMs), key)).toThrow(WebhookError)
      for (const farMs of [-6 * 60_000, 6 * 60_000])
        expect(() => verifyWebhook(body, sign(nowMs + farMs), key)).toThrow(WebhookError)
      expect(() => verifyWebhook(body, { ...sign(nowMs), 'webhook-id': 'msg_2' }, key)).toThrow(WebhookError)
      for (const missing of Object.keys(sign(nowMs)))
        expect(() => verifyWebhook(body, { ...sign(nowMs), [missing]: undefined }, key)).toThrow(WebhookError)
    }),
  )
})

test('a service is told of the end, verifies it and reads what it brought', async () => {
  const key = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const told = Promise.withResolvers<WebhookMessage>()
  const receiver = await startReceiver((response, { body, headers }) => {
    told.resolve(verifyWebhook(body, headers, key))
    response.writeHead(204).end()
  })
  const webhook = { url: receiver.url.href, secret: key }
  const world = await startWorld({
    env: { WEBHOOK_ALLOW: '127.0.0.1' },
    callers: [{ ...newEntry('tester', KEY, SCOPES, '*'), webhook }],
  })
  const gateway = createClient({ baseUrl: world.gateway.address, key: KEY })
  const { id } = await gateway.createSnapshot({ vm_id: 1004, name: 'one' })
  const { type, data } = await told.promise
  expect([type, data.id, data.status]).toEqual(['operation.ended', id, 'succeeded'])
  const operation = await gateway.getOperation({ operation_id: data.id })
  expect(operation).toMatchObject({ status: 'succeeded', result: { settled_by: 'callback' } })
})
