/** Nothing invalid reaches HOSTKEY, and each invalid field is named. */

import { expect, test } from 'vitest'
import { callRaw, startWorld, type Answer, type World } from '../helper.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

/** What a world shows of requests that got through. */
async function traces(world: World): Promise<unknown[]> {
  const { operations } = (await world.call('GET', '/operations')).body
  return [...world.simulator.requests, ...operations]
}

function expectFields(answer: Answer, place: string, fields: readonly string[], what: string): void {
  expect(answer.status, what).toBe(400)
  expect(answer.body.code, what).toBe('validation-failed')
  const named = answer.body.errors.map((error: { in: string; field: string }) => [error.in, error.field])
  expect(named, what).toEqual(fields.map(field => [place, field]))
  for (const { field, message } of answer.body.errors) {
    expect(message, what).toMatch(/\w/)
    expect(answer.body.detail, what).toContain(field)
  }
}

test('bodies: every invalid field is named, nothing is coerced or dropped', async () => {
  const world = await startWorld()
  const create = '/vms/1000/snapshots'
  const restore = '/vms/1000/snapshots/first/restore'
  const rows: [string, unknown, string[]][] = [
    [create, {}, ['name']],
    [create, undefined, ['body']],
    [create, '', ['body']],
    [create, 'null', ['body']],
    [create, [], ['body']],
    [create, ['name'], ['body']],
    [create, '"name"', ['body']],
    [create, '1', ['body']],
    ...['', '.', '..', ' a', 'a ', 'a\n', 'a/b', 'ä', 'a\u0000', '../a', 'n'.repeat(256)].map(
      (name): [string, unknown, string[]] => [create, { name }, ['name']],
    ),
    ...[5, null, true, ['a'], { a: 1 }].map((name): [string, unknown, string[]] => [
      create,
      { name },
      ['name'],
    ]),
    ...['', 'a b', 't'.repeat(65), 7, null].flatMap((type): [string, unknown, string[]][] => [
      [create, { name: 'a', type }, ['type']],
      [restore, { type }, ['type']],
    ]),
    [create, { name: 'a', Name: 'b' }, ['Name']],
    [create, { name: 'a', 'a/b~c.d': 1 }, ['a/b~c.d']],
    [create, { name: 'a', constructor: 1, hasOwnProperty: 2 }, ['constructor', 'hasOwnProperty']],
    ...['{"name":"a","__proto__":{"type":"b"}}', '{"name":"a","\\u005f_proto__":1}'].map(
      (body): [string, unknown, string[]] => [create, body, ['__proto__']],
    ),
    [create, { name: 'a', constructor: { prototype: {} } }, ['constructor']],
    [create, { name: 'a', '': 1 }, ['""']],
    [create, { name: 'a', backup_id: 'b' }, ['backup_id']],
    [create, { type: '', extra: 1 }, ['name', 'extra', 'type']],
    ...['', 'a\u0000', 'a\tb', 'a\nb', '\u001f', '\u007f', '\u0085', 'b'.repeat(256), 7, null, []].map(
      (backup_id): [string, unknown, string[]] => [restore, { backup_id }, ['backup_id']],
    ),
    [restore, { name: 'a' }, ['name']],
    [restore, 'null', ['body']],
    [restore, [], ['body']],
  ]
  for (const [path, body, fields] of rows)
    expectFields(await world.call('POST', path, { body }), 'body', fields, `${path} ${JSON.stringify(body)}`)
  expect(await traces(world)).toEqual([])
})

test('paths and queries', async () => {
  const world = await startWorld()
  const vmIds = [
    '0',
    '-1',
    '2147483648',
    '99999999999999999999',
    '01',
    '1e3',
    '1.0',
    '+5',
    '%205',
    'abc',
    '0x10',
  ]
  for (const vmId of vmIds) {
    for (const path of [`/vms/${vmId}/snapshots`, `/vms/${vmId}/snapshots/a`, `/vms/${vmId}/stats`])
      expectFields(await world.call('GET', path), 'path', ['vm_id'], path)
  }
  expectFields(await world.call('GET', '/vms/x/snapshots/%20'), 'path', ['vm_id', 'name'], 'both')

  const base = world.gateway.address
  const names = ['.', '..', '%2e', '%2E%2e', '%2e.', 'a%2Fb', '%00', 'a%0A', '%20', '%C3%A4', 'n'.repeat(256)]
  for (const name of names) {
    const path = `/vms/1000/snapshots/${name}`
    for (const [method, tail] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/restore'],
    ] as const)
      expectFields(await callRaw(base, method, path + tail), 'path', ['name'], `${method} ${path}${tail}`)
  }

  for (const type of ['', 'a%20b', 't'.repeat(65), '%00', 'a&type=b']) {
    const query = `?type=${type}`
    expectFields(await world.call('GET', `/vms/1000/snapshots${query}`), 'query', ['type'], query)
    expectFields(await world.call('GET', `/vms/1000/snapshots/a${query}`), 'query', ['type'], query)
    expectFields(await world.call('DELETE', `/vms/1000/snapshots/a${query}`), 'query', ['type'], query)
  }
  expect(await traces(world)).toEqual([])
})

