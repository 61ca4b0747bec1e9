/** The log: JSON lines on stdout. Headers and bodies are never logged, so there is nothing in it to redact by path. */

import { pino, stdSerializers } from 'pino'
import type { FastifyBaseLogger } from 'fastify'
import type { LogLevel } from './config.ts'

export function createLogger(level: LogLevel): FastifyBaseLogger {
  return pino({
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: label => ({ level: label }) },
    serializers: { err: stdSerializers.errWithCause },
  })
}
