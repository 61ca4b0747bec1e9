/** The log: JSON lines on stdout. Headers and bodies are never logged, so there is nothing in it to redact by path. */

import { createRequire } from 'node:module'
import { pino, stdSerializers, type DestinationStream } from 'pino'
import type { FastifyBaseLogger } from 'fastify'
import type { LogLevel } from '../config/config.ts'

/** What waits to be written, in characters; past it a reader that hangs costs lines, and not the gateway's memory. */
const MAX_WAITING = 8 * 1024 * 1024

/**
 * A logger that writes to stdout (or `fd`) beside the event loop: what comes while a write is under way goes into the
 * next, together. What waits at an exit or an uncaught error is still written; a SIGKILL takes it along.
 */
export function createLogger(level: LogLevel, fd = 1, maxWaiting = MAX_WAITING): FastifyBaseLogger {
  const options = {
    level,
    base: null,
    timestamp,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: stdSerializers.errWithCause },
  }
  const readable = process.stdout.isTTY ? readableLines() : undefined
  return pino(options, readable ?? pino.destination({ dest: fd, sync: false, maxLength: maxWaiting }))
}

let stamp = { atMs: 0, text: '' }

/** Many lines fall into one millisecond, and the text of a date costs as much as the rest of a line. */
function timestamp(): string {
  const atMs = Date.now()
  if (stamp.atMs !== atMs) stamp = { atMs, text: `,"time":"${new Date(atMs).toISOString()}"` }
  return stamp.text
}

/** Lines for people, where what makes them is installed: in production it is not. */
export function readableLines(maker = 'pino-pretty'): DestinationStream | undefined {
  try {
    const pretty = createRequire(import.meta.url)(maker) as (options: object) => DestinationStream
    // Written at once, so that the last lines of a process that ends are there, too.
    return pretty({ sync: true, translateTime: 'SYS:HH:MM:ss.l' })
  } catch {
    return undefined
  }
}
