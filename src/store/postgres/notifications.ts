/**
 * Tells the other replicas of changes, by NOTIFY, and hears of theirs. It only makes them faster: all of it may be lost,
 * and whoever waits looks again by himself. It has a connection of its own, outside of every write, and knows that this
 * one still hears by what it tells itself. Only ids are told, many at once.
 */

import type { Connection } from './connection.ts'
import { plain } from './connection.ts'
import type { Pool } from './pool.ts'
import type { Statements } from './statements.ts'
import type { Timer, World } from '../../world.ts'

export interface NotificationsOptions {
  pool: Pool
  sql: Statements
  world: World
  channel: string
  /** Something that no other process calls itself. */
  self: string
  onChange: (id: string) => void
  /** Between two signs of life; the connection is given up when one was not heard before the next. */
  beatMs?: number
}

const BEAT_MS = 2_000
/** Changes within so long are told together. */
const GAP_MS = 20
/** PostgreSQL takes less than 8,000 bytes (https://www.postgresql.org/docs/current/sql-notify.html). */
const PAYLOAD_CHARACTERS = 7_900
const RETRY_MIN_MS = 250
/** Through a pooler that keeps no sessions nothing is ever heard: it is seldom tried again. */
const RETRY_MAX_MS = 60_000

export class Notifications {
  readonly #options: Required<NotificationsOptions>
  #connection: Connection | undefined
  #changed = new Set<string>()
  #timers = new Set<Timer>()
  #isTelling = false
  #hasHeard = false
  #failures = 0
  #isClosed = false

  constructor(options: NotificationsOptions) {
    this.#options = { beatMs: BEAT_MS, ...options }
  }

  /** Whether changes of others are heard of now. */
  get isListening(): boolean {
    return this.#connection !== undefined && this.#hasHeard
  }

  start(): void {
    void this.#connect()
  }

  /** Tells the others of a change, soon. */
  tell(id: string): void {
    if (!this.#connection) return
    this.#changed.add(id)
    if (this.#changed.size === 1 && !this.#isTelling) this.#after(GAP_MS, () => void this.#tellAll())
  }

  close(): void {
    this.#isClosed = true
    for (const timer of this.#timers) this.#options.world.cancel(timer)
    this.#connection?.destroy()
  }

  #after(delayMs: number, work: () => void): void {
    const { world } = this.#options
    const timer = world
      .after(delayMs, () => {
        this.#timers.delete(timer)
        work()
      })
      .unref()
    this.#timers.add(timer)
  }

  async #connect(): Promise<void> {
    const { pool, channel } = this.#options
    if (this.#isClosed) return
    try {
      const connection = await pool.connectApart()
      if (this.#isClosed) {
        connection.destroy()
        return
      }
      connection.onNotification(payload => this.#hear(payload))
      connection.onBroken(() => this.#lost())
      this.#connection = connection
      this.#hasHeard = false
      await connection.ask(plain(`LISTEN "${channel}"`), pool.limitMs, false)
      this.#beat(connection)
    } catch {
      if (this.#connection) this.#connection.destroy()
      else this.#lost()
    }
  }

  #lost(): void {
    this.#connection = undefined
    this.#changed.clear()
    const delayMs = Math.min(RETRY_MIN_MS * 2 ** Math.min(this.#failures, 20), RETRY_MAX_MS)
    this.#failures += 1
    if (!this.#isClosed)
      this.#after(delayMs * (0.5 + this.#options.world.random()), () => void this.#connect())
  }

  /** Tells itself something, and expects to have heard it by the next time. */
  #beat(connection: Connection): void {
    const { pool, beatMs, channel, self, sql } = this.#options
    if (connection !== this.#connection) return
    this.#hasHeard = false
    connection.ask(sql.notify(channel, self), pool.limitMs, false).catch(() => connection.destroy())
    this.#after(beatMs, () => {
      if (connection !== this.#connection) return
      if (this.#hasHeard) this.#beat(connection)
      else connection.destroy()
    })
  }

  async #tellAll(): Promise<void> {
    const { pool, channel, self, sql } = this.#options
    this.#isTelling = true
    while (this.#connection && this.#changed.size > 0) {
      let payload = self
      for (const id of this.#changed) {
        if (payload.length + 1 + id.length > PAYLOAD_CHARACTERS) break
        payload += ` ${id}`
        this.#changed.delete(id)
      }
      const connection = this.#connection
      await connection
        .ask(sql.notify(channel, payload), pool.limitMs, false)
        .catch(() => connection.destroy())
    }
    this.#isTelling = false
  }

  #hear(payload: string): void {
    const [from, ...ids] = payload.split(' ')
    if (from === this.#options.self) {
      this.#hasHeard = true
      this.#failures = 0
      return
    }
    for (const id of ids) this.#options.onChange(id)
  }
}
