/**
 * Traces for OpenTelemetry: a span for each request, for each call to HOSTKEY and for each operation, in one trace from
 * the request that began the operation over every poll of its key to its end, also when another process makes that.
 * Off unless an OTLP endpoint is configured; then `otel.ts` is loaded and this is what it does.
 */

import type { FastifyInstance } from 'fastify'
import type { Config } from '../config/config.ts'
import type { Operation } from '../operations/operation.ts'
import type { Upstream } from '../upstream/client.ts'
import type { Send } from '../upstream/session.ts'

export interface OperationTracing {
  /** What an operation that begins now keeps, so that its steps and its end join the trace; nothing when there is none. */
  begin(): Pick<Operation, 'trace'>
  /** Makes a step in the trace of its operation. */
  step<T>(operation: Operation, make: () => T): T
  /** Makes what is part of no request, whichever one set it off. */
  apart<T>(make: () => T): T
  /** The operation ended, and its end is stored. */
  end(operation: Operation): void
}

export interface Tracing {
  /** Traces the requests of an app, from what `traceparent` (W3C Trace Context) says. */
  requests(app: FastifyInstance): void
  /** Traces what is asked of HOSTKEY, which is sent nothing of it. */
  upstream(upstream: Upstream): Upstream
  login(send: Send): Send
  operations: OperationTracing
  /** Sends what was not sent yet, if that is possible within a moment. */
  close(): Promise<void>
}

export const NO_TRACING: Tracing = {
  requests: () => {},
  upstream: upstream => upstream,
  login: send => send,
  operations: { begin: () => ({}), step: (_operation, make) => make(), apart: make => make(), end: () => {} },
  close: () => Promise.resolve(),
}

export async function openTracing(config: Config['tracing']): Promise<Tracing> {
  if (!config) return NO_TRACING
  const { startTracing } = await import('./otel.ts')
  return startTracing(config)
}
