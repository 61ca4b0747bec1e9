/** Reads the header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), and what tells one request from another. */

import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { readString } from './fields.ts'
import { ApiProblem } from './problem.ts'

export interface IdempotencyKey {
  key: string
  /** Two requests with the same fingerprint ask for the same. */
  fingerprint: string
}

/**
 * Returns the key of a request, or null when it has none. A key is a string of RFC 9651, without parameters, or bare: that
 * is what most callers send. Both forms of one key are one key.
 * @throws ApiProblem `validation-failed` when it is not 1 to 255 visible ASCII characters.
 */
export function idempotencyOf(request: FastifyRequest): IdempotencyKey | null {
  const header = request.headers['idempotency-key']
  if (header === undefined) return null
  const text = Array.isArray(header) ? header.join(', ') : header
  const key = text.startsWith('"') ? readString(text) : text
  if (key === undefined || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    const message = 'must be 1 to 255 visible ASCII characters, bare or quoted'
    throw new ApiProblem('validation-failed', `Idempotency-Key ${message}.`, {
      errors: [{ in: 'header', field: 'Idempotency-Key', message }],
    })
  }
  return { key, fingerprint: fingerprintOf(request) }
}

/** Returns the digest of the method, the path with its query, and the body, each in one form. */
function fingerprintOf(request: FastifyRequest): string {
  return createHash('sha256')
    .update(`${request.method}\n${canonicalUrl(request.url)}\n${canonicalJson(request.body ?? {})}`)
    .digest('base64url')
}

/** Returns one form for a path and query, however they were encoded and ordered. */
function canonicalUrl(url: string): string {
  const { pathname, searchParams } = new URL(url, 'http://gateway')
  searchParams.sort()
  return `${decodeURIComponent(pathname)}?${searchParams.toString()}`
}

/** Writes a body with its members in order. It has passed the route's schema, so it has no members of members. */
function canonicalJson(body: unknown): string {
  return JSON.stringify(Object.entries(body as object).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
