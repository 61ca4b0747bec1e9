/**
 * JSON whose numbers come back as they went in. A number that JavaScript would round (an integer past 2^53, 1e400) is
 * kept as what `JSON.rawJSON` gives: a frozen value that `JSON.stringify` writes with the very same digits. So every
 * text of JSON is written as usual, and has to be read with `parseExact` wherever it may hold HOSTKEY's words.
 */

/** A number by its digits. It is no plain object: copy it as it is. */
export interface ExactNumber {
  readonly rawJSON: string
}

/** ES2026, in Node 24; TypeScript 7 does not describe it yet. */
const json = JSON as unknown as {
  rawJSON(text: string): ExactNumber
  isRawJSON(value: unknown): value is ExactNumber
  parse(
    text: string,
    revive: (name: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown
}

/** What a JSON text means, each number with all its digits. Throws a `SyntaxError` as `JSON.parse` does. */
export function parseExact(text: string): unknown {
  // Mostly there is no such number, and `JSON.parse` alone is several times as fast.
  if (!MAY_BE_ROUNDED.test(text)) return JSON.parse(text)
  return json.parse(text, (_name, value, { source }) =>
    typeof value === 'number' && source !== undefined ? exactNumber(value, source) : value,
  )
}

const MAY_BE_ROUNDED = /\d{16}|\de\+?\d/i

/** The number where it says all that its text said, else the digits of the text. */
export function exactNumber(value: number, source: string): number | ExactNumber {
  const isKept = Number.isFinite(value) && (Number.isSafeInteger(value) || !/^-?\d+$/.test(source))
  return isKept ? value : json.rawJSON(source)
}

export function isExactNumber(value: unknown): value is ExactNumber {
  return json.isRawJSON(value)
}
