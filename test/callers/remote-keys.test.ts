import type { RequestListener } from 'node:http'
import { expect, test } from 'vitest'
import { ED, ES, INVALID, newKey, RS, sign, startBench, UNAVAILABLE } from './provider.ts'

test('new keys are found by their id, and unknown ids do not make us ask at will', async () => {
  const { verify, provider, clock } = await startBench([ES])
  const next = await newKey('next')
  expect(await verify(await sign())).toMatchObject({ name: 'robot' })
  provider.keys = [next]
  const token = await sign({ key: next })
  const unknown = async (count: number): Promise<void> => {
    const tokens = await Promise.all(
      Array.from({ length: count }, (_, i) => sign({ header: { kid: `unknown-${i}` } })),
    )
    for (const verdict of await Promise.all(tokens.map(verify))) expect(verdict).toBe(INVALID)
  }
  await unknown(50)
  expect(await verify(token)).toBe(INVALID)
  expect(provider.fetches).toBe(1)
  clock.nowMs += 30_000
  expect(await verify(token)).toMatchObject({ name: 'robot' })
  expect(provider.fetches).toBe(2)
  // What is withdrawn is not remembered.
  expect(await verify(await sign())).toBe(INVALID)
  clock.nowMs += 30_000
  await unknown(50)
  expect(provider.fetches).toBe(3)
})

test('a withdrawn key goes after a while, also when nobody shows a new one', async () => {
  const { verify, provider, clock } = await startBench([ES, ED])
  const token = (): Promise<string> => sign({ nowMs: clock.nowMs })
  expect(await verify(await token())).toMatchObject({ name: 'robot' })
  provider.keys = [ED]
  clock.nowMs += 599_000
  expect(await verify(await token())).toMatchObject({ name: 'robot' })
  clock.nowMs += 1_000
  expect(await verify(await token())).toBe(INVALID)
})

const FAILURES: Record<string, [RequestListener, RegExp]> = {
  'an error': [(_, response) => response.writeHead(500).end('{"keys":[]}'), /status 500/],
  'no JSON': [(_, response) => response.end('<html>canary</html>'), /not JSON/],
  'JSON that is no set': [(_, response) => response.end('{"keys":"canary"}'), /malformed/],
  'too much': [(_, response) => response.end(`{"keys":[],"pad":"${'x'.repeat(300_000)}"}`), /too large/],
  'a redirect': [
    (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    /fetch failed/,
  ],
  'a closed connection': [request => request.socket.destroy(), /fetch failed/],
  'no answer': [() => {}, /timeout/],
  'an answer that never ends': [(_, response) => response.write('{'), /timeout/],
}

test.each(Object.entries(FAILURES))('%s from the JWKS', async (_, [answer, reason]) => {
  const { verify, provider, clock, warnings } = await startBench([ES], { timeoutMs: 100 })
  provider.answer = answer
  // Without any key nobody gets in, and it is not asked for each token.
  for (let i = 0; i < 3; i += 1) expect(await verify(await sign())).toBe(UNAVAILABLE)
  expect([provider.fetches, warnings]).toEqual([1, [expect.stringMatching(reason)]])
  expect(warnings.join()).not.toContain('canary')

  provider.answer = null
  clock.nowMs += 5_000
  expect(await verify(await sign())).toMatchObject({ name: 'robot' })

  // With old keys those who have one of them go on, for a day.
  provider.answer = answer
  clock.nowMs += 86_399_000
  const token = await sign({ nowMs: clock.nowMs })
  expect(await verify(token)).toMatchObject({ name: 'robot' })
  expect(await verify(await sign({ key: RS, nowMs: clock.nowMs }))).toBe(UNAVAILABLE)
  expect([provider.fetches, warnings.length]).toEqual([3, 2])
  clock.nowMs += 31_000
  expect(await verify(token)).toBe(UNAVAILABLE)
})

test('callers who come together share a fetch', async () => {
  const { verify, provider } = await startBench()
  const tokens = await Promise.all(Array.from({ length: 20 }, (_, i) => sign({ claims: { sub: `s${i}` } })))
  const callers = await Promise.all(tokens.map(verify))
  expect(callers).toEqual(tokens.map((_, i) => expect.objectContaining({ id: `jwt:s${i}` })))
  expect(provider.fetches).toBe(1)
})
