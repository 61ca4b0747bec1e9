import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { fileSecret, fixedSecret } from '../../src/config/secret.ts'
import { fixedSession, loginSession } from '../../src/upstream/session.ts'
import type { Exchange } from '../../src/upstream/transport.ts'
import { temporaryDirectory } from '../helper.ts'
import { realWorld } from '../../src/world.ts'

const START = Date.parse('2026-11-24T10:00:00.000Z')
const API_KEY = 'api-key-0123456789'

const answer = (value: unknown, status = 200): Exchange => ({
  kind: 'answer',
  answer: { status, body: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)) },
  retryAfterMs: null,
})
const REFUSED = answer({ code: -1, message: 'invalid api key' })

/** A session whose logins are answered by `reply`, at a clock that stands still. */
function open(reply: (nth: number) => Exchange | Promise<Exchange>, keys = [API_KEY]) {
  const clock = { now: START }
  const logins: object[] = []
  const apiKey = { current: () => keys[0]!, recent: () => keys, close: () => {} }
  const log: [string, object, string][] = []
  const logouts: object[] = []
  const session = loginSession({
    apiKey,
    send: async fields => reply(logins.push(fields)),
    sendLogout: async fields => reply(-logouts.push(fields)),
    host: 'api.hostkey.com',
    world: { ...realWorld, now: () => clock.now },
    log: {
      info: (fields, message) => void log.push(['info', fields, message]),
      warn: (fields, message) => void log.push(['warn', fields, message]),
    },
  })
  const tokenAt = async (ms: number) => {
    clock.now = START + ms
    const outcome = await session.token()
    return outcome.kind === 'token' ? outcome.token : outcome.kind
  }
  return { session, logins, logouts, log, clock, keys, tokenAt }
}

/** Gives t1, t2, … which live so long. */
const tokens = (lifeS: number | null) => (nth: number) =>
  answer({ result: { token: `token-${nth}`, token_expire: lifeS === null ? null : START / 1000 + lifeS } })

test('a fixed token is worth no second try, until its file was rotated', async () => {
  const file = join(temporaryDirectory(), 'token')
  writeFileSync(file, 'old-token\n')
  const secret = fileSecret(file, message => expect.fail(message))
  onTestFinished(() => secret.close())
  const session = fixedSession(secret)
  expect(await session.token()).toEqual({ kind: 'token', token: 'old-token' })
  expect(session.refused('old-token')).toBe(false)
  // As Kubernetes and careful operators do it; again and again, as the watching may begin after the first time.
  const rotate = () => {
    writeFileSync(`${file}.new`, 'new-token')
    renameSync(`${file}.new`, file)
    return session.refused('old-token')
  }
  await expect.poll(rotate, { timeout: 5_000, interval: 100 }).toBe(true)
  expect(await session.token()).toEqual({ kind: 'token', token: 'new-token' })
  expect(session.refused('new-token')).toBe(false)
  expect([await session.renewedFor(1000, 'old-token'), await session.renewedFor(1000, 'new-token')]).toEqual([
    true,
    false,
  ])
  expect(session.secrets()).toEqual(['new-token', 'old-token'])
})

test('a login asks as documented, and its token serves until a minute before the end', async () => {
  const { logins, tokenAt } = open(nth => tokens(nth * 7_200)(nth))
  expect(await tokenAt(0)).toBe('token-1')
  expect(logins).toEqual([{ action: 'login', key: API_KEY, ttl: 7_200, fix_ip: 0 }])
  expect(await tokenAt(7_200_000 - 60_001)).toBe('token-1')
  expect(await tokenAt(7_200_000 - 60_000)).toBe('token-2')
  expect(await tokenAt(14_400_000 - 60_001)).toBe('token-2')
  expect(logins).toHaveLength(2)
})

test.each([
  ['a life of a minute', 60, 30_000],
  ['a life of two seconds', 2, 1_000],
  ['no told end', null, 7_140_000],
  ['an end that is past already', -5, 7_140_000],
  ['a relative end', -START / 1000 + 7_200, 7_140_000],
])('%s is used up to a point and not for one call only', async (_what, lifeS, usedMs) => {
  const { tokenAt } = open(tokens(lifeS))
  expect([await tokenAt(0), await tokenAt(usedMs - 1), await tokenAt(usedMs)]).toEqual([
    'token-1',
    'token-1',
    'token-2',
  ])
})

test('one login however many calls wait, also for a renewal', async () => {
  const gates = [Promise.withResolvers<Exchange>(), Promise.withResolvers<Exchange>()]
  const { session, logins, clock } = open(nth => gates[nth - 1]!.promise)
  for (const [i, gate] of gates.entries()) {
    const waiting = Array.from({ length: 20 }, () => session.token())
    gate.resolve(tokens(7_200)(i + 1))
    expect(await Promise.all(waiting)).toEqual(
      waiting.map(() => ({ kind: 'token', token: `token-${i + 1}` })),
    )
    expect(logins).toHaveLength(i + 1)
    clock.now += 7_199_000
  }
})

