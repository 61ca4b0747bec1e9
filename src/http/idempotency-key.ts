/** The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header): its value, and what a request is told apart by. */

import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { ApiProblem } from './problem.ts'

export interface IdempotencyKey {
  key: string
  fingerprint: string
}

/**
 * The key of a request, or null. Quoted (a structured field string) or bare; both forms of one key are one key.
 * @throws ApiProblem `validation-failed` when it is not 1 to 255 visible ASCII characters.
 */
export function idempotencyOf(request: FastifyRequest): IdempotencyKey | null {
  const header = request.headers['idempotency-key']
  if (header === undefined) return null
  const text = Array.isArray(header) ? header.join(', ') : header
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text)
  const key = quoted ? quoted[1]!.replace(/\\(["\\])/g, '$1') : text
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    const message = 'must be 1 to 255 visible ASCII characters, bare or quoted'
    throw new ApiProblem('validation-failed', `Idempotency-Key ${message}.`, {
      errors: [{ in: 'header', field: 'Idempotency-Key', message }],
    })
  }
  return { key, fingerprint: fingerprintOf(request) }
}

/** Digest of method, path with query, and the canonical form of the body. */
function fingerprintOf(request: FastifyRequest): string {
  return createHash('sha256')
    .update(`${request.method}\n${canonicalUrl(request.url)}\n${canonicalJson(request.body ?? {})}`)
    .digest('base64url')
}

/** The same path and query, however they were encoded and ordered. */
function canonicalUrl(url: string): string {
  const { pathname, searchParams } = new URL(url, 'http://gateway')
  searchParams.sort()
  return `${decodeURIComponent(pathname)}?${searchParams.toString()}`
}

/** JSON with its members in order. The body passed the route's schema: it is flat. */
function canonicalJson(body: unknown): string {
  return JSON.stringify(Object.entries(body as object).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
