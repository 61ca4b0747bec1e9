/** What every route is given. */

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import type { Config } from '../../config/config.ts'
import type { Operations } from '../../operations/operations.ts'
import { callerOf } from '../auth.ts'
import type { Turns } from '../turns.ts'

export interface RouteParts {
  config: Pick<Config, 'basePath' | 'maxWaitMs' | 'readWaitMs' | 'docs' | 'publicUrl'>
  operations: Operations
  /** Aborts when the gateway begins to shut down: waits end, callers get what there is. */
  draining: AbortSignal
  now: () => number
  /** Reads of stored operations wait for their turn here. */
  turns: Turns
}

/** An app that takes its types from the schemas. */
export type RouteApp = Parameters<FastifyPluginAsyncTypebox>[0]

/** Aborts when the caller's connection closes before it was answered in full. */
export function leftSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort()
  })
  return controller.signal
}

/** Aborts when the caller has left, or is one no longer: nothing is held for it from then on. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  return firstOf(reply, leftSignal(reply), callerOf(reply.request).until)
}

/** Aborts with the first of these signals, and lets go of them when the answer is over: they may live for years. */
export function firstOf(reply: FastifyReply, ...signals: AbortSignal[]): AbortSignal {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  if (signals.some(signal => signal.aborted)) abort()
  for (const signal of signals) signal.addEventListener('abort', abort, { once: true })
  reply.raw.once('close', () => {
    for (const signal of signals) signal.removeEventListener('abort', abort)
  })
  return controller.signal
}