test('a refused token is replaced once, however late the others hear of it', async () => {
  const { session, logins, tokenAt } = open(tokens(7_200))
  await tokenAt(0)
  expect(session.refused('token-1')).toBe(true)
  expect(await tokenAt(1)).toBe('token-2')
  expect(session.refused('token-1')).toBe(true)
  expect(await tokenAt(2)).toBe('token-2')
  expect(logins).toHaveLength(2)
})

test('a refused login is told to all, stands for a moment, and goes at once when the key is rotated', async () => {
  const { session, logins, keys, tokenAt } = open(nth => (nth < 3 ? REFUSED : tokens(7_200)(nth)))
  const outcomes = await Promise.all([session.token(), session.token()])
  const refused = { kind: 'unauthorized', message: 'invalid api key' }
  expect(outcomes).toEqual([refused, refused])
  expect([await tokenAt(4_999), logins.length]).toEqual(['unauthorized', 1])
  expect([await tokenAt(5_000), logins.length]).toEqual(['unauthorized', 2])
  keys.unshift('another-api-key')
  expect([await tokenAt(5_001), logins.length]).toEqual(['token-3', 3])
  expect(logins[2]).toMatchObject({ key: 'another-api-key' })
})

test.each<[string, Exchange]>([
  ['garbage', answer('<html>Maintenance</html>')],
  ['an empty body', answer('')],
  ['an object without a token', answer({ result: 'OK' })],
  ['an HTTP error', answer('<h1>502</h1>', 502)],
  ['nothing', { kind: 'lost', reason: 'UND_ERR_SOCKET', cause: 'connection' }],
  ['a refused connection', { kind: 'unsent', reason: 'ECONNREFUSED' }],
])(
  'a login that meets %s sent no call, tells no key, and the next call logs in again',
  async (_what, exchange) => {
    const { session, tokenAt } = open(nth => (nth === 1 ? exchange : tokens(7_200)(nth)))
    const outcome = await session.token()
    expect(outcome).toEqual({ kind: 'unsent', reason: expect.stringMatching(/^login: /) })
    expect(JSON.stringify(outcome)).not.toContain(API_KEY)
    expect(await tokenAt(0)).toBe('token-2')
  },
)

test.each([401, 403])('HTTP %d refuses the login', async status => {
  const { tokenAt } = open(() => answer('<h1>no</h1>', status))
  expect(await tokenAt(0)).toBe('unauthorized')
})

test('the secrets are the API key and the last tokens, which late texts may still carry', async () => {
  const { session, tokenAt } = open(nth => tokens(nth)(nth))
  for (let i = 0; i < 6; i += 1) await tokenAt(i * 1_000)
  expect(session.secrets()).toEqual(['token-6', 'token-5', 'token-4', 'token-3', API_KEY])
  expect(fixedSession(fixedSecret('fixed')).secrets()).toEqual(['fixed'])
})

test('fresh tokens that are refused start no storm, however many callers ask, and a new key ends the pause', async () => {
  const { session, logins, log, clock, keys } = open(tokens(7_200))
  /** What a caller does whose every token is refused: one more try where that is worth it. */
  const call = async (): Promise<string> => {
    for (let tries = 0; ; tries += 1) {
      const got = await session.token()
      if (got.kind !== 'token') return got.kind
      if (!session.refused(got.token) || tries > 0) return 'refused'
    }
  }
  const storm = () => Promise.all(Array.from({ length: 60 }, call))
  await storm()
  expect(logins).toHaveLength(2)
  const seen: number[] = []
  for (let s = 1; s <= 1_200; s += 1) {
    clock.now += 1_000
    const outcomes = await storm()
    if (logins.length === seen.length + 2) expect(new Set(outcomes)).toEqual(new Set(['unauthorized']))
    else seen.push(s)
  }
  expect(seen).toEqual([5, 15, 35, 75, 155, 315, 615, 915])
  expect(await session.token()).toEqual({
    kind: 'unauthorized',
    message: 'HOSTKEY refused a token that it had just given',
  })
  expect(log).toHaveLength(9)
  expect(log[0]).toEqual([
    'warn',
    { age_ms: 0, next_login_ms: 5_000 },
    'HOSTKEY refused a token that it had just given; the next login waits',
  ])
  keys.unshift('another-api-key')
  expect(await session.token()).toEqual({ kind: 'token', token: 'token-11' })
})

test('why HOSTKEY refused a login is told and logged, without secrets', async () => {
  const { session, log } = open(() =>
    answer({ code: -1, message: `key ${API_KEY} is bound to another address` }),
  )
  const message = 'key [redacted] is bound to another address'
  expect(await session.token()).toEqual({ kind: 'unauthorized', message })
  expect(log).toEqual([
    ['warn', { reason: message, next_login_ms: 5_000 }, 'HOSTKEY refused the login with HOSTKEY_API_KEY'],
  ])
})

