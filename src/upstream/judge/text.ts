/** From the bytes of an answer to text, and what is done to texts that people are shown. */

/** An HTTP answer as it came from the wire; `body` is what its content coding held. */
export interface Answer {
  status: number
  /** With names in lower case. */
  headers?: Readonly<Record<string, string | string[] | undefined>>
  body: Uint8Array
  /** What HOSTKEY asked for by `Retry-After`, in milliseconds from now. */
  retryAfterMs?: number | null
}

/**
 * The texts that an answer may be, the likeliest first: by its byte order mark, the charset of its content type, that of
 * a `<meta>`, or UTF-8. A wrong charset must not lose an acceptance, so UTF-8 is tried as well.
 */
export function* textsOf({ headers, body }: Answer): Generator<string> {
  const charset = charsetOf(headers, body)
  const first = decode(body, charset)
  yield first
  const second = charset === 'utf-8' ? first : decode(body, 'utf-8')
  if (second !== first) yield second
  // Some front ends escape all that they print.
  if (/\{\s*&(quot|#0*34|#x0*22);/i.test(second)) yield decodeEntities(second)
}

function charsetOf(headers: Answer['headers'], body: Uint8Array): string {
  const [a, b, c] = body
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8'
  if ((a === 0xff && b === 0xfe) || (a !== 0 && b === 0)) return 'utf-16le'
  if ((a === 0xfe && b === 0xff) || (a === 0 && b !== 0 && c === 0)) return 'utf-16be'
  const type = headers?.['content-type']
  const told = CHARSET.exec((Array.isArray(type) ? type[0] : type)?.slice(0, 256) ?? '')?.[1]
  if (told !== undefined) return told.toLowerCase()
  const head = new TextDecoder('latin1').decode(body.subarray(0, 1024))
  const meta = /<meta\b/i.exec(head)
  return (meta && CHARSET.exec(head.slice(meta.index))?.[1]?.toLowerCase()) ?? 'utf-8'
}

const CHARSET = /charset\s*=\s*["']?([\w.:-]+)/i

function decode(body: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset).decode(body)
  } catch {
    // A charset that nobody knows.
    return new TextDecoder().decode(body)
  }
}

const NAMED: Readonly<Record<string, string>> = {
  quot: '"',
  apos: "'",
  amp: '&',
  lt: '<',
  gt: '>',
  nbsp: ' ',
  laquo: '«',
  raquo: '»',
  ndash: '–',
  mdash: '—',
  hellip: '…',
}

/** A text with its HTML entities decoded, once: `&amp;quot;` becomes `&quot;`. */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  // A text has the same few many times.
  const known = new Map<string, string>()
  return text.replace(/&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z]{2,6});/gi, entity => {
    const before = known.get(entity)
    if (before !== undefined) return before
    const character = characterOf(entity.slice(1, -1).toLowerCase()) ?? entity
    known.set(entity, character)
    return character
  })
}

function characterOf(reference: string): string | undefined {
  if (!reference.startsWith('#')) return NAMED[reference]
  const isHex = reference[1] === 'x'
  const code = isHex ? Number.parseInt(reference.slice(2), 16) : Number(reference.slice(1))
  return code > 0 && code <= 0x10_ff_ff ? String.fromCodePoint(code).toWellFormed() : undefined
}

/** The beginning of a text, cut between two characters and not within one; well-formed. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text.toWellFormed()
  const end = /[\uD800-\uDBFF]/.test(text[maxLength - 1] ?? '') ? maxLength - 1 : maxLength
  return text.slice(0, end).toWellFormed()
}
