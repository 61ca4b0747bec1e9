import { expect, test } from 'vitest'
import { callRaw, KEY, startWorld, type Answer } from '../helper.ts'

/** Every header of a request that any route looks at. */
const SENT = [
  'authorization',
  'cache-control',
  'content-type',
  'idempotency-key',
  'if-none-match',
  'last-event-id',
  'prefer',
  'traceparent',
  'tracestate',
  'x-api-key',
  'x-request-id',
]

test('web pages of the configured origins may call, and no others', async () => {
  const world = await startWorld({
    env: { CORS_ORIGINS: 'https://app.example.com,http://localhost:3000', RATE_LIMIT_MAX: '5' },
  })
  const ask = (
    method: string,
    path: string,
    origin: string,
    more = {},
    key: string | null = KEY,
  ): Promise<Answer> =>
    callRaw(world.gateway.address, method, path, {
      headers: { ...(key === null ? { authorization: '' } : {}), origin, ...more },
    })
  const allowed = ({ headers }: Answer): (string | null)[] =>
    ['allow-origin', 'allow-credentials'].map(name => headers.get(`access-control-${name}`))
  const preflight = {
    'access-control-request-method': 'DELETE',
    'access-control-request-headers': 'authorization',
  }

  for (const origin of ['https://app.example.com', 'http://localhost:3000']) {
    // Before credentials, and without counting.
    for (const path of ['/vms/1000/snapshots/a', '/operations', '/nothing'])
      for (let i = 0; i < 3; i += 1) {
        const answer = await ask('OPTIONS', path, origin, preflight, null)
        expect([answer.status, answer.text, ...allowed(answer)], path).toEqual([204, '', origin, null])
        expect(answer.headers.get('access-control-allow-methods')).toBe('GET, HEAD, POST, DELETE')
        const names = answer.headers.get('access-control-allow-headers')!.toLowerCase().split(', ')
        expect(names).toEqual(expect.arrayContaining(SENT))
        expect(answer.headers.get('vary')).toContain('Origin')
        expect(answer.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/)
      }
    for (const [path, key, status] of [
      ['/operations', KEY, 200],
      ['/operations', null, 401],
      ['/nothing', null, 404],
    ] as const) {
      const answer = await ask('GET', path, origin, {}, key)
      expect([answer.status, ...allowed(answer)], path).toEqual([status, origin, null])
      const exposed = answer.headers.get('access-control-expose-headers')!.toLowerCase().split(', ')
      expect(exposed).toEqual(
        expect.arrayContaining([
          'allow',
          'etag',
          'www-authenticate',
          'location',
          'retry-after',
          'ratelimit',
          'ratelimit-policy',
          'ratelimit-remaining',
          'idempotency-replayed',
          'preference-applied',
        ]),
      )
    }
  }
  for (const origin of [
    'https://evil.example',
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'null',
  ])
    for (const method of ['OPTIONS', 'GET'])
      expect(allowed(await ask(method, '/operations', origin, preflight)), origin).toEqual([null, null])
  // An OPTIONS that is no preflight is a method like another.
  const answer = await callRaw(world.gateway.address, 'OPTIONS', '/operations')
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
})

test('what depends on the origin says so, whoever asks', async () => {
  const world = await startWorld({ env: { CORS_ORIGINS: 'https://app.example.com' } })
  const varies = async (path: string, headers = {}): Promise<string[]> =>
    ((await callRaw(world.gateway.address, 'GET', path, { headers })).headers.get('vary') ?? '')
      .toLowerCase()
      .split(', ')
      .toSorted()
  for (const headers of [{}, { origin: 'https://app.example.com' }, { origin: 'https://evil.example' }]) {
    for (const path of ['/operations', '/', '/livez', '/nothing', '/vms/x/stats', '/openapi.json'])
      expect(await varies(path, headers), path).toEqual(['origin'])
    expect(await varies('/problems/internal', headers)).toEqual(['accept', 'origin'])
  }
  await world.restart({ CORS_ORIGINS: '' })
  expect([await varies('/operations'), await varies('/problems/internal')]).toEqual([[''], ['accept']])
})