test.each([429, 503])(
  'HTTP %d at the login is no refusal: it is asked again when its time has come',
  async status => {
    const busy = (retryAfterMs: number | null): Exchange => ({
      ...(answer({ code: -1, message: 'too many' }, status) as Exchange & { kind: 'answer' }),
      retryAfterMs,
    })
    const { session, logins, tokenAt } = open(nth => (nth === 1 ? busy(30_000) : tokens(7_200)(nth)))
    expect(await session.token()).toEqual({ kind: 'unsent', reason: `login: HTTP ${status}`, shedMs: 30_000 })
    expect([await tokenAt(29_999), logins.length]).toEqual(['unsent', 1])
    expect(await tokenAt(30_000)).toBe('token-2')
  },
)

/** A session that knows these VMs at its nth login. */
const knowing = (lists: (unknown[] | undefined)[]) => (nth: number) =>
  answer({ result: { token: `token-${nth}`, servers: lists[Math.min(nth, lists.length) - 1] } })

test('a VM that was ordered after the login is found by one more login', async () => {
  const { session, logins, clock, tokenAt } = open(knowing([[1000], ['1000', 2000]]))
  await tokenAt(0)
  expect(await session.renewedFor(2000, 'token-1')).toBe(false)
  clock.now += 5_000
  // The session knows this one: whatever HOSTKEY means, it is not that.
  expect(await session.renewedFor(1000, 'token-1')).toBe(false)
  expect(logins).toHaveLength(1)
  const asked = Array.from({ length: 20 }, () => session.renewedFor(2000, 'token-1'))
  expect(new Set(await Promise.all(asked))).toEqual(new Set([true]))
  expect([await session.token(), logins.length]).toEqual([{ kind: 'token', token: 'token-2' }, 2])
  // Who hears of it late only has to use the newer session; one that lacks the VM as well is no help.
  expect(await session.renewedFor(2000, 'token-1')).toBe(true)
  expect(await session.renewedFor(3000, 'token-1')).toBe(false)
  expect(logins).toHaveLength(2)
})

test.each([
  ['a list that lacks it', [[1000]], false],
  ['no list', [undefined], true],
])(
  'for VMs that nobody knows, with %s, there are fewer and fewer logins',
  async (_what, lists, isWorthIt) => {
    const { session, logins, clock } = open(knowing(lists))
    const seen: number[] = []
    for (let s = 0; s <= 2_000; s += 1) {
      const got = await session.token()
      const before = logins.length
      const renewed = await session.renewedFor(9_000 + s, got.kind === 'token' ? got.token : '')
      if (logins.length > before) {
        seen.push(s)
        expect(renewed).toBe(isWorthIt)
      }
      clock.now += 1_000
    }
    expect(seen).toEqual([5, 15, 35, 75, 155, 315, 615, 915, 1_215, 1_515, 1_815])
  },
)

test('the session stays in use while a login for its list is refused or lost', async () => {
  const { session, clock, tokenAt, logins } = open(nth =>
    nth === 1 ? knowing([[1000]])(nth) : nth === 2 ? REFUSED : { kind: 'unsent', reason: 'ECONNREFUSED' },
  )
  await tokenAt(0)
  for (const ms of [10_000, 60_000]) {
    clock.now += ms
    expect(await session.renewedFor(2000, 'token-1')).toBe(false)
    expect(await session.token()).toEqual({ kind: 'token', token: 'token-1' })
  }
  expect(logins).toHaveLength(3)
})

test.each([
  ['invapi.hostkey.ru', 'warn', 'invapi.hostkey.ru'],
  ['https://invapi.hostkey.ru/', 'warn', 'invapi.hostkey.ru'],
  ['10.0.0.1', 'warn', '10.0.0.1'],
  ['invapi.hostkey.com', 'info', 'invapi.hostkey.com'],
  ['https://api.hostkey.com:443/', null, ''],
  ['', null, ''],
  ['no host at all', null, ''],
])('a login whose invapi is "%s": %s, once', async (invapi, level, host) => {
  const { log, tokenAt } = open(nth => answer({ token: `token-${nth}`, invapi }))
  for (let i = 0; i < 3; i += 1) await tokenAt(i * 7_200_000)
  expect(log.map(([how, fields]) => [how, fields])).toEqual(
    level ? [[level, { host, base_url_host: 'api.hostkey.com' }]] : [],
  )
})

test('at the end every session that may be open is logged out, and a failure of that harms nothing', async () => {
  const { session, logouts, tokenAt } = open(nth => {
    if (nth < 0) throw new Error('a bug')
    return tokens(nth * 7_200)(nth)
  })
  await tokenAt(0)
  session.refused('token-1')
  await tokenAt(1)
  await tokenAt(14_000_000)
  await tokenAt(21_500_000)
  await session.close()
  expect(logouts).toEqual([2, 3].map(n => ({ action: 'logout', token: `token-${n}` })))
  await session.close()
  expect(logouts).toHaveLength(2)
  await expect(fixedSession(fixedSecret('fixed')).close()).resolves.toBeUndefined()
})
