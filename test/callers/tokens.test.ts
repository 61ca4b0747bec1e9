import { KeyObject, sign as cryptoSign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import { SCOPES, type Caller } from '../../src/callers/caller.ts'
import { looksLikeToken } from '../../src/callers/callers.ts'
import { newEntry } from '../../src/callers/key.ts'
import type { KeyTimes } from '../../src/callers/remote-keys.ts'
import { tokenCallers } from '../../src/callers/tokens.ts'
import { REFUSALS } from '../../src/http/auth.ts'
import { ended, KEY, startWorld, type World } from '../helper.ts'

const ISSUER = 'https://id.example.com/'
const AUDIENCE = 'hostkey-gateway'
const START_MS = Date.parse('2026-11-24T10:00:00Z')
const INVALID = 'The token is not valid for this gateway.'
const UNAVAILABLE = 'The token cannot be verified now; send this again in a moment.'

interface Key {
  kid: string
  alg: string
  privateKey: CryptoKey
  jwk: JWK
}

async function newKey(kid: string, alg = 'ES256'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** One of each kind: making an RSA key takes a while. */
const KEYS = await Promise.all([newKey('es'), newKey('rs', 'RS256'), newKey('ed', 'EdDSA')])
const [ES, RS, ED] = KEYS
// A key may leave open for which algorithm it is: then ours alone keep others out.
delete RS.jwk.alg

interface Provider {
  url: string
  keys: Key[]
  fetches: number
  /** Answers in place of the keys. */
  answer: RequestListener | null
}

async function startProvider(...keys: Key[]): Promise<Provider> {
  const provider: Provider = { url: '', keys, fetches: 0, answer: null }
  const server = createServer((request, response) => {
    provider.fetches += 1
    if (provider.answer) provider.answer(request, response)
    else response.end(JSON.stringify({ keys: provider.keys.map(({ jwk }) => jwk) }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return provider
}

type Claims = { [K in keyof JWTPayload]?: JWTPayload[K] | undefined }

interface TokenChanges {
  key?: Key
  header?: Record<string, unknown>
  claims?: Claims
  nowMs?: number
}

/** A good token, unless told otherwise; a claim that is undefined is left out. */
function sign({ key = ES, header = {}, claims = {}, nowMs = START_MS }: TokenChanges = {}): Promise<string> {
  const seconds = Math.floor(nowMs / 1000)
  return new SignJWT({
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'robot',
    exp: seconds + 600,
    scope: 'stats:read',
    vms: [1000],
    ...claims,
  } as JWTPayload)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
    .sign(key.privateKey)
}

interface Bench {
  provider: Provider
  clock: { nowMs: number }
  warnings: string[]
  /** The caller with this token, or what one is told who is refused. */
  verify: (token: string) => Promise<Caller | string>
}

async function startBench(keys: Key[] = [ES], times: Partial<KeyTimes> = {}): Promise<Bench> {
  const provider = await startProvider(...keys)
  const clock = { nowMs: START_MS }
  const warnings: string[] = []
  const callers = tokenCallers(
    { jwksUrl: provider.url, issuer: ISSUER, audience: AUDIENCE },
    {
      now: () => clock.nowMs,
      log: { warn: fields => void warnings.push(JSON.stringify(fields)), debug: () => {} },
      times,
    },
  )
  const verify = async (token: string): Promise<Caller | string> => {
    const found = await callers.find(token)
    return typeof found === 'string' ? REFUSALS[found] : found
  }
  return { provider, clock, warnings, verify }
}

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
  ] as Claims[])
    expect(await verdict(claims), JSON.stringify(claims)).toMatch(/wrong form/)
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

test('new keys are found by their id, and unknown ids do not make us ask at will', async () => {
  const { verify, provider, clock } = await startBench([ES])
  const next = await newKey('next')
  expect(await verify(await sign())).toMatchObject({ name: 'robot' })
  provider.keys = [next]
  const token = await sign({ key: next })
  const unknown = async (count: number): Promise<void> => {
    const tokens = await Promise.all(
      Array.from({ length: count }, (_, i) => sign({ header: { kid: `unknown-${i}` } })),
    )
    for (const verdict of await Promise.all(tokens.map(verify))) expect(verdict).toBe(INVALID)
  }
  await unknown(50)
  expect(await verify(token)).toBe(INVALID)
  expect(provider.fetches).toBe(1)
  clock.nowMs += 30_000
  expect(await verify(token)).toMatchObject({ name: 'robot' })
  expect(provider.fetches).toBe(2)
  // What is withdrawn is not remembered.
  expect(await verify(await sign())).toBe(INVALID)
  clock.nowMs += 30_000
  await unknown(50)
  expect(provider.fetches).toBe(3)
})

test('a withdrawn key goes after a while, also when nobody shows a new one', async () => {
  const { verify, provider, clock } = await startBench([ES, ED])
  const token = (): Promise<string> => sign({ nowMs: clock.nowMs })
  expect(await verify(await token())).toMatchObject({ name: 'robot' })
  provider.keys = [ED]
  clock.nowMs += 599_000
  expect(await verify(await token())).toMatchObject({ name: 'robot' })
  clock.nowMs += 1_000
  expect(await verify(await token())).toBe(INVALID)
})

const FAILURES: Record<string, [RequestListener, RegExp]> = {
  'an error': [(_, response) => response.writeHead(500).end('{"keys":[]}'), /status 500/],
  'no JSON': [(_, response) => response.end('<html>canary</html>'), /not JSON/],
  'JSON that is no set': [(_, response) => response.end('{"keys":"canary"}'), /malformed/],
  'too much': [(_, response) => response.end(`{"keys":[],"pad":"${'x'.repeat(300_000)}"}`), /too large/],
  'a redirect': [
    (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    /fetch failed/,
  ],
  'a closed connection': [request => request.socket.destroy(), /fetch failed/],
  'no answer': [() => {}, /timeout/],
  'an answer that never ends': [(_, response) => response.write('{'), /timeout/],
}

test.each(Object.entries(FAILURES))('%s from the JWKS', async (_, [answer, reason]) => {
  const { verify, provider, clock, warnings } = await startBench([ES], { timeoutMs: 100 })
  provider.answer = answer
  // Without any key nobody gets in, and it is not asked for each token.
  for (let i = 0; i < 3; i += 1) expect(await verify(await sign())).toBe(UNAVAILABLE)
  expect([provider.fetches, warnings]).toEqual([1, [expect.stringMatching(reason)]])
  expect(warnings.join()).not.toContain('canary')

  provider.answer = null
  clock.nowMs += 5_000
  expect(await verify(await sign())).toMatchObject({ name: 'robot' })

  // With old keys those who have one of them go on, for a day.
  provider.answer = answer
  clock.nowMs += 86_399_000
  const token = await sign({ nowMs: clock.nowMs })
  expect(await verify(token)).toMatchObject({ name: 'robot' })
  expect(await verify(await sign({ key: RS, nowMs: clock.nowMs }))).toBe(UNAVAILABLE)
  expect([provider.fetches, warnings.length]).toEqual([3, 2])
  clock.nowMs += 31_000
  expect(await verify(token)).toBe(UNAVAILABLE)
})

test('callers who come together share a fetch', async () => {
  const { verify, provider } = await startBench()
  const tokens = await Promise.all(Array.from({ length: 20 }, (_, i) => sign({ claims: { sub: `s${i}` } })))
  const callers = await Promise.all(tokens.map(verify))
  expect(callers).toEqual(tokens.map((_, i) => expect.objectContaining({ id: `jwt:s${i}` })))
  expect(provider.fetches).toBe(1)
})

test('what is taken for a token', () => {
  for (const credential of ['a.b.c', 'eyJ.e_-0.', 'a.b.'])
    expect([credential, looksLikeToken(credential)]).toEqual([credential, true])
  for (const credential of ['', 'abc', 'a.b', 'a.b.c.d', '..', 'a..c', 'a.b+.c', 'a.b.c ', 'a.b.c\n'])
    expect([credential, looksLikeToken(credential)]).toEqual([credential, false])
})

/** A gateway that takes tokens, and a key whose caller has the name of the tokens' subject. */
async function startTokenWorld(
  env: Record<string, string> = {},
): Promise<World & { provider: Provider; token: (claims?: Claims) => Promise<string> }> {
  const provider = await startProvider(ES)
  const world = await startWorld({
    env: { JWT_JWKS_URL: provider.url, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE, ...env },
    callers: [
      newEntry('robot', KEY, SCOPES, '*'),
      // Scopes of another family: what it sees it sees as its own.
      newEntry('jwt.robot', 'key-other', ['stats:read'], '*'),
    ],
  })
  const token = (claims: Claims = {}): Promise<string> => sign({ claims, nowMs: Date.now() })
  return Object.assign(world, { provider, token })
}

test('keys and tokens go side by side, each with its own scopes, VMs and answers', async () => {
  const world = await startTokenWorld()
  const token = await world.token()
  const status = (key: string | null, path: string, headers = {}): Promise<number> =>
    world.call('GET', path, { key, headers }).then(answer => answer.status)
  expect(await status(KEY, '/vms/1001/stats')).toBe(200)
  expect(await status(token, '/vms/1000/stats')).toBe(200)
  expect(await status(null, '/vms/1000/stats', { 'x-api-key': token })).toBe(200)
  expect(await status(token, '/vms/1001/stats')).toBe(403)
  expect(await status(token, '/vms/1000/snapshots')).toBe(403)
  expect(await status(await world.token({ scope: undefined }), '/operations')).toBe(403)
  const calls = world.simulator.requests.length
  for (const [bad, detail] of [
    [await world.token({ aud: 'other' }), INVALID],
    [await world.token({ exp: 1 }), 'The token has expired.'],
    [`${token.slice(0, -4)}AAAA`, INVALID],
  ] as const) {
    const { status: refused, headers, body, text } = await world.call('GET', '/vms/1000/stats', { key: bad })
    expect([refused, body.code, body.detail]).toEqual([401, 'unauthenticated', detail])
    expect(headers.get('www-authenticate')).toBe('Bearer')
    expect(text + world.log.join('')).not.toContain(bad.split('.')[1])
  }
  expect(world.simulator.requests).toHaveLength(calls)
})

test('without a JWKS a token is only a key that nobody has', async () => {
  const world = await startWorld()
  const { status, body } = await world.call('GET', '/operations', { key: await sign({ nowMs: Date.now() }) })
  expect([status, body.detail]).toEqual([401, expect.stringContaining('Send the key of a caller')])
})

test('a caller by token shares nothing with the caller of the same name in the file', async () => {
  const world = await startTokenWorld({ RATE_LIMIT_MAX: '5' })
  const all = { scope: SCOPES.join(' '), vms: '*' as const }
  const token = await world.token(all)
  const create = (key: string): ReturnType<World['call']> =>
    world.call('POST', '/vms/1000/snapshots', {
      key,
      body: { name: 'a' },
      headers: { 'idempotency-key': 'same', prefer: 'wait=10' },
    })
  const mine = await create(token)
  const again = await create(token)
  const theirs = await create(KEY)
  expect([mine.status, again.body.id, again.headers.get('idempotency-replayed')]).toEqual([
    200,
    mine.body.id,
    'true',
  ])
  expect(theirs.headers.get('idempotency-replayed')).toBeNull()
  expect(theirs.body.id).not.toBe(mine.body.id)
  const operation = mine.body
  expect(operation).toMatchObject({ created_by: 'robot', status: 'succeeded' })
  expect(await ended(world, operation.id)).toMatchObject({ created_by: 'robot' })

  // Who started it sees it whatever the scopes; the namesake only by its own.
  const stats = await world.token({ ...all, scope: 'stats:read' })
  const look = (key: string): Promise<number> =>
    world.call('GET', operation.self, { key }).then(({ status }) => status)
  expect([
    await look(stats),
    await look(await world.token({ ...all, sub: 'jwt:robot', scope: 'stats:read' })),
  ]).toEqual([200, 404])
  expect(await look('key-other')).toBe(404)
  const listed = (await world.call('GET', '/operations', { key: stats })).body.operations
  expect(listed.map(({ id }: { id: string }) => id)).toEqual([operation.id])

  // Quotas, too.
  const remaining = (await world.call('GET', '/vms/1000/stats', { key: token })).headers
  expect(remaining.get('ratelimit-remaining')).toBe('2')
  expect((await world.call('GET', '/vms/1000/stats')).headers.get('ratelimit-remaining')).toBe('3')
  const lines = world.log.filter(line => line.includes('"msg":"request"'))
  expect(lines.some(line => line.includes('"caller":"jwt:robot"'))).toBe(true)
})
