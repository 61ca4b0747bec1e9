/** Reads the query of a URL without dropping anything: what stands twice is a list, and what cannot be read says so. */

/** The value of a member whose percent-encoding is broken, or hides bytes that are not UTF-8. No schema takes it. */
export const NOT_UTF8 = Symbol('not UTF-8')

/** Returns the members of a query. A name that cannot be read stays as it was sent: no route knows it. */
export function readQuery(text: string): Record<string, unknown> {
  const members = Object.create(null) as Record<string, unknown>
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const [, rawName = '', rawValue = ''] = /^([^=]*)=?(.*)$/s.exec(pair)!
    const name = decode(rawName) ?? rawName
    const value = decode(rawValue) ?? NOT_UTF8
    const known = members[name]
    // In place, since a copy for each of thousands would take half a second.
    if (Array.isArray(known)) known.push(value)
    else members[name] = name in members ? [known, value] : value
  }
  return members
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
