/**
 * The connections of one process. They are made one at a time, after a failure at growing and jittered intervals; as long
 * as there is none at all, whoever asks is refused at once. The URL is read anew for each.
 */

import { StoreUnavailable } from '../../operations/store.ts'
import type { Connect, Connection, Row, Statement } from './connection.ts'
import { NotWritten, isRepeatable, isUnprepared, isWrongServer } from './errors.ts'
import { parsePostgresUrl, type PostgresAddress } from '../../config/postgres-url.ts'
import type { World } from '../../world.ts'

export interface PoolOptions {
  /** The URL as it is now. */
  url: () => string
  /** Called with each new connection before anybody gets it; rejects to have it dropped. */
  onConnect: (connection: Connection) => Promise<void>
  /** Called with each attempt to connect that failed, and when there is a connection again. */
  onAway: (reason: Error, isFirst: boolean) => void
  onBack: () => void
  world: World
  connect: Connect
  /** How long one waits for a connection while all are in use. */
  acquireMs?: number
}

const ACQUIRE_MS = 1_000
const ASK_TRIES = 3
const BACKOFF_MIN_MS = 50
const BACKOFF_MAX_MS = 1_000

interface Waiter {
  resolve: (connection: Connection) => void
  reject: (error: Error) => void
}

export class Pool {
  /** Whether statements are prepared; behind a pooler that keeps no sessions they cannot be. */
  isPrepared = true
  readonly #options: PoolOptions
  #address: PostgresAddress
  readonly #idle: Connection[] = []
  readonly #all = new Set<Connection>()
  readonly #waiters: Waiter[] = []
  #isConnecting = false
  #isClosed = false
  /** Attempts since the last connection was made. */
  #failures = 0
  #lastError: Error | undefined
  /** The host that served last. */
  #place = 0
  readonly #closing = new AbortController()

  constructor(options: PoolOptions) {
    this.#options = options
    this.#address = parsePostgresUrl(options.url())
  }

  /** What the URL said when it was read last. */
  get address(): PostgresAddress {
    return this.#address
  }

  get load(): { used: number; idle: number; waiting: number } {
    const idle = this.#idle.length
    return { used: this.#all.size - idle, idle, waiting: this.#waiters.length }
  }

  /** How long anything that is sent may take. */
  get limitMs(): number {
    return this.#address.statementTimeoutMs
  }

  /** One question, again when it could be no fault of its own: over another connection, or a moment later. */
  async ask(statement: Statement): Promise<Row[]> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.use(connection => connection.ask(statement, this.limitMs, this.isPrepared))
      } catch (error) {
        if (!(error instanceof NotWritten) || tries >= ASK_TRIES) throw error
        if (isUnprepared(error.code)) this.isPrepared = false
        else if (error.code !== '' && !isRepeatable(error.code) && !isWrongServer(error.code)) throw error
      }
    }
  }

  /** Gives a connection to `work` alone, and takes it back. Nobody in it may ask for another one. */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#acquire()
    try {
      return await work(connection)
    } finally {
      this.#release(connection)
    }
  }

  /** Connects one beside the pool, to the host that serves. */
  async connectApart(): Promise<Connection> {
    const { connection } = await this.#connect()
    return connection
  }

  /** Those that nobody uses may be half open, or lead to a server that is none any more. */
  dropIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }

  close(): void {
    this.#isClosed = true
    this.#closing.abort()
    for (const connection of this.#all) connection.destroy()
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new StoreUnavailable('the store is closed'))
  }

  #acquire(): Promise<Connection> {
    if (this.#isClosed) return Promise.reject(new StoreUnavailable('the store is closed'))
    const connection = this.#idle.pop()
    if (connection) return Promise.resolve(connection)
    if (this.#failures > 0 && this.#all.size === 0) {
      this.#grow()
      return Promise.reject(this.#away())
    }
    const { world, acquireMs = ACQUIRE_MS } = this.#options
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve: given => {
          world.cancel(timer)
          resolve(given)
        },
        reject: error => {
          world.cancel(timer)
          reject(error)
        },
      }
      const timer = world.after(acquireMs, () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
        reject(new StoreUnavailable('no connection to the store was free in time'))
      })
      this.#waiters.push(waiter)
      this.#grow()
    })
  }

  #away(): StoreUnavailable {
    return new StoreUnavailable('the store could not be reached', { cause: this.#lastError, isTold: true })
  }

  #release(connection: Connection): void {
    if (connection.isBroken) {
      this.dropIdle()
      this.#grow()
      return
    }
    const waiter = this.#waiters.shift()
    if (waiter) waiter.resolve(connection)
    else this.#idle.push(connection)
  }

  /** Makes connections, one after the other, as long as somebody waits for one; and until there is one at all. */
  #grow(): void {
    if (this.#isConnecting || this.#isClosed) return
    void this.#connectNeeded()
  }

  async #connectNeeded(): Promise<void> {
    this.#isConnecting = true
    while (!this.#isClosed && (this.#all.size === 0 || this.#waiters.length > 0)) {
      if (this.#all.size >= this.#address.pool) break
      try {
        await this.#connectOne()
      } catch (error) {
        await this.#failed(error as Error)
      }
    }
    this.#isConnecting = false
  }

  async #connectOne(): Promise<void> {
    const { connection, place } = await this.#connect()
    this.#place = place
    this.#add(connection)
    try {
      await this.#options.onConnect(connection)
    } catch (error) {
      connection.destroy()
      throw error
    }
    if (this.#failures > 0) this.#options.onBack()
    this.#failures = 0
    this.#release(connection)
  }

  async #connect(): ReturnType<Connect> {
    this.#address = parsePostgresUrl(this.#options.url())
    const { connect, world } = this.#options
    return connect(this.#address, this.#place, world)
  }

  #add(connection: Connection): void {
    if (this.#isClosed) connection.destroy()
    this.#all.add(connection)
    connection.onBroken(() => {
      this.#all.delete(connection)
      const at = this.#idle.indexOf(connection)
      if (at >= 0) this.#idle.splice(at, 1)
      // It is come back to also when nobody asks.
      if (this.#all.size === 0) this.#grow()
    })
  }

  async #failed(reason: Error): Promise<void> {
    this.#lastError = reason
    this.#options.onAway(reason, this.#failures === 0)
    this.#failures += 1
    if (this.#all.size === 0) for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#away())
    const delayMs = Math.min(BACKOFF_MIN_MS * 2 ** Math.min(this.#failures - 1, 10), BACKOFF_MAX_MS)
    const { world } = this.#options
    await world.sleep(delayMs * (0.5 + world.random()), this.#closing.signal).catch(() => {})
  }
}
