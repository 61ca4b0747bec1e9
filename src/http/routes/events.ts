/** An operation as server-sent events (WHATWG HTML, section 9.2): as it is now, then each change, until it has ended. */

import { Readable } from 'node:stream'
import type { Operation } from '../../operations/operation.ts'
import { presentOperation } from '../schemas/operation.ts'
import type { RouteParts } from './parts.ts'

/** Comments keep proxies from closing a quiet stream; common ones do so after 60 s, some after 30 s. */
const HEARTBEAT_MS = 15_000
/** How soon a client that lost the stream comes back. */
const RETRY_MS = 2_000

/** The stream of one operation's events; it ends early when the caller is gone (see `goneSignal`) or the gateway drains. */
export function eventStream(
  first: Operation,
  { config, operations, draining }: RouteParts,
  gone: AbortSignal,
  heartbeatMs = HEARTBEAT_MS,
): Readable {
  async function* events(): AsyncGenerator<string> {
    yield `retry: ${RETRY_MS}\n\n`
    let shown = ''
    for (let operation: Operation | undefined = first; operation;) {
      const data = JSON.stringify(presentOperation(operation, config.basePath))
      // Only what callers can see of a change makes an event.
      if (data !== shown) yield `event: operation\nid: ${operation.rev}\ndata: ${data}\n\n`
      else yield ': still running\n\n'
      shown = data
      if (operation.status !== 'running') return
      // A change that callers cannot see wakes nobody: it would only look like a heartbeat.
      operation = await operations.nextVisible(operation, heartbeatMs, gone, draining)
      if (gone.aborted || draining.aborted) return
    }
  }
  return Readable.from(events())
}
