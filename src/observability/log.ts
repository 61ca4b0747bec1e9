/** The log is JSON lines on stdout. Headers and bodies are never logged, so nothing in it has to be redacted by path. */

import { createRequire } from 'node:module'
import { pino, stdSerializers, type DestinationStream, type Logger } from 'pino'
import type { LogLevel } from '../config/config.ts'
import { LogOutput } from './log-output.ts'

/** So many bytes may wait to be written. Past that, a reader that hangs costs lines, and not the gateway's memory. */
const MAX_WAITING = 8 * 1024 * 1024

/**
 * Makes a logger that writes to stdout, or to `fd`, beside the event loop (`log-output.ts`): what comes while a write is
 * under way goes into the next one, together. Call `flush` before the process ends; a SIGKILL loses what still waits.
 * @param maxWaiting how many bytes may wait to be written
 */
export function createLogger(level: LogLevel, fd = 1, maxWaiting = MAX_WAITING): Logger {
  const options = {
    level,
    base: null,
    timestamp,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: stdSerializers.errWithCause },
  }
  const readable = process.stdout.isTTY ? readableLines() : undefined
  return pino(options, readable ?? new LogOutput(fd, maxWaiting))
}

let stamp = { atMs: 0, text: '' }

/** Returns the time of a line. Many lines fall into one millisecond, and the text of a date costs as much as the rest of one. */
function timestamp(): string {
  const atMs = Date.now()
  if (stamp.atMs !== atMs) stamp = { atMs, text: `,"time":"${new Date(atMs).toISOString()}"` }
  return stamp.text
}

/** Returns a stream that writes lines for people, or undefined where the package for it is not installed, as in production. */
export function readableLines(maker = 'pino-pretty'): DestinationStream | undefined {
  try {
    const pretty = createRequire(import.meta.url)(maker) as (options: object) => DestinationStream
    // Each line is written at once, so that the last lines of a process that ends are there, too.
    return pretty({ sync: true, translateTime: 'SYS:HH:MM:ss.l' })
  } catch {
    return undefined
  }
}
