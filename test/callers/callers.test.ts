import { expect, test } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { looksLikeToken } from '../../src/callers/callers.ts'
import { newEntry } from '../../src/callers/key.ts'
import { ended, KEY, startWorld, type World } from '../helper.ts'
import { AUDIENCE, ES, INVALID, ISSUER, sign, startProvider, type Claims, type Provider } from './provider.ts'

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
    expect(headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    expect(text + world.log.join('')).not.toContain(bad.split('.')[1])
  }
  expect(world.simulator.requests).toHaveLength(calls)
})

test('while the JWKS cannot be read, nothing is said of a token, and keys go on working', async () => {
  const world = await startTokenWorld()
  world.provider.answer = (_request, response) => void response.writeHead(500).end()
  for (const bad of [await world.token(), await world.token({ aud: 'other' })]) {
    const answer = await world.call('GET', '/operations', { key: bad })
    expect([answer.status, answer.body.code]).toEqual([503, 'keys-unavailable'])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answer.headers.get('www-authenticate')).toBeNull()
    // Nobody knows who it is, so the address is counted.
    expect(answer.headers.get('ratelimit')).toMatch(/^"default";/)
  }
  expect((await world.call('GET', '/operations')).status).toBe(200)
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
