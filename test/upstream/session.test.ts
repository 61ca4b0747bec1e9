import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { fileSecret, fixedSecret } from '../../src/config/secret.ts'
import { fixedSession, loginSession } from '../../src/upstream/session.ts'
import type { Exchange } from '../../src/upstream/transport.ts'
import { temporaryDirectory } from '../helper.ts'

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
  const session = loginSession({
    apiKey,
    send: async fields => reply(logins.push(fields)),
    now: () => clock.now,
  })
  const tokenAt = async (ms: number) => {
    clock.now = START + ms
    const outcome = await session.token()
    return outcome.kind === 'token' ? outcome.token : outcome.kind
  }
  return { session, logins, clock, keys, tokenAt }
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
