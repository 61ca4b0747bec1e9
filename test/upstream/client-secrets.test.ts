/** What the client hands on of what HOSTKEY says: nothing secret. */

import { expect, test } from 'vitest'
import { TOKEN, API_KEY, start, respond } from './start-client.ts'

const ECHO = `with ${TOKEN} at ${API_KEY}: root_pass`
const CLEAN = 'with [redacted] at [redacted]: root_pass'

test.each<[string, unknown, object]>([
  [
    'a refusal',
    { code: `E ${TOKEN}`, message: ECHO },
    { kind: 'refused', reason: 'rejected', code: 'E [redacted]', message: CLEAN },
  ],
  [
    'a refusal of the token',
    { code: -2, message: `invalid token ${ECHO}` },
    { kind: 'unauthorized', message: `invalid token ${CLEAN}` },
  ],
  [
    'a message with members',
    { code: -1, message: { why: ECHO, root_pass: 'hunter2' } },
    { kind: 'refused', reason: 'rejected', code: '-1', message: `{"why":"${CLEAN}"}` },
  ],
  [
    'a message that is JSON',
    { code: -1, message: '{"why":"disk","root_pass":"hunter2"}' },
    { kind: 'refused', reason: 'rejected', code: '-1', message: '{"why":"disk"}' },
  ],
  ['an endless message', { code: -1, message: 'x'.repeat(5_000) }, { message: 'x'.repeat(1_000) }],
  [
    'an immediate result',
    {
      result: 'OK',
      scope: { [TOKEN]: 1, cpu: 2, root_pass: 'hunter2', note: ECHO, raw: '{"token":"x","a":1}' },
    },
    { kind: 'done', scope: { '[redacted]': 1, cpu: 2, note: CLEAN, raw: '{"a":1}' }, snapshots: null },
  ],
])('%s shows no secret', async (_what, value, expected) => {
  const { sim, upstream } = await start()
  sim.fault(respond(value))
  expect(await upstream.call('load_stats', { id: 1000 })).toMatchObject(expected)
})

test('a check shows no secret either, its own key among them', async () => {
  const { sim, upstream, due } = await start()
  const key = await due('load_stats')
  const echo = `${ECHO} by ${key}`
  const clean = `${CLEAN} by [redacted]`
  sim.fault(respond({ result: 'OK', scope: { note: echo, vnc_password: 'x' }, key }, { action: 'check' }))
  sim.fault(respond({ result: `Error ${key}`, scope: echo }, { action: 'check' }))
  sim.fault(respond({ result: 'OK', context: { error: { why: echo, pin: 1 } } }, { action: 'check' }))
  sim.fault(respond({ result: 'Error', scope: `{"key":"${key}","why":"disk"}` }, { action: 'check' }))
  expect(await upstream.check(key)).toEqual({
    kind: 'done',
    scope: expect.objectContaining({ note: clean }),
    snapshots: null,
  })
  expect(await upstream.check(key)).toEqual({
    kind: 'failed',
    reason: 'rejected',
    code: 'Error [redacted]',
    message: clean,
  })
  expect(await upstream.check(key)).toEqual({
    kind: 'failed',
    reason: 'rejected',
    code: 'context.error',
    message: `{"why":"${clean}"}`,
  })
  expect(await upstream.check(key)).toEqual({
    kind: 'failed',
    reason: 'rejected',
    code: 'Error',
    message: '{"why":"disk"}',
  })
  const { scope } = (await upstream.check(key)) as { scope: object }
  expect(scope).toHaveProperty('cpu')
  expect(Object.keys(scope).filter(name => /pass/.test(name))).toEqual([])
})
