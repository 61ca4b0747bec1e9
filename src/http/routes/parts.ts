/** What every route is given. */

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import type { Config } from '../../config/config.ts'
import type { Operations } from '../../operations/operations.ts'

export interface RouteParts {
  config: Pick<Config, 'basePath' | 'maxWaitMs' | 'readWaitMs' | 'docs' | 'publicUrl'>
  operations: Operations
  /** Aborts when the gateway begins to shut down: waits end, callers get what there is. */
  draining: AbortSignal
  now: () => number
}

/** An app that takes its types from the schemas. */
export type RouteApp = Parameters<FastifyPluginAsyncTypebox>[0]

/** Aborts when the caller's connection closes before it was answered in full. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort()
  })
  return controller.signal
}
