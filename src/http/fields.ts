/** Strings in header fields, as RFC 9651 (section 3.3.3) and RFC 9110 (section 5.6.4) write them: in quotes, with `\"` and `\\` inside. */

import { parseItem } from 'structured-headers'

/** Returns the string that this text is, quotes and all; undefined when it is no string, or more than one. */
export function readString(text: string): string | undefined {
  try {
    const [value, parameters] = parseItem(text)
    return typeof value === 'string' && parameters.size === 0 ? value : undefined
  } catch {
    return undefined
  }
}

/** Parts a field at commas or semicolons, but not within strings. */
export function partsOf(text: string, separator: ',' | ';'): string[] {
  const parts = text.match(
    separator === ',' ? /(?:"(?:[^"\\]|\\.)*"?|[^",])+/g : /(?:"(?:[^"\\]|\\.)*"?|[^";])+/g,
  )
  return (parts ?? []).map(part => part.trim())
}
