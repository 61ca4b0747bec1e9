/**
 * Content codings of answers (RFC 9110, section 8.4). The gateway asks for none, but a server may send one all the same,
 * and an acceptance that cannot be read is a lost operation.
 */

import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  type ZlibOptions,
} from 'node:zlib'

export type Decoded =
  | { kind: 'body'; body: Buffer }
  /** More than `maxBytes` would come out. */
  | { kind: 'too-long' }
  /** The coding is not known, or the bytes are not what it says. */
  | { kind: 'broken' }

/** More than one is rare; more than this is an attack. */
const MAX_CODINGS = 3

/** How each coding is taken off. What was cut off gives what there is of it. */
const DECODERS: Readonly<Record<string, (body: Buffer, maxOutputLength: number) => Buffer>> = {
  identity: body => body,
  gzip: (body, max) => gunzipSync(body, zlibOptions(max)),
  'x-gzip': (body, max) => gunzipSync(body, zlibOptions(max)),
  deflate: (body, max) => inflate(body, zlibOptions(max)),
  br: (body, maxOutputLength) =>
    brotliDecompressSync(body, { maxOutputLength, finishFlush: constants.BROTLI_OPERATION_FLUSH }),
}

/**
 * A body without its codings. `contentEncoding` is the header as it came, several codings with commas between; no more
 * than `maxBytes` ever come out, however small the body is.
 */
export function decodeBody(body: Buffer, contentEncoding: string, maxBytes: number): Decoded {
  const codings = contentEncoding
    .toLowerCase()
    .split(',')
    .map(coding => coding.trim())
    .filter(coding => coding !== '')
  // A body that is whole JSON was never coded, whatever its header says.
  if (codings.length === 0 || body.length === 0 || isWholeJson(body)) return { kind: 'body', body }
  if (codings.length > MAX_CODINGS) return { kind: 'broken' }
  let decoded = body
  try {
    // The last in the list was put on last.
    for (const coding of codings.toReversed()) {
      const decode = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined
      if (!decode) return { kind: 'broken' }
      decoded = decode(decoded, maxBytes)
    }
  } catch (error) {
    return { kind: (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too-long' : 'broken' }
  }
  return { kind: 'body', body: decoded }
}

function zlibOptions(maxOutputLength: number): ZlibOptions {
  return { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH }
}

/** `deflate` means the format of RFC 1950; some servers send the bare stream of RFC 1951. */
function inflate(body: Buffer, options: ZlibOptions): Buffer {
  const isZlib = (body[0]! & 0x0f) === 8 && body.length > 1 && body.readUInt16BE(0) % 31 === 0
  return isZlib ? inflateSync(body, options) : inflateRawSync(body, options)
}

/**
 * Whether the bytes are one complete JSON text that says something: an object or a list with anything in it. A number
 * could go on, and an empty object proves no more than no answer. Whatever their charset, the marks of JSON are ASCII.
 */
export function isWholeJson(body: Uint8Array): boolean {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trim()
  if (!/^[[{]/.test(text) || !/[\]}]$/.test(text)) return false
  try {
    return Object.keys(JSON.parse(text) as object).length > 0
  } catch {
    return false
  }
}
