/** The log: JSON lines on stdout. Headers and bodies are never logged, so there is nothing in it to redact by path. */

import { createRequire } from 'node:module'
import { pino, stdSerializers, type DestinationStream } from 'pino'
import type { FastifyBaseLogger } from 'fastify'
import type { LogLevel } from './config.ts'

export function createLogger(level: LogLevel): FastifyBaseLogger {
  const options = {
    level,
    base: null,
    timestamp,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: stdSerializers.errWithCause },
  }
  const readable = process.stdout.isTTY ? readableLines() : undefined
  return readable ? pino(options, readable) : pino(options)
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
