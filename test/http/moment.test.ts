import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readMoment } from '../../src/http/moment.ts'

const two = (value: number): string => String(value).padStart(2, '0')
const moments = fc.date({
  min: new Date('0001-01-02T00:00:00Z'),
  max: new Date('9999-12-30T00:00:00Z'),
  noInvalidDate: true,
})
const offsets = fc.record({ sign: fc.constantFrom(1, -1), hours: fc.nat(23), minutes: fc.nat(59) })

test('a time is the same moment in every zone and case', () => {
  fc.assert(
    fc.property(moments, offsets, (moment, { sign, hours, minutes }) => {
      const local = new Date(moment.getTime() + sign * (hours * 60 + minutes) * 60_000).toISOString()
      const text = `${local.slice(0, -1)}${sign === 1 ? '+' : '-'}${two(hours)}:${two(minutes)}`
      expect(readMoment(text)).toBe(moment.getTime())
      expect(readMoment(text.toLowerCase())).toBe(moment.getTime())
      expect(readMoment(moment.toISOString())).toBe(moment.getTime())
      // Without its zone it is no moment, and in a query a plus that is not encoded is a space.
      expect(readMoment(local.slice(0, -1))).toBeUndefined()
      if (sign === 1) expect(readMoment(text.replace('+', ' '))).toBeUndefined()
    }),
  )
})

test('a day, an hour and a second must exist, and fractions are kept', () => {
  for (const text of [
    '',
    'now',
    '1700000000',
    '2026-11-24',
    '2026-11-24T10:15Z',
    '2026-11-24 10:15:30Z',
    '2026-11-24T10:15:30',
    '2026-11-24T10:15:30.Z',
    '2026-11-24T10:15:30+02',
    '2026-11-24T10:15:30+0200',
    '2026-11-24T10:15:30+24:00',
    '2026-11-24T10:15:30+02:60',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-11-24T24:00:00Z',
    '2026-11-24T10:60:00Z',
    '2026-11-24T10:15:60Z',
    '2016-12-31T23:59:61Z',
    ' 2026-11-24T10:15:30Z',
    '2026-11-24T10:15:30Z\n',
    '+002026-11-24T10:15:30Z',
  ])
    expect([text, readMoment(text)]).toEqual([text, undefined])
  expect(readMoment('2024-02-29T00:00:00Z')).toBe(Date.UTC(2024, 1, 29))
  expect(readMoment('1970-01-01T00:00:00.0005Z')).toBe(0.5)
  // The second between the years, which the clocks of computers have not.
  for (const leap of ['2016-12-31T23:59:60Z', '2017-01-01T01:59:60+02:00', '2016-12-31t15:59:60-08:00'])
    expect([leap, readMoment(leap)]).toEqual([leap, Date.UTC(2017, 0, 1)])
})
