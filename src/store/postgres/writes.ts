/**
 * What can be written, and what the database's answers mean. Writes of one kind that are made together are one statement
 * over all of them (two for starts), in the order of this file: those of different replicas then wait for each other
 * in one order, and never in a circle.
 */

import { mutates, type Operation } from '../../operations/store.ts'
import type { IdempotencyKey, Admission } from '../../operations/store.ts'
import type { Row, Statement } from './connection.ts'
import { FIELD_COUNT, type Statements } from './statements.ts'

/** An operation as the database has it. */
export interface Stored {
  id: string
  rev: number
  owner: string
  /** When it is due, in milliseconds from when it was read; null once ended. */
  dueInMs: number | null
  doc: string
  /** Null where there is none, or where it was not asked for. */
  result: string | null
  /** The state of the message that tells of its end, as JSON. */
  webhook: string | null
}

/** Of the first two, one is called once. */
interface Settled<T> {
  /** What came of it, after the database has confirmed it. */
  resolve: (outcome: T) => void
  /** It certainly was not written. */
  reject: (error: Error) => void
  /** Nobody knows now, and it takes too long to wait for; one of the others follows. */
  doubt: (error: Error) => void
}

export interface StartWrite extends Settled<Admission> {
  type: 'start'
  operation: Operation
  doc: string
  dueInMs: number | null
  key: (IdempotencyKey & { ttlMs: number }) | null
  /** How much later than now, by the clock of this process, the caller says that it is. */
  aheadMs: number
  /** How often it met something that was gone again when it was looked at. */
  tries?: number
}

export interface SaveWrite extends Settled<boolean> {
  type: 'save'
  operation: Operation
  doc: string
  result: string | null
  storedRev: number
  dueInMs: number | null
  finishedInMs: number | null
}

export interface DiscardWrite extends Settled<boolean> {
  type: 'discard'
  id: string
  storedRev: number
}

/** Anything else that goes with the writes of a turn, in the fence and the order. Nobody looks it up when it is lost. */
export interface TaskWrite extends Settled<Row[][]> {
  type: 'task'
  statements: readonly Statement[]
}

export type Write = StartWrite | SaveWrite | DiscardWrite | TaskWrite

/** The writes of one transaction, by type. */
export class Batch {
  readonly writes: readonly Write[]
  readonly starts: readonly StartWrite[]
  readonly saves: readonly SaveWrite[]
  readonly discards: readonly DiscardWrite[]
  readonly tasks: readonly TaskWrite[]

  constructor(writes: readonly Write[]) {
    this.writes = writes
    // In the same order everywhere, as rows are locked in it.
    const byVm = (a: StartWrite, b: StartWrite): number => a.operation.vmId - b.operation.vmId
    const byId = (a: SaveWrite, b: SaveWrite): number => (a.operation.id < b.operation.id ? -1 : 1)
    this.starts = writes.filter(write => write.type === 'start').toSorted(byVm)
    this.saves = writes.filter(write => write.type === 'save').toSorted(byId)
    this.discards = writes.filter(write => write.type === 'discard')
    this.tasks = writes.filter(write => write.type === 'task')
  }

  statements(sql: Statements, replica: string): Statement[] {
    const { starts, saves, discards, tasks } = this
    const keyed = starts.filter(({ key }) => key !== null)
    return [
      ...(keyed.length > 0 ? [takeKeys(sql, keyed)] : []),
      ...(starts.length > 0 ? [insert(sql, starts, replica)] : []),
      ...(saves.length > 0 ? [save(sql, saves, replica)] : []),
      ...(discards.length > 0 ? [discard(sql, discards, replica)] : []),
      ...tasks.flatMap(({ statements }) => statements),
    ]
  }

  /** Tells everybody but the starts that were not stored, and gives those: something is in their way. */
  settle(answers: Row[][]): StartWrite[] {
    const { starts, saves, discards, tasks } = this
    const rest = [...answers]
    if (starts.some(({ key }) => key !== null)) rest.shift()
    const stored = new Set(starts.length > 0 ? rest.shift()!.map(([id]) => id) : [])
    const saved = new Set(saves.length > 0 ? rest.shift()!.map(([place]) => Number(place)) : [])
    const gone = new Set(discards.length > 0 ? rest.shift()!.map(([place]) => Number(place)) : [])
    for (const write of starts) if (stored.has(write.operation.id)) write.resolve({ kind: 'started' })
    for (const [i, write] of saves.entries()) write.resolve(saved.has(i + 1))
    for (const [i, write] of discards.entries()) write.resolve(gone.has(i + 1))
    for (const { statements, resolve } of tasks) resolve(rest.splice(0, statements.length))
    return starts.filter(({ operation }) => !stored.has(operation.id))
  }
}

/** Whether a write was made, by what the database shows when nothing of it can follow any more. */
export function wasWritten(write: Write, texts: ReadonlyMap<string, Texts>): boolean {
  switch (write.type) {
    case 'start':
      return texts.has(write.operation.id)
    case 'save': {
      // The document holds the revision, and a claim leaves it as it is.
      const { doc, result } = texts.get(write.operation.id) ?? {}
      return doc === write.doc && result === write.result
    }
    case 'discard':
      return !texts.has(write.id)
    case 'task':
      return false
  }
}

