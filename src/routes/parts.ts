/** What every route is given. */

import type { FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import type { Operations } from '../operations/operations.ts'

export interface RouteParts {
  config: Pick<Config, 'basePath' | 'maxWaitMs' | 'readWaitMs' | 'docs' | 'publicUrl'>
  operations: Operations
  /** Aborts when the gateway begins to shut down: waits end, callers get what there is. */
  draining: AbortSignal
  now: () => number
}

/** Aborts when the caller's connection closes before it was answered. */
export function goneSignal(request: FastifyRequest): AbortSignal {
  const controller = new AbortController()
  const { socket } = request.raw
  const onClose = (): void => controller.abort()
  socket.once('close', onClose)
  // Connections are kept alive: listeners must not pile up on them.
  request.raw.once('close', () => socket.off('close', onClose))
  return controller.signal
}
