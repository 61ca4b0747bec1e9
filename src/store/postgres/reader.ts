/** What is read of operations, as this process sees them: by its own clock, and with the claims that it made in memory. */

import { parseExact } from '../../json/exact.ts'
import type { Kind, Operation, OperationPage } from '../../operations/store.ts'
import type { ListQuery } from '../../operations/store.ts'
import type { Running } from '../running.ts'
import { Grouped } from './grouped.ts'
import type { Pool } from './pool.ts'
import type { OwnOperation } from './replica.ts'
import { FIELD_COUNT, MAX_SEEN, type Statements } from './statements.ts'
import type { Writer } from './writer.ts'
import { toStored, toText, type Stored } from './writes.ts'
import type { World } from '../../world.ts'

export interface ReaderParts {
  pool: Pool
  sql: Statements
  writer: Writer
  running: Running<OwnOperation>
  world: World
}

const GET_BATCH = 64
const READ_TRIES = 3
/** Behind every id. */
const NO_ID = '~'
/** Of so many VMs each one's own index is asked. */
const FEW_VMS = 50

export class Reader {
  readonly #parts: ReaderParts
  readonly #stored: Grouped<Stored>

  constructor(parts: ReaderParts) {
    this.#parts = parts
    this.#stored = new Grouped(parts.world, GET_BATCH, async ids => {
      const rows = await parts.pool.ask(parts.sql.get(ids))
      return new Map(rows.map(row => toStored(row)!).map(stored => [stored.id, stored]))
    })
  }

  async get(id: string): Promise<Operation | undefined> {
    const [operation] = await this.#current(async () => {
      const stored = await this.#stored.get(id)
      return stored ? [stored] : []
    })
    await this.#parts.writer.confirmed([id])
    return operation
  }

  async list(query: ListQuery): Promise<OperationPage> {
    const { pool, sql, writer } = this.#parts
    const { visible, vmId, kind, status, limit, olderThan, newerThan, withoutResults = false } = query
    const { vmIds, kinds, createdBy } = visible
    const values = [
      kinds,
      toText(createdBy),
      kind ?? null,
      status ?? null,
      olderThan ?? NO_ID,
      limit,
      newerThan ?? '',
      !withoutResults,
    ]
    const mayBeSeen = vmId === undefined || vmIds === '*' || vmIds.includes(vmId)
    const wanted = vmId === undefined ? vmIds : mayBeSeen ? [vmId] : []
    const vms = wanted === '*' ? null : [...new Set(wanted)]
    const isOfFew = vms !== null && vms.length <= FEW_VMS
    const statement = isOfFew
      ? sql.listOf(...values, vms, Math.floor(MAX_SEEN / Math.max(1, vms.length)))
      : sql.listAll(...values, vms)
    let found = 0
    let seenTo: string | null = null
    const operations = await this.#current(async () => {
      const rows = await pool.ask(statement)
      found = Number(rows[0]?.[FIELD_COUNT] ?? 0)
      seenTo = rows[0]?.[FIELD_COUNT + 1] ?? null
      return rows.map(row => toStored(row)).filter(row => row !== undefined)
    })
    await writer.confirmed(operations.map(({ id }) => id))
    const isCut = found > operations.length
    const cutAt = isCut ? operations.at(-1)?.id : found < limit ? (seenTo ?? undefined) : undefined
    return Object.assign(operations, cutAt === undefined ? {} : { cutAt })
  }

  async running(): Promise<Partial<Record<Kind, number>>> {
    const rows = await this.#parts.pool.ask(this.#parts.sql.running())
    return Object.fromEntries(rows.map(([kind, count]) => [kind, Number(count)]))
  }

  /** Again when an answer was passed by that to a write, which has changed what is kept in memory. */
  async #current(read: () => Promise<Stored[]>): Promise<Operation[]> {
    const { writer, running } = this.#parts
    for (let tries = 1; ; tries += 1) {
      const stored = await read()
      const isPassed = ({ id, rev, owner, dueInMs }: Stored): boolean =>
        owner === writer.replica && dueInMs !== null && running.get(id)?.storedRev !== rev
      if (tries >= READ_TRIES || !stored.some(isPassed)) return stored.map(one => this.toOperation(one))
    }
  }

  /** With the times of this process, and with the claims since it was stored. */
  toOperation({ id, rev, owner, dueInMs, doc, result, webhook }: Stored): Operation {
    const { writer, running, world } = this.#parts
    const operation = parseExact(doc) as Operation
    if (result !== null) Object.assign(operation, { result: parseExact(result) })
    if (webhook !== null) Object.assign(operation, { webhook: JSON.parse(webhook) })
    const own = owner === writer.replica ? running.get(id) : undefined
    if (dueInMs === null) return Object.assign(operation, { rev, dueAtMs: null })
    if (own?.storedRev !== rev) return Object.assign(operation, { rev, dueAtMs: world.now() + dueInMs })
    return Object.assign(operation, { rev: own.rev, dueAtMs: own.dueAtMs })
  }
}