test('bodies that are not JSON, or not what the route takes', async () => {
  const world = await startWorld()
  const base = world.gateway.address
  const path = '/vms/1000/snapshots'
  const big = JSON.stringify({ name: 'a', pad: 'x'.repeat(16 * 1024) })
  const rows: [string, string, string, Record<string, string>, number, string][] = [
    ['POST', path, '{', JSON_TYPE, 400, 'malformed-request'],
    ['POST', path, '{"name":"a",}', JSON_TYPE, 400, 'malformed-request'],
    ['POST', path, "{'name':'a'}", JSON_TYPE, 400, 'malformed-request'],
    ['POST', path, '{"name":"a"} x', JSON_TYPE, 400, 'malformed-request'],
    ['POST', path, ' ', JSON_TYPE, 400, 'malformed-request'],
    ['POST', path, 'name=a', {}, 415, 'unsupported-media-type'],
    ['POST', path, '{"name":"a"}', { 'content-type': 'text/plain' }, 415, 'unsupported-media-type'],
    [
      'POST',
      path,
      'name=a',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported-media-type',
    ],
    ['POST', path, '{"name":"a"}', { 'content-type': 'application/jsonp' }, 415, 'unsupported-media-type'],
    ['POST', path, '{"name":"a"}', { 'content-type': 'nonsense' }, 415, 'unsupported-media-type'],
    ['POST', path, big, JSON_TYPE, 413, 'payload-too-large'],
    ['POST', `${path}/first/restore`, big, JSON_TYPE, 413, 'payload-too-large'],
    ['DELETE', `${path}/first`, '{}', JSON_TYPE, 400, 'validation-failed'],
    ['DELETE', `${path}/first`, 'null', JSON_TYPE, 400, 'validation-failed'],
    ['DELETE', `${path}/first`, 'x', { 'content-type': 'text/plain' }, 415, 'unsupported-media-type'],
  ]
  for (const [method, route, body, headers, status, code] of rows) {
    const answer = await callRaw(base, method, route, { headers, body })
    expect([answer.status, answer.body.code], `${method} ${body.slice(0, 50)}`).toEqual([status, code])
  }
  const withBody = await callRaw(base, 'DELETE', `${path}/first`, { headers: JSON_TYPE, body: '{}' })
  expect(withBody.body.errors).toEqual([{ in: 'body', field: 'body', message: expect.any(String) }])
  expect(await traces(world)).toEqual([])
})

test('the body may have exactly 16 KiB', async () => {
  const world = await startWorld()
  const body = '{"name":"a"}'.padEnd(16 * 1024)
  expect((await world.call('POST', '/vms/1000/snapshots', { body })).status).toBe(202)
  expect((await world.call('POST', '/vms/1004/snapshots', { body: `${body} ` })).status).toBe(413)
})

test('a body of GET is refused; an empty one of DELETE is none', async () => {
  const world = await startWorld()
  const base = world.gateway.address
  const body = '{"type":"other"}'
  const read = await callRaw(base, 'GET', '/vms/1000/snapshots', { headers: JSON_TYPE, body })
  expect([read.status, read.body.code]).toEqual([400, 'validation-failed'])
  const deleted = await callRaw(base, 'DELETE', '/vms/1000/snapshots/first', { headers: JSON_TYPE, body: '' })
  expect(deleted.status).toBe(202)
})

test('queries of /operations', async () => {
  const world = await startWorld()
  const unknownId = Buffer.from('op_0').toString('base64url')
  const rows: [string, string[]][] = [
    ['limit=0', ['limit']],
    ['limit=101', ['limit']],
    ['limit=-1', ['limit']],
    ['limit=05', ['limit']],
    ['limit=1.5', ['limit']],
    ['limit=ten', ['limit']],
    ['limit=', ['limit']],
    ['limit=1&limit=2', ['limit']],
    ['vm_id=0', ['vm_id']],
    ['vm_id=2147483648', ['vm_id']],
    ['vm_id=1000&vm_id=1000', ['vm_id']],
    ['kind=create', ['kind']],
    ['kind=snapshot.create&kind=snapshot.list', ['kind']],
    ['status=done', ['status']],
    ['status=', ['status']],
    ['cursor=', ['cursor']],
    ['cursor=op_0', ['cursor']],
    [`cursor=${unknownId}`, ['cursor']],
    ['cursor=%27%20OR%201=1', ['cursor']],
    [`cursor=${'a'.repeat(101)}`, ['cursor']],
    ['limit=x&vm_id=x&kind=x&status=x', ['vm_id', 'kind', 'status', 'limit']],
  ]
  for (const [query, fields] of rows)
    expectFields(await world.call('GET', `/operations?${query}`), 'query', fields, query)
  expect(await traces(world)).toEqual([])
})
