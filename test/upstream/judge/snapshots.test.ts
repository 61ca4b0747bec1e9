import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readDate } from '../../../src/upstream/judge/dates.ts'
import { readSnapshots } from '../../../src/upstream/judge/snapshots.ts'

const DAY = '2026-11-24T00:00:00.000Z'
const NOON = '2026-11-24T12:30:15.000Z'
const NOON_S = Date.parse(NOON) / 1000
const ENTRY = { name: 'first', snapshot_id: 7, date: NOON }
const FIRST = {
  name: 'first',
  id: '7',
  type: 'snapshot',
  created_at: NOON,
  isDateCertain: true,
  state: 'present',
  raw: ENTRY,
}

test.each([
  ['an array', [ENTRY]],
  ['under snapshots', { snapshots: [ENTRY], total: 1 }],
  ['under list', { list: [ENTRY] }],
  ['under items', { items: [ENTRY] }],
  ['under data', { data: [ENTRY] }],
  ['under backups', { backups: [ENTRY] }],
  ['JSON in a text', JSON.stringify([ENTRY])],
  ['an array of texts with JSON', [JSON.stringify(ENTRY)]],
  [
    'JSON in the text of a member',
    { snapshots: JSON.stringify({ 0: ENTRY }), settings: { num_rotation: 3 } },
  ],
  ['a map by name', { first: ENTRY }],
  ['a map by name, with settings beside it', { snapshots: { first: ENTRY }, settings: { num_rotation: 3 } }],
  ['two members deep', { data: { snapshots: [ENTRY] } }],
  ['an array with gaps', { 3: ENTRY }],
  ['an array with gaps under a member', { snapshots: { 0: ENTRY } }],
])('a list as %s', (_shape, scope) => {
  expect(readSnapshots(scope, { type: 'snapshot' })).toEqual([FIRST])
})

test.each([[[]], [{}], ['{}'], [{ snapshots: [] }], [{ snapshots: {} }], [{ data: { list: [] } }]])(
  '%j is an empty list',
  scope => {
    expect(readSnapshots(scope, { type: 'snapshot' })).toEqual([])
  },
)

test.each([
  null,
  undefined,
  '',
  'no snapshots',
  0,
  true,
  { snapshots: null },
  { total: 0 },
  ENTRY,
  { 0: ENTRY, next: null },
  { 0: ENTRY, 1: 'x' },
  // As rows: `each` would spread an array over the arguments.
  [['first']],
  [[null]],
  [[[ENTRY]]],
  [[{}]],
  [[{ name: '' }]],
  [[{ name: true }]],
  [[ENTRY, { id: 8 }]],
  { first: { size: 7 }, second: { size: 8 } },
  { first: ENTRY, settings: { num_rotation: 3 } },
])('%j is no known shape: null, never a made-up list', scope => {
  expect(readSnapshots(scope, { type: 'snapshot' })).toBeNull()
})

test.each([
  [{ snapshot_name: 'a' }, { name: 'a', id: null, created_at: null }],
  [
    { snapshot: 'a', id: 'x-1' },
    { name: 'a', id: 'x-1' },
  ],
  [{ name: 'a', snapshot_name: 'b' }, { name: 'a' }],
  [{ name: 'a', snapshot_id: 0, id: 5 }, { id: '0' }],
  [{ name: 'a', snapshot_id: null, backup_id: 'b-7' }, { id: 'b-7' }],
  [{ name: 'a', id: {} }, { id: null }],
  [{ name: 'a', type: 'backup' }, { type: 'backup' }],
  [{ name: 'a', type: '' }, { type: 'asked' }],
  [{ name: 'a', type: 5 }, { type: 'asked' }],
  [{ name: 'a', created_at: NOON_S }, { created_at: NOON }],
  [{ name: 'a', created: NOON }, { created_at: NOON }],
  [{ name: 'a', timestamp: NOON }, { created_at: NOON }],
  [{ name: 'a', date: '', created_at: NOON }, { created_at: NOON }],
  [{ name: 'a', time: NOON }, { created_at: NOON }],
  [
    { name: 'a', date: 'yesterday', size: 1 },
    { created_at: null, raw: { name: 'a', date: 'yesterday', size: 1 } },
  ],
])('the entry %j', (entry, expected) => {
  expect(readSnapshots([entry], { type: 'asked' })).toMatchObject([expected])
})

