import { expect, test } from 'vitest'
import { callRaw, mutations, startWorld } from '../helper.ts'
import { expectProblem } from './expect-problem.ts'

const CREATE = '/vms/1000/snapshots'
const BODY = '{"name":"a"}'

test('a coded body is refused, and told that it is to be sent as it is', async () => {
  const world = await startWorld()
  for (const coding of ['gzip', 'br', 'identity', 'x', '']) {
    const headers = { 'content-type': 'application/json', 'content-encoding': coding }
    const answer = await callRaw(world.gateway.address, 'POST', CREATE, { headers, body: BODY })
    expectProblem(answer, 'unsupported-media-type')
    expect(answer.headers.get('accept-encoding')).toBe('identity')
    expect(answer.headers.get('accept-post')).toBeNull()
  }
  expect(mutations(world)).toEqual([])
})

test('a body of another type is refused, and told which one is taken', async () => {
  const world = await startWorld()
  for (const type of [
    'text/plain',
    'application/jsonp',
    'nonsense',
    'application/json; charset=utf-16',
    'application/json;charset="iso-8859-1"',
    'application/json; charset=utf-8x',
    'application/json; a=b ;\tcharset=latin1',
    'application/problem+json',
    '',
  ]) {
    const headers = { 'content-type': type }
    const posted = await callRaw(world.gateway.address, 'POST', CREATE, { headers, body: BODY })
    expectProblem(posted, 'unsupported-media-type')
    expect([posted.headers.get('accept'), posted.headers.get('accept-post')]).toEqual([
      'application/json',
      'application/json',
    ])
    const deleted = await callRaw(world.gateway.address, 'DELETE', `${CREATE}/first`, { headers, body: BODY })
    expectProblem(deleted, 'unsupported-media-type')
    expect([deleted.headers.get('accept'), deleted.headers.get('accept-post')]).toEqual([
      'application/json',
      null,
    ])
    // Where nothing is, nothing can be of the wrong type.
    expectProblem(
      await callRaw(world.gateway.address, 'POST', '/nothing', { headers, body: BODY }),
      'route-not-found',
    )
  }
  expect(mutations(world)).toEqual([])
})

test('parameters of the media type make no difference', async () => {
  const world = await startWorld()
  const vms = [1000, 1001, 1004, 1003]
  for (const [i, type] of [
    'application/json; charset=UTF-8',
    'Application/JSON;charset="utf8"',
    'application/json ; odata=verbose; charset=utf-8',
    'application/json\t;\tcharset=utf-8 ; x',
  ].entries()) {
    const headers = { 'content-type': type }
    const { status } = await callRaw(world.gateway.address, 'POST', `/vms/${vms[i]}/snapshots`, {
      headers,
      body: BODY,
    })
    expect([type, status === 202 || status === 409]).toEqual([type, true])
  }
})

test('an empty body is none, whatever its type and coding', async () => {
  const world = await startWorld()
  for (const type of ['application/json', 'text/plain', 'nonsense', 'a/b; c']) {
    const headers = { 'content-type': type, 'content-encoding': 'gzip' }
    const restored = await callRaw(world.gateway.address, 'POST', '/vms/4000/snapshots/a/restore', {
      headers,
      body: '',
    })
    expect([restored.status, restored.body.code]).toEqual([404, 'vm-not-found'])
    const created = await callRaw(world.gateway.address, 'POST', CREATE, { headers, body: '' })
    expect(created.body.errors).toEqual([{ in: 'body', field: 'body', message: 'is required' }])
  }
})
