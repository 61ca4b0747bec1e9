/**
 * From the upstream's list of snapshots to ours. The vendor documents no shape; its clients rely on entries with a
 * name, a `snapshot_id` and a date (contract §1). What is not recognised gives `null`, never a made-up empty list.
 */

import { isExactNumber } from '../../json/number.ts'
import { readDate } from './dates.ts'
import { isObject, member, opened, type JsonObject } from './json.ts'
import { isPresentState } from './words.ts'

export interface Snapshot {
  name: string
  /** The upstream's own id as text, or null. */
  id: string | null
  type: string
  /** RFC 3339 UTC, or null when the upstream gave no date that can be read. */
  created_at: string | null
  /**
   * Whether `created_at` is that very moment by the clock of this machine; a date without a zone is not, unless
   * `HOSTKEY_TIME_ZONE` is set, and none is while the clocks differ.
   */
  isDateCertain: boolean
  /** `not-present` while it is being made, and when that failed. */
  state: 'present' | 'not-present'
  /** The upstream's entry as it came. */
  raw: unknown
}

export interface ListAsked {
  type?: string | undefined
  /** The IANA zone of dates that come without one (`HOSTKEY_TIME_ZONE`). */
  timeZone?: string | undefined
  /** HOSTKEY's clock and that of this machine are too far apart for dates of the one to be held against times of the other. */
  clocksDiffer?: boolean
}

/** The snapshots in a scope, or null when its shape is not recognised. Two may have the same name. */
export function readSnapshots(scope: unknown, asked: ListAsked): Snapshot[] | null {
  const entries = entriesOf(opened(scope))
  if (entries === null) return null
  // What a date costs that has to be placed in a zone would hold up the process on a list that no VM has.
  const timeZone = entries.length <= MAX_PLACED ? asked.timeZone : undefined
  const snapshots: Snapshot[] = []
  for (const [name, entry] of entries) {
    const snapshot = readEntry(name, entry, { ...asked, timeZone })
    // One entry without a name means that the shape is another: half a list would be a wrong list.
    if (snapshot === null) return null
    snapshots.push(snapshot)
  }
  return snapshots
}

const MAX_PLACED = 500
/** No VM has as many snapshots, and to read more would hold up the process. */
const MAX_ENTRIES = 10_000

/** An entry, with the name that it has in a map. */
type Entry = [name: string | null, entry: unknown]

const LIST_MEMBERS = ['snapshots', 'snapshot', 'list', 'items', 'data', 'backups', 'scope', 'result']

function entriesOf(scope: unknown): Entry[] | null {
  if (Array.isArray(scope)) {
    if (scope.length > MAX_ENTRIES) return null
    const entries = scope.map(opened)
    return entries.every(isObject) ? entries.map(entry => [null, entry]) : null
  }
  if (!isObject(scope)) return null
  if (Object.keys(scope).length > MAX_ENTRIES) return null
  const members = Object.entries(scope)
  // PHP writes an empty list and an empty object alike.
  if (members.length === 0) return []
  for (const name of LIST_MEMBERS) {
    const inner = opened(member(scope, name))
    if (Array.isArray(inner) || (isObject(inner) && !isEntry(inner))) return entriesOf(inner)
  }
  if (!members.every(([, entry]) => isEntry(entry))) return null
  // PHP writes an array with gaps as an object: then the keys are no names.
  const isByIndex = members.every(([key]) => /^\d+$/.test(key) && Number(key) < MAX_INDEX)
  return isByIndex ? members.map(([, entry]) => [null, entry]) : members
}

/** Below this a number is rather a place in a list than a name. */
const MAX_INDEX = 1_000

const NAME_MEMBERS = ['name', 'snapshot_name', 'snapshot']
const ID_MEMBERS = ['snapshot_id', 'id', 'backup_id']
const DATE_MEMBERS = ['date', 'created_at', 'created', 'timestamp', 'time']
const STATE_MEMBERS = ['state', 'status']
const ENTRY_MEMBERS = [...NAME_MEMBERS, ...ID_MEMBERS, ...DATE_MEMBERS]

/** Whether a value of a map may be a snapshot: it has a name, an id or a date of its own. */
function isEntry(value: unknown): boolean {
  return (
    isObject(value) &&
    ENTRY_MEMBERS.some(name => {
      const inner = member(value, name)
      return inner !== undefined && !isObject(inner) && !Array.isArray(inner)
    })
  )
}

function readEntry(
  key: string | null,
  entry: unknown,
  { type, timeZone, clocksDiffer }: ListAsked,
): Snapshot | null {
  if (!isObject(entry)) return null
  const name = textOf(first(entry, NAME_MEMBERS)) ?? key
  if (name === null || name === '') return null
  const own = member(entry, 'type')
  const date = readDate(first(entry, DATE_MEMBERS), timeZone)
  return {
    name,
    id: textOf(first(entry, ID_MEMBERS)),
    type: typeof own === 'string' && own !== '' ? own : (type ?? 'snapshot'),
    created_at: date?.date ?? null,
    isDateCertain: date !== null && date.isCertain && !clocksDiffer,
    state: STATE_MEMBERS.every(state => isPresentState(member(entry, state))) ? 'present' : 'not-present',
    raw: entry,
  }
}

/** The first member that is neither missing nor null nor empty. */
function first(entry: JsonObject, names: readonly string[]): unknown {
  for (const name of names) {
    const value = member(entry, name)
    if (value !== undefined && value !== null && value !== '') return value
  }
  return undefined
}

/** A text, or a number by its digits: PHP writes a name of digits as a number. */
function textOf(value: unknown): string | null {
  if (isExactNumber(value)) return value.rawJSON
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null
}
