import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { areApart, readDate } from '../../../src/upstream/judge/dates.ts'

/** For `FC_RUNS=100000`. */
const TIMEOUT_MS = 3_600_000

test.each<[date: unknown, zone: string | undefined, expected: string, isCertain: boolean]>([
  // With a zone of its own, or as Unix time, the configured zone does not count.
  ['2026-11-24T12:30:15Z', 'Europe/Moscow', '2026-11-24T12:30:15.000Z', true],
  ['2026-11-24 12:30:15 +03', undefined, '2026-11-24T09:30:15.000Z', true],
  [1_795_523_415, 'Europe/Moscow', '2026-11-24T12:30:15.000Z', true],
  // Without one it is that of the setting, or a guess.
  ['2026-11-24 12:30:15', undefined, '2026-11-24T12:30:15.000Z', false],
  ['2026-11-24 12:30:15', 'UTC', '2026-11-24T12:30:15.000Z', true],
  ['2026-11-24 12:30:15', 'Europe/Moscow', '2026-11-24T09:30:15.000Z', true],
  ['2026-11-24 12:30:15', 'Europe/Amsterdam', '2026-11-24T11:30:15.000Z', true],
  ['2026-07-24 12:30:15', 'Europe/Amsterdam', '2026-07-24T10:30:15.000Z', true],
  ['2026-07-24 12:30:15', 'America/New_York', '2026-07-24T16:30:15.000Z', true],
  ['2026-11-24 12:30:15.250', 'Asia/Kolkata', '2026-11-24T07:00:15.250Z', true],
  ['2026-11-24', 'Asia/Kathmandu', '2026-11-23T18:15:00.000Z', true],
  // Clocks go back at 3:00 on 25 October 2026: half past two comes twice, and the first is taken.
  ['2026-10-25 01:59:59', 'Europe/Amsterdam', '2026-10-24T23:59:59.000Z', true],
  ['2026-10-25 02:30:00', 'Europe/Amsterdam', '2026-10-25T00:30:00.000Z', false],
  ['2026-10-25 03:00:00', 'Europe/Amsterdam', '2026-10-25T02:00:00.000Z', true],
  // They go forward at 2:00 on 29 March 2026: half past two never comes.
  ['2026-03-29 01:59:59', 'Europe/Amsterdam', '2026-03-29T00:59:59.000Z', true],
  ['2026-03-29 02:30:00', 'Europe/Amsterdam', '2026-03-29T01:30:00.000Z', false],
  ['2026-03-29 03:00:00', 'Europe/Amsterdam', '2026-03-29T01:00:00.000Z', true],
])('the date %j in the zone %s', (date, zone, expected, isCertain) => {
  expect(readDate(date, zone)).toEqual({ date: expected, isCertain })
})

test('whatever the moment and the zone, a certain date is that moment', { timeout: TIMEOUT_MS }, () => {
  const ZONES = [
    'Europe/Amsterdam',
    'Europe/Moscow',
    'America/New_York',
    'Australia/Lord_Howe',
    'Africa/Casablanca',
  ]
  // Swedish dates are written as SQL's.
  const formats = ZONES.map(
    timeZone => new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }),
  )
  const moment = fc.date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
  fc.assert(
    fc.property(moment, fc.constantFrom(...formats), (when, format) => {
      const ms = Math.floor(when.getTime() / 1000) * 1000
      const local = format.format(ms)
      const read = readDate(local, format.resolvedOptions().timeZone)
      if (read?.isCertain) expect(read.date).toBe(new Date(ms).toISOString())
      else expect(Math.abs(Date.parse(read!.date) - ms)).toBeLessThanOrEqual(3_600_000)
    }),
    { numRuns: Number(process.env.FC_RUNS ?? 300) },
  )
})

test('clocks that are within 20 s of each other are not apart, nor are those of which nothing is known', () => {
  const moment = fc.date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
  fc.assert(
    fc.property(moment, fc.integer({ min: -100_000, max: 100_000 }), (when, aheadMs) => {
      const date = when.toUTCString()
      expect(areApart(date, Date.parse(date) + aheadMs)).toBe(Math.abs(aheadMs) > 20_000)
    }),
  )
  for (const date of [undefined, '', 'soon', ['a', 'b']]) expect(areApart(date, 0)).toBe(false)
})
