/** The messages of ended operations, for several replicas: a lease is written, so that no two of them send one message. */

import type { Delivery, Outbox, Webhook } from '../../operations/store.ts'
import type { World } from '../../world.ts'
import type { Row, Statement } from './connection.ts'
import type { Pool } from './pool.ts'
import { FIELD_COUNT, type Statements } from './statements.ts'
import type { Writer } from './writer.ts'
import { durationTo, toStored, toText, type Stored } from './writes.ts'

export interface OutboxParts {
  pool: Pool
  sql: Statements
  writer: Writer
  toOperation: (stored: Stored) => unknown
  world: Pick<World, 'now'>
}

export class PostgresOutbox implements Outbox {
  readonly #parts: OutboxParts

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  /** The commit of a claim is confirmed after those of the ends that it found, by the same standby. */
  claim(
    nowMs: number,
    leaseMs: number,
    places: readonly { caller: string; limit: number }[],
  ): Promise<Delivery[]> {
    const { sql, world } = this.#parts
    const aheadMs = nowMs - world.now()
    return this.#claim(
      sql.claimMessages(
        Math.round(aheadMs),
        Math.round(aheadMs + leaseMs),
        places.map(({ caller }) => toText(caller)),
        places.map(({ limit }) => limit),
      ),
    )
  }

  claimForsaken(dueBeforeMs: number, nowMs: number, leaseMs: number, limit: number): Promise<Delivery[]> {
    const { sql, world } = this.#parts
    const beforeMs = Math.round(dueBeforeMs - world.now())
    return this.#claim(sql.claimForsaken(beforeMs, Math.round(nowMs - world.now() + leaseMs), limit))
  }

  async save(
    { operation: { id }, lease }: Delivery,
    webhook: Webhook,
    dueAtMs: number | null,
  ): Promise<boolean> {
    const { sql, writer, world } = this.#parts
    const dueInMs = durationTo(dueAtMs, world.now())
    const [saved] = await writer.task(sql.saveMessage(id, lease, JSON.stringify(webhook), dueInMs))
    return saved!.length > 0
  }

  async nextDue(callers: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { pool, sql, world } = this.#parts
    const byText = new Map(callers.map(caller => [toText(caller), caller]))
    const rows = await pool.ask(sql.nextMessages([...byText.keys()]))
    const nowMs = world.now()
    return new Map(rows.map(([text, dueIn]) => [byText.get(text!)!, nowMs + Number(dueIn)]))
  }

  async #claim(statement: Statement): Promise<Delivery[]> {
    const [rows] = await this.#parts.writer.task(statement)
    return rows!
      .map(row => this.#toDelivery(row))
      .toSorted((a, b) => (a.operation.id < b.operation.id ? -1 : 1))
  }

  #toDelivery(row: Row): Delivery {
    const operation = this.#parts.toOperation(toStored(row)!) as Delivery['operation']
    return { operation, lease: Number(row[FIELD_COUNT]) }
  }
}
