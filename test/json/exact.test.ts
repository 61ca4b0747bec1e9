import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseExact } from '../../src/json/exact.ts'
import { isExactNumber } from '../../src/json/number.ts'
import { readJson } from '../../src/json/read.ts'

const BOUNDS = { maxDepth: 64, maxHolders: 1_000 }
/** For `FC_RUNS=100000`. */
const TIMEOUT_MS = 3_600_000

const again = (text: string) => JSON.stringify(parseExact(text))

test.each([
  '9007199254740993',
  '-12345678901234567890',
  '[1,{"id":18446744073709551615}]',
  '{"big":1e400,"small":1}',
  `[${'9'.repeat(400)}]`,
])('%s is written as it was read', text => {
  expect(again(text)).toBe(text)
  // As often as it is stored.
  expect(again(again(text))).toBe(text)
})

test.each(['1', '-0.5', '9007199254740991', '1e3', '0.1234567890123456789', '1.0'])(
  '%s stays a number',
  text => {
    expect(parseExact(text)).toBe(JSON.parse(text))
  },
)

test('a number with all its digits is told from an object that looks like it', () => {
  expect(isExactNumber(parseExact('12345678901234567890'))).toBe(true)
  expect(isExactNumber(parseExact('{"rawJSON":"12345678901234567890"}'))).toBe(false)
  expect(Object.isFrozen(parseExact('12345678901234567890'))).toBe(true)
})

test('any JSON means what it means to JSON.parse', { timeout: TIMEOUT_MS }, () => {
  fc.assert(
    fc.property(fc.json({ noUnicodeString: false }), fc.constantFrom('', ' ', '\n'), (text, blank) => {
      const reading = readJson(blank + text + blank, 0, BOUNDS)
      expect(reading).toMatchObject({ kind: 'value', end: blank.length + text.length })
      expect(reading.kind === 'value' && JSON.stringify(reading.value)).toBe(JSON.stringify(JSON.parse(text)))
      expect(again(blank + text)).toBe(JSON.stringify(JSON.parse(text)))
    }),
    { numRuns: Number(process.env.FC_RUNS ?? 400) },
  )
})

test(
  'what is no JSON to JSON.parse is none here, but for control characters in a text',
  { timeout: TIMEOUT_MS },
  () => {
    const scrap = fc.constantFrom(
      ...'{}[]",:\\ -0123.eE'.split(''),
      'true',
      'null',
      '"a"',
      '\\u00',
      '\\"',
      '\\q',
    )
    const text = fc.array(scrap, { maxLength: 12 }).map(parts => parts.join(''))
    const isJson = (json: string) => {
      try {
        JSON.parse(json)
        return true
      } catch {
        return false
      }
    }
    fc.assert(
      fc.property(text, json => {
        const reading = readJson(json, 0, BOUNDS)
        expect(reading.kind === 'value' && json.slice(reading.end).trim() === '').toBe(isJson(json))
        // Whatever comes next is looked for behind where this began.
        if (reading.kind === 'broken') expect(reading.resumeAt).toBeGreaterThan(0)
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 2_000) },
    )
    expect(() => parseExact('{12345678901234567890')).toThrow(SyntaxError)
  },
)

test('members that came twice with two values are told, and halves of characters are replaced', () => {
  const twice = (text: string) => {
    const reading = readJson(text, 0, BOUNDS)
    return reading.kind === 'value' && [...reading.twice]
  }
  expect(twice('{"a":1,"b":{"c":"x","c":"y"},"a":1}')).toEqual(['c'])
  expect(readJson('"\\ud83d!"', 0, BOUNDS)).toMatchObject({ value: '\uFFFD!' })
  expect(readJson('"\\ud83d\\ude00"', 0, BOUNDS)).toMatchObject({ value: '😀' })
})

test('a member called __proto__ stays a plain member', () => {
  const reading = readJson('{"__proto__":{"polluted":1}}', 0, BOUNDS)
  expect(reading.kind === 'value' && JSON.stringify(reading.value)).toBe('{"__proto__":{"polluted":1}}')
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})

test(
  'beside a number of many digits, any well-formed text comes back as it was',
  { timeout: TIMEOUT_MS },
  () => {
    const text = fc.string({ unit: 'binary' })
    const value = fc.object({
      key: text,
      values: [text, fc.double({ noNaN: true }), fc.boolean()],
      maxDepth: 4,
    })
    fc.assert(
      fc.property(value, object => {
        const stored = `{"big":12345678901234567890,"rest":${JSON.stringify(object)}}`
        const { rest } = parseExact(stored) as { rest: unknown }
        expect(JSON.stringify(rest)).toBe(JSON.stringify(object))
        expect(again(stored)).toBe(stored)
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 400) },
    )
  },
)
