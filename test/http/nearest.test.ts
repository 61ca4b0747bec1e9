import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nearestOf } from '../../src/http/nearest.ts'

const KNOWN = ['vm_id', 'kind', 'status', 'limit', 'cursor', 'type', 'name', 'backup_id']

test('one slip leads back to the name, and another alphabet to none', () => {
  const slips = fc
    .record({
      name: fc.constantFrom(...KNOWN),
      at: fc.nat(20),
      kind: fc.nat(4),
      unit: fc.constantFrom('x', 'z'),
    })
    .map(({ name, at, kind, unit }) => {
      const i = at % name.length
      const [head, tail] = [name.slice(0, i), name.slice(i)]
      const slip = [
        head + unit + tail,
        head + tail.slice(1),
        head + unit + tail.slice(1),
        head + (tail[1] ?? '') + tail[0]! + tail.slice(2),
        name.toUpperCase(),
      ][kind]!
      return { name, slip }
    })
  fc.assert(
    fc.property(slips, ({ name, slip }) => {
      expect(nearestOf(slip, KNOWN)).toBe(name)
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('Ж', '5', ' ') }), text => {
      expect(nearestOf(text, KNOWN)).toBeUndefined()
    }),
  )
  expect(nearestOf('tpye', ['name', 'type'])).toBe('type')
  expect(nearestOf('x'.repeat(16_000), KNOWN)).toBeUndefined()
})
