/** Reads the header `Prefer` (RFC 7240): `wait=N` and `respond-async`. What is not understood is ignored, as section 2 says. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { partsOf, readString } from './fields.ts'

export interface Preference {
  /** The answer may be held for so long; null when the caller did not say. */
  waitMs: number | null
  /** The value of `Preference-Applied`; null when no preference was applied. */
  applied: string | null
}

/** Reads a `Prefer` header, or several that are joined by commas. `wait` is capped, and wins over `respond-async`. */
export function parsePrefer(header: string | undefined, maxWaitMs: number): Preference {
  let wait: number | null = null
  let respondAsync = false
  for (const part of partsOf(header ?? '', ',')) {
    const [preference = ''] = partsOf(part, ';')
    const [, name = '', value = ''] = /^([^=]*?)\s*(?:=\s*(.*))?$/.exec(preference) ?? []
    const number = value.startsWith('"') ? (readString(value) ?? '') : value
    // The first of several counts (RFC 7240, section 2).
    if (/^wait$/i.test(name) && /^\d+$/.test(number)) wait ??= Number(number)
    if (/^respond-async$/i.test(name)) respondAsync = true
  }
  if (wait !== null) {
    const waitMs = Math.min(wait * 1000, maxWaitMs)
    return { waitMs, applied: `wait=${Math.floor(waitMs / 1000)}` }
  }
  return respondAsync ? { waitMs: 0, applied: 'respond-async' } : { waitMs: null, applied: null }
}

/**
 * Returns for how many milliseconds the answer to a request may be held, and says in `Preference-Applied` what was applied.
 * `otherwiseMs` is for a caller who did not say.
 */
export function waitOf(
  request: FastifyRequest,
  reply: FastifyReply,
  maxWaitMs: number,
  otherwiseMs: number,
): number {
  const header = request.headers.prefer
  const { waitMs, applied } = parsePrefer(Array.isArray(header) ? header.join(',') : header, maxWaitMs)
  if (applied !== null) reply.header('preference-applied', applied)
  return waitMs ?? Math.min(otherwiseMs, maxWaitMs)
}
