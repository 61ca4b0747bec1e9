/** JSON as an answer of HOSTKEY holds it: not too deep, and perhaps in a text once more. */

import { isExactNumber } from '../../json/number.ts'
import { isBlank, readJson } from '../../json/read.ts'

export type JsonObject = Record<string, unknown>

/**
 * What an answer may be: one that nests deeper is refused, as recursion over it would end the process, and one of more
 * objects and lists, as it would hold up the process.
 */
export const BOUNDS = { maxDepth: 64, maxHolders: 100_000 }

/** The value of a text that is JSON and nothing else, or undefined. */
function wholeJson(text: string): { value: unknown; twice: ReadonlySet<string> } | undefined {
  const reading = readJson(text, 0, BOUNDS)
  return reading.kind === 'value' && isBlank(text, reading.end) ? reading : undefined
}

/** A text that is itself a JSON object or list, opened; anything else as it is. */
export function opened(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  return wholeJson(value)?.value ?? value
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value)
}

/** Whether a value is an object or a list. */
export function isHolder(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isExactNumber(value)
}

/** A member of the object itself: `toString` is none, and `__proto__` only where HOSTKEY sent it. */
export function member(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}
