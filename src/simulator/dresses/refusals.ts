import { bodyOf } from '../delivery.ts'
import { HTML_TYPE, page, sending, table } from './dress.ts'
import type { About, Dress, Json } from './dress.ts'
import { windows1251 } from './wire.ts'

/** `text` is the vendor's message, with its prefix; `about.reason` is what stands behind the prefix. */
const refused = (says: (text: string, about: About) => unknown): Dress => ({
  on: 'call',
  told: 'refused',
  acts: [false],
  says: ({ message }: Json, about) => says(String(message), about),
})
const withStatus = (status: number, headers: Record<string, string> = {}): Dress => ({
  ...refused(message => ({ code: -1, message })),
  sends: reply => ({ ...reply, status, headers: { ...reply.headers, ...headers } }),
})
const badToken = (says: Json): Dress => ({
  on: 'call',
  told: 'unauthorized',
  acts: [false],
  says: () => says,
})

const entities = (text: string) => text.replace(/[^\w ]/g, character => `&#${character.codePointAt(0)};`)

/** The answer says in words that can be understood that nothing was begun. */
export const REFUSALS = table({
  'refused-by-code-minus-1': refused(message => ({ code: -1, message })),
  'refused-by-code-minus-5': refused(message => ({ code: -5, message })),
  'refused-by-code-500': refused(message => ({ code: 500, message })),
  'refused-by-code-text-minus-1': refused(message => ({ code: '-1', message })),
  'refused-by-code-word': refused(message => ({ code: 'NO_APPROPRIATE_SERVERS', message })),
  'refused-by-code-word-alone': refused(() => ({ code: 'NO_APPROPRIATE_SERVERS' })),
  'refused-by-result-minus-1': refused(error => ({ result: -1, error })),
  'refused-by-result-text-minus-1': refused(error => ({ result: '-1', error })),
  'refused-by-result-false': refused(message => ({ result: false, message })),
  'refused-by-result-fail': refused(message => ({ result: 'Fail', message })),
  'refused-by-result-fail-alone': refused(() => ({ result: 'Fail' })),
  'refused-by-result-error': refused(message => ({ result: 'error', message })),
  'refused-by-result-failed': refused(scope => ({ result: 'Failed', scope })),
  'refused-by-status': refused(message => ({ status: 'error', message })),
  'refused-by-state': refused(message => ({ state: 'failed', message })),
  'refused-by-error-text': refused(error => ({ error })),
  'refused-by-error-object': refused(message => ({ error: { code: 17, message } })),
  'refused-by-error-list': refused(message => ({ result: 'OK', error: [message] })),
  'refused-beside-ok': refused(error => ({ result: 'OK', error })),
  'refused-beside-ok-with-key-empty': refused(error => ({ result: 'OK', callback: '', error })),
  'refused-beside-ok-with-key-false': refused(error => ({ result: 'OK', callback: false, error })),
  'refused-beside-ok-by-code': refused(message => ({ result: 'OK', code: -1, message })),
  'refused-in-data': refused(message => ({ data: { code: -1, message } })),
  'refused-in-result': refused(message => ({ result: { code: -1, message } })),
  'refused-with-a-key': refused(message => ({ code: -1, message, callback: null, key: null })),
  'refused-for-a-reason-in-debug': refused(debug => ({ result: 'Fail', debug })),
  'refused-for-a-reason-in-an-object': refused(text => ({ code: -1, message: { en: text, code: 17 } })),
  'refused-for-a-reason-in-scope': refused(text => ({ result: 'Error', scope: { message: text } })),
  'refused-in-entities': refused(text => ({ code: -1, message: entities(text) })),
  'refused-in-named-entities': refused(text => ({
    code: -1,
    message: `${text}: &quot;web&quot; &amp; &laquo;db&raquo; &amp;lt;1&amp;gt;`,
  })),
  'refused-in-half-an-emoji': refused(text => ({ code: -1, message: `${text} \u{d83d}` })),
  'refused-at-length': refused(text => ({ code: -1, message: `${text} ${'and so on '.repeat(20_000)}` })),
  // Cut by bytes and not by characters: the UTF-8 of the message breaks off in the middle of an emoji.
  'refused-in-half-a-character': {
    ...refused(text => ({ code: -1, message: text })),
    sends: reply => ({
      ...reply,
      body: Buffer.concat([bodyOf(reply).subarray(0, -2), Buffer.from([0xf0, 0x9f]), Buffer.from('"}')]),
    }),
  },
  'refused-in-windows-1251': {
    ...refused(text => ({ code: -1, message: `${text}: сервер заблокирован` })),
    sends: windows1251,
  },
  'refused-under-http-400': withStatus(400),
  'refused-under-http-403': withStatus(403),
  'refused-under-http-409': withStatus(409),
  'refused-under-http-422': withStatus(422),
  'refused-under-http-500': withStatus(500),
  'refused-under-http-429': withStatus(429, { 'retry-after': '1' }),
  'refused-under-http-503': withStatus(503, { 'retry-after': '1' }),
  'token-refused-by-code-minus-2': badToken({ code: -2, message: 'invalid token' }),
  'token-refused-by-hash': badToken({ code: -1, message: 'invalid hash' }),
  'token-refused-as-expired': badToken({ result: -1, error: 'token expired' }),
  'token-refused-under-http-401': {
    ...badToken({}),
    sends: sending({ status: 401, headers: HTML_TYPE, body: page('401 Unauthorized') }),
  },
})
