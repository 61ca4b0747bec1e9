/** `/metrics`: what a short run of the gateway adds to it, and what must never stand in it. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { StoreUnavailable, type Store } from '../../src/operations/store.ts'
import { Breaker } from '../../src/upstream/breaker.ts'
import { Bulkhead } from '../../src/upstream/bulkhead.ts'
import { realWorld } from '../../src/world.ts'
import { callRaw, KEY, startWorld, type World } from '../helper.ts'
import { endOf, operation } from '../store/store-contract.ts'

/** `name{label="value",…}` → value, with the labels in order. */
function samplesOf(text: string): Record<string, number> {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map(line => {
      const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)!
      const sorted =
        labels
          .match(/\w+="[^"]*"/g)
          ?.toSorted()
          .join(',') ?? ''
      return [name.replace('hostkey_gateway_', '') + (sorted && `{${sorted}}`), Number(value)]
    }),
  )
}

async function scrape(world: World): Promise<Record<string, number>> {
  return samplesOf((await world.call('GET', '/metrics', { key: null })).text)
}

test('a short run shows in requests, problems, calls, operations, reads and the store', async () => {
  const world = await startWorld({
    env: { READ_CACHE_MS: '60000', HOSTKEY_TOKEN: '', HOSTKEY_API_KEY: 'api-key' },
    simulator: { apiKey: 'api-key' },
    callers: [newEntry('tester', KEY, SCOPES, '*'), newEntry('few', 'key-few', ['stats:read'], '*')],
  })
  const wait = { headers: { prefer: 'wait=10' } }
  await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' }, ...wait })
  await world.call('POST', '/vms/1002/snapshots', { body: { name: 'a' }, ...wait })
  await world.call('POST', '/vms/1003/snapshots', { body: { name: 'a' } })
  // Two at once share a read; the third finds its result.
  await Promise.all([world.call('GET', '/vms/1000/stats'), world.call('GET', '/vms/1000/stats')])
  await world.call('GET', '/vms/1000/stats')
  await world.call('GET', '/vms/1000/snapshots', { key: 'key-few' })
  await world.call('GET', '/vms/1000/snapshots', { key: null })
  await world.call('GET', '/nothing/here/1000')
  await callRaw(world.gateway.address, 'GET', '/%ff')
  // Refused before it is a request.
  await callRaw(world.gateway.address, 'GET', '/livez', { headers: { 'x-large': 'x'.repeat(20_000) } })
  const samples = await scrape(world)
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

  const create = 'method="POST",route="/vms/:vm_id/snapshots"'
  expect(samples).toMatchObject({
    [`http_request_duration_seconds_count{${create},status="200"}`]: 2,
    [`http_request_duration_seconds_count{${create},status="202"}`]: 1,
    'http_request_duration_seconds_count{method="GET",route="/vms/:vm_id/stats",status="200"}': 3,
    'http_request_duration_seconds_count{method="GET",route="none",status="404"}': 1,
    'http_request_duration_seconds_count{method="GET",route="none",status="400"}': 1,
    'problems_total{caller="few",code="scope-missing"}': 1,
    'problems_total{caller="anonymous",code="unauthenticated"}': 1,
    'problems_total{caller="anonymous",code="route-not-found"}': 1,
    'problems_total{caller="anonymous",code="malformed-request"}': 2,
    'upstream_call_duration_seconds_count{action="login",outcome="answer"}': 1,
    'upstream_call_duration_seconds_count{action="create_snapshot",outcome="accepted"}': 3,
    'upstream_call_duration_seconds_count{action="load_stats",outcome="accepted"}': 1,
    'upstream_call_duration_seconds_count{action="check",outcome="failed"}': 1,
    'operations_running{kind="snapshot.create"}': 1,
    'operations_running{kind="stats.load"}': 0,
    'operations_ended_total{kind="snapshot.create",status="succeeded"}': 1,
    'operations_ended_total{kind="snapshot.create",status="failed"}': 1,
    'operation_duration_seconds_count{kind="snapshot.create"}': 2,
    'reads_total{kind="stats.load",source="upstream"}': 1,
    'reads_total{kind="stats.load",source="shared"}': 1,
    'reads_total{kind="stats.load",source="cache"}': 1,
    'breaker_state{state="closed"}': 1,
    'breaker_state{state="open"}': 0,
    'upstream_calls{state="waiting"}': 0,
    'store_duration_seconds_count{method="start",outcome="ok"}': 3,
    [`build_info{node="${process.versions.node}",version="${version}"}`]: 1,
    process_resident_memory_bytes: expect.any(Number) as number,
  })
})