function takeKeys(sql: Statements, writes: readonly StartWrite[]): Statement {
  const keys = writes.map(({ key }) => key!)
  return sql.takeKeys(
    writes.map(({ operation }) => operation.id),
    keys.map(({ caller }) => toText(caller)),
    keys.map(({ key }) => toText(key)),
    keys.map(({ fingerprint }) => fingerprint),
    keys.map(({ ttlMs }) => Math.round(ttlMs)),
    aheadOf(writes),
  )
}

function insert(sql: Statements, writes: readonly StartWrite[], replica: string): Statement {
  const operations = writes.map(({ operation }) => operation)
  return sql.insert(
    operations.map(({ id }) => id),
    operations.map(({ rev }) => rev),
    operations.map(({ kind }) => kind),
    operations.map(mutates),
    operations.map(({ vmId }) => vmId),
    operations.map(({ createdBy }) => toText(createdBy)),
    operations.map(({ status }) => status),
    writes.map(({ dueInMs }) => dueInMs),
    writes.map(({ key }) => key && toText(key.caller)),
    writes.map(({ key }) => key && toText(key.key)),
    writes.map(({ doc }) => doc).join('\n'),
    replica,
  )
}

function save(sql: Statements, writes: readonly SaveWrite[], replica: string): Statement {
  const operations = writes.map(({ operation }) => operation)
  return sql.save(
    operations.map(({ id }) => id),
    writes.map(({ storedRev }) => storedRev),
    operations.map(({ rev }) => rev),
    operations.map(({ status }) => status),
    writes.map(({ dueInMs }) => dueInMs),
    writes.map(({ finishedInMs }) => finishedInMs),
    writes.map(({ doc }) => doc).join('\n'),
    replica,
    writes.map(({ result }) => result ?? '').join('\n'),
    operations.map(({ webhook }) => (webhook ? JSON.stringify(webhook) : null)),
  )
}

function discard(sql: Statements, writes: readonly DiscardWrite[], replica: string): Statement {
  return sql.discard(
    writes.map(({ id }) => id),
    writes.map(({ storedRev }) => storedRev),
    replica,
  )
}

export function inTheWay(sql: Statements, writes: readonly StartWrite[]): Statement {
  return sql.inTheWay(
    writes.map(({ key }) => key && toText(key.caller)),
    writes.map(({ key }) => key && toText(key.key)),
    writes.map(({ operation }) => (mutates(operation) ? operation.vmId : null)),
    aheadOf(writes),
  )
}

/** What is in the way of a start by now; undefined when nothing is any more. */
export function toOutcome(
  { key }: StartWrite,
  row: Row,
  toOperation: (stored: Stored) => Operation,
): Admission | undefined {
  const [, fingerprint, ...fields] = row
  const first = toStored(fields.slice(0, FIELD_COUNT))
  const holder = toStored(fields.slice(FIELD_COUNT))
  if (key && typeof fingerprint === 'string') {
    if (fingerprint !== key.fingerprint) return { kind: 'reused' }
    const operation = first && toOperation(first)
    if (operation) return { kind: 'replay', operation, inProgress: operation.step === 'call' }
  }
  return holder && { kind: 'busy', operation: toOperation(holder) }
}

/** From the fields that `statements.ts` reads; undefined when a join found none. */
export function toStored([id, rev, owner, dueIn, doc, result, webhook]: Row): Stored | undefined {
  if (typeof id !== 'string') return undefined
  return {
    id,
    rev: Number(rev),
    owner: owner!,
    dueInMs: typeof dueIn === 'string' ? Number(dueIn) : null,
    doc: doc!,
    result: result ?? null,
    webhook: webhook ?? null,
  }
}

/** An operation as its columns `doc` and `result` keep it. */
export interface Texts {
  doc: string
  result: string | null
}

/** The state of a message is in a column of its own, as it changes when nothing else does. */
export function toTexts(operation: Operation): Texts {
  const { result } = operation
  return {
    doc: JSON.stringify({ ...operation, result: null, webhook: undefined }),
    result: result === null ? null : JSON.stringify(result),
  }
}

/** Those of one turn say the same time, but for moments. */
function aheadOf(writes: readonly StartWrite[]): number {
  return Math.round(Math.max(...writes.map(({ aheadMs }) => aheadMs)))
}

/** A time of this process as what the database is told: so long from now. */
export function durationTo(atMs: number | null, nowMs: number): number | null {
  return atMs === null ? null : Math.round(atMs - nowMs)
}

/** A text that PostgreSQL takes whatever it contains, NUL and lone surrogates too, and different for different ones. */
export function toText(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** What follows from what came of a write. */
export interface Settling<T> {
  /** Before its caller is told; nothing is given when it was not made. Says what has changed. */
  settle: (outcome?: T) => string | undefined
  /** Before its caller is told that nobody knows. */
  doubt?: () => void
  /** In place of `settle`, when the caller was told so. */
  late: (outcome?: T) => void
}
