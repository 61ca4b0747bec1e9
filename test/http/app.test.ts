import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test, vi } from 'vitest'
import {
  collect,
  ended,
  KEY,
  serverEvents,
  startWorld,
  stoppableClock,
  upstreamCalls,
  type Answer,
} from '../helper.ts'

const SLOW = '/vms/1003/snapshots'

test('a base path is served with and without, and stands in every link', async () => {
  const clock = stoppableClock()
  const world = await startWorld({ env: { BASE_PATH: '/api/hostkey' }, simulator: { now: clock.now } })
  for (const [prefix, vmId] of [
    ['', 1000],
    ['/api/hostkey', 1004],
  ] as const) {
    const create = (name: string): Promise<Answer> =>
      world.call('POST', `${prefix}/vms/${vmId}/snapshots`, { body: { name } })
    clock.stop()
    const { status, headers, body } = await create('a')
    expect(status).toBe(202)
    expect(body.self).toBe(`/api/hostkey/operations/${body.id}`)
    expect(headers.get('location')).toBe(body.self)
    expect((await create('b')).body).toMatchObject({
      type: '/api/hostkey/problems/vm-busy',
      operation: body.self,
    })
    expect((await world.call('GET', `${prefix}/operations?vm_id=${vmId}`)).body.operations[0].self).toBe(
      body.self,
    )
    clock.go()
    expect(await ended(world, body.id)).toMatchObject({ status: 'succeeded', self: body.self })
    expect((await world.call('GET', body.self)).body.id).toBe(body.id)
    const stream = await world.call('GET', `${body.self}/events`)
    expect(stream.text).toContain(`"self":"${body.self}"`)
    const failed = await world.call('GET', `${prefix}/vms/4000/stats`)
    expect(failed.body.type).toBe('/api/hostkey/problems/vm-not-found')
    expect((await world.call('GET', `${prefix}/livez`)).status).toBe(200)
  }
  for (const path of ['/api/hostkeyx/livez', '/api/livez', '/api/hostkey/api/hostkey/livez'])
    expect((await world.call('GET', path)).body.code, path).toBe('route-not-found')
  expect((await world.call('GET', '/api/hostkey/%ff')).body.type).toBe(
    '/api/hostkey/problems/malformed-request',
  )
})

test('every answer carries its id and the headers that keep browsers out', async () => {
  const world = await startWorld()
  for (const [path, status] of [
    ['/vms/1000/snapshots', 200],
    ['/operations', 200],
    ['/livez', 200],
    ['/openapi.json', 200],
    ['/nothing', 404],
    ['/vms/x/stats', 400],
    ['/%ff', 400],
  ] as const) {
    const { status: answered, headers } = await world.call('GET', path)
    expect(answered, path).toBe(status)
    expect(headers.get('x-request-id'), path).toMatch(/^[\w-]{36}$/)
    expect(headers.get('cache-control'), path).toBe(
      path === '/openapi.json' ? 'public, no-cache' : 'no-store',
    )
    expect(headers.get('x-content-type-options'), path).toBe('nosniff')
    expect(headers.get('content-security-policy'), path).toBe("default-src 'none';frame-ancestors 'none'")
    expect(headers.get('access-control-allow-origin'), path).toBeNull()
    expect(headers.get('server') ?? headers.get('x-powered-by'), path).toBeNull()
  }
})

test('the document and its page are public, and the page can be switched off', async () => {
  const world = await startWorld({ env: { DOCS: 'true' } })
  const json = await world.call('GET', '/openapi.json', { key: null })
  expect(json.headers.get('content-type')).toMatch(/^application\/json\b/)
  expect(json.body.openapi).toMatch(/^3\.1\./)
  expect(Object.keys(json.body.paths)).toEqual(
    expect.arrayContaining([
      '/vms/{vm_id}/snapshots',
      '/vms/{vm_id}/snapshots/{name}',
      '/vms/{vm_id}/snapshots/{name}/restore',
      '/vms/{vm_id}/stats',
      '/operations',
      '/operations/{operation_id}',
      '/operations/{operation_id}/events',
    ]),
  )
  const yaml = await world.call('GET', '/openapi.yaml', { key: null })
  expect(yaml.headers.get('content-type')).toMatch(/^application\/yaml\b/)
  expect(yaml.text).toContain('/vms/{vm_id}/snapshots/{name}/restore:')
  const page = await world.call('GET', '/docs', { key: null })
  expect([page.status, page.headers.get('content-type')]).toEqual([
    200,
    expect.stringMatching(/^text\/html\b/),
  ])
  await world.restart({ DOCS: 'false' })
  expect((await world.call('GET', '/docs', { key: null })).status).toBe(404)
  expect((await world.call('GET', '/openapi.json', { key: null })).status).toBe(200)
})

