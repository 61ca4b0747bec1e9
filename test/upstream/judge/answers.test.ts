import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ActionName } from '../../../src/operations/hostkey.ts'
import { judgeCall } from '../../../src/upstream/judge/call.ts'
import { judgeCheck } from '../../../src/upstream/judge/check.ts'
import type { Asked } from '../../../src/upstream/judge/evidence.ts'
import { BOUNDS } from '../../../src/upstream/judge/json.ts'
import { judgeLogin } from '../../../src/upstream/judge/login.ts'
import type { Answer } from '../../../src/upstream/judge/text.ts'

const FOLDER = join(import.meta.dirname, '../../fixtures/upstream')

type Place = 'call' | 'check' | 'login'

/** What each file, with its HTTP status (200 when not given), proves where it may be met; a create unless told otherwise. */
interface Meanings extends Partial<Record<Place, { kind: string }>> {
  status?: number
  headers?: Record<string, string>
  action?: ActionName
  asked?: Asked
}
const index = JSON.parse(readFileSync(join(FOLDER, 'index.json'), 'utf8')) as Record<string, Meanings>

function judge(place: Place, answer: Answer, { action = 'create_snapshot', asked = {} }: Meanings = {}) {
  if (place === 'call') return judgeCall(action, answer, asked)
  return place === 'check' ? judgeCheck(action, answer, asked) : judgeLogin(answer)
}

const raw = (body: Buffer | string, status = 200): Answer => ({ status, body: Buffer.from(body) })
const json = (value: unknown, status = 200) => raw(JSON.stringify(value), status)
const PLACES: readonly Place[] = ['call', 'check', 'login']

test('every fixture is in the index and every entry has its file', () => {
  const files = readdirSync(FOLDER).filter(file => file !== 'index.json' && file !== '.gitattributes')
  expect(files.toSorted()).toEqual(Object.keys(index).toSorted())
  for (const [file, meanings] of Object.entries(index))
    expect({ file, meanings: PLACES.filter(name => name in meanings).length }).not.toEqual({
      file,
      meanings: 0,
    })
})

const cases = Object.entries(index).flatMap(([file, meanings]) =>
  PLACES.filter(place => place in meanings).map(place => ({ place, file, meanings })),
)

test.each(cases)('$place of $file', ({ place, file, meanings }) => {
  const { status = 200, headers = {} } = meanings
  const verdict = judge(place, { status, headers, body: readFileSync(join(FOLDER, file)) }, meanings)
  // As it is written, so that numbers are compared by their digits.
  expect(JSON.parse(JSON.stringify(verdict))).toStrictEqual(meanings[place])
})

const KINDS: Record<Place, string[]> = {
  call: ['accepted', 'ambiguous', 'done', 'refused', 'unauthorized'],
  check: ['done', 'failed', 'gone', 'pending', 'unintelligible'],
  login: ['refused', 'token', 'unauthorized', 'unintelligible'],
}

test.each(PLACES)('every meaning of a %s has a fixture', name => {
  const kinds = cases
    .filter(({ place }) => place === name)
    .map(({ meanings }) => String(meanings[name]?.kind))
  expect([...new Set(kinds)].toSorted()).toEqual(KINDS[name])
})

test('a 4xx refuses, but for the two that speak of the delivery; a 2xx, 3xx or 5xx without JSON proves nothing', () => {
  const kinds = new Map<string, number[]>()
  for (let status = 200; status < 600; status += 1) {
    const { kind } = judge('call', raw('<h1>page</h1>', status))
    kinds.set(kind, [...(kinds.get(kind) ?? []), status])
  }
  expect([...kinds.keys()].toSorted()).toEqual(['ambiguous', 'refused', 'unauthorized'])
  expect(kinds.get('unauthorized')).toEqual([401])
  expect(kinds.get('ambiguous')?.filter(status => status >= 400 && status < 500)).toEqual([408, 425])
  expect(kinds.get('refused')).toHaveLength(97)
})

test.each([
  ['token-expired', 'snapshot token-expired already exists', 'refused'],
  ['invalid_token.1', 'snapshot invalid_token.1 not found', 'refused'],
  ['token-expired', 'invalid token', 'unauthorized'],
  ['nightly', 'snapshot nightly: token expired', 'unauthorized'],
  [undefined, 'token expired', 'unauthorized'],
])('with the snapshot called %s, "%s" is %s', (name, message, kind) => {
  expect(judge('call', json({ code: -1, message }), { asked: { name } })).toMatchObject({ kind, message })
})

test('what HOSTKEY asked for by Retry-After goes with the verdict', () => {
  const later = (body: string, status: number): Answer => ({ ...raw(body, status), retryAfterMs: 7_000 })
  expect(judge('call', later('', 429))).toMatchObject({
    kind: 'refused',
    reason: 'throttled',
    retryAfterMs: 7_000,
  })
  expect(judge('call', later('', 503))).toMatchObject({ kind: 'ambiguous', retryAfterMs: 7_000 })
  expect(judge('check', later('', 429))).toMatchObject({ kind: 'unintelligible', retryAfterMs: 7_000 })
  expect(judge('check', later('{"result":"Not ready"}', 200))).toEqual({
    kind: 'pending',
    why: 'Not ready',
    retryAfterMs: 7_000,
  })
  expect(judge('login', later('', 503))).toMatchObject({ kind: 'unintelligible', retryAfterMs: 7_000 })
})

test('no beginning of an answer means anything but that it was cut off', () => {
  const inner = { result: 'Error', code: -1, callback: 'not-the-key', message: 'invalid token', token: 't' }
  const whole = Buffer.from(JSON.stringify({ result: 'OK', scope: [inner, { a: inner }], context: inner }))
  for (let length = 0; length < whole.length; length += 1)
    for (const place of PLACES)
      expect(judge(place, { status: 200, body: whole.subarray(0, length) }).kind).toBe(
        place === 'call' ? 'ambiguous' : 'unintelligible',
      )
})

const { maxDepth: MAX_DEPTH } = BOUNDS

test(`an answer may nest ${MAX_DEPTH} deep and no deeper, and so may a scope that comes as text`, () => {
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
  const scopeOf = (scope: unknown) => judge('check', json({ result: 'OK', scope }))
  // An empty array at the bottom adds no level.
  expect(scopeOf(nested(MAX_DEPTH))).toMatchObject({ kind: 'done' })
  expect(scopeOf(nested(MAX_DEPTH + 1))).toMatchObject({ kind: 'unintelligible' })
  expect(scopeOf(JSON.stringify(nested(MAX_DEPTH + 1)))).toMatchObject({ scope: nested(MAX_DEPTH + 1) })
  // Deeper, it stays the text that it is.
  const text = JSON.stringify(nested(MAX_DEPTH + 2))
  expect(scopeOf(text)).toMatchObject({ scope: text })
})

test('an answer holds so many objects and lists and no more, however shallow', () => {
  const scope = (count: number): string => `[${Array(count).fill('[]').join(',')}]`
  const { maxHolders } = BOUNDS
  const kindOf = (count: number) => judge('check', raw(`{"result":"OK","scope":${scope(count)}}`)).kind
  expect([kindOf(maxHolders - 2), kindOf(maxHolders - 1)]).toEqual(['done', 'unintelligible'])
})
