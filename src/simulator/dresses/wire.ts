import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { bodyOf } from '../delivery.ts'
import type { Reply } from '../delivery.ts'
import { table } from './dress.ts'
import type { Dress } from './dress.ts'

const wire = (sends: (reply: Reply) => Reply): Dress => ({ on: 'any', told: 'same', acts: [true], sends })

const withHeaders = (reply: Reply, headers: Record<string, string>): Reply => ({
  ...reply,
  headers: { ...reply.headers, ...headers },
})
const isRussian = ({ headers }: Reply) => headers?.['content-type']?.endsWith('windows-1251') === true

/** Puts text around the body. A BOM says UTF-8, so a body that says otherwise gets none. */
const around = (head: string, tail = '') =>
  wire(reply => {
    const start = isRussian(reply) ? head.replace('\u{feff}', '') : head
    return { ...reply, body: Buffer.concat([Buffer.from(start), bodyOf(reply), Buffer.from(tail)]) }
  })

const warning = (text: string) =>
  `<br />\n<b>Warning</b>:  ${text} in <b>/var/www/api/vm.php</b> on line <b>12</b><br />\n`

const typed = (type: string) =>
  wire(reply => (isRussian(reply) ? reply : withHeaders(reply, { 'content-type': type })))

/** Encodes the body; what is encoded already stays so. */
const coded = (coding: string, encode: (body: Buffer) => Buffer) =>
  wire(reply =>
    reply.headers?.['content-encoding'] === undefined
      ? { ...withHeaders(reply, { 'content-encoding': coding }), body: encode(bodyOf(reply)) }
      : reply,
  )

const RUSSIAN_SIGNS: Record<string, number> = { Ё: 0xa8, ё: 0xb8, '«': 0xab, '»': 0xbb, '№': 0xb9 }

/** Russian letters in one byte each; what has no place there becomes a question mark, as iconv does it. */
export function windows1251(reply: Reply): Reply {
  if (isRussian(reply)) return reply
  const bytes = Array.from(bodyOf(reply).toString(), character => {
    const code = character.codePointAt(0) ?? 0
    if (code < 0x80) return code
    return code >= 0x410 && code <= 0x44f ? code - 0x350 : (RUSSIAN_SIGNS[character] ?? 0x3f)
  })
  return {
    ...withHeaders(reply, { 'content-type': 'text/html; charset=windows-1251' }),
    body: Buffer.from(bytes),
  }
}

const traces = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`x-trace-${i}`, 'x'.repeat(4_000)]))

/**
 * What the way does to any answer. None of these changes what the answer says, and so none changes a verdict. Several
 * at once are put on in this order, from the text outwards.
 */
export const WIRE = table({
  'as-application-json': typed('application/json'),
  'as-text-plain': typed('text/plain'),
  'as-windows-1251': wire(windows1251),
  'behind-a-bom': around('\u{feff}'),
  'behind-a-warning': around(warning('Undefined array key "plan"')),
  'behind-a-warning-with-braces': around(warning('Undefined array key "{plan}" called from {closure}')),
  'behind-a-warning-with-json': around(warning('unexpected {"result":"?"}')),
  'behind-a-warning-and-a-bom': around(`${warning('Deprecated')}\u{feff}`),
  'before-a-warning': around('', warning('Undefined variable $task')),
  'between-line-breaks': around('\r\n\r\n', '\n'),
  'as-gzip': coded('gzip', body => gzipSync(body)),
  'as-x-gzip': coded('x-gzip', body => gzipSync(body)),
  'as-deflate': coded('deflate', body => deflateSync(body)),
  'as-deflate-without-zlib': coded('deflate', body => deflateRawSync(body)),
  'as-br': coded('br', body => brotliCompressSync(body)),
  'as-identity': coded('identity', body => body),
  'under-48-kib-of-headers': wire(reply => withHeaders(reply, traces)),
  'after-100': wire(reply => ({ ...reply, informational: [100] })),
  'after-102': wire(reply => ({ ...reply, informational: [102, 102] })),
  'after-103': wire(reply => ({ ...reply, informational: [103] })),
  'after-100-102-103': wire(reply => ({ ...reply, informational: [100, 102, 103] })),
  'in-a-frame-that-is-too-short': wire(reply => ({ ...reply, frame: 'length' })),
  'in-chunks-without-an-end': wire(reply => ({ ...reply, frame: 'chunks' })),
})
