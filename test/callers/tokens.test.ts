import { KeyObject, sign as cryptoSign } from 'node:crypto'
import { SignJWT, type JWTPayload } from 'jose'
import { expect, test } from 'vitest'
import type { Caller } from '../../src/callers/caller.ts'
import {
  AUDIENCE,
  ES,
  INVALID,
  KEYS,
  newKey,
  RS,
  sign,
  START_MS,
  startBench,
  type Claims,
  type Key,
} from './provider.ts'

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** With what no library signs. */
function signAnyhow(header: object, payload: string, key: Key, hash = 'sha256'): string {
  const data = `${part(header)}.${payload}`
  const signature = cryptoSign(hash, Buffer.from(data), {
    key: KeyObject.from(key.privateKey),
    dsaEncoding: 'ieee-p1363',
  })
  return `${data}.${signature.toString('base64url')}`
}

test('a token of each algorithm speaks for its caller', async () => {
  const { verify, provider } = await startBench(KEYS)
  for (const key of KEYS) {
    const claims = { scope: 'stats:read openid  snapshots:read', vms: [1000, 1001] }
    expect(await verify(await sign({ key, claims, header: { typ: 'at+jwt' } })), key.alg).toEqual({
      id: 'jwt:robot',
      name: 'robot',
      scopes: new Set(['snapshots:read', 'stats:read']),
      vms: new Set([1000, 1001]),
      rateLimit: null,
      until: expect.any(AbortSignal) as AbortSignal,
    } satisfies Caller)
  }
  expect(provider.fetches).toBe(1)
})

test('what the claims of a caller may be', async () => {
  const { verify } = await startBench()
  const verdict = async (claims: Claims): Promise<unknown> => {
    const caller = await verify(await sign({ claims }))
    if (typeof caller === 'string') return caller
    return [caller.name, [...caller.scopes].join(' '), caller.vms === '*' ? '*' : [...caller.vms]]
  }
  for (const [claims, expected] of [
    [{ vms: '*' }, ['robot', 'stats:read', '*']],
    [{ vms: undefined }, ['robot', 'stats:read', []]],
    [{ vms: [] }, ['robot', 'stats:read', []]],
    [{ scope: undefined }, ['robot', '', [1000]]],
    [{ scope: 'toString STATS:READ admin *' }, ['robot', '', [1000]]],
    [{ scope: ['stats:read', 'email'] }, ['robot', 'stats:read', [1000]]],
    [{ aud: ['other', AUDIENCE] }, ['robot', 'stats:read', [1000]]],
    [{ sub: 'a|b@c:d' }, ['a|b@c:d', 'stats:read', [1000]]],
    [{ sub: 'x'.repeat(255) }, ['x'.repeat(255), 'stats:read', [1000]]],
  ] as [Claims, unknown][])
    expect(await verdict(claims), JSON.stringify(claims)).toEqual(expected)
  for (const claims of [
    { sub: '' },
    { sub: 'x'.repeat(256) },
    { sub: 'a b' },
    { sub: 'a\n' },
    { sub: 'é' },
    { sub: ['robot'] },
    { sub: { toString: 'robot' } },
    { sub: {} },
    { sub: [] },
    { sub: 5 },
    { sub: true },
    { scope: 5 },
    { scope: ['stats:read', 5] },
    { scope: { 'stats:read': true } },
    { vms: 'all' },
    { vms: 1000 },
    { vms: ['1000'] },
    { vms: ['*'] },
    { vms: [0] },
    { vms: [1.5] },
    { vms: [2_147_483_648] },
    { vms: null },
  ] as unknown as Claims[])
    expect(await verdict(claims), JSON.stringify(claims)).toMatch(/wrong form|not valid/)
})

