import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readString } from '../../src/http/fields.ts'
import { MutationHeaders } from '../../src/http/schemas/common.ts'

const visible = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 255,
})
const quote = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`

test('a string is what was put into quotes, and nothing else is one', () => {
  fc.assert(
    fc.property(visible, text => {
      expect(readString(quote(text))).toBe(text)
      expect(readString(` ${quote(text)} `)).toBe(text)
      for (const other of [
        `${quote(text)}x`,
        `${quote(text)};a`,
        `${quote(text)},${quote(text)}`,
        quote(text).slice(0, -1),
      ])
        expect(readString(other)).toBeUndefined()
    }),
  )
  for (const other of ['', '5', 'token', '?1', ':aGk=:', '("a")', '"\u00e9"', '@5'])
    expect(readString(other)).toBeUndefined()
})

test('the document has the form of an Idempotency-Key as it is read', () => {
  const { pattern, maxLength } = MutationHeaders.properties['Idempotency-Key'] as unknown as {
    pattern: string
    maxLength: number
  }
  const form = new RegExp(pattern)
  const isKey = (text: string): boolean =>
    /^[\x21-\x7e]{1,255}$/.test(text.startsWith('"') ? (readString(text) ?? '') : text)
  fc.assert(
    fc.property(
      fc.oneof(
        visible,
        visible.map(quote),
        visible.map(text => `"${text}"`),
        fc.string(),
        visible.map(text => `"${text}`),
      ),
      text => {
        // White space around a header is none of its value.
        fc.pre(text === text.trim())
        expect(form.test(text) && text.length <= maxLength).toBe(isKey(text))
      },
    ),
    { numRuns: 1_000 },
  )
})
