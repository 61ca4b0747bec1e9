/** Traces, as a receiver of OTLP gets them: what belongs together, and what is in none of them. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { ended, KEY, startWorld, TOKEN, upstreamCalls, type World, type WorldOptions } from '../helper.ts'

interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  status: { code?: number }
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[]
}

interface Receiver {
  url: string
  /** Of each request: its path, media type and body. */
  requests: { path: string; type: string; body: string }[]
  /** All that came as JSON, so far. */
  spans(): Span[]
  /** Waits until a span of this name has come. */
  span(name: string): Promise<Span>
}

/** What takes traces in, by OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp). */
async function startReceiver(): Promise<Receiver> {
  const requests: Receiver['requests'] = []
  const server = createServer((request, response) => {
    void buffer(request).then(body => {
      requests.push({
        path: request.url!,
        type: request.headers['content-type'] ?? '',
        body: body.toString('latin1'),
      })
      response.setHeader('content-type', request.headers['content-type'] ?? '')
      response.end(request.headers['content-type'] === 'application/json' ? '{}' : '')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const spans = (): Span[] =>
    requests
      .filter(({ type }) => type === 'application/json')
      .flatMap(({ body }) => JSON.parse(body).resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans)
      .flatMap((scope: { spans: Span[] }) => scope.spans)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    spans,
    span: name =>
      vi.waitFor(
        () => {
          const found = spans().find(span => span.name === name)
          expect(found, name).toBeDefined()
          return found!
        },
        { timeout: 5_000, interval: 10 },
      ),
  }
}

/** A gateway that is traced; the SDK reads where to from the environment of the process. */
function startTraced(url: string, env: WorldOptions['env'] = {}, options: WorldOptions = {}): Promise<World> {
  const all = {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '10',
    ...env,
  }
  for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
  return startWorld({ ...options, env: { ...all, ...options.env } })
}

const attributesOf = ({ attributes }: Span): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]))

const checksOf = ({ simulator }: World): number =>
  simulator.requests.filter(({ fields }) => fields.action === 'check').length

const CALLERS = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' }
const TRACEPARENT = `00-${CALLERS.trace}-${CALLERS.span}-01`

test('one trace: the request of a caller who traces, the operation, the call, every poll, the end', async () => {
  const receiver = await startReceiver()
  const world = await startTraced(receiver.url, {
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  })
  const { body } = await world.call('POST', '/vms/1000/snapshots', {
    body: { name: 'a' },
    headers: { traceparent: TRACEPARENT, tracestate: 'vendor=1', baggage: 'user=alice' },
  })
  const { finished_at } = await ended(world, body.id)

  const operation = await receiver.span('operation snapshot.create')
  const request = await receiver.span('POST /vms/:vm_id/snapshots')
  expect(request).toMatchObject({ traceId: CALLERS.trace, parentSpanId: CALLERS.span })
  expect(attributesOf(request)).toMatchObject({
    'http.request.method': 'POST',
    'http.route': '/vms/:vm_id/snapshots',
    'http.response.status_code': 202,
    'url.path': '/vms/1000/snapshots',
    'gateway.caller': 'tester',
  })
  expect(operation).toMatchObject({ traceId: CALLERS.trace, parentSpanId: request.spanId })
  expect(attributesOf(operation)).toEqual({
    'gateway.operation.id': body.id,
    'gateway.operation.kind': 'snapshot.create',
    'gateway.operation.status': 'succeeded',
    'gateway.vm.id': 1000,
    'gateway.caller': 'tester',
  })
  const msOf = (nanos: string): string => new Date(Number(BigInt(nanos) / 1_000_000n)).toISOString()
  expect([msOf(operation.startTimeUnixNano), msOf(operation.endTimeUnixNano)]).toEqual([
    body.created_at,
    finished_at,
  ])
  const parts = receiver.spans().filter(({ parentSpanId }) => parentSpanId === operation.spanId)
  const checks = checksOf(world)
  expect(parts.map(({ name }) => name).toSorted()).toEqual(
    ['HOSTKEY create_snapshot', ...Array.from({ length: checks }, () => 'HOSTKEY check')].toSorted(),
  )
  expect(attributesOf(parts.find(({ name }) => name.endsWith('create_snapshot'))!)).toEqual({
    'hostkey.action': 'create_snapshot',
    'hostkey.outcome': 'accepted',
  })

  // HOSTKEY is told nothing of it; the log is.
  for (const { headers } of world.simulator.requests)
    expect(Object.keys(headers).filter(name => /trace|baggage/.test(name))).toEqual([])
  const line = world.log.map(text => JSON.parse(text)).find(({ msg }) => msg === 'request')
  expect(line).toMatchObject({ trace_id: CALLERS.trace })
  const resource = JSON.parse(receiver.requests[0]!.body).resourceSpans[0].resource as Pick<
    Span,
    'attributes'
  >
  expect(attributesOf(resource as Span)).toMatchObject({
    'service.name': 'hostkey-vm-gateway',
    'deployment.environment.name': 'test',
  })
})

