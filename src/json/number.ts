/** Numbers with all the digits that they came with. */

/** A number by its digits: what `JSON.rawJSON` gives. It is frozen and no plain object: copy it as it is. */
export interface ExactNumber {
  readonly rawJSON: string
}

/** ES2026, in Node 24; TypeScript 7 does not describe it yet. */
const json = JSON as unknown as {
  rawJSON(text: string): ExactNumber
  isRawJSON(value: unknown): value is ExactNumber
}

/** The number where JavaScript writes it with the digits of its text, else those digits. */
export function exactNumber(value: number, source: string): number | ExactNumber {
  const isKept = Number.isFinite(value) && (Number.isSafeInteger(value) || !/^-?\d+$/.test(source))
  return isKept ? value : json.rawJSON(source)
}

export function isExactNumber(value: unknown): value is ExactNumber {
  return json.isRawJSON(value)
}
