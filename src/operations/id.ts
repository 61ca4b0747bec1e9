/** Operation ids: `op_` and 26 characters that sort by time of creation (the layout of a ULID: 48 bits of milliseconds, 80 random). */

import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

export const OPERATION_ID = /^op_[0-9a-hjkmnp-tv-z]{26}$/

let lastMs = 0
let lastRandom = 0n

/** A new id, later in order than every one this process made before. */
export function newOperationId(nowMs: number): string {
  if (nowMs > lastMs) {
    lastMs = nowMs
    // The top bit stays free, so that counting up within a millisecond cannot overflow.
    lastRandom = BigInt(`0x${randomBytes(10).toString('hex')}`) >> 1n
  } else {
    lastRandom += 1n + BigInt(randomBytes(2).readUInt16BE())
  }
  return `op_${base32(BigInt(lastMs), 10)}${base32(lastRandom, 16)}`
}

function base32(value: bigint, length: number): string {
  let text = ''
  let rest = value
  for (let i = 0; i < length; i += 1) {
    text = ALPHABET[Number(rest & 31n)] + text
    rest >>= 5n
  }
  return text
}
