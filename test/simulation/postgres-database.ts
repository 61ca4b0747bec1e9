/**
 * A PostgreSQL with a synchronous standby, in memory. Transactions are carried out one after the other; each holds its
 * locks until the standby has it. What a client sent goes on without the client. At a failover, what the standby did not
 * have is gone, and of what was under way nobody knows.
 */

import type { Connect, Connection, Row, Statement } from '../../src/store/postgres/connection.ts'
import { InDoubt, NotWritten } from '../../src/store/postgres/errors.ts'
import type { Chance } from './chance.ts'
import type { Machine } from './machine.ts'
import type { Mishap } from './plan.ts'
import { SqlError, Tables } from './postgres-tables.ts'
import type { Happening, Schedule } from './schedule.ts'
import type { Trace } from './trace.ts'

/** Nobody waits longer for what somebody else has locked. */
const LOCK_MS = 500

type Answer = { rows: Row[][] } | { code: string } | 'warned'

interface Job {
  statements: readonly Statement[]
  arrivedMs: number
  answer: (answer: Answer) => void
}

export class PostgresDatabase {
  readonly url = 'postgres://gateway:secret@127.0.0.1/gateway?notify=off&statement_timeout_ms=2000'
  crashes = 0
  tables = new Tables()
  readonly #schedule: Schedule
  readonly #chance: Chance
  readonly #trace: Trace
  readonly #connections = new Set<SimulatedConnection>()
  #queue: Job[] = []
  #current: Job | undefined
  #happening: Happening | undefined
  /** Grows with each failover: another server serves then. */
  server = 1
  #downUntilMs = 0
  #pausedUntilMs = 0
  /** Until when the standby takes nothing. */
  #lagUntilMs = 0
  #lostAnswers = 0
  /** What the standby has, while it lacks something that was confirmed with a warning. */
  #standby: Tables | undefined

  /** Its clock. */
  readonly #now: () => number

  constructor(
    schedule: Schedule,
    chance: Chance,
    trace: Trace,
    now = (): number => Math.floor(schedule.nowMs),
  ) {
    this.#schedule = schedule
    this.#now = now
    this.#chance = chance
    this.#trace = trace
  }

  get isDown(): boolean {
    return this.#schedule.nowMs < this.#downUntilMs
  }

  heal(): void {
    const { nowMs } = this.#schedule
    this.#downUntilMs = Math.min(this.#downUntilMs, nowMs)
    this.#pausedUntilMs = Math.min(this.#pausedUntilMs, nowMs)
    this.#lagUntilMs = Math.min(this.#lagUntilMs, nowMs)
    this.#lostAnswers = 0
  }

