import { HTML_TYPE, page, sending, table, without } from './dress.ts'
import type { Dress, Json } from './dress.ts'

const login = (told: Dress['told'], says: (result: Json) => unknown): Dress => ({
  on: 'login',
  told,
  acts: [told === 'accepted'],
  // A plain refusal has no result: it is never made to look like a token.
  says: plain => (told === 'accepted' && !plain.result ? plain : says((plain.result ?? {}) as Json)),
})
const sends = (status: number, told: Dress['told'], title: string): Dress => ({
  on: 'login',
  told,
  acts: [false],
  sends: sending({ status, headers: HTML_TYPE, body: page(title) }),
})

/** How auth.php gives out a token, or says why it does not. */
export const LOGINS = table({
  'login-at-the-top': login('accepted', result => ({ ...result })),
  'login-at-the-top-beside-ok': login('accepted', result => ({ result: 'OK', ...result })),
  'login-without-expiry': login('accepted', result => ({
    result: without(result, 'token_expire'),
  })),
  'login-with-expiry-as-text': login('accepted', result => ({
    result: { ...result, token_expire: String(result.token_expire) },
  })),
  'login-with-expiry-in-the-past': login('accepted', result => ({ result: { ...result, token_expire: 1 } })),
  'login-with-servers-as-map': login('accepted', result => ({
    result: { ...result, servers: Object.fromEntries((result.servers as number[]).map(id => [id, { id }])) },
  })),
  'login-with-servers-as-text': login('accepted', result => ({
    result: { ...result, servers: (result.servers as number[]).map(String) },
  })),
  'login-from-another-host': login('accepted', result => ({
    result: { ...result, invapi: 'https://invapi.hostkey.ru' },
  })),
  'login-refused-for-the-address': login('refused', () => ({
    result: -1,
    error: 'key is bound to another IP address',
  })),
  'login-refused-for-the-key': login('unauthorized', () => ({ code: -1, message: 'invalid api key' })),
  'login-without-a-token': login('ambiguous', () => ({ result: 'OK' })),
  'login-with-token-false': login('ambiguous', () => ({ result: { token: false, servers: [] } })),
  'login-lost-in-html': sends(502, 'ambiguous', '502 Bad Gateway'),
  'login-refused-under-http-401': sends(401, 'unauthorized', '401 Unauthorized'),
})
