import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeUtf8, duplicateMembers } from '../../src/http/json.ts'

/** JSON as it is written: an object is a list of members, so that one name can stand in it twice. */
type Written = null | number | string | Written[] | { members: [string, Written][] }

const names = fc.oneof(
  fc.constantFrom('name', 'type', '"', '\\', '{', '}', ',', ':', '', 'a.b'),
  fc.string({ unit: 'binary' }),
)
const { value: written } = fc.letrec<{ value: Written }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Written>(null, 5, '{"a":1,"a":2}', '"', '\\"'),
    fc.string(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.record({ members: fc.array(fc.tuple(names, tie('value')), { maxLength: 4 }) }),
  ),
}))

/** Writes JSON; `escape` says of each character of a name whether it stands as `\uXXXX`. */
function write(value: Written, escape: () => boolean): string {
  if (Array.isArray(value)) return `[ ${value.map(one => write(one, escape)).join(' ,')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const nameOf = (name: string): string =>
    `"${name
      .split('')
      .map(unit =>
        escape()
          ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
          : JSON.stringify(unit).slice(1, -1),
      )
      .join('')}"`
  return `{${value.members.map(([name, one]) => `${nameOf(name)} :${write(one, escape)}`).join(', ')}}`
}

const shown = (name: string): string => (name === '' ? '""' : name)

/** The same, found in the tree. */
function expected(value: Written, path: (string | number)[] = []): string[] {
  if (Array.isArray(value)) return value.flatMap((one, i) => expected(one, [...path, i]))
  if (typeof value !== 'object' || value === null) return []
  const own = value.members.map(([name]) => name)
  return value.members.flatMap(([name, one], i) => [
    ...(own.indexOf(name) < i ? [[...path, shown(name)].join('.')] : []),
    ...expected(one, [...path, shown(name)]),
  ])
}

test('members given twice are found wherever they stand and however they are written', () => {
  fc.assert(
    fc.property(written, fc.infiniteStream(fc.boolean()), (value, coins) => {
      const text = write(value, () => coins.next().value as boolean)
      JSON.parse(text)
      expect(duplicateMembers(text).toSorted()).toEqual([...new Set(expected(value))].toSorted())
    }),
    { numRuns: 500 },
  )
})

test('what JSON writes itself has no member twice, however deep', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      expect(duplicateMembers(text)).toEqual([])
    }),
  )
  expect(duplicateMembers(`${'{"a":'.repeat(2_700)}1${'}'.repeat(2_700)}`)).toEqual([])
})

test('bytes are UTF-8 or nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), text => {
      expect(decodeUtf8(Buffer.from(text))).toBe(text)
    }),
  )
  for (const bytes of [[0xff], [0xc3], [0xe4, 0x22], [0xed, 0xa0, 0x80], [0xc0, 0xaf]])
    expect(decodeUtf8(Uint8Array.from(bytes))).toBeUndefined()
})
