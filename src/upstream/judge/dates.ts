/** Dates as HOSTKEY writes them, to RFC 3339 UTC. */

export interface ReadDate {
  /** RFC 3339 UTC, with milliseconds. */
  date: string
  /** Whether it is that moment for sure: a date without a zone is not, unless the zone is configured. */
  isCertain: boolean
}

const SQL =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?$/i

/**
 * Unix seconds or milliseconds, RFC 3339, or SQL's `YYYY-MM-DD HH:MM:SS`, which carries no zone: it is read in
 * `timeZone` (IANA), else as UTC, which proves nothing. Null for what is no date.
 */
export function readDate(date: unknown, timeZone?: string): ReadDate | null {
  if (typeof date === 'number' || (typeof date === 'string' && /^\d{9,13}(\.\d{1,20})?$/.test(date))) {
    const number = Number(date)
    return certain(number < 1e11 ? number * 1000 : number)
  }
  if (typeof date !== 'string' || date.length > 64) return null
  const match = SQL.exec(date.trim())
  if (!match) return null
  const [, day = '', time = '00:00:00', zone] = match
  // `Date.parse` turns 30 February into 2 March.
  if (new Date(day).getUTCDate() !== Number(day.slice(-2))) return null
  if (zone !== undefined) return certain(Date.parse(`${day}T${time}${normalZone(zone)}`))
  const asUtcMs = Date.parse(`${day}T${time}Z`)
  if (Number.isNaN(asUtcMs)) return null
  const local = timeZone === undefined ? undefined : fromLocal(asUtcMs, timeZone)
  const iso = toIso(local?.ms ?? asUtcMs)
  return iso === null ? null : { date: iso, isCertain: local?.isOnce ?? false }
}

function normalZone(zone: string): string {
  if (/^[a-z]+$/i.test(zone)) return 'Z'
  return zone.length === 3 ? `${zone}:00` : zone
}

function certain(ms: number): ReadDate | null {
  const date = toIso(ms)
  return date === null ? null : { date, isCertain: true }
}

const END_OF_RFC_3339_MS = Date.UTC(10_000, 0)
const DAY_MS = 86_400_000

function toIso(ms: number): string | null {
  return ms > 0 && ms < END_OF_RFC_3339_MS ? new Date(ms).toISOString() : null
}

/**
 * The moment of a local time, given as if it were UTC. Where clocks go back, a time happens twice: the first of both is
 * taken, and it is not certain. Where they go forward, a time never happens: the offset before holds.
 */
function fromLocal(asUtcMs: number, timeZone: string): { ms: number; isOnce: boolean } {
  const before = asUtcMs - offsetMs(asUtcMs - DAY_MS, timeZone)
  const after = asUtcMs - offsetMs(asUtcMs + DAY_MS, timeZone)
  const fits = [before, after].filter(ms => asUtcMs - offsetMs(ms, timeZone) === ms)
  const [first = before] = fits
  return { ms: Math.min(first, ...fits), isOnce: new Set(fits).size === 1 }
}

/** How far a zone is ahead of UTC at a moment. */
function offsetMs(ms: number, timeZone: string): number {
  const parts = formatOf(timeZone).formatToParts(ms)
  const part = (type: string) => Number(parts.find(one => one.type === type)?.value)
  const local = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  )
  return local - Math.floor(ms / 1000) * 1000
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Made once for each zone, since making one takes longer than a hundred uses. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(timeZone, format)
  return format
}

/** A slow answer may be as old as a call may take, and its date has whole seconds. */
const MAX_APART_MS = 20_000

/**
 * Whether the clock that wrote a `Date` header (RFC 9110, section 6.6.1) is too far from this machine's, of which `nowMs` is
 * the time, for dates of the one to be held against times of the other. A header that is missing or unreadable tells nothing.
 */
export function areApart(date: string | string[] | undefined, nowMs: number): boolean {
  return Math.abs(Date.parse(String(date)) - nowMs) > MAX_APART_MS
}
