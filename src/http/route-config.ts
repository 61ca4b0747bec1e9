/**
 * What our parts add to Fastify's own types: what a route declares in its `config`, and what a request carries once a
 * hook has decorated it. This is the one place for both; only the spans of OpenTelemetry are declared where they are made.
 */

import type { Caller, Scope } from '../callers/caller.ts'
import type { ChangeKind } from '../operations/kinds/kind.ts'
import type { SecurityHeaders } from './headers.ts'

/** Who may use a route: anybody, or callers with one of these scopes. */
export type Access = 'public' | { readonly anyOf: readonly Scope[] }

/** The rate limit that a request counts in; `limits.ts` says what each one is for. */
export type Bucket = 'default' | 'operations'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route must declare this: a route without it keeps the gateway from starting (`admission.ts`). */
    access?: Access
    /** Requests count as `default` when this is left out. */
    bucket?: Bucket | 'none'
    /** Requests of this route change this, and each one is told in the audit (`audit.ts`). */
    changes?: ChangeKind
    /** The body may be left out, and then reads as `{}` (`body.ts`). */
    emptyBody?: boolean
    /** A page has these headers in place of those of the API (`headers.ts`). */
    securityHeaders?: SecurityHeaders
  }

  interface FastifyRequest {
    /** The caller is known on every route that is not public, from `onRequest` on. */
    caller: Caller | null
    /** How full the request's bucket is; null where nothing is limited. */
    limit: { remaining: number; resetS: number } | null
    /** When the request arrived, by the clock of the gateway. */
    startedAtMs: number
  }
}
