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
  url,
}: FastifyRequest): ApiProblem | undefined {
  const isOld = httpVersion === '1.0'
  // RFC 9112, section 3.2.
  if (headers.host === undefined && !isOld)
    return new ApiProblem('malformed-request', 'The request has no Host header.')
  const twice = givenTwice(rawHeaders)
  if (twice !== undefined) return new ApiProblem('malformed-request', `The request has two ${twice} headers.`)
  // RFC 9112, section 3.2.4: an asterisk is for OPTIONS alone, of the server as a whole; it is no path.
  if (!url.startsWith('/')) return new ApiProblem('malformed-request', 'The URL is no path.')
  // A request target has no fragment (RFC 9112, section 3.2): what stands behind it would be dropped.
  if (originalUrl.includes('#')) return new ApiProblem('malformed-request', 'The URL has a fragment (#).')
  // RFC 9110, section 10.1.1. HTTP/1.0 knows no expectations, and they are to be ignored there.
  if (!isOld && expectationsIn(headers.expect).some(one => one !== '100-continue'))
    return new ApiProblem('expectation-failed', 'The one expectation that can be met is 100-continue.')
  return undefined
}

function expectationsIn(header = ''): string[] {
  return header
    .toLowerCase()
    .split(',')
    .map(one => one.trim())
    .filter(one => one !== '')
}

/** A proxy may believe the other one. */
const ONCE = ['Host', 'Content-Type']

/**
 * Returns the name of a header that may stand in a request once, and stands there twice. Of two, Node silently keeps the
 * first, so the raw ones are read: names and values in turn.
 */
function givenTwice(rawHeaders: readonly string[]): string | undefined {
  return ONCE.find(
    name =>
      rawHeaders.filter((text, at) => at % 2 === 0 && text.toLowerCase() === name.toLowerCase()).length > 1,
  )
}