test('draining: who waits goes with what there is, nothing new begins, and then nobody listens', async () => {
  const world = await startWorld()
  const { address } = world.gateway
  const wait = { headers: { prefer: 'wait=20' } }
  const create = world.call('POST', SLOW, { body: { name: 'a' }, ...wait })
  const read = world.call('GET', SLOW, wait)
  await vi.waitFor(async () =>
    expect((await world.call('GET', '/operations')).body.operations).toHaveLength(1),
  )
  const { self } = (await world.call('GET', '/operations')).body.operations[0]
  const held = world.call('GET', self, wait)
  const stream = await fetch(`${address}${self}/events`, { headers: { 'x-api-key': KEY } })
  const events = serverEvents(stream.body!)
  await events.next()
  await vi.waitFor(() => expect(upstreamCalls(world)).toHaveLength(2))

  const startedAtMs = Date.now()
  const closed = world.gateway.close({ drainMs: 1_500 })
  for (const [answer, status] of [
    [await create, 202],
    [await read, 202],
    [await held, 200],
  ] as const) {
    expect([answer.status, answer.body.status]).toEqual([status, 'running'])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  }
  expect((await collect(events)).map(({ data }) => data?.status)).toEqual(['running'])

  for (const [method, path, body] of [
    ['POST', '/vms/1000/snapshots', { name: 'b' }],
    ['DELETE', '/vms/1000/snapshots/first', undefined],
    ['POST', '/vms/1000/snapshots/first/restore', undefined],
  ] as const) {
    const refused = await world.call(method, path, { body })
    expect([refused.status, refused.body.code], path).toEqual([503, 'draining'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  }
  const ready = await world.call('GET', '/readyz')
  expect([ready.status, ready.body.code]).toEqual([503, 'draining'])
  expect((await world.call('GET', '/livez')).status).toBe(200)
  expect((await world.call('GET', self)).status).toBe(200)
  expect(upstreamCalls(world)).toHaveLength(2)

  await closed
  expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(1_490)
  await expect(world.call('GET', '/livez')).rejects.toThrow('fetch failed')
  await world.restart()
  expect((await world.call('GET', self)).body.status).toBe('running')
})

test('a connection over which nothing ever came does not keep the gateway from closing', async () => {
  const world = await startWorld()
  const { port, hostname } = new URL(world.gateway.address)
  const accepted = once(world.gateway.app.server, 'connection')
  const socket = connect(Number(port), hostname)
  await accepted
  const closed = once(socket.resume(), 'close')
  await world.gateway.close()
  await closed
  expect(socket.bytesWritten).toBe(0)
})

test('JSON of whatever status ends with one newline, and a HEAD tells the same length', async () => {
  const world = await startWorld({ env: { DOCS: 'true' } })
  for (const path of [
    '/livez',
    '/operations',
    '/operations/none',
    '/nothing',
    '/openapi.json',
    '/docs/json',
  ]) {
    const { text, headers } = await world.call('GET', path)
    expect([path, /[^\n]\n$/.test(text)]).toEqual([path, true])
    expect([path, headers.get('content-length')]).toEqual([path, String(Buffer.byteLength(text))])
    // Swagger UI has no HEAD, and a path that is not there is told with its method.
    if (path === '/docs/json' || path === '/nothing') continue
    const head = await world.call('HEAD', path)
    expect([path, head.headers.get('content-length')]).toEqual([path, headers.get('content-length')])
  }
  const patch = await world.call('PATCH', '/operations')
  expect([patch.status, patch.text.endsWith('}\n')]).toEqual([405, true])
})
