import type { Snapshot } from './cloud.ts'
import type { Dress, Json } from './dresses/dress.ts'

export type DateFormat = 'iso' | 'unix' | 'unix-text' | 'sql'

export interface ListOptions {
  /** How list entries show their `date`; `iso` when not given. */
  dateFormat?: DateFormat
  /** The IANA zone of dates in the format `sql`, which do not say it; UTC when not given. */
  timeZone?: string
}

export type Listed = Snapshot & { state?: 'creating' | 'failed' | 'ready' }

/** A list of snapshots, as the dresses that it wears want it shown. */
export function listing(snapshots: Listed[], options: ListOptions, worn: readonly Dress[]): unknown {
  const { dateFormat = 'iso', timeZone = 'UTC' } = options
  const format = worn.findLast(({ dates }) => dates !== undefined)?.dates ?? dateFormat
  const entries = snapshots.map(snapshot => ({
    ...snapshot,
    date: formatDate(snapshot.date, format, timeZone),
    size: 10_737_418_240,
  }))
  // What is a map or a text already is not rewritten once more.
  return worn.reduce<unknown>(
    (shown, { shows }) => (shows && Array.isArray(shown) ? shows(shown as Json[]) : shown),
    entries,
  )
}

function formatDate(ms: number, format: DateFormat, timeZone: string): string | number {
  switch (format) {
    case 'iso':
      return new Date(ms).toISOString()
    case 'unix':
      return Math.floor(ms / 1000)
    case 'unix-text':
      return String(Math.floor(ms / 1000))
    case 'sql':
      // Swedes write a date and a time as SQL does.
      return new Date(ms).toLocaleString('sv-SE', { timeZone })
  }
}
