/**
 * From the upstream's list of snapshots to ours. The vendor documents no shape; its clients rely on entries with a
 * name, a `snapshot_id` and a date (contract §1). What is not recognised gives `null`, never a made-up empty list.
 */

import type { Snapshot } from '../operations/hostkey.ts'

/** The snapshots in a (redacted) scope, or null when its shape is not recognised. `type` is the type that was asked for. */
export function readSnapshots(scope: unknown, type: string): Snapshot[] | null {
  const entries = entriesOf(scope)
  if (entries === null) return null
  const snapshots: Snapshot[] = []
  for (const entry of entries) {
    const snapshot = readEntry(entry, type)
    // One entry without a name means that the shape is another: half a list would be a wrong list.
    if (snapshot === null) return null
    snapshots.push(snapshot)
  }
  return snapshots
}

type JsonObject = Record<string, unknown>

const LIST_MEMBERS = ['snapshots', 'snapshot', 'list', 'items', 'data', 'backups']

function entriesOf(scope: unknown): unknown[] | null {
  if (Array.isArray(scope)) return scope
  if (!isObject(scope)) return null
  for (const member of LIST_MEMBERS) {
    const inner = scope[member]
    if (Array.isArray(inner)) return inner
    if (isObject(inner)) return entriesOf(inner)
  }
  // PHP writes an array with gaps as an object. A map by name is not read: redaction drops a member that is named
  // like a secret, and a snapshot may be called `before-key-rotation`.
  const members = Object.entries(scope)
  return members.length > 0 && members.every(([key]) => /^\d+$/.test(key)) ? Object.values(scope) : null
}

function readEntry(entry: unknown, type: string): Snapshot | null {
  if (!isObject(entry)) return null
  const name = entry.name ?? entry.snapshot_name ?? entry.snapshot
  if (typeof name !== 'string' || name === '') return null
  const id = entry.snapshot_id ?? entry.id ?? entry.backup_id
  return {
    name,
    id: typeof id === 'string' || typeof id === 'number' ? String(id) : null,
    type: typeof entry.type === 'string' && entry.type !== '' ? entry.type : type,
    created_at: readDate(entry.date ?? entry.created_at ?? entry.created ?? entry.timestamp ?? entry.time),
    raw: entry,
  }
}

/**
 * Unix seconds or milliseconds, RFC 3339, or SQL's `YYYY-MM-DD HH:MM:SS`, which carries no zone and is read as UTC.
 */
export function readDate(date: unknown): string | null {
  if (typeof date === 'number' || (typeof date === 'string' && /^\d{9,13}(\.\d+)?$/.test(date))) {
    const number = Number(date)
    return toIso(number < 1e11 ? number * 1000 : number)
  }
  if (typeof date !== 'string') return null
  const match =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|UTC|[+-]\d{2}:?\d{2})?)?$/i.exec(
      date.trim(),
    )
  if (!match) return null
  const [, day = '', time = '00:00:00', zone = 'Z'] = match
  // `Date.parse` turns 30 February into 2 March.
  if (!toIso(Date.parse(day))?.startsWith(day)) return null
  return toIso(Date.parse(`${day}T${time}${/^(z|utc)$/i.test(zone) ? 'Z' : zone}`))
}

const END_OF_RFC_3339_MS = Date.UTC(10_000, 0)

function toIso(ms: number): string | null {
  return ms > 0 && ms < END_OF_RFC_3339_MS ? new Date(ms).toISOString() : null
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
