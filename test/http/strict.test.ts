/** Nothing that a caller says is dropped: what nobody knows, what stands twice and what is in the wrong place is refused. */

import { request as httpRequest } from 'node:http'
import { expect, test } from 'vitest'
import { readDocument, type Document } from '../fuzz/generate.ts'
import { callRaw, KEY, mutations, startWorld, type Answer, type World } from '../helper.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const SNAPSHOT = '/vms/1000/snapshots/first'

/** The invalid fields of an answer that names some. */
function fieldsOf({ status, body }: Answer): [string, string, string][] {
  expect([status, body.code]).toEqual([400, 'validation-failed'])
  return body.errors.map(({ in: place, field, message }: Record<string, string>) => [place, field, message])
}

/** A good request of every operation of the document. */
function everyRoute(world: World): { route: string; method: string; path: string; body?: string }[] {
  const { paths } = world.gateway.app.swagger() as unknown as {
    paths: Record<string, Record<string, object>>
  }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => ({
      route: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path: path
        .replace('{vm_id}', '1000')
        .replace('{name}', 'first')
        .replace('{operation_id}', 'op_x')
        .replace('{code}', 'internal'),
      ...(method === 'post' && path.endsWith('/snapshots') ? { body: '{"name":"a"}' } : {}),
    })),
  )
}

test('every route refuses a query that it does not know, and calls nothing', async () => {
  const world = await startWorld()
  const routes = everyRoute(world)
  expect(routes.length).toBeGreaterThan(15)
  for (const { method, path, body } of routes) {
    const send = (query: string): Promise<Answer> =>
      callRaw(
        world.gateway.address,
        method,
        `${path}?${query}`,
        body === undefined ? {} : { body, headers: JSON_TYPE },
      )
    const what = `${method} ${path}`
    for (const [query, field] of [
      ['x=1', 'x'],
      ['x', 'x'],
      ['%zz=%', '%zz'],
      ['type%5B%5D=backup', 'type[]'],
      ['__proto__=1', '__proto__'],
      ['constructor=1', 'constructor'],
    ] as const) {
      const fields = fieldsOf(await send(query))
      expect(fields, `${what}?${query}`).toEqual([
        ['query', field, expect.stringMatching(/^is not a known field/)],
      ])
    }
  }
  expect(world.simulator.requests).toEqual([])
})

test('every member that a route knows is refused when it stands twice, in its query, in its body, or in the other place', async () => {
  const world = await startWorld()
  const { operations } = readDocument(JSON.parse(JSON.stringify(world.gateway.app.swagger())) as Document)
  let count = 0
  for (const { method, path, body, route } of everyRoute(world)) {
    const { parameters = [], requestBody } = operations.get(route)!
    const inQuery = parameters.filter(one => one.in === 'query').map(({ name }) => name)
    const inBody = requestBody
      ? ['name', 'type', ...(path.endsWith('restore') ? ['backup_id', 'if_newer'] : [])]
      : []
    const send = (query: string, text = body): Promise<Answer> =>
      callRaw(world.gateway.address, method, query === '' ? path : `${path}?${query}`, {
        body: text ?? null,
        headers: text === undefined ? {} : JSON_TYPE,
      })
    for (const name of inQuery)
      expect(fieldsOf(await send(`${name}=5&${name}=5`))).toEqual([['query', name, 'was given twice']])
    for (const name of inBody) {
      const escaped = `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`
      const twice = `{"${name}":"a","${escaped}":"a"}`
      expect(fieldsOf(await send('', twice))).toEqual([['body', name, 'was given twice']])
      if (!inQuery.includes(name))
        expect(fieldsOf(await send(`${name}=a`))).toEqual([
          ['query', name, expect.stringMatching(/^is not a known/)],
        ])
    }
    count += inQuery.length + inBody.length
  }
  expect(count).toBeGreaterThan(15)
  expect(world.simulator.requests).toEqual([])
})

