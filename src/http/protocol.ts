/** What HTTP itself demands of a request, whatever the route: these are the first things that are looked at. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiProblem } from './problem.ts'

/** Refuses requests that HTTP/1.1 does not allow, or that expect what nobody here can do. */
export function followHttp(app: FastifyInstance): void {
  // Node would answer an unknown expectation with an empty 417.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  app.addHook('onRequest', (request, _reply, done) => done(complaintOf(request)))
}

function complaintOf({
  raw: { httpVersion, headers, rawHeaders },
  originalUrl,
}: FastifyRequest): ApiProblem | undefined {
  const isOld = httpVersion === '1.0'
  // RFC 9112, section 3.2.
  if (headers.host === undefined && !isOld)
    return new ApiProblem('malformed-request', 'The request has no Host header.')
  // A proxy may believe the other one.
  if (hostsIn(rawHeaders) > 1) return new ApiProblem('malformed-request', 'The request has two Host headers.')
  // A request target has no fragment (RFC 9112, section 3.2): what stands behind it would be dropped.
  if (originalUrl.includes('#')) return new ApiProblem('malformed-request', 'The URL has a fragment (#).')
  // RFC 9110, section 10.1.1. HTTP/1.0 knows no expectations, and they are to be ignored there.
  if (headers.expect !== undefined && !isOld && headers.expect.toLowerCase() !== '100-continue')
    return new ApiProblem('expectation-failed', 'The one expectation that can be met is 100-continue.')
  return undefined
}

/** Of two headers Node silently keeps the first, so the raw ones are read: names and values in turn. */
function hostsIn(rawHeaders: readonly string[]): number {
  return rawHeaders.filter((text, at) => at % 2 === 0 && /^host$/i.test(text)).length
}