test('an operation that another process ends is still one trace', async () => {
  const receiver = await startReceiver()
  const world = await startTraced(receiver.url)
  world.simulator.fault({ kind: 'never-done', action: 'create_snapshot' })
  const { body } = await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' } })
  await vi.waitFor(() => expect(checksOf(world)).toBeGreaterThan(0))
  await world.restart()
  const asked = checksOf(world)
  world.simulator.fault({ kind: 'respond', action: 'check', body: '{"result":"Error","scope":"no space"}' })
  expect((await ended(world, body.id)).status).toBe('failed')
  const operation = await receiver.span('operation snapshot.create')
  const request = await receiver.span('POST /vms/:vm_id/snapshots')
  expect(operation).toMatchObject({
    traceId: request.traceId,
    parentSpanId: request.spanId,
    status: { code: 2 },
  })
  const checks = receiver.spans().filter(({ name }) => name === 'HOSTKEY check')
  expect(checks.length).toBeGreaterThan(asked)
  for (const { traceId, parentSpanId } of checks)
    expect([traceId, parentSpanId]).toEqual([request.traceId, operation.spanId])
})

test('reads: their calls are part of the request; one that becomes an operation goes on in the trace', async () => {
  const receiver = await startReceiver()
  const world = await startTraced(receiver.url)
  await world.call('GET', '/vms/1000/stats')
  const stats = await receiver.span('GET /vms/:vm_id/stats')
  expect(await receiver.span('HOSTKEY load_stats')).toMatchObject({ parentSpanId: stats.spanId })
  const { body } = await world.call('GET', '/vms/1000/snapshots', { headers: { prefer: 'respond-async' } })
  await ended(world, body.id)
  const list = await receiver.span('GET /vms/:vm_id/snapshots')
  expect(await receiver.span('operation snapshot.list')).toMatchObject({
    traceId: list.traceId,
    parentSpanId: list.spanId,
  })
  await world.call('GET', '/livez', { key: null })
  await world.call('GET', '/vms/9/stats?key=secret', {})
  await vi.waitFor(() => expect(receiver.spans().filter(({ name }) => name === stats.name)).toHaveLength(2))
  expect(receiver.spans().map(({ name }) => name)).not.toContain('GET /livez')
})

test('whom the caller does not trace is not traced; a share can be, too', async () => {
  const receiver = await startReceiver()
  const world = await startTraced(receiver.url, {
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
  })
  const wait = { prefer: 'wait=10' }
  await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' }, headers: wait })
  const untraced = { ...wait, traceparent: `00-${'1'.repeat(32)}-${CALLERS.span}-00` }
  await world.call('POST', '/vms/1001/snapshots', { body: { name: 'a' }, headers: untraced })
  await world.call('GET', '/vms/1000/stats', { headers: { traceparent: TRACEPARENT } })
  await receiver.span('GET /vms/:vm_id/stats')
  expect(new Set(receiver.spans().map(({ traceId }) => traceId))).toEqual(new Set([CALLERS.trace]))
})

