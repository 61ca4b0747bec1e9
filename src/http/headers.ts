/** The security headers of an answer, worked out once: helmet at every request took 8 % of the time of a small answer. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import helmet from 'helmet'

export type SecurityHeaders = Readonly<Record<string, string>>

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Those of a page, in place of those of the API. */
    securityHeaders?: SecurityHeaders
  }
}

/** What helmet sets, with this content security policy. */
export function securityHeaders(directives: Record<string, string[]>): SecurityHeaders {
  const headers: Record<string, string> = {}
  const response = {
    setHeader: (name: string, value: string) => (headers[name.toLowerCase()] = value),
    removeHeader: () => {},
  }
  const set = helmet({
    contentSecurityPolicy: { useDefaults: false, directives },
    // Behind TLS or not is the proxy's to say.
    strictTransportSecurity: false,
  })
  set({} as IncomingMessage, response as unknown as ServerResponse, error => {
    if (error) throw error as Error
  })
  return headers
}

/** Of those of helmet, what says something about an answer that is no page; each header costs, at every answer. */
const OF_NO_PAGE = [
  'content-security-policy',
  'cross-origin-resource-policy',
  'referrer-policy',
  'x-content-type-options',
  'x-frame-options',
]

/** Those of every answer that is no page. */
export const API_HEADERS: SecurityHeaders = Object.fromEntries(
  Object.entries(securityHeaders({ 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] })).filter(
    ([name]) => OF_NO_PAGE.includes(name),
  ),
)
