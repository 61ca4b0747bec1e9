import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { isLongEnough, secretsIn } from '../../src/webhooks/secret.ts'
import { signedHeaders } from '../../src/webhooks/sign.ts'

const secret = fc
  .uint8Array({ minLength: 3, maxLength: 80 })
  .map(bytes => `whsec_${Buffer.from(bytes).toString('base64')}`)
const message = fc.record({
  id: fc.stringMatching(/^[\w.-]{1,64}$/),
  atMs: fc.integer({ min: -200_000, max: 200_000 }).map(ms => Date.now() + ms),
  // Any text, also one that is not well-formed: what is sent is its UTF-8.
  body: fc.string({ unit: 'binary' }).map(text => JSON.stringify({ text })),
})

test('a receiver made with the library verifies, with the old secret and the new one, padded or not', () => {
  fc.assert(
    fc.property(message, fc.array(secret, { minLength: 1, maxLength: 2 }), (one, secrets) => {
      const unpadded = secrets.map(text => text.replace(/=+$/, ''))
      const headers = signedHeaders(one, secrets)
      expect(signedHeaders(one, unpadded)).toEqual(headers)
      const bytes = Buffer.from(one.body)
      for (const known of secrets)
        expect(new Webhook(known).verify(bytes, headers)).toEqual(JSON.parse(one.body))
    }),
  )
})

test('a receiver with another secret, or of another message, does not verify', () => {
  fc.assert(
    fc.property(message, secret, secret, (one, right, wrong) => {
      fc.pre(right !== wrong)
      const headers = signedHeaders(one, [right])
      expect(() => new Webhook(wrong).verify(one.body, headers)).toThrow('No matching signature')
      expect(() => new Webhook(right).verify(`${one.body} `, headers)).toThrow('No matching signature')
      const other = { ...headers, 'webhook-id': `${one.id}x` }
      expect(() => new Webhook(right).verify(one.body, other)).toThrow('No matching signature')
    }),
  )
  expect(() => signedHeaders({ id: 'a', atMs: 0, body: '' }, [])).toThrow('no secret')
})

test('what a secret may be, and what a file of secrets', () => {
  fc.assert(
    fc.property(secret, secret, (one, other) => {
      const bare = one.replace(/=+$/, '')
      expect(secretsIn(`${one}\n`)).toEqual([one])
      expect(secretsIn(` ${bare}\r\n${other}\n\n`)).toEqual([bare, other])
    }),
  )
  const good = 'whsec_abcd'
  for (const text of [
    '',
    'whsec_',
    'whsec_a',
    'whsec_ab',
    'whsec_ab==',
    'whsec_abcde',
    'whsec_abcd=',
    'c2VjcmV0',
    'WHSEC_abcd',
    'whsec_a-b_',
    `${good} ${good} ${good}`,
  ])
    expect(() => secretsIn(text), text).toThrow('the file must hold whsec_ followed by base64')
  const ofBytes = (size: number): string => `whsec_${Buffer.alloc(size).toString('base64')}`
  expect([23, 24, 64, 65].map(size => isLongEnough(ofBytes(size)))).toEqual([false, true, true, false])
})
