import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NOT_UTF8, readQuery } from '../../src/http/query.ts'

const names = fc.oneof(
  fc.constantFrom('type', 'id', '__proto__', 'constructor', ''),
  fc.string({ unit: 'grapheme' }),
)

/** Every value of each name, in order, as the browsers' own reader has them. */
function expected(text: string): [string, string[]][] {
  const read = new URLSearchParams(text)
  return [...new Set(read.keys())].map(name => [name, read.getAll(name)])
}

test('a query is read as browsers write it, each member as often as it was given', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(names, fc.string({ unit: 'grapheme' }))), pairs => {
      const text = new URLSearchParams(pairs).toString()
      const read = Object.entries(readQuery(text)).map(([name, value]) => [name, [value].flat()])
      // An object has its numbers first.
      expect(new Map(read as [string, unknown][])).toEqual(new Map(expected(text)))
    }),
  )
})

test('what is not UTF-8 is never the same as any text', () => {
  const good = Buffer.from('ä')
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 6 }), bytes => {
      const encoded = [...bytes].map(byte => `%${byte.toString(16).padStart(2, '0')}`).join('')
      const isUtf8 = Buffer.from(Buffer.from(bytes).toString()).equals(Buffer.from(bytes))
      expect(readQuery(`id=${encoded}`).id).toEqual(isUtf8 ? Buffer.from(bytes).toString() : NOT_UTF8)
    }),
    {
      examples: [
        [good],
        [good.subarray(0, 1)],
        [Uint8Array.of(0xed, 0xa0, 0x80)],
        [Uint8Array.of(0xc0, 0xaf)],
      ],
    },
  )
  for (const broken of ['%', 'a%', '%z', '%zz', '%4', '%%41'])
    expect([broken, readQuery(`id=${broken}`).id]).toEqual([broken, NOT_UTF8])
  expect({ ...readQuery('%ff=1&&a=b=c&a&=') }).toEqual({ '%ff': '1', a: ['b=c', ''], '': '' })
})

test('a query as long as a request may be is read in a moment, however often a member is given', () => {
  const text = 'a&'.repeat(8 * 1024)
  const before = process.threadCpuUsage()
  expect(readQuery(text).a).toHaveLength(8 * 1024)
  const { user, system } = process.threadCpuUsage(before)
  expect((user + system) / 1_000).toBeLessThan(50)
})
