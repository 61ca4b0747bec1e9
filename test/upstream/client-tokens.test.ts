/** What the client does about its tokens: renewed once, and a change that was refused for one is sent once more. */

import { expect, test } from 'vitest'
import { TOKEN, API_KEY, CREATE, MUTATIONS, start, respond } from './start-client.ts'

const REFUSALS_OF_TOKEN = [
  respond({ code: -2, message: 'access denied' }),
  respond({ code: -1, message: 'invalid hash' }),
  respond({ result: 'Fail', message: 'token expired' }),
  respond('<h1>401</h1>', { status: 401 }),
]

test.each(MUTATIONS.flatMap(action => REFUSALS_OF_TOKEN.map(fault => ({ action, fault, body: fault.body }))))(
  '$action refused by $body is sent once more with a new token',
  async ({ action, fault }) => {
    const { sim, upstream, used, logins } = await start({ tokens: [] })
    sim.fault({ ...fault, action })
    const outcome = await upstream.call(action, {
      ...CREATE,
      ...(action !== 'create_snapshot' && { name: 'first' }),
    })
    expect(outcome).toEqual({ kind: 'accepted', callback: sim.ledger[0]?.callback })
    expect([used().length, new Set(used()).size, logins(), sim.ledger.length]).toEqual([2, 2, 2, 1])
  },
)

test.each(MUTATIONS)('%s refused for the token twice is sent no third time', async action => {
  const { sim, upstream, used, logins } = await start({ tokens: [] })
  sim.fault({ kind: 'respond', action, body: '{"code":-2,"message":"invalid token"}', times: 9 })
  expect(await upstream.call(action, CREATE)).toEqual({ kind: 'unauthorized', message: 'invalid token' })
  expect([used().length, logins()]).toEqual([2, 2])
})

test('what happens to the second try is the outcome: lost is lost', async () => {
  const { sim, upstream, used } = await start({ tokens: [] })
  sim.fault(respond({ code: -2, message: 'invalid token' }, { action: 'create_snapshot' }))
  sim.fault({ kind: 'drop-after', action: 'create_snapshot', times: 9 })
  expect(await upstream.call('create_snapshot', CREATE)).toMatchObject({ kind: 'lost' })
  expect([used().length, sim.ledger.length]).toEqual([2, 1])
})

test('expired tokens are renewed by one login for all the calls that meet it', async () => {
  const { sim, upstream, logins } = await start({ tokens: [] })
  await upstream.call('load_stats', { id: 1000 })
  sim.expireTokens()
  const outcomes = await Promise.all([1000, 1001, 1004].map(id => upstream.call('load_stats', { id })))
  expect(outcomes.map(({ kind }) => kind)).toEqual(['accepted', 'accepted', 'accepted'])
  expect(logins()).toBe(2)
})

test.each([
  ['that was not rotated is not tried again', ['revoked'], ['revoked'], 'unauthorized'],
  ['that was rotated is tried again', ['revoked', TOKEN], ['revoked', TOKEN], 'accepted'],
  ['that was rotated twice is tried again once', ['a', 'b', 'b', 'c'], ['a', 'b'], 'unauthorized'],
])('a fixed token %s', async (_what, tokens, expected, kind) => {
  const { upstream, used } = await start({ tokens })
  expect(await upstream.call('create_snapshot', CREATE)).toMatchObject({ kind })
  expect(used()).toEqual(expected)
})

test('other refusals are not tried again, nor is one that only quotes a name like a refusal of the token', async () => {
  const { sim, upstream, logins } = await start({ tokens: [] })
  const first = await upstream.call('create_snapshot', { ...CREATE, name: 'first' })
  const message = 'failed to request snapshot creation for 1000 - snapshot first already exists'
  expect(first).toEqual({ kind: 'refused', reason: 'conflict', code: '-1', message })
  await upstream.call('create_snapshot', { ...CREATE, id: 1004, name: 'token-expired' })
  const quoting = { code: -1, message: 'snapshot token-expired already exists' }
  sim.fault(respond(quoting, { action: 'create_snapshot', times: 9 }))
  const outcome = await upstream.call('create_snapshot', { ...CREATE, name: 'token-expired' })
  expect(outcome).toEqual({ kind: 'refused', reason: 'conflict', code: '-1', message: quoting.message })
  expect([sim.requests.length, logins()]).toEqual([4, 1])
})

test.each(['load_stats', 'create_snapshot'] as const)(
  '%s of a VM that was ordered after the login is sent once more, with a session that knows it',
  async action => {
    const { sim, clock, upstream, used, logins } = await start({ tokens: [] })
    await upstream.call('load_stats', { id: 1000 })
    sim.setVm(4242, {})
    const message = 'failed to request it for 4242 - server not found'
    sim.fault(respond({ code: -1, message }, { action, vmId: 4242, times: 2 }))
    const params = { ...CREATE, id: 4242 }
    // As old as the login is: nothing that came since.
    expect(await upstream.call(action, params)).toMatchObject({ kind: 'refused', message })
    expect([used().length, logins()]).toEqual([2, 1])
    clock.now += 5_000
    expect(await upstream.call(action, params)).toMatchObject({ kind: 'accepted' })
    expect([used().length, new Set(used()).size, logins()]).toEqual([4, 2, 2])
    expect(sim.ledger.map(({ vmId }) => vmId)).toEqual([1000, 4242])
    // A VM that the session does know is refused for another reason, and one that nobody knows stays so.
    sim.fault(respond({ code: -1, message }, { action, vmId: 4242 }))
    clock.now += 5_000
    expect(await upstream.call(action, params)).toMatchObject({ kind: 'refused' })
    expect(await upstream.call(action, { ...CREATE, id: 9 })).toMatchObject({ kind: 'refused' })
    expect([used().length, logins()]).toEqual([6, 3])
  },
)

test('without a token nothing is called: a refused login, a login that got lost', async () => {
  const { sim, upstream, used, clock } = await start({ tokens: [] })
  const message = `key ${API_KEY} is unknown`
  sim.fault(respond({ code: -1, message }, { action: 'login' }))
  expect(await upstream.call('create_snapshot', CREATE)).toEqual({
    kind: 'unauthorized',
    message: 'key [redacted] is unknown',
  })
  clock.now += 5_000
  sim.fault({ kind: 'drop-after', action: 'login' })
  expect(await upstream.call('create_snapshot', CREATE)).toMatchObject({ kind: 'unsent' })
  expect(used()).toEqual([])
  expect(await upstream.call('create_snapshot', CREATE)).toMatchObject({ kind: 'accepted' })
})
