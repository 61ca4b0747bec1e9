import { expect, test } from 'vitest'
import { SCOPES, type Scope } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import { callRaw, KEY, startWorld } from '../helper.ts'

/** Every route that is not public, and the scope it needs (none: any will do). */
const ROUTES: [string, string, Scope | null, object?][] = [
  ['POST', '/vms/4000/snapshots', 'snapshots:create', { name: 'a' }],
  ['GET', '/vms/4000/snapshots', 'snapshots:read'],
  ['HEAD', '/vms/4000/snapshots', 'snapshots:read'],
  ['GET', '/vms/4000/snapshots/a', 'snapshots:read'],
  ['DELETE', '/vms/4000/snapshots/a', 'snapshots:delete'],
  ['POST', '/vms/4000/snapshots/a/restore', 'snapshots:restore'],
  ['GET', '/vms/4000/stats', 'stats:read'],
  ['GET', '/operations', null],
  ['GET', '/operations/op_x', null],
  ['GET', '/operations/op_x/events', null],
]

test('each route takes its scope and no other', async () => {
  const world = await startWorld({
    callers: SCOPES.map(scope => newEntry(scope.replace(':', '-'), `key-${scope}`, [scope], '*')),
  })
  for (const [method, path, needed, body] of ROUTES) {
    for (const scope of SCOPES) {
      const before = world.simulator.requests.length
      const answer = await world.call(method, path, { key: `key-${scope}`, ...(body ? { body } : {}) })
      const what = `${method} ${path} with ${scope}`
      const isAllowed = needed === null || needed === scope
      // HOSTKEY knows no VM 4000, nor the gateway that operation: a 404 has passed.
      expect(answer.status, what).toBe(isAllowed ? (path === '/operations' ? 200 : 404) : 403)
      // RFC 6750, section 3.1. HOSTKEY's 404 knows nothing of scopes.
      expect(answer.headers.get('www-authenticate'), what).toBe(
        isAllowed ? null : `Bearer error="insufficient_scope", scope="${needed}"`,
      )
      const isRefused = answer.text === '' || answer.body?.code === 'scope-missing'
      expect(isRefused || isAllowed, what).toBe(true)
      expect(world.simulator.requests.length > before, what).toBe(isAllowed && needed !== null)
    }
  }
})

test('VMs outside the list of a caller are not touched', async () => {
  const world = await startWorld({
    callers: [newEntry('tester', KEY, SCOPES, [1000]), newEntry('none', 'key-none', SCOPES, [])],
  })
  for (const [method, path, scope, body] of ROUTES) {
    if (scope === null || method === 'HEAD') continue
    for (const [key, vmId] of [
      [KEY, 4000],
      [KEY, 1001],
      ['key-none', 1000],
    ] as const) {
      const answer = await world.call(method, path.replace('4000', String(vmId)), {
        key,
        ...(body ? { body } : {}),
      })
      expect([answer.status, answer.body.code], path).toEqual([403, 'vm-not-allowed'])
    }
  }
  expect(world.simulator.requests).toEqual([])
  expect((await world.call('GET', '/vms/1000/stats')).status).toBe(200)
})

test('without credentials, or with bad ones, there is nothing but the public routes', async () => {
  const world = await startWorld({
    callers: [newEntry('tester', KEY, SCOPES, '*'), newEntry('other', 'other-key', SCOPES, '*')],
  })
  const base = world.gateway.address
  const bad: Record<string, string | string[]>[] = [
    { authorization: '' },
    { authorization: 'Bearer' },
    { authorization: 'Bearer ' },
    { authorization: 'Bearer wrong' },
    { authorization: `Bearer ${KEY} x` },
    { authorization: `Bearer ${KEY}x` },
    { authorization: `Bearer ${KEY.toUpperCase()}` },
    { authorization: `Bearer ${'x'.repeat(5_000)}` },
    { authorization: `Basic ${Buffer.from(`tester:${KEY}`).toString('base64')}` },
    { authorization: KEY },
    { authorization: '', 'x-api-key': '' },
    { authorization: '', 'x-api-key': KEY },
    { authorization: 'Basic x', 'x-api-key': KEY },
    { authorization: `Bearer ${KEY}`, 'x-api-key': 'other-key' },
    { authorization: `Bearer ${KEY}`, 'x-api-key': '' },
    { authorization: `Bearer ${KEY}`, 'x-api-key': [KEY, 'other-key'] },
  ]
  for (const headers of bad) {
    const answer = await callRaw(base, 'GET', '/operations', { headers })
    expect([answer.status, answer.body.code], JSON.stringify(headers).slice(0, 80)).toEqual([
      401,
      'unauthenticated',
    ])
    const sent = /^Bearer +./i.test(String(headers.authorization)) || (headers['x-api-key'] ?? '') !== ''
    expect(answer.headers.get('www-authenticate')).toBe(sent ? 'Bearer error="invalid_token"' : 'Bearer')
  }
  for (const [method, path] of [...ROUTES, ['PUT', '/operations'] as const])
    expect((await world.call(method, path, { key: null })).status, path).toBe(401)
  // What a request carries is not looked at before who sends it.
  expect((await world.call('POST', '/vms/x/snapshots', { key: null, body: '{' })).status).toBe(401)
  for (const path of ['/livez', '/readyz', '/openapi.json', '/openapi.yaml'])
    expect((await world.call('GET', path, { key: 'wrong' })).status, path).toBe(200)
  expect(world.simulator.requests).toEqual([])
})

test('credentials that conflict are refused, and told so', async () => {
  const world = await startWorld({
    callers: [newEntry('tester', KEY, SCOPES, '*'), newEntry('other', 'other-key', SCOPES, '*')],
  })
  const good = `Bearer ${KEY}`
  const conflicts: Record<string, string | string[]>[] = [
    { authorization: [good, 'Bearer other-key'] },
    { authorization: [good, 'Basic x'] },
    { authorization: [good, ''] },
    { authorization: ['Basic x', good] },
    { authorization: good, 'x-api-key': 'other-key' },
    { authorization: good, 'x-api-key': [KEY, 'other-key'] },
    { authorization: good, 'X-Api-Key': '' },
    { authorization: 'Basic x', 'x-api-key': KEY },
    { authorization: `Bearer ${KEY}, Bearer other-key`, 'x-api-key': KEY },
    { authorization: '', 'x-api-key': KEY },
    { authorization: '', 'x-api-key': [KEY, 'other-key'] },
    // Even the same one, twice: one proxy takes the first, the next one the last, and one joins them.
    { authorization: [good, good] },
    { authorization: good, 'x-api-key': [KEY, KEY] },
    { 'x-api-key': [KEY, KEY], authorization: '' },
  ]
  for (const headers of conflicts) {
    const {
      status,
      body,
      text,
      headers: answered,
    } = await callRaw(world.gateway.address, 'GET', '/operations', { headers })
    expect([headers, status, body.detail]).toEqual([
      headers,
      401,
      'The request carries conflicting credentials; send one, in one header.',
    ])
    expect(answered.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    expect(text).not.toMatch(/other-key|test-caller-key/)
  }
})

test('both headers are taken, also together when they agree', async () => {
  const world = await startWorld()
  for (const headers of [
    { authorization: `Bearer ${KEY}` },
    { authorization: `bearer   ${KEY}` },
    { 'x-api-key': KEY },
    { authorization: `Bearer ${KEY}`, 'X-API-Key': KEY },
  ] as Record<string, string>[])
    expect((await world.call('GET', '/operations', { key: null, headers })).status).toBe(200)
})
