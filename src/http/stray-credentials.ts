/**
 * A credential belongs in its header. What stands in a URL, a request id or a body is shown in answers, logs and traces, and
 * to other callers: a request that carries its credential there is refused, and what it sent is not repeated.
 */

import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiProblem } from './problem.ts'

/** Keys of ours begin with this (`callers/key.ts`). */
const OUR_KEY = /hkgw_[\w-]{20}/i
/** Shorter ones are no credentials, and would be found in anything. */
const MIN_LENGTH = 6

/** Tells whether a text has a key of ours in it, or the credential that these headers carry, also in another case or encoded. */
export function hasCredential(text: string, headers: IncomingHttpHeaders): boolean {
  const plain = decoded(text).toLowerCase()
  if (OUR_KEY.test(plain)) return true
  return credentialsOf(headers).some(
    credential =>
      credential.length >= MIN_LENGTH &&
      (plain.includes(credential) || text.toLowerCase().includes(credential)),
  )
}

/** Refuses a request whose URL carries a credential. @throws ApiProblem `malformed-request` */
export function refuseCredentialInUrl({ raw, headers }: FastifyRequest): void {
  if (hasCredential(raw.url ?? '', headers)) throw strayCredential('URL')
}

/** Refuses, before they are checked, bodies that carry a credential. */
export function refuseCredentialsInBodies(app: FastifyInstance): void {
  app.addHook('preValidation', (request, _reply, done) => {
    const { body, headers } = request
    // All bodies are flat; what lies deeper is refused, and not repeated.
    const members = typeof body === 'object' && body !== null ? Object.entries(body) : []
    const texts = members.flat().filter(part => typeof part === 'string')
    done(texts.some(text => hasCredential(text, headers)) ? strayCredential('body') : undefined)
  })
}

function strayCredential(where: string): ApiProblem {
  return new ApiProblem(
    'malformed-request',
    `The ${where} carries a credential, which belongs in its header alone. Others may have seen it: make a new one.`,
  )
}

function credentialsOf(headers: IncomingHttpHeaders): string[] {
  const { authorization = '', 'x-api-key': key = '' } = headers
  return [authorization.replace(/^\w+ +/, ''), String(key)].map(text => text.toLowerCase())
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