test('it is text for Prometheus, of this gateway alone, and a quota keeps it from being a burden', async () => {
  const world = await startWorld({ env: { RATE_LIMIT_MAX: '4' } })
  const other = await startWorld()
  await other.call('GET', '/vms/1000/stats')
  const { headers, text } = await world.call('GET', '/metrics', { key: null })
  expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(headers.get('cache-control')).toBe('no-store')
  expect(text).not.toContain('/vms/:vm_id/stats')
  // Each metric is told once, with its type, as Prometheus wants it.
  const names = [...text.matchAll(/^# TYPE (\w+) \w+$/gm)].map(([, name]) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(names.length).toBeGreaterThan(30)

  for (let left = 3; left > 0; left -= 1)
    expect((await world.call('GET', '/metrics', { key: null })).status).toBe(200)
  expect((await world.call('GET', '/metrics', { key: null })).status).toBe(429)
})

test('labels are few whatever callers send: no path, no method, no subject and no id of theirs', async () => {
  const world = await startWorld()
  const { body } = await world.call('POST', '/vms/1003/snapshots', { body: { name: 'a-name' } })
  await world.call('GET', body.self)
  for (const path of ['/vms/1003/none', '/x-1', '/x-2', '/docs/x-3', `/operations/${body.id}/x-4`, '/%ff'])
    await callRaw(world.gateway.address, 'GET', path)
  for (const method of ['PROPFIND', 'PURGE', 'TRACE']) await callRaw(world.gateway.address, method, '/livez')
  const { text } = await world.call('GET', '/metrics')
  // Without the values, in which any digits may stand.
  const labels = (text.match(/\{.*\}/g) ?? []).join('\n')
  for (const canary of ['1003', body.id, 'a-name', 'x-', KEY, 'PROPFIND', 'PURGE'])
    expect([canary, labels.includes(canary)]).toEqual([canary, false])
  expect(labels).toContain('method="other"')

  const metrics = createMetrics()
  const caller = {
    name: 'x',
    scopes: new Set(SCOPES),
    vms: '*',
    rateLimit: null,
    until: AbortSignal.abort(),
  } as const
  for (const id of ['jwt:alice', 'jwt:bob', 'backup']) metrics.problem({ ...caller, id }, 'rate-limited')
  expect(samplesOf(await metrics.text())).toMatchObject({
    'problems_total{caller="jwt",code="rate-limited"}': 2,
    'problems_total{caller="backup",code="rate-limited"}': 1,
  })
})

test('a HOSTKEY that hangs and fails shows in the outcomes, the queue and the breaker', async () => {
  const world = await startWorld({
    env: { HOSTKEY_TIMEOUT_MS: '300', HOSTKEY_CONCURRENCY: '1' },
    overrides: { breakerFailures: 1 },
  })
  world.simulator.fault({ action: 'load_stats', kind: 'hang' })
  const reads = [1000, 1001].map(vm => world.call('GET', `/vms/${vm}/stats`))
  await expect.poll(() => world.simulator.requests.length).toBe(1)
  await expect
    .poll(() => scrape(world))
    .toMatchObject({ 'upstream_calls{state="running"}': 1, 'upstream_calls{state="waiting"}': 1 })
  await Promise.all(reads)
  expect((await world.call('GET', '/vms/1000/stats')).status).toBe(503)
  expect(await scrape(world)).toMatchObject({
    'breaker_state{state="closed"}': 0,
    'breaker_state{state="open"}': 1,
    'upstream_call_duration_seconds_count{action="load_stats",outcome="timeout"}': 1,
    'upstream_call_duration_seconds_count{action="load_stats",outcome="shed"}': expect.any(Number) as number,
    'upstream_calls{state="running"}': 0,
  })
})

test('what ran before a restart counts as running, and the one who left as 499', async () => {
  const world = await startWorld()
  const { body } = await world.call('POST', '/vms/1003/snapshots', { body: { name: 'a' } })
  await world.restart()
  const gone = new AbortController()
  const waits = world.call('GET', body.self, { headers: { prefer: 'wait=10' }, signal: gone.signal })
  await new Promise(resolve => world.gateway.app.server.once('request', resolve))
  gone.abort()
  await expect(waits).rejects.toThrow('abort')
  const left =
    'http_request_duration_seconds_count{method="GET",route="/operations/:operation_id",status="499"}'
  await expect
    .poll(() => scrape(world))
    .toMatchObject({ [left]: 1, 'operations_running{kind="snapshot.create"}': 1 })
})

test('a store that is away costs one gauge and is counted, and the decorated one does what the bare one does', async () => {
  const away = new StoreUnavailable('away')
  const fails = (): Promise<never> => Promise.reject(away)
  const store = { get: fails, running: fails, save: fails } as Partial<Store> as Store
  const metrics = createMetrics()
  const breaker = new Breaker({ failures: 1, openMs: 1, world: { monotonic: () => 0 } })
  const bulkhead = new Bulkhead({ concurrency: 1, queue: 1, waitMs: 1, world: realWorld })
  metrics.observeStore(store)
  metrics.observeUpstream({ breaker, bulkhead })
  const measured = metrics.store(store)
  await expect(measured.get('op_1')).rejects.toBe(away)
  await expect(measured.save(endOf(operation()))).rejects.toBe(away)
  const samples = samplesOf(await metrics.text())
  expect(samples).toMatchObject({
    'store_duration_seconds_count{method="get",outcome="error"}': 1,
    'breaker_state{state="closed"}': 1,
    'operations_ended_total{kind="snapshot.create",status="succeeded"}': 0,
  })
  expect(Object.keys(samples).filter(name => name.startsWith('operations_running'))).toEqual([])
  expect(metrics.store({ ...store, relookMs: 7 }).relookMs).toBe(7)
  expect('relookMs' in measured).toBe(false)
})
