import type { FastifyInstance } from 'fastify'
import { ApiProblem } from './problem.ts'

/**
 * Refuses requests with two `Host` headers (RFC 9112, section 3.2), of which a proxy may believe the other one. The raw
 * headers are read, since Node silently keeps the first.
 */
export function refuseTwoHosts(app: FastifyInstance): void {
  app.addHook('onRequest', ({ raw: { rawHeaders } }, _reply, done) => {
    let hosts = 0
    for (let i = 0; i < rawHeaders.length; i += 2) if (/^host$/i.test(rawHeaders[i]!)) hosts += 1
    done(hosts > 1 ? new ApiProblem('malformed-request', 'The request has two Host headers.') : undefined)
  })
}