test('what goes on beside a traced request is no part of its trace', async () => {
  const receiver = await startReceiver()
  const world = await startTraced(receiver.url)
  world.simulator.fault({ kind: 'never-done', action: 'create_snapshot', times: 2 })
  const create = (vmId: number, traceparent: string): Promise<unknown> =>
    world.call('POST', `/vms/${vmId}/snapshots`, { body: { name: 'a' }, headers: { traceparent } })
  await create(1001, TRACEPARENT)
  await create(1000, `00-${'1'.repeat(32)}-${CALLERS.span}-00`)
  const [traced, untraced] = world.simulator.ledger.map(({ callback }) => callback)
  const checked = (key: unknown): number =>
    world.simulator.requests.filter(({ fields }) => fields.action === 'check' && fields.key === key).length
  await vi.waitFor(() => expect(checked(untraced)).toBeGreaterThan(5), { timeout: 5_000 })
  await world.gateway.close()
  const call = receiver.spans().find(({ name }) => name === 'HOSTKEY create_snapshot')!
  const checks = receiver.spans().filter(({ name }) => name === 'HOSTKEY check')
  expect(new Set(checks.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set([call.parentSpanId]))
  expect(checks).toHaveLength(checked(traced))
})

test('no trace holds a secret, and what fails is told as such', async () => {
  const receiver = await startReceiver()
  const world = await startTraced(
    receiver.url,
    { HOSTKEY_TOKEN: '', HOSTKEY_API_KEY: 'canary-api-key' },
    {
      simulator: { apiKey: 'canary-api-key' },
    },
  )
  const headers = { prefer: 'wait=10' }
  await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' }, headers })
  await world.call('GET', `/vms/1000/stats?key=${KEY}`)
  await world.call('GET', `/nothing/${world.simulator.ledger.length}?key=${KEY}`)
  await world.call('GET', `/${KEY}/vms/1000/stats`)
  world.simulator.fault({ kind: 'drop-after', action: 'load_stats', times: 99 })
  expect((await world.call('GET', '/vms/1000/stats', { headers: { prefer: 'wait=1' } })).status).toBe(503)
  await vi.waitFor(() => {
    const [failed] = receiver.spans().filter(span => attributesOf(span)['http.response.status_code'] === 503)
    expect(failed?.status.code).toBe(2)
  })
  expect(receiver.spans().filter(({ name }) => name === 'HOSTKEY login')).toHaveLength(1)
  await world.gateway.close()
  const sent = receiver.requests.map(({ body }) => body).join('\n')
  const tokens = upstreamCalls(world).flatMap(({ fields }) => fields.token ?? [])
  const callbacks = world.simulator.ledger.flatMap(({ callback }) => callback ?? [])
  expect(tokens.length * callbacks.length).toBeGreaterThan(0)
  for (const secret of [KEY, TOKEN, 'canary-api-key', ...tokens, ...callbacks])
    expect(sent).not.toContain(secret)
})

test('protobuf unless JSON is asked for; a receiver that is away keeps nothing from working or ending', async () => {
  const receiver = await startReceiver()
  const world = await startTraced(receiver.url, { OTEL_EXPORTER_OTLP_PROTOCOL: '' })
  await world.call('GET', '/vms/1000/stats')
  await world.gateway.close()
  expect(receiver.requests.map(({ path, type }) => [path, type])).toContainEqual([
    '/v1/traces',
    'application/x-protobuf',
  ])
  expect(receiver.requests.map(({ body }) => body).join()).toContain('GET /vms/:vm_id/stats')

  const alone = await startTraced('http://127.0.0.1:9')
  expect((await alone.call('GET', '/vms/1000/stats')).status).toBe(200)
  const startedAt = performance.now()
  await alone.gateway.close()
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})
