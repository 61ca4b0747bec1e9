/** Reads JSON (RFC 8259) without dropping anything: bytes that are not UTF-8 and members given twice are found. */

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Returns the text that these bytes are, without a byte order mark, or undefined when they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** Strings, with a colon behind those that name a member, and the marks between them. */
const TOKENS = /("[^"\\]*(?:\\.[^"\\]*)*")\s*(:)?|[{}[\],]/g

/**
 * Returns the members that are given more than once, each as its path with dots, where an
 * empty name is `""`. Names are compared as they read:
 * `"na\u006de"` is `"name"`. JSON.parse would keep the last of them and say nothing.
 * @param text JSON that JSON.parse has taken
 */
export function duplicateMembers(text: string): string[] {
  const found = new Set<string>()
  /** The objects and lists around a token: their names so far, and the member or index that is being read. */
  const around: { names: Set<string> | null; at: string | number }[] = []
  for (const [token, string, colon] of text.matchAll(TOKENS)) {
    const inner = around.at(-1)
    if (token === '{') around.push({ names: new Set(), at: '' })
    else if (token === '[') around.push({ names: null, at: 0 })
    else if (token === '}' || token === ']') around.pop()
    else if (token === ',') {
      if (typeof inner?.at === 'number') inner.at += 1
    } else if (colon && inner?.names) {
      const name = JSON.parse(string!) as string
      inner.at = name === '' ? '""' : name
      if (inner.names.has(name)) found.add(around.map(({ at }) => at).join('.'))
      inner.names.add(name)
    }
  }
  return [...found]
}
