/** The headers that every answer has: those that keep browsers from misusing it, its id, and whether it may be kept. */

import type { FastifyInstance, FastifyReply } from 'fastify'

export type SecurityHeaders = Readonly<Record<string, string>>

/**
 * The answers of the API have these. They are what helmet sends, as a literal table, without what concerns pages alone;
 * `test/http/headers.test.ts` compares both. Whether there is TLS is for the proxy to say (`Strict-Transport-Security`).
 */
export const API_HEADERS: SecurityHeaders = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
}

/** Returns the headers of a page: all that helmet sends, with this content security policy. */
export function securityHeaders(policy: Readonly<Record<string, readonly string[]>>): SecurityHeaders {
  return {
    ...API_HEADERS,
    'content-security-policy': Object.entries(policy)
      .map(([directive, sources]) => [directive, ...sources].join(' '))
      .join(';'),
    'cross-origin-opener-policy': 'same-origin',
    'origin-agent-cluster': '?1',
    'x-dns-prefetch-control': 'off',
    'x-download-options': 'noopen',
    'x-permitted-cross-domain-policies': 'none',
    'x-xss-protection': '0',
  }
}

/** Notes that an answer depends on this header of the request, beside those that are noted already. */
export function varyBy(reply: FastifyReply, name: string): void {
  const noted = reply.getHeader('vary')
  reply.header('vary', noted === undefined ? name : `${String(noted)}, ${name}`)
}

/** Sets the headers of every answer. A route that wants its answers kept says so in `Cache-Control` itself. */
export function setHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply
      .headers(request.routeOptions.config.securityHeaders ?? API_HEADERS)
      .header('x-request-id', request.id)
    done()
  })
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    done(null, payload)
  })
}
