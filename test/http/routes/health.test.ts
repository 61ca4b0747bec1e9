import { expect, test } from 'vitest'
import { StoreUnavailable } from '../../../src/operations/store.ts'
import { standInApp, startWorld } from '../../helper.ts'

test('probes need no credentials, count in no limit and are not cached', async () => {
  const world = await startWorld({ env: { RATE_LIMIT_MAX: '1' } })
  for (const path of ['/livez', '/readyz', '/livez', '/readyz']) {
    const answer = await world.call('GET', path, { key: null })
    expect([answer.status, answer.body], path).toEqual([200, { status: 'ok' }])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect([...answer.headers.keys()].filter(name => name.startsWith('ratelimit'))).toEqual([])
  }
})

test('HOSTKEY being away does not fail readiness', async () => {
  const world = await startWorld()
  await world.simulator.close()
  expect((await world.call('GET', '/vms/1000/stats')).status).toBe(503)
  expect((await world.call('GET', '/readyz')).status).toBe(200)
})

test('a store that is away fails readiness, and nothing else', async () => {
  const { app, log } = await standInApp({
    ping: () => Promise.reject(new StoreUnavailable('SQLITE_FULL: /secret/path')),
  })
  const answer = await app.inject('/readyz')
  expect(answer.statusCode).toBe(503)
  expect(answer.json()).toMatchObject({ code: 'store-unavailable', status: 503 })
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  expect(answer.payload).not.toMatch(/SQLITE|path/)
  expect(log.join('')).toContain('SQLITE_FULL')
  expect((await app.inject('/livez')).statusCode).toBe(200)
})

test('from the moment it shuts down readiness fails, and liveness does not', async () => {
  const { app, draining } = await standInApp({ ping: () => Promise.resolve() })
  expect((await app.inject('/readyz')).statusCode).toBe(200)
  draining.abort()
  const answer = await app.inject('/readyz')
  expect([answer.statusCode, answer.json().code]).toEqual([503, 'draining'])
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  expect((await app.inject('/livez')).statusCode).toBe(200)
})
