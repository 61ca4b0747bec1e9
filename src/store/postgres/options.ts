/** What the PostgreSQL store is opened with. */

import type { Connect } from './connection.ts'
import type { World } from '../../world.ts'

export interface PostgresLog {
  info: (fields: object, message: string) => void
  warn: (fields: object, message: string) => void
}

export interface PostgresStoreOptions {
  log: PostgresLog
  world?: World
  /** A simulation has connections of its own. */
  connect?: Connect
  /** What SQL reads the time with, in milliseconds. */
  clock?: string
  beatMs?: number
  silenceMs?: number
  /** How long opening waits for a database that is away. */
  openMs?: number
  migrations?: readonly string[]
}
