import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_DEPTH, parseCall, parseCheck, parseLogin, type RawAnswer } from '../../src/upstream/parse.ts'

const FOLDER = join(import.meta.dirname, '../fixtures/upstream')
const PARSERS = { call: parseCall, check: parseCheck, login: parseLogin }
type ParserName = keyof typeof PARSERS

/** What each file, with its HTTP status (200 when not given), means to the parsers that may meet it. */
type Meanings = { status?: number } & Partial<Record<ParserName, { kind: string }>>
const index = JSON.parse(readFileSync(join(FOLDER, 'index.json'), 'utf8')) as Record<string, Meanings>

const raw = (body: Buffer | string, status = 200): RawAnswer => ({ status, body: Buffer.from(body) })
const json = (value: unknown, status = 200) => raw(JSON.stringify(value), status)

test('every fixture is in the index and every entry has its file', () => {
  const files = readdirSync(FOLDER).filter(file => file !== 'index.json' && file !== '.gitattributes')
  expect(files.toSorted()).toEqual(Object.keys(index).toSorted())
  for (const [file, meanings] of Object.entries(index))
    expect({ file, meanings: Object.keys(PARSERS).filter(name => name in meanings).length }).not.toEqual({
      file,
      meanings: 0,
    })
})

const cases = Object.entries(index).flatMap(([file, { status = 200, ...meanings }]) =>
  Object.entries(meanings).map(([name, meaning]) => ({ name: name as ParserName, file, status, meaning })),
)

test.each(cases)('$name of $file', ({ name, file, status, meaning }) => {
  expect(PARSERS[name]({ status, body: readFileSync(join(FOLDER, file)) })).toStrictEqual(meaning)
})

const KINDS: Record<ParserName, string[]> = {
  call: ['accepted', 'done', 'refused', 'unauthorized', 'unintelligible'],
  check: ['done', 'failed', 'gone', 'pending', 'unintelligible'],
  login: ['refused', 'token', 'unauthorized', 'unintelligible'],
}

test.each(['call', 'check', 'login'] as const)('every meaning of a %s has a fixture', name => {
  const kinds = cases.filter(one => one.name === name).map(({ meaning }) => meaning.kind)
  expect([...new Set(kinds)].toSorted()).toEqual(KINDS[name])
})

test('a 4xx refuses, but for the two that speak of the delivery; a 2xx, 3xx or 5xx without JSON proves nothing', () => {
  const kinds = new Map<string, number[]>()
  for (let status = 200; status < 600; status += 1) {
    const { kind } = parseCall(raw('<h1>page</h1>', status))
    kinds.set(kind, [...(kinds.get(kind) ?? []), status])
  }
  expect([...kinds.keys()].toSorted()).toEqual(['refused', 'unauthorized', 'unintelligible'])
  expect(kinds.get('unauthorized')).toEqual([401])
  expect(kinds.get('unintelligible')?.filter(status => status >= 400 && status < 500)).toEqual([408, 425])
  expect(kinds.get('refused')).toHaveLength(97)
})

test.each([
  ['token-expired', 'snapshot token-expired already exists', 'refused'],
  ['invalid_token.1', 'snapshot invalid_token.1 not found', 'refused'],
  ['token-expired', 'invalid token', 'unauthorized'],
  ['nightly', 'snapshot nightly: token expired', 'unauthorized'],
  [undefined, 'token expired', 'unauthorized'],
])('with the snapshot called %s, "%s" is %s', (name, message, kind) => {
  expect(parseCall(json({ code: -1, message }), name)).toMatchObject({ kind, message })
})

/** Values that the parsers know, in places where they look, mixed with anything. */
const words = fc.constantFrom(
  'OK',
  'Fail',
  'Error',
  'Not ready',
  'AsyncKey not found',
  'invalid token',
  '',
  '0',
  '-2',
  '[{"a":1}]',
)
const value = fc.oneof(
  words,
  fc.constantFrom<unknown>(-1, -2, 0, null, true, [], {}, { toString: 'OK', valueOf: 0 }),
  fc.jsonValue({ maxDepth: 4 }),
)
const MEMBERS = `result code callback scope context message error token token_expire key data __proto__ constructor toString`
const member = fc.constantFrom(...MEMBERS.split(' '))
const answerText = fc
  .array(fc.tuple(member, value), { maxLength: 6 })
  .map(members => `{${members.map(([name, v]) => `${JSON.stringify(name)}:${JSON.stringify(v)}`).join(',')}}`)
const scraps = fc.constantFrom('{', '}', '"', '{"', '"}', ':', ',', '[', '\\', '<b>', '\uFEFF', '{"result":')
const body = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
  answerText.map(text => Buffer.from(text)),
  fc.array(fc.oneof(scraps, answerText), { maxLength: 12 }).map(parts => Buffer.from(parts.join(''))),
)

test.each(['call', 'check', 'login'] as const)(
  '%s is total over bytes, scraps and JSON of any shape',
  name => {
    fc.assert(
      fc.property(body, fc.integer({ min: 200, max: 599 }), (bytes, status) => {
        const meaning = PARSERS[name]({ status, body: bytes })
        expect(KINDS[name]).toContain(meaning.kind)
        // Whatever is handed on has to survive the store.
        expect(JSON.parse(JSON.stringify(meaning))).toHaveProperty('kind', meaning.kind)
      }),
      { numRuns: 500 },
    )
  },
)

// Work that grew with the square of the braces would run into the timeout.
test.each(['{', '{"', '[', '}{"a"'])('a mebibyte of %s is given up', { timeout: 5_000 }, scrap => {
  expect(parseCall(raw(scrap.repeat(2 ** 20 / scrap.length))).kind).toBe('unintelligible')
})

test('an acceptance is found whatever PHP printed around it', () => {
  const noise = fc.string({ unit: 'grapheme', maxLength: 60 }).map(text => text.replace(/["{}[\]\\:,]/g, '·'))
  const key = fc.stringMatching(/^[a-z0-9]{32}$/)
  fc.assert(
    fc.property(noise, noise, key, (before, after, callback) => {
      const text = before + JSON.stringify({ result: 'OK', module: 'vm', callback }) + after
      expect(parseCall(raw(text))).toMatchObject({ kind: 'accepted', callback })
    }),
  )
})

test('no beginning of an answer means anything but that it was cut off', () => {
  const inner = { result: 'Error', code: -1, callback: 'not-the-key', message: 'invalid token', token: 't' }
  const whole = Buffer.from(JSON.stringify({ result: 'OK', scope: [inner, { a: inner }], context: inner }))
  for (let length = 0; length < whole.length; length += 1)
    for (const parser of Object.values(PARSERS))
      expect(parser({ status: 200, body: whole.subarray(0, length) }).kind).toBe('unintelligible')
})

test(`an answer may nest ${MAX_DEPTH} deep and no deeper, and so may a scope that comes as text`, () => {
  const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
  const scopeOf = (scope: unknown) => parseCheck(json({ result: 'OK', scope }))
  // An empty array at the bottom adds no level.
  expect(scopeOf(nested(MAX_DEPTH))).toMatchObject({ kind: 'done' })
  expect(scopeOf(nested(MAX_DEPTH + 1))).toMatchObject({ kind: 'unintelligible' })
  expect(scopeOf(JSON.stringify(nested(MAX_DEPTH + 1)))).toMatchObject({ scope: nested(MAX_DEPTH + 1) })
  expect(scopeOf(JSON.stringify(nested(MAX_DEPTH + 2)))).toMatchObject({ scope: null })
})
