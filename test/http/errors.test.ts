import { expect, test } from 'vitest'
import { StoreUnavailable } from '../../src/operations/store.ts'
import { callRaw, standInApp, startWorld, type Answer } from '../helper.ts'
import { expectProblem } from './expect-problem.ts'

test('unknown routes', async () => {
  const world = await startWorld()
  for (const path of [
    '/nothing',
    '/vms',
    '/vms/1000',
    '/VMs/1000/snapshots',
    '/vms/1000/snapshots/a/restore/b',
    '/../../etc/passwd',
    '//livez',
  ]) {
    for (const method of ['GET', 'POST', 'DELETE'])
      expectProblem(await callRaw(world.gateway.address, method, path), 'route-not-found')
  }
  const { body } = await world.call('GET', '/nothing?token=x')
  expect(body.detail).toContain('GET /nothing ')
  expect(body.detail).not.toContain('token')
})

test('malformed paths', async () => {
  const world = await startWorld()
  const long = 'n'.repeat(801)
  for (const path of ['/%ff', '/vms/%ff/stats', '/vms/1000/snapshots/%', '/operations/%zz'])
    expectProblem(await callRaw(world.gateway.address, 'GET', path), 'malformed-request')
  for (const path of [`/vms/1000/snapshots/${long}`, `/vms/${long}/stats`, `/operations/${long}`])
    expectProblem(await callRaw(world.gateway.address, 'GET', path), 'malformed-request')
  expect(world.simulator.requests).toEqual([])
})

test('a request id is taken over when it looks like one, else made', async () => {
  const world = await startWorld()
  const send = (id: string | string[]): Promise<Answer> =>
    callRaw(world.gateway.address, 'GET', '/nothing', { headers: { 'x-request-id': id } })
  for (const id of ['12345678', 'a.B_c-0123', 'x'.repeat(128)]) {
    const answer = await send(id)
    expect(answer.headers.get('x-request-id')).toBe(id)
    expectProblem(answer, 'route-not-found')
  }
  const made = new Set<string | null>()
  const refused = [
    '',
    '1234567',
    'x'.repeat(129),
    'a b c d e f',
    '{"a":"b","c":1}',
    'ünïcödé-id',
    ['12345678', '87654321'],
  ]
  for (const id of refused) {
    const answer = await send(id)
    const own = answer.headers.get('x-request-id')
    expect(own, String(id)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(answer.body.instance).toBe(own)
    made.add(own)
  }
  expect(made.size).toBe(refused.length)
  const good = await world.call('GET', '/livez', { headers: { 'x-request-id': 'request-0001' } })
  expect(good.headers.get('x-request-id')).toBe('request-0001')
  await world.call('GET', '/nothing', { headers: { 'x-request-id': 'request-0002' } })
  expect(world.log.join('')).toMatch(/"reqId":"request-0002".*"status":404/)
})

test('of an error of its own the gateway shows the id, and logs the cause', async () => {
  const { app, log } = await standInApp({
    list: () => Promise.reject(new Error('the secret cause')),
    get: () => {
      throw new TypeError('another cause')
    },
  })
  for (const path of ['/operations', `/operations/op_${'0'.repeat(26)}`]) {
    const { statusCode, headers, payload } = await app.inject({ url: path, headers: { 'x-api-key': 'k' } })
    const answer: Answer = {
      status: statusCode,
      headers: new Headers(headers as Record<string, string>),
      text: payload,
      body: JSON.parse(payload),
    }
    expectProblem(answer, 'internal')
    expect(payload).not.toContain('cause')
    const line = log.find(one => one.includes('"request failed"') && one.includes(answer.body.instance))
    expect(JSON.parse(line!)).toMatchObject({ level: 50, err: { message: expect.stringContaining('cause') } })
  }
})

test('a store that is away is said, with when to come back', async () => {
  const away = () => Promise.reject(new StoreUnavailable('SQLITE_FULL'))
  const { app } = await standInApp({ list: away, start: away })
  for (const request of [
    { url: '/operations' },
    { method: 'POST', url: '/vms/1000/snapshots', payload: { name: 'a' } },
  ] as const) {
    const answer = await app.inject({ ...request, headers: { 'x-api-key': 'k' } })
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toMatchObject({ code: 'store-unavailable' })
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(answer.payload).not.toContain('SQLITE')
  }
})
