/**
 * The disk of the SQLite store. SQLite itself is the real one, in memory; what was committed and not yet brought to the
 * disk stands behind a savepoint, so that a power cut can take it back.
 */

import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { Wal } from '../../src/store/sqlite/group-commit.ts'
import { SCHEMA } from '../../src/store/sqlite/schema.ts'
import type { Chance } from './chance.ts'
import type { Machine } from './machine.ts'
import type { Schedule } from './schedule.ts'
import type { Trace } from './trace.ts'

/** What the store's own commands are, inside of a savepoint. */
const COMMANDS: Readonly<Record<string, string>> = {
  'BEGIN IMMEDIATE': 'SAVEPOINT batch',
  COMMIT: 'RELEASE batch',
  ROLLBACK: 'ROLLBACK TO batch; RELEASE batch',
}

export class SqliteDisk {
  readonly #db = new DatabaseSync(':memory:')
  readonly #schedule: Schedule
  readonly #chance: Chance
  readonly #trace: Trace
  readonly #prepared = new Map<string, StatementSync>()
  /** Committed, and not surely on the disk. */
  #isAhead = false
  /** Until when it takes no sync, and no writes. */
  stallsUntilMs = 0
  fullUntilMs = 0
  failsNextSync = false

  constructor(schedule: Schedule, chance: Chance, trace: Trace) {
    this.#schedule = schedule
    this.#chance = chance
    this.#trace = trace
    this.#db.exec(`${SCHEMA} SAVEPOINT synced`)
  }

  heal(): void {
    this.stallsUntilMs = 0
    this.fullUntilMs = 0
    this.failsNextSync = false
  }

  /** The power is cut: of what was not brought to the disk, the whole last transaction is there or not. */
  cut(): void {
    const isLost = this.#isAhead && this.#chance.is(0.7)
    if (isLost) this.#db.exec('ROLLBACK TO synced')
    this.#keep()
    this.#trace.tell('disk', isLost ? 'lost what was not on it yet' : 'lost nothing')
  }

  close(): void {
    this.#db.close()
  }

  /** The database as one process opens it. */
  open(): DatabaseSync {
    let isTransaction = false
    const facade = {
      isOpen: true,
      get isTransaction() {
        return isTransaction
      },
      exec: (sql: string) => {
        if (sql === 'COMMIT' && this.#schedule.nowMs < this.fullUntilMs)
          throw new Error('database or disk is full')
        this.#db.exec(COMMANDS[sql] ?? sql)
        isTransaction = sql === 'BEGIN IMMEDIATE'
        if (sql === 'COMMIT') this.#isAhead = true
      },
      prepare: (sql: string) => this.#prepare(sql),
      close: () => {
        facade.isOpen = false
      },
    }
    return facade as unknown as DatabaseSync
  }

  /** Its WAL file, as this process has it open. */
  wal(machine: Machine): Wal {
    return {
      sync: done => {
        const { nowMs } = this.#schedule
        const takesMs = this.#chance.is(0.05) ? this.#chance.between(20, 800) : this.#chance.between(0, 8)
        const fails = this.failsNextSync
        this.failsNextSync = false
        machine.after(Math.max(takesMs, this.stallsUntilMs - nowMs), () => {
          if (fails) {
            this.#trace.tell('disk', 'fails to sync')
            return done(new Error('EIO'))
          }
          this.#keep()
          done(null)
        })
      },
      syncNow: () => {
        const fails = this.failsNextSync || this.#schedule.nowMs < this.stallsUntilMs
        this.failsNextSync = false
        if (fails) throw new Error('EIO')
        this.#keep()
      },
      close: () => {},
    }
  }

  /** All that was committed is on the disk. */
  #keep(): void {
    this.#db.exec('RELEASE synced; SAVEPOINT synced')
    this.#isAhead = false
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql)
    if (!statement) this.#prepared.set(sql, (statement = this.#db.prepare(sql)))
    return statement
  }

  /** What stands in the file, to be looked at from outside. */
  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[]
  }
}
