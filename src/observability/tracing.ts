/**
 * Traces for OpenTelemetry: a span for each request, for each call to HOSTKEY and for each operation, in one trace from
 * the request that began the operation over every poll of its key to its end, also when another process makes that.
 * Off unless an OTLP endpoint is configured; then `otel.ts` is loaded and this is what it does.
 */

import type { FastifyInstance } from 'fastify'
import type { Config } from '../config/config.ts'
import type { Hostkey } from '../operations/hostkey.ts'
import type { OperationTracing } from '../operations/tracing.ts'
import type { Send } from '../upstream/session.ts'

export interface Tracing {
  /** Traces the requests of an app, from what `traceparent` (W3C Trace Context) says. */
  requests(app: FastifyInstance): void
  /** Traces what is asked of HOSTKEY, which is sent nothing of it. */
  hostkey(hostkey: Hostkey): Hostkey
  login(send: Send): Send
  operations: OperationTracing
  /** Sends what was not sent yet, if that is possible within a moment. */
  close(): Promise<void>
}

export const NO_TRACING: Tracing = {
  requests: () => {},
  hostkey: hostkey => hostkey,
  login: send => send,
  operations: { begin: () => ({}), step: (_operation, make) => make(), apart: make => make(), end: () => {} },
  close: () => Promise.resolve(),
}

export async function openTracing(config: Config['tracing']): Promise<Tracing> {
  if (!config) return NO_TRACING
  const { startTracing } = await import('./otel.ts')
  return startTracing(config)
}
