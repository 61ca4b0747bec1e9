/**
 * The messages of ended operations. As with steps (`../running.ts`), a lease is known to this process alone: it ends with the
 * process, and costs no write.
 */

import type { Delivery, Outbox, Webhook } from '../../operations/store.ts'
import type { GroupCommit } from './group-commit.ts'
import { COLUMNS_WITHOUT_RESULT, toOperation, toTime, type Row } from './rows.ts'
import type { Statements } from './statements.ts'

interface DueMessage {
  id: string
  dueAtMs: number
}

/** Later than any time. */
const NEVER = Number.MAX_SAFE_INTEGER
const OF_CALLER = 'SELECT id, webhook_due_at AS dueAtMs FROM operations WHERE created_by = ?'
const OF_ALL = 'SELECT id, webhook_due_at AS dueAtMs FROM operations WHERE webhook_due_at IS NOT NULL'
const NEXT_CALLER =
  'SELECT created_by AS caller FROM operations WHERE webhook_due_at IS NOT NULL AND created_by > ? ORDER BY created_by LIMIT 1'
const SOONEST = 'AND webhook_due_at <= ? ORDER BY webhook_due_at, id LIMIT ?'

export class SqliteOutbox implements Outbox {
  readonly #sql: Statements
  readonly #commit: GroupCommit
  /** Until when each message is leased, by the id of its operation. */
  readonly #leases = new Map<string, number>()
  /** Writes to the file without changing anything. */
  readonly #touch: () => void

  constructor(sql: Statements, commit: GroupCommit, touch: () => void) {
    this.#sql = sql
    this.#commit = commit
    this.#touch = touch
  }

  claim(
    nowMs: number,
    leaseMs: number,
    places: readonly { caller: string; limit: number }[],
  ): Promise<Delivery[]> {
    return this.#claim(nowMs, leaseMs, () =>
      places.flatMap(({ caller, limit }) =>
        this.#due(nowMs, limit, atMost => this.#sql.all(`${OF_CALLER} ${SOONEST}`, caller, nowMs, atMost)),
      ),
    )
  }

  claimForsaken(dueBeforeMs: number, nowMs: number, leaseMs: number, limit: number): Promise<Delivery[]> {
    return this.#claim(nowMs, leaseMs, () =>
      this.#due(nowMs, limit, atMost => this.#sql.all(`${OF_ALL} ${SOONEST}`, dueBeforeMs - 1, atMost)),
    )
  }

  save({ operation: { id }, lease }: Delivery, webhook: Webhook, dueAtMs: number | null): Promise<boolean> {
    return this.#commit.write(
      id,
      () =>
        this.#leases.get(id) === lease &&
        this.#sql.run(
          'UPDATE operations SET webhook = ?, webhook_due_at = ? WHERE id = ?',
          JSON.stringify(webhook),
          toTime(dueAtMs),
          id,
        ) > 0,
      isSaved => {
        if (isSaved) this.#leases.delete(id)
      },
    )
  }

  async nextDue(callers: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const wanted = new Set(callers)
    return this.#commit.attempt(() => {
      const due = new Map<string, number>()
      for (const caller of this.#waiting()) {
        if (!wanted.has(caller)) continue
        const [next] = this.#due(NEVER, 1, atMost =>
          this.#sql.all(`${OF_CALLER} ${SOONEST}`, caller, NEVER, atMost),
        )
        if (next) due.set(caller, next.dueAtMs)
      }
      return due
    })
  }

  /** The callers for whom a message waits; however many have receivers, nobody asks for each. */
  *#waiting(): Generator<string> {
    for (let last = ''; ;) {
      const next = this.#sql.get<{ caller: string }>(NEXT_CALLER, last)
      if (!next) return
      yield next.caller
      last = next.caller
    }
  }

  /** Nobody is told of an end that is not on the disk, nor of any while it could not be written that somebody was told. */
  async #claim(nowMs: number, leaseMs: number, due: () => DueMessage[]): Promise<Delivery[]> {
    if (this.#commit.isFailing) await this.#commit.write(null, this.#touch)
    await this.#commit.whenStored()
    return this.#commit.attempt(() => {
      const lease = Math.round(nowMs + leaseMs)
      return due().map(({ id }) => {
        const row = this.#sql.get<Row>(`SELECT ${COLUMNS_WITHOUT_RESULT} FROM operations WHERE id = ?`, id)!
        this.#leases.set(id, lease)
        return { operation: toOperation(row) as Delivery['operation'], lease }
      })
    })
  }

  /** Of what `read` finds in the file, soonest first, those that are due. A leased message is due when its lease ends. */
  #due(nowMs: number, limit: number, read: (atMost: number) => DueMessage[]): DueMessage[] {
    // Enough of them, if every leased one is among them.
    return read(limit + this.#leases.size)
      .map(({ id, dueAtMs }) => ({ id, dueAtMs: this.#leases.get(id) ?? dueAtMs }))
      .filter(({ dueAtMs }) => dueAtMs <= nowMs)
      .toSorted((a, b) => a.dueAtMs - b.dueAtMs)
      .slice(0, limit)
  }
}
