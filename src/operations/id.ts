/** Operation ids: `op_` and 26 characters that sort by time of creation (the layout of a ULID: 48 bits of milliseconds, 80 random). */

import type { World } from '../world.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

export const OPERATION_ID = /^op_[0-9a-hjkmnp-tv-z]{26}$/

/** The random part in two halves: `randomInt` gives up to 48 bits, from bytes that it draws many at a time. */
const HALF = 2 ** 40
/** The largest time that fits into an id. */
const MAX_MS = 2 ** 48 - 1
/** A clock that was set back further than this starts the order anew; over less, ids keep the order in which they were made. */
const CLOCK_STEP_MS = 1000

/**
 * Makes new ids: each of the time that it is given, and later in order than every one made here before, as long as the
 * clock is not set back.
 */
export function operationIds({ randomInt }: Pick<World, 'randomInt'>): (nowMs: number) => string {
  let lastMs = 0
  let high = 0
  let low = 0
  return nowMs => {
    if (nowMs > lastMs || nowMs < lastMs - CLOCK_STEP_MS) {
      lastMs = nowMs
      // The top bit stays free, so that counting up within a millisecond cannot overflow.
      high = randomInt(HALF / 2)
      low = randomInt(HALF)
    } else {
      low += 1 + randomInt(2 ** 16)
      if (low >= HALF) {
        low -= HALF
        high += 1
      }
    }
    return `op_${base32(lastMs, 10)}${base32(high, 8)}${base32(low, 8)}`
  }
}

/** A text that sorts before the ids of this millisecond and after those of every earlier one, in which no id is. */
export function idBound(ms: number): string {
  return `op_${base32(Math.min(Math.max(ms, 0), MAX_MS), 10)}`
}

function base32(value: number, length: number): string {
  let text = ''
  let rest = value
  for (let i = 0; i < length; i += 1) {
    text = ALPHABET[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text
}
