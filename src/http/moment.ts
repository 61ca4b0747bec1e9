/** Times that callers write (RFC 3339, section 5.6): one form, read to the end, with the zone that belongs to it. */

const FORM = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):(\d\d)(\.\d+)?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/i
const MINUTE_MS = 60_000
const LAST_MINUTE_OF_A_DAY = 24 * 60 - 1

/** Returns the milliseconds since the epoch, with their fractions, or undefined when the text is no time that exists. */
export function readMoment(text: string): number | undefined {
  const [, date, minute, second, fraction = '', sign, hours = '0', minutes = '0'] = FORM.exec(text) ?? []
  if (date === undefined) return undefined
  const localMs = Date.parse(`${date}T${minute}:00Z`)
  // Date.parse takes the 30th of February for the 2nd of March, and 24:00 for the next day.
  if (Number.isNaN(localMs) || !new Date(localMs).toISOString().startsWith(`${date}T${minute}`))
    return undefined
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * MINUTE_MS
  const utcMs = sign === '-' ? localMs + offsetMs : localMs - offsetMs
  // A leap second is the last one of a day in UTC. To us, who have none, it is the first one of the next day.
  const lastSecond = minuteOfDay(utcMs) === LAST_MINUTE_OF_A_DAY ? 60 : 59
  if (Number(second) > lastSecond) return undefined
  return utcMs + Number(`${second}${fraction}`) * 1_000
}

function minuteOfDay(utcMs: number): number {
  const at = new Date(utcMs)
  return at.getUTCHours() * 60 + at.getUTCMinutes()
}
