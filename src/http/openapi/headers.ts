/**
 * The headers that answers have whatever their route: each is described once, in the `components`, and every answer of the
 * document refers to those that it may carry. What one route alone sends stands in the schema of that route.
 */

import type { Bucket } from '../route-config.ts'

interface Header {
  description: string
  schema: { type: 'string'; maxLength?: number; pattern?: string; enum?: string[] }
}

const text = (description: string, schema: Omit<Header['schema'], 'type'>): Header => ({
  description,
  schema: { type: 'string', ...schema },
})
const fixed = (description: string, ...values: string[]): Header =>
  text(description, { enum: values, maxLength: Math.max(...values.map(({ length }) => length)) })

const rateLimit = (bucket: string): Header =>
  text('What is left of the quota: its name, `r` requests, and `t` seconds until it is full again.', {
    pattern: `^"${bucket}";r=\\d+;t=\\d+$`,
    maxLength: 200,
  })
const rateLimitPolicy = (bucket: string): Header =>
  text('The quota: its name, and `q` requests within `w` seconds.', {
    pattern: `^"${bucket}";q=\\d+;w=\\d+$`,
    maxLength: 200,
  })

/** Every answer has these. */
const EVERY = {
  'X-Request-Id': text('The id of the request, as the caller gave it or new; the log has it too.', {
    pattern: '^[A-Za-z0-9._-]{8,128}$',
    maxLength: 128,
  }),
  'Cache-Control': text('Whether the answer may be kept.', { pattern: '^[a-z0-9=, -]+$', maxLength: 100 }),
  'Content-Security-Policy': text('What a browser may load for the answer.', {
    pattern: "^default-src 'none';",
    maxLength: 1000,
  }),
  'Cross-Origin-Resource-Policy': fixed('For browsers.', 'same-origin'),
  'Referrer-Policy': fixed('For browsers.', 'no-referrer'),
  'X-Content-Type-Options': fixed('For browsers.', 'nosniff'),
  'X-Frame-Options': fixed('For browsers.', 'SAMEORIGIN'),
}

/** Answers have these for pages of other origins, where the operator lets them in. */
const CROSS_ORIGIN = {
  'Access-Control-Allow-Origin': text('The origin of the page that may read the answer.', {
    pattern: '^https?://[!-~]+$',
    maxLength: 1000,
  }),
  'Access-Control-Expose-Headers': text('The headers that this page may read.', {
    pattern: '^[A-Za-z, -]+$',
    maxLength: 1000,
  }),
  Vary: text('The headers of the request that the answer depends on.', {
    pattern: '^[A-Za-z, -]+$',
    maxLength: 200,
  }),
}

/** Pages for people have these as well. */
const PAGE = {
  'Cross-Origin-Opener-Policy': fixed('For browsers.', 'same-origin'),
  'Origin-Agent-Cluster': fixed('For browsers.', '?1'),
  'X-DNS-Prefetch-Control': fixed('For browsers.', 'off'),
  'X-Download-Options': fixed('For browsers.', 'noopen'),
  'X-Permitted-Cross-Domain-Policies': fixed('For browsers.', 'none'),
  'X-XSS-Protection': fixed('For browsers.', '0'),
}

const PREFERENCE = {
  'Preference-Applied': text('Which preference of `Prefer` was honoured.', {
    pattern: '^(wait=\\d+|respond-async)$',
    maxLength: 100,
  }),
}

/** The current draft's family; the older `ratelimit-limit`, `-remaining` and `-reset` are sent as well. */
const RATE_LIMIT: Readonly<Record<string, Header>> = {
  RateLimit: rateLimit('default'),
  'RateLimit-Policy': rateLimitPolicy('default'),
  'RateLimit.operations': rateLimit('operations'),
  'RateLimit-Policy.operations': rateLimitPolicy('operations'),
  'RateLimit.any': rateLimit('(default|operations)'),
  'RateLimit-Policy.any': rateLimitPolicy('(default|operations)'),
}

/** The headers, for the `components` of the document. */
export const HEADERS: Readonly<Record<string, Header>> = {
  ...EVERY,
  ...CROSS_ORIGIN,
  ...PAGE,
  ...PREFERENCE,
  ...RATE_LIMIT,
}

/** What a route is, as far as its headers depend on it. */
export interface RouteTraits {
  bucket: Bucket | 'none'
  isPage: boolean
  /** It takes `Prefer`. */
  prefers: boolean
}

/** References to the headers of a route's answer with this status. */
export function headersOf({ bucket, isPage, prefers }: RouteTraits, status: number): Record<string, object> {
  const names = [
    ...Object.keys({
      ...EVERY,
      ...CROSS_ORIGIN,
      ...(isPage ? PAGE : {}),
      ...(prefers ? PREFERENCE : {}),
    }),
  ]
  return {
    ...Object.fromEntries(names.map(name => [name, refTo(name)])),
    ...(bucket === 'none' ? {} : rateLimitOf(bucket, status)),
  }
}

/** Whoever has no valid key, or one that cannot be checked now (503), is counted as `default` on every route. */
function rateLimitOf(bucket: Bucket, status: number): Record<string, object> {
  const asked =
    bucket === 'default' || status === 401 ? '' : status === 429 || status === 503 ? '.any' : `.${bucket}`
  return { RateLimit: refTo(`RateLimit${asked}`), 'RateLimit-Policy': refTo(`RateLimit-Policy${asked}`) }
}

function refTo(name: string): object {
  return { $ref: `#/components/headers/${name}` }
}
