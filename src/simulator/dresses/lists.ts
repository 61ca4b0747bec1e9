import { phpJson } from '../json.ts'
import { table, without } from './dress.ts'
import type { Dress, Json } from './dress.ts'

const SETTINGS = { num_rotation: 4, auto: false, schedule: { day: 'sunday', time: '03:00' } }

const LIST = { on: 'list', told: 'done', acts: [true] } as const
const shows = (entries: (entries: Json[]) => unknown): Dress => ({ ...LIST, shows: entries })
const eachWith = (change: (entry: Json) => Json) => shows(entries => entries.map(change))

/** A map of what has an own key each: two of one name stay in an array, and without any PHP writes an empty array. */
function mapBy(member: string, entries: Json[], each = (entry: Json): unknown => entry): unknown {
  const keys = new Set(entries.map(entry => entry[member]))
  if (keys.size < entries.length || entries.length === 0) return entries
  return Object.fromEntries(entries.map(entry => [String(entry[member]), each(entry)]))
}

/** The newer page: the list and settings come with the answer to the call, and there is no callback. */
const atOnce = (says: NonNullable<Dress['says']>, entries?: (entries: Json[]) => unknown): Dress => ({
  ...LIST,
  atOnce: true,
  says,
  ...(entries && { shows: entries }),
})

const bigId = (id: unknown) => 9_007_199_254_740_993n + BigInt(Number(id)) * 2n

/** How a list of snapshots looks. All that these say is true, so whoever reads it has to come to the same snapshots. */
export const LISTS = table({
  'list-as-array': shows(entries => entries),
  'list-as-map-by-name': shows(entries => mapBy('name', entries)),
  'list-as-map-by-id': shows(entries => mapBy('snapshot_id', entries)),
  'list-as-map-by-name-alone': shows(entries => mapBy('name', entries, entry => without(entry, 'name'))),
  'list-as-text': shows(entries => phpJson(entries)),
  'list-as-text-of-a-map': shows(entries => phpJson(mapBy('name', entries))),
  'list-as-object-when-empty': shows(entries => (entries.length === 0 ? {} : entries)),
  'list-with-settings-beside': shows(snapshots => ({ snapshots, settings: SETTINGS })),
  'list-with-settings-as-empty-array': shows(snapshots => ({ snapshots, settings: [] })),
  'list-of-names-as-numbers': eachWith(entry => ({
    ...entry,
    // Longer names of digits lose digits as a number; PHP keeps those as text.
    name: /^(0|[1-9]\d{0,14})$/.test(String(entry.name)) ? Number(entry.name) : entry.name,
  })),
  'list-of-ids-past-2^53': eachWith(entry => ({ ...entry, snapshot_id: bigId(entry.snapshot_id) })),
  'list-of-ids-as-text': eachWith(entry => ({ ...entry, snapshot_id: String(entry.snapshot_id) })),
  'list-of-dates-as-unix': { ...LIST, dates: 'unix' },
  'list-of-dates-as-unix-text': { ...LIST, dates: 'unix-text' },
  'list-of-dates-without-zone': { ...LIST, dates: 'sql' },
  'list-of-no-dates': eachWith(entry => without(entry, 'date')),
  'list-at-once': atOnce(plain => plain),
  'list-at-once-beside-settings': atOnce(({ scope, ...plain }) => ({
    ...plain,
    snapshots: scope,
    settings: SETTINGS,
  })),
  'list-at-once-in-data': atOnce(({ scope, ...plain }) => ({
    ...plain,
    data: { snapshots: scope, settings: SETTINGS },
  })),
  'list-at-once-in-result': atOnce(({ scope }) => ({ result: { snapshots: scope, settings: SETTINGS } })),
  'list-at-once-as-map': atOnce(
    ({ scope, ...plain }) => ({ ...plain, snapshots: scope, settings: SETTINGS }),
    entries => mapBy('name', entries),
  ),
  'list-at-once-as-text': atOnce(
    plain => plain,
    entries => phpJson(entries),
  ),
})
