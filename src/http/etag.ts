/** Answers with an entity tag: who has them already gets a 304 without a body (RFC 9110, sections 8.8.3 and 13.1.2). */

import { hash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Returns the entity tag of an answer with this text. */
export function etagOf(text: string): string {
  return `"${hash('sha256', text, 'base64url').slice(0, 27)}"`
}

/**
 * Answers with a text of this media type, or with 304 when the request says that its sender has it already. Such answers
 * may be kept, but have to be asked for again each time; `scope` says by whom.
 */
export function sendTagged(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  text: string,
  {
    mediaType,
    scope,
    etag = etagOf(text),
  }: { mediaType: string; scope: 'public' | 'private'; etag?: string },
): FastifyReply {
  void reply.headers({ etag, 'cache-control': `${scope}, no-cache` })
  if (hasTag(headers['if-none-match'], etag)) return reply.code(304).send()
  return reply.type(mediaType).serializer(String).send(text)
}

/** Compares weakly, as `If-None-Match` has it: a proxy that compresses makes our tags weak. */
function hasTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.trim() === '*' || header.match(/"[^"]*"/g)?.some(tag => tag === etag) === true
}

/** The headers of such answers, for the document. */
export const ETAG_HEADER = {
  ETag: {
    type: 'string',
    pattern: '^(W/)?"[A-Za-z0-9_-]+"$',
    maxLength: 100,
    description:
      'Send it as `If-None-Match`: as long as nothing has changed, the answer is a 304 without a body.',
  },
}

/** The 304 of a route, for its `response` schema. */
export function notModified(headers: object = {}): object {
  return {
    // To the generator, this is no content.
    type: 'null',
    description: 'Nothing has changed since the answer with this `ETag`.',
    headers: { ...headers, ...ETAG_HEADER },
  }
}