test.each([
  [{ state: 'creating' }, 'not-present'],
  [{ status: 'In progress' }, 'not-present'],
  [{ status: 'failed' }, 'not-present'],
  [{ state: 'ready', status: 'ERROR_NO_SPACE' }, 'not-present'],
  [{ status: 'ok' }, 'present'],
  [{ status: 'deleting' }, 'present'],
  [{ status: 1 }, 'present'],
  [{ status: null }, 'present'],
  [{}, 'present'],
])('an entry with %j is %s', (more, state) => {
  expect(readSnapshots([{ ...ENTRY, ...more }], {})).toMatchObject([{ state }])
})

test('two of one name are two', () => {
  const twice = readSnapshots([ENTRY, { ...ENTRY, snapshot_id: 8 }], {})
  expect(twice).toMatchObject([
    { name: 'first', id: '7' },
    { name: 'first', id: '8' },
  ])
})

test.each<[unknown, string | null]>([
  [NOON_S, NOON],
  [NOON_S * 1000, NOON],
  [NOON_S + 0.5, '2026-11-24T12:30:15.500Z'],
  [String(NOON_S), NOON],
  [String(NOON_S * 1000), NOON],
  [`${NOON_S}.25`, '2026-11-24T12:30:15.250Z'],
  [NOON, NOON],
  ['2026-11-24T12:30:15Z', NOON],
  ['2026-11-24t12:30:15z', NOON],
  ['2026-11-24T13:30:15+01:00', NOON],
  ['2026-11-24T10:30:15-0200', NOON],
  ['2026-11-24 12:30:15', NOON],
  [' 2026-11-24 12:30:15 UTC ', NOON],
  ['2026-11-24 14:30:15 +02:00', NOON],
  ['2026-11-24T12:30', '2026-11-24T12:30:00.000Z'],
  ['2026-11-24 12:30:15.123456', '2026-11-24T12:30:15.123Z'],
  ['2026-11-24', DAY],
  ['2028-02-29', '2028-02-29T00:00:00.000Z'],
  [253_402_300_799_999, '9999-12-31T23:59:59.999Z'],
])('the date %j is %s', (date, expected) => {
  expect(readDate(date)?.date).toBe(expected)
})

const NO_DATES = `2026-02-30|2026-02-29 10:00:00|2026-13-01|0000-00-00 00:00:00|2026-11-24 25:00:00|24.11.2026|11/24/2026
  |5|1e9|99999999999999|Tue, 24 Nov 2026 12:30:15 GMT|yesterday`
// After the year 9999 RFC 3339 has no date.
const NO_TIMES = [0, -1, NaN, Infinity, 1e300, 253_402_300_800_000, null, undefined, true, [[]], {}]
test.each([...NO_DATES.split(/\s*\|/), ...NO_TIMES])('%j is no date', date => {
  expect(readDate(date)).toBeNull()
})

test('any JSON gives null or as many entries as it has, each with a name and a date of RFC 3339 or none', () => {
  const date = fc.oneof(fc.double(), fc.integer(), fc.date().map(String), fc.string(), fc.constant(NOON))
  const entry = fc.record({ name: fc.oneof(fc.string(), fc.integer()), date, id: fc.jsonValue() })
  const scope = fc.oneof(fc.jsonValue(), fc.array(entry), fc.dictionary(fc.string(), entry))
  fc.assert(
    fc.property(scope, value => {
      const snapshots = readSnapshots(value, { type: 'snapshot' })
      for (const { name, created_at } of snapshots ?? []) {
        expect(name).not.toBe('')
        expect(created_at ?? NOON).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      }
      const list = Array.isArray(value) && snapshots ? value : snapshots?.map(({ raw }) => raw)
      expect(snapshots?.map(({ raw }) => raw)).toEqual(list)
    }),
    { numRuns: 300 },
  )
})