test('a slip is told the name that is nearest to it', async () => {
  const world = await startWorld()
  for (const [method, path, body, expected] of [
    ['DELETE', `${SNAPSHOT}?tpye=backup`, null, ['query', 'tpye', /nearest is `type`$/]],
    ['GET', `${SNAPSHOT}?Type=backup`, null, ['query', 'Type', /nearest is `type`$/]],
    ['GET', '/operations?vmid=1000', null, ['query', 'vmid', /nearest is `vm_id`$/]],
    ['POST', '/vms/1000/snapshots', '{"name":"a","typ":"b"}', ['body', 'typ', /nearest is `type`$/]],
    ['POST', `${SNAPSHOT}/restore`, '{"backupid":"b"}', ['body', 'backupid', /nearest is `backup_id`$/]],
    ['POST', `${SNAPSHOT}/restore`, '{"size":"b"}', ['body', 'size', /known field$/]],
    // In the wrong place.
    ['POST', `${SNAPSHOT}/restore?type=backup`, null, ['query', 'type', /takes none in its query$/]],
    ['POST', '/vms/1000/snapshots?type=backup', '{"name":"a"}', ['query', 'type', /none in its query$/]],
    ['DELETE', SNAPSHOT, '{"type":"backup"}', ['body', 'body', /path and query$/]],
    ['GET', SNAPSHOT, '{"type":"backup"}', ['body', 'body', /path and query$/]],
    ['GET', '/livez', 'x', ['body', 'body', /path and query$/]],
    // Twice.
    ['DELETE', `${SNAPSHOT}?type=a&type=a`, null, ['query', 'type', /^was given twice$/]],
    ['GET', '/operations?limit=5&limit=5', null, ['query', 'limit', /^was given twice$/]],
    ['GET', '/operations?status=failed&status=failed', null, ['query', 'status', /^was given twice$/]],
    ['POST', '/vms/1000/snapshots', '{"name":"a","name":"b"}', ['body', 'name', /^was given twice$/]],
    ['POST', '/vms/1000/snapshots', '{"name":"a","na\\u006de":"a"}', ['body', 'name', /^was given twice$/]],
    ['POST', `${SNAPSHOT}/restore`, '{"x":{"y":1,"y":2}}', ['body', 'x.y', /^was given twice$/]],
    // Wrong, and told in words.
    ['POST', '/vms/1000/snapshots', '{"name":["a"]}', ['body', 'name', /^must be a text$/]],
    [
      'POST',
      '/vms/1000/snapshots',
      '{"name":"a b"}',
      ['body', 'name', /^may have letters, digits, `_`, `.`, `-`/],
    ],
    ['POST', '/vms/1000/snapshots', '{"type":"b"}', ['body', 'name', /^is required$/]],
    ['POST', '/vms/1000/snapshots', null, ['body', 'body', /^is required$/]],
    ['GET', `${SNAPSHOT}?type=a/b`, null, ['query', 'type', /^may have letters, digits, `_`, `.`, `-`$/]],
    ['GET', `/vms/1000/snapshots/${'n'.repeat(256)}`, null, ['path', 'name', /^may have 255 characters$/]],
    ['GET', '/vms/0/stats', null, ['path', 'vm_id', /^must be 1 or more$/]],
    ['GET', '/vms/x/stats', null, ['path', 'vm_id', /^must be a whole number/]],
    ['GET', '/operations?limit=101', null, ['query', 'limit', /^must be 100 or less$/]],
    // Neither is a name made of what cannot be read, nor an empty one of nothing.
    ...['id=%ff', 'id=%', 'id=a%zz', 'id=%c0%af', 'id=%ed%a0%80', 'id=%E4'].map(
      query => ['GET', `${SNAPSHOT}?${query}`, null, ['query', 'id', /^is not UTF-8/]] as const,
    ),
    ['GET', '/operations?limit=%ff', null, ['query', 'limit', /^is not UTF-8/]],
    ['GET', '/operations?kind=%ff', null, ['query', 'kind', /^is not UTF-8/]],
    ['GET', '/operations?cursor=%ff&cursor=x', null, ['query', 'cursor', /^was given twice$/]],
    ['GET', '/livez?=1', null, ['query', '""', /^is not a known field/]],
  ] as const) {
    const answer = await callRaw(world.gateway.address, method, path, {
      body,
      headers: body === null ? {} : JSON_TYPE,
    })
    const [place, field, message] = expected
    expect(fieldsOf(answer), `${method} ${path} ${body}`).toEqual([
      [place, field, expect.stringMatching(message)],
    ])
    expect(answer.body.detail).toContain(`${field} ${answer.body.errors[0].message}`)
  }
  expect(world.simulator.requests).toEqual([])
})

test('a body that is not UTF-8 is refused, whatever a decoder would make of it', async () => {
  const world = await startWorld()
  const send = (bytes: Buffer): Promise<Response> =>
    fetch(`${world.gateway.address}${SNAPSHOT}/restore`, {
      method: 'POST',
      headers: { ...JSON_TYPE, authorization: `Bearer ${KEY}` },
      body: bytes,
    })
  for (const bytes of ['ff', 'e4', 'c3', 'eda080', 'c0af']) {
    const answer = await send(Buffer.from(`7b226261636b75705f6964223a2261${bytes}227d`, 'hex'))
    expect([bytes, answer.status, await answer.json()]).toMatchObject([
      bytes,
      400,
      { code: 'malformed-request', errors: [{ in: 'body', field: 'body', message: 'is not UTF-8' }] },
    ])
  }
  expect(mutations(world)).toEqual([])
  expect((await send(Buffer.from('{"backup_id":"aä"}'))).status).toBe(202)
})

test('an empty body of GET is none, in pieces too', async () => {
  const world = await startWorld()
  const send = (body: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(`${world.gateway.address}/livez`, {
        method: 'GET',
        headers: { 'transfer-encoding': 'chunked' },
      })
      request.on('response', answer => resolve(answer.resume().statusCode))
      request.on('error', reject)
      request.end(body)
    })
  expect([await send(''), await send('x')]).toEqual([200, 400])
})

test('no path is followed by a full stop', async () => {
  const world = await startWorld()
  const { body } = await world.call('GET', '/vms/1000/nothing')
  expect(body.detail).toBe('GET /vms/1000/nothing is no route of this gateway.')
})
