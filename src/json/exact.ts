/**
 * JSON whose numbers come back as they went in. A number that JavaScript would round (an integer past 2^53, 1e400) is
 * kept as what `JSON.rawJSON` gives: a frozen value that `JSON.stringify` writes with the very same digits. So JSON is
 * written as usual, and has to be read with `parseExact` wherever it may hold words of HOSTKEY. Nothing else may be lost:
 * texts are made well-formed, or refused, where they arrive (contract §3.9), since half of a character beside such a number
 * would be read as U+FFFD.
 */

import { isBlank, readJson } from './read.ts'

/** What a JSON text means, each number with all its digits. Throws a `SyntaxError` as `JSON.parse` does. */
export function parseExact(text: string): unknown {
  // Mostly there is no such number, and `JSON.parse` is three times as fast.
  if (!MAY_BE_ROUNDED.test(text)) return JSON.parse(text)
  const reading = readJson(text, 0, BOUNDS)
  const isWhole = reading.kind === 'value' && isBlank(text, reading.end)
  return isWhole ? reading.value : JSON.parse(text)
}

const MAY_BE_ROUNDED = /\d{16}|\de\+?\d/i

/** Deeper than anything that the gateway lets in, and safe to walk by recursion. */
const BOUNDS = { maxDepth: 500, maxHolders: Infinity }
