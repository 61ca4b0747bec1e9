import { gzipSync } from 'node:zlib'
import { HTML_TYPE, ofChanges, page, sending, table } from './dress.ts'
import type { Dress, Json } from './dress.ts'

/** Nothing in the answer says whether the action was taken on: both may be so, and most often it was. */
const UNPROVEN = { on: 'call', told: 'ambiguous', acts: [true, false] } as const

const says = (words: (plain: Json) => unknown): Dress => ({
  ...UNPROVEN,
  // Where nothing was carried out the plain answer is a refusal, and a dress that proves nothing hides that too.
  says: ({ action, module }, { fields }) =>
    words({ result: 'OK', module: module ?? 'vm', action: action ?? fields.action ?? '' }),
})
const withKey = (callback: unknown) => says(plain => ({ ...plain, callback }))
const sends = (status: number, body: string, headers: Record<string, string> = HTML_TYPE): Dress => ({
  ...UNPROVEN,
  sends: sending({ status, headers, body }),
})
/** Refused before PHP ran, although no word of HOSTKEY's own says so. */
const turnedAway = (dress: Dress): Dress => ({ ...dress, acts: [false] })

let bomb: Buffer | undefined

/** OK without a usable callback key, and answers that cannot be read at all. */
export const UNPROVEN_ANSWERS = table({
  'key-missing': says(plain => plain),
  'key-empty': withKey(''),
  'key-false': withKey(false),
  'key-0': withKey(0),
  'key-null': withKey(null),
  'key-array': withKey([]),
  'key-too-short': withKey('abc'),
  'key-with-spaces': withKey('not a callback key'),
  'key-too-deep': ofChanges(says(plain => ({ ...plain, data: { job: { callback: 'a'.repeat(32) } } }))),
  'key-missing-after-1': says(() => ({ result: 1 })),
  'ok-with-a-claim': says(plain => ({ ...plain, scope: 'done', context: plain })),
  'unknown-word': says(plain => ({ ...plain, result: 'Perhaps' })),
  'unknown-shape': ofChanges(says(() => ({ hello: 'world' }))),
  'json-null': says(() => null),
  'json-text': says(() => 'OK'),
  'json-number': says(() => 1),
  'json-true': says(() => true),
  'json-empty-object': says(() => ({})),
  'json-empty-array': says(() => []),
  'json-cut-off': sends(200, '{"result":"OK","module":"vm","callback":"'),
  'json-cut-off-in-the-key': sends(200, '{"result":"OK","module":"vm","callback":"0123456789abcdef'),
  'no-body': sends(200, ''),
  'http-204': sends(204, ''),
  'html-200': sends(200, page('Maintenance')),
  'html-500': sends(500, page('500 Internal Server Error')),
  'html-502': sends(502, page('502 Bad Gateway')),
  'html-503': sends(503, page('503 Service Temporarily Unavailable')),
  'html-503-with-retry-after': sends(503, page('503 Service Temporarily Unavailable'), {
    ...HTML_TYPE,
    'retry-after': '1',
  }),
  'html-504': sends(504, page('504 Gateway Time-out')),
  'php-fatal-error': sends(
    200,
    '<br />\n<b>Fatal error</b>:  Allowed memory size of 134217728 bytes exhausted in <b>/var/www/vm.php</b> on line <b>7</b><br />\n',
  ),
  'html-400': turnedAway(sends(400, page('400 Bad Request'))),
  'html-403': turnedAway(sends(403, page('403 Forbidden'))),
  'html-404': turnedAway(sends(404, page('404 Not Found'))),
  'html-429': turnedAway(sends(429, page('429 Too Many Requests'))),
  'html-429-with-retry-after': turnedAway(
    sends(429, page('429 Too Many Requests'), { ...HTML_TYPE, 'retry-after': '1' }),
  ),
  /** 8 MiB that are 8 KiB on the wire: the size limit has to hold for what comes out. */
  'gzip-bomb': {
    ...UNPROVEN,
    sends: () => ({
      headers: { ...HTML_TYPE, 'content-encoding': 'gzip' },
      body: (bomb ??= gzipSync(`{"result":"OK","scope":"${'x'.repeat(2 ** 23)}"}`)),
    }),
  },
  'gzip-that-is-none': sends(200, '{"result":"OK"}', { ...HTML_TYPE, 'content-encoding': 'gzip' }),
})