test('what no token gets past', async () => {
  const { verify, provider } = await startBench([ES, RS])
  const good = await sign()
  const [header, payload, signature] = good.split('.') as [string, string, string]
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as JWTPayload
  const seconds = START_MS / 1000
  const secret = new TextEncoder().encode(JSON.stringify(ES.jwk))
  const stranger = await newKey('es')
  const hmac = (alg: string): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg, kid: 'es' }).sign(secret)
  const bad: Record<string, string | Promise<string>> = {
    'unsigned, without a signature': `${part({ alg: 'none', kid: 'es' })}.${payload}.`,
    'unsigned, with a signature': `${part({ alg: 'none', kid: 'es' })}.${payload}.${signature}`,
    'None in other letters': `${part({ alg: 'nOnE' })}.${payload}.`,
    'the public key as a secret': hmac('HS256'),
    'the public key as a longer secret': hmac('HS512'),
    'another algorithm of the same key': signAnyhow({ alg: 'RS512', kid: 'rs' }, payload, RS, 'sha512'),
    'an algorithm that is none of the key': `${part({ alg: 'RS256', kid: 'es' })}.${payload}.${signature}`,
    'the key of somebody else': sign({ key: stranger }),
    'a key it brings along': sign({ key: stranger, header: { jwk: stranger.jwk } }),
    'a place of keys it brings along': sign({ key: stranger, header: { jku: 'http://127.0.0.1:1/jwks' } }),
    'changed claims': `${header}.${part({ ...claims, vms: '*' })}.${signature}`,
    'no signature': `${header}.${payload}.`,
    'half a signature': `${header}.${payload}.${signature.slice(0, 40)}`,
    'claims that are no JSON': `${header}.${Buffer.from('x').toString('base64url')}.${signature}`,
    'a header that is no JSON': `eA.${payload}.${signature}`,
    'an extension that must be known': signAnyhow(
      { alg: 'ES256', kid: 'es', crit: ['x'], x: 1 },
      payload,
      ES,
    ),
    'another issuer': sign({ claims: { iss: 'https://id.example.com' } }),
    'no issuer': sign({ claims: { iss: undefined } }),
    'another audience': sign({ claims: { aud: 'other' } }),
    'no audience': sign({ claims: { aud: undefined } }),
    'no subject': sign({ claims: { sub: undefined } }),
    'no expiry': sign({ claims: { exp: undefined } }),
    'an expiry that is no number': sign({ claims: { exp: '2099' as never } }),
    'not valid yet': sign({ claims: { nbf: seconds + 31 } }),
  }
  for (const [what, token] of Object.entries(bad)) expect(await verify(await token), what).toBe(INVALID)
  expect(await verify(await sign({ claims: { exp: seconds - 31 } }))).toBe('The token has expired.')
  expect(await verify(await sign({ claims: { pad: 'x'.repeat(8_192) } }))).toBe('The token is too long.')
  // The only difference is what is wrong with each.
  expect(await verify(signAnyhow({ alg: 'RS256', kid: 'rs' }, payload, RS))).toMatchObject({ name: 'robot' })
  expect(await verify(signAnyhow({ alg: 'ES256', kid: 'es' }, payload, ES))).toMatchObject({ name: 'robot' })
  expect(await verify(good)).toMatchObject({ name: 'robot' })
  expect(provider.fetches).toBe(1)
})

test('only an access token speaks for a caller', async () => {
  const { verify } = await startBench()
  for (const typ of [undefined, 'JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt', 'application/jwt'])
    expect(await verify(await sign({ header: { typ } })), typ).toMatchObject({ name: 'robot' })
  const others = [
    'logout+jwt',
    'secevent+jwt',
    'dpop+jwt',
    'oauth-authz-req+jwt',
    'at+jwt ',
    'JWS',
    '',
    5,
    null,
    ['JWT'],
  ]
  for (const typ of others) expect(await verify(await sign({ header: { typ } })), String(typ)).toBe(INVALID)
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  for (const typ of [undefined, 'JWT'])
    expect(await verify(await sign({ header: { typ }, claims: { events } }))).toBe(INVALID)
})

test('clocks may differ by half a minute, and a verified token ends when it says', async () => {
  const { verify, clock } = await startBench()
  const seconds = START_MS / 1000
  for (const claims of [{ exp: seconds - 29 }, { nbf: seconds + 29 }])
    expect(await verify(await sign({ claims })), JSON.stringify(claims)).toMatchObject({ name: 'robot' })
  const token = await sign({ claims: { exp: seconds + 10 } })
  expect(await verify(token)).toMatchObject({ name: 'robot' })
  clock.nowMs += 39_000
  expect(await verify(token)).toMatchObject({ name: 'robot' })
  clock.nowMs += 2_000
  expect(await verify(token)).toBe('The token has expired.')
})