  /** How a process connects. */
  connectFrom(machine: Machine): Connect {
    return () =>
      new Promise((resolve, reject) => {
        machine.after(this.delayMs(), () => {
          if (this.isDown || this.#schedule.nowMs < this.#pausedUntilMs)
            return reject(new Error('127.0.0.1: it does not answer'))
          const connection = new SimulatedConnection(this, machine)
          this.#connections.add(connection)
          connection.onEnd = () => this.#connections.delete(connection)
          resolve({ connection, place: 0 })
        })
      })
  }

  /** How long something is on its way. */
  delayMs(): number {
    return this.#chance.is(0.01) ? this.#chance.between(50, 1_500) : this.#chance.number() * 3
  }

  chance(): Chance {
    return this.#chance
  }

  befall(mishap: Mishap): void {
    const { nowMs } = this.#schedule
    switch (mishap.kind) {
      case 'failover':
        return this.#failOver(mishap.ms)
      case 'pause':
        this.#trace.tell('PostgreSQL', `stands still for ${mishap.ms} ms`)
        this.#pausedUntilMs = nowMs + mishap.ms
        return
      case 'cut':
        this.#trace.tell('PostgreSQL', 'has its connections cut')
        for (const connection of this.#connections) connection.cut()
        return
      case 'lose-answers':
        this.#trace.tell('PostgreSQL', `will lose ${mishap.count} answers`)
        this.#lostAnswers = mishap.count
        return
      case 'lag':
        this.#trace.tell('PostgreSQL', `has a standby that takes nothing for ${mishap.ms} ms`)
        this.#lagUntilMs = nowMs + mishap.ms
        return
      default:
    }
  }

  /** A question outside of every transaction, which waits for no lock. */
  ask(statement: Statement, answer: (answer: Answer) => void): void {
    const waitMs = Math.max(0, this.#pausedUntilMs - this.#schedule.nowMs)
    const { server } = this
    this.#schedule.after(waitMs, () => {
      if (server === this.server) answer(this.#try(this.tables, [statement]))
    })
  }

  transact(statements: readonly Statement[], answer: (answer: Answer) => void): void {
    this.#queue.push({ statements, arrivedMs: this.#schedule.nowMs, answer })
    this.#next()
  }

  #next(): void {
    if (this.#current || this.#queue.length === 0) return
    const { nowMs } = this.#schedule
    const job = (this.#current = this.#queue.shift()!)
    const pausedMs = Math.max(0, this.#pausedUntilMs - nowMs)
    const isLate = nowMs - job.arrivedMs > LOCK_MS
    const isWarned = !isLate && this.#lagUntilMs > nowMs && this.#chance.is(0.2)
    const syncMs = isLate || isWarned ? 0 : Math.max(0, this.#lagUntilMs - nowMs - pausedMs)
    this.#happening = this.#schedule.after(pausedMs + syncMs + this.#chance.number() * 2, () => {
      this.#current = undefined
      job.answer(isLate ? { code: '55P03' } : this.#commit(job, isWarned))
      this.#next()
    })
  }

  /** With `isWarned` it is confirmed although the standby does not have it. */
  #commit({ statements }: Job, isWarned: boolean): Answer {
    const next = new Tables(this.tables)
    const answer = this.#try(next, statements)
    if (typeof answer === 'string' || 'code' in answer) return answer
    if (!isWarned) this.#standby = undefined
    else this.#standby ??= this.tables
    this.tables = next
    return isWarned ? 'warned' : answer
  }

  #try(tables: Tables, statements: readonly Statement[]): Answer {
    const now = this.#now()
    try {
      return { rows: statements.map(statement => tables.execute(statement, now)) }
    } catch (error) {
      if (error instanceof SqlError) return { code: error.code }
      throw error
    }
  }

  #failOver(ms: number): void {
    if (this.isDown) return
    this.crashes += 1
    this.server += 1
    const current = this.#current
    if (this.#happening) this.#happening.isCancelled = true
    const isLost = this.#standby !== undefined && this.#schedule.nowMs < this.#lagUntilMs
    if (isLost) this.tables = this.#standby!
    this.#standby = undefined
    // Of what was under way, the standby may have it.
    const has =
      current !== undefined && !isLost && this.#schedule.nowMs >= this.#lagUntilMs && this.#chance.is(0.5)
    if (has) this.#commit(current, false)
    this.#trace.tell(
      'PostgreSQL',
      `fails over for ${ms} ms${current ? (has ? ', with what was under way' : ', without what was under way') : ''}`,
    )
    this.#current = undefined
    this.#queue = []
    this.#downUntilMs = this.#schedule.nowMs + ms
    this.#pausedUntilMs = 0
    this.#lagUntilMs = 0
    for (const connection of this.#connections) if (this.#chance.is(0.7)) connection.cut()
  }

  /** Whether the answer to a transaction gets lost. */
  losesAnswer(): boolean {
    if (this.#lostAnswers <= 0) return false
    this.#lostAnswers -= 1
    return true
  }

  get schedule(): Schedule {
    return this.#schedule
  }
}

const STATE = { inRecovery: false, readOnly: false, encoding: 'UTF8', synchronousCommit: 'on', fsync: 'on' }

class SimulatedConnection implements Connection {
  readonly state = STATE
  isBroken = false
  onEnd: () => void = () => {}
  readonly #database: PostgresDatabase
  readonly #machine: Machine
  readonly #server: number
  #broken: () => void = () => {}
  /** Called when the connection ends before the answer came. */
  readonly #open = new Set<() => void>()
  /** Nothing overtakes what was sent before. */
  #arrivesMs = 0

  constructor(database: PostgresDatabase, machine: Machine) {
    this.#database = database
    this.#machine = machine
    this.#server = database.server
  }

  onBroken(listener: () => void): void {
    if (this.isBroken) listener()
    else this.#broken = listener
  }

  onNotification(): void {}

  destroy(): void {
    if (this.isBroken) return
    this.isBroken = true
    this.onEnd()
    const open = [...this.#open]
    this.#open.clear()
    for (const lost of open) lost()
    this.#broken()
  }

  /** The network ends it: the process hears of it a little later. */
  cut(): void {
    this.#machine.after(this.#database.delayMs(), () => this.destroy())
  }

  async ask(statement: Statement, limitMs: number): Promise<Row[]> {
    if (this.isBroken) throw new NotWritten('the store could not be reached')
    const answer = await this.#exchange(limitMs, told => this.#database.ask(statement, told), false)
    if (answer === undefined || answer === 'warned') throw new NotWritten('the store could not be reached')
    if ('code' in answer) throw new NotWritten('the store refused', answer.code)
    return answer.rows[0]!
  }

  async transaction(statements: readonly Statement[], limitMs: number): Promise<Row[][]> {
    if (this.isBroken) throw new NotWritten('the store could not be reached')
    const answer = await this.#exchange(limitMs, told => this.#database.transact(statements, told), true)
    if (answer === undefined) throw new InDoubt('the store could not be reached')
    if (answer === 'warned') throw new InDoubt('the store confirmed with a warning')
    if ('code' in answer) throw new NotWritten('the store refused', answer.code)
    return answer.rows
  }

  /** Undefined when no answer came. What was sent may arrive all the same. */
  #exchange(
    limitMs: number,
    send: (told: (answer: Answer) => void) => void,
    mayLose: boolean,
  ): Promise<Answer | undefined> {
    const { schedule } = this.#database
    return new Promise(resolve => {
      const lost = (): void => resolve(undefined)
      this.#open.add(lost)
      const timer = this.#machine.after(limitMs, () => this.destroy())
      this.#arrivesMs = Math.max(this.#arrivesMs, schedule.nowMs + this.#database.delayMs())
      schedule.after(this.#arrivesMs - schedule.nowMs, () => {
        if (this.#server !== this.#database.server || this.#database.isDown) return
        if (this.isBroken && this.#database.chance().is(0.4)) return
        send(answer => {
          if (mayLose && this.#database.losesAnswer()) return this.cut()
          this.#machine.after(this.#database.delayMs(), () => {
            timer.isCancelled = true
            if (this.#open.delete(lost)) resolve(answer)
          })
        })
      })
    })
  }
}
