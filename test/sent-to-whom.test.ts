/** The table of docs/security.md that says what is sent to whom: each place is listened at, for all that a caller sends. */

import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { SCOPES } from '../src/callers/caller.ts'
import { newEntry } from '../src/callers/key.ts'
import { AUDIENCE, ES, ISSUER, sign } from './callers/provider.ts'
import { startWorld, TOKEN } from './helper.ts'

/** What stands in requests, each under a name. */
const SENT = {
  'name of the caller': 'canary-caller',
  'key of the caller': 'canary-key-0000000000000000000000000',
  'idempotency key': 'canary-idempotency',
  'id of the request': 'canary-request-1',
  'trace id': '0af7651916cd43dd8448eb211c80319c',
  'address of the caller': '203.0.113.77',
  'snapshot name': 'canary-snapshot',
  'id of the VM': '887766',
  'query of a request': 'canary-query',
  'the token': TOKEN,
}
type Sent = keyof typeof SENT | 'a signed token' | 'callback key'

/** What each place may get, and does get here. */
const PLACES: Record<string, Sent[]> = {
  HOSTKEY: ['callback key', 'id of the VM', 'snapshot name', 'the token'],
  'the store': [
    'callback key',
    'id of the VM',
    'id of the request',
    'idempotency key',
    'name of the caller',
    'snapshot name',
    'trace id',
  ],
  'the host of the JWKS': [],
  'the receiver of traces': [
    'id of the VM',
    'id of the request',
    'name of the caller',
    'snapshot name',
    'trace id',
  ],
  'the log': [
    'address of the caller',
    'id of the VM',
    'id of the request',
    'name of the caller',
    'snapshot name',
    'trace id',
  ],
  metrics: ['name of the caller'],
}

/** Takes every request whole, headers too, and answers with the same each time. */
async function listener(answer: string): Promise<{ url: string; requests: string[] }> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    void buffer(request).then(body => {
      requests.push([request.method, request.url, ...request.rawHeaders, body.toString('latin1')].join('\n'))
      response.setHeader('content-type', 'application/json').end(answer)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

test('each place gets what the table says, and nothing else of a request', async () => {
  const jwks = await listener(JSON.stringify({ keys: [ES.jwk] }))
  const traces = await listener('{}')
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', traces.url)
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json')
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '10')
  onTestFinished(() => void vi.unstubAllEnvs())
  const world = await startWorld({
    callers: [newEntry(SENT['name of the caller'], SENT['key of the caller'], SCOPES, '*')],
    simulator: { vms: { 887766: { power: 'off' }, 8877660: { behaviour: 'slow' } } },
    env: {
      TRUST_PROXY: '127.0.0.1',
      JWT_JWKS_URL: `${jwks.url}/keys`,
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: AUDIENCE,
      OTEL_EXPORTER_OTLP_ENDPOINT: traces.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      LOG_LEVEL: 'trace',
    },
  })
  const token = await sign({ nowMs: Date.now(), claims: { scope: 'stats:read', vms: [887766] } })
  const headers = {
    'x-forwarded-for': SENT['address of the caller'],
    'x-request-id': SENT['id of the request'],
    traceparent: `00-${SENT['trace id']}-b7ad6b7169203331-01`,
    prefer: 'wait=10',
  }
  const send = async (method: string, path: string, key: string, body?: object): Promise<number> => {
    const isChange = method !== 'GET'
    const answer = await world.call(method, `/vms/887766${path}`, {
      key,
      headers: {
        ...headers,
        ...(isChange && { 'idempotency-key': `${SENT['idempotency key']}${path}${method}` }),
      },
      ...(body && { body }),
    })
    return answer.status
  }
  const [key, name] = [SENT['key of the caller'], SENT['snapshot name']]
  expect(await send('POST', '/snapshots', key, { name })).toBe(200)
  expect(await send('GET', `/snapshots/${name}`, key)).toBe(200)
  expect(await send('GET', `/snapshots?filter=${SENT['query of a request']}`, key)).toBe(400)
  expect(await send('POST', `/snapshots/${name}/restore`, key)).toBe(200)
  expect(await send('DELETE', `/snapshots/${name}`, key)).toBe(200)
  expect(await send('POST', '/snapshots', `${key}-wrong`, { name })).toBe(401)
  expect(await send('GET', '/stats', token)).toBe(200)

  const began = Date.now()
  // One that runs still when all is looked at.
  const running = await world.call('POST', '/vms/8877660/snapshots', {
    key,
    headers: { ...headers, prefer: 'respond-async' },
    body: { name },
  })
  expect(running.body.status).toBe('running')
  const callback = await vi.waitFor(() => {
    const check = world.simulator.requests.findLast(
      ({ path, at }) => path === '/eq_callback.php' && at >= began,
    )
    expect(check).toBeDefined()
    return check!.fields.key!
  })

  const metrics = (await world.call('GET', '/metrics', { key: null })).text
  const { requests } = world.simulator
  await world.gateway.close()
  const got: Record<string, string> = {
    HOSTKEY: requests.map(one => [one.path, JSON.stringify(one.headers), one.body].join('\n')).join('\n'),
    'the store': globSync(join(world.directory, 'gateway.db*'))
      .map(path => readFileSync(path, 'latin1'))
      .join('\n'),
    'the host of the JWKS': jwks.requests.join('\n'),
    'the receiver of traces': traces.requests.join('\n'),
    'the log': world.log.join('\n'),
    metrics,
  }
  const sought: Record<Sent, string> = { ...SENT, 'a signed token': token, 'callback key': callback }
  for (const [place, text] of Object.entries(got)) expect([place, text.length > 0]).toEqual([place, true])
  expect(
    Object.fromEntries(
      Object.entries(got).map(([place, text]) => [
        place,
        Object.entries(sought).flatMap(([what, value]) => (text.includes(value) ? what : [])),
      ]),
    ),
  ).toEqual(
    Object.fromEntries(
      Object.entries(PLACES).map(([place, may]) => [
        place,
        Object.keys(sought).filter(what => may.includes(what as Sent)),
      ]),
    ),
  )
  // What HOSTKEY is sent at all, whatever stands in a request.
  const fields = new Set(requests.flatMap(request => Object.keys(request.fields)))
  expect([...fields].toSorted()).toEqual(['action', 'id', 'key', 'name', 'token', 'type'])
  expect([...new Set(requests.flatMap(request => Object.keys(request.headers)))].toSorted()).toEqual([
    'accept',
    'accept-encoding',
    'connection',
    'content-length',
    'content-type',
    'host',
    'user-agent',
  ])
})
