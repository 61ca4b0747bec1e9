/** The tables of the PostgreSQL store in memory, and what its statements (`statements.ts`) do to them. */

import type { Row, Statement } from '../../src/store/postgres/connection.ts'
import { FENCED } from '../../src/store/postgres/errors.ts'
import { MIGRATIONS } from '../../src/store/postgres/schema.ts'

interface OperationRow {
  readonly id: string
  readonly rev: number
  readonly kind: string
  readonly mutates: boolean
  readonly vmId: number
  readonly createdBy: string
  readonly status: string
  readonly owner: string
  readonly dueAt: number | null
  readonly finishedAt: number | null
  readonly doc: string
  readonly result: string | null
  readonly webhook: string | null
  readonly webhookDueAt: number | null
}

interface KeyRow {
  readonly fingerprint: string
  readonly operationId: string
  readonly expiresAt: number
}

interface ReplicaRow {
  readonly epoch: number
  readonly seenAt: number
  readonly isDead: boolean
}

/** A statement failed with this SQLSTATE. */
export class SqlError extends Error {
  readonly code: string

  constructor(code: string) {
    super(`SQLSTATE ${code}`)
    this.code = code
  }
}

type Values = readonly unknown[]

/** Rows are never changed, only replaced, so that a copy of the tables is cheap. */
export class Tables {
  readonly operations: Map<string, OperationRow>
  readonly keys: Map<string, KeyRow>
  readonly replicas: Map<string, ReplicaRow>

  constructor(of?: Tables) {
    this.operations = new Map(of?.operations)
    this.keys = new Map(of?.keys)
    this.replicas = new Map(of?.replicas)
  }

  /** Carries out a statement at this time of the database. @throws SqlError */
  execute({ name, text, values }: Statement, now: number): Row[] {
    const statement = STATEMENTS[name.split('_')[0]!]
    if (statement) return statement(this, values, now)
    if (text.includes('to_regclass')) return [['schema_version']]
    if (text.includes('max(version)')) return [[String(MIGRATIONS.length)]]
    throw new Error(`the simulated database does not know ${name} ${text}`)
  }

  fields(row: OperationRow | undefined, now: number, withResult = true): Row {
    if (!row) return [null, null, null, null, null, null, null]
    const { id, rev, owner, dueAt, doc, result, webhook } = row
    return [id, String(rev), owner, durationTo(dueAt, now), doc, withResult ? result : null, webhook]
  }

  change(row: OperationRow, changes: Partial<OperationRow>): void {
    this.operations.set(row.id, { ...row, ...changes })
  }

  /** Who has the VM. */
  holder(vmId: number | null): OperationRow | undefined {
    for (const row of this.operations.values())
      if (row.vmId === vmId && row.mutates && row.status === 'running') return row
    return undefined
  }

  /** In the order of ids, the newest first. */
  newest(): OperationRow[] {
    return [...this.operations.values()].toSorted((a, b) => (a.id < b.id ? 1 : -1))
  }
}

const keyOf = (caller: unknown, key: unknown): string => `${String(caller)}\n${String(key)}`
const durationTo = (at: number | null, now: number): string | null => (at === null ? null : String(at - now))
const at = (now: number, inMs: unknown): number | null => (inMs === null ? null : now + (inMs as number))

const MAX_PAGE_BYTES = 1024 * 1024

function page(tables: Tables, values: Values, now: number): Row[] {
  const [kinds, createdBy, kind, status, before, limit, after, withResult, vmIds] = values
  const rows = tables
    .newest()
    .filter(
      row =>
        ((kinds as string[]).includes(row.kind) || row.createdBy === createdBy) &&
        (kind === null || row.kind === kind) &&
        (status === null || row.status === status) &&
        row.id < (before as string) &&
        row.id > (after as string) &&
        (vmIds === null || (vmIds as number[]).includes(row.vmId)),
    )
    .slice(0, limit as number)
  let bytes = 0
  const fitting = rows.filter(({ doc, result }, i) => {
    bytes += doc.length + (withResult ? (result?.length ?? 0) : 0)
    return i === 0 || bytes <= MAX_PAGE_BYTES
  })
  return fitting.map(row => [...tables.fields(row, now, withResult as boolean), String(rows.length)])
}

function remove(tables: Tables, rows: readonly OperationRow[]): void {
  const gone = new Set(rows.map(({ id }) => id))
  for (const id of gone) tables.operations.delete(id)
}

/** Leases on messages until `leaseMs` from now, soonest first. */
function claimMessages(tables: Tables, due: OperationRow[], now: number, leaseMs: unknown): Row[] {
  return due.map(row => {
    tables.change(row, { webhookDueAt: now + (leaseMs as number) })
    return [...tables.fields(row, now, false), String(now + (leaseMs as number))]
  })
}

function dueMessages(
  tables: Tables,
  isWanted: (row: OperationRow) => boolean,
  limit: unknown,
): OperationRow[] {
  return [...tables.operations.values()]
    .filter(row => row.webhookDueAt !== null && isWanted(row))
    .toSorted((a, b) => a.webhookDueAt! - b.webhookDueAt! || (a.id < b.id ? -1 : 1))
    .slice(0, limit as number)
}

/** By the names that `statements.ts` gives them. */
const STATEMENTS: Readonly<Record<string, (tables: Tables, values: Values, now: number) => Row[]>> = {
  fence(tables, [id, epoch]) {
    const row = tables.replicas.get(id as string)
    if (!row || row.isDead || row.epoch !== Number(epoch)) throw new SqlError(FENCED)
    return [['1']]
  },
  settings: () => [[null]],
  takeKeys(tables, [ids, callers, keys, fingerprints, ttls, ahead], now) {
    for (const [i, operationId] of (ids as string[]).entries()) {
      const key = keyOf((callers as string[])[i], (keys as string[])[i])
      const known = tables.keys.get(key)
      if (known && known.expiresAt > now + (ahead as number)) continue
      const expiresAt = now + (ttls as number[])[i]!
      tables.keys.set(key, { fingerprint: (fingerprints as string[])[i]!, operationId, expiresAt })
    }
    return []
  },
  insert(tables, values, now) {
    const [ids, revs, kinds, mutates, vmIds, createdBy, statuses, dueIns, callers, keys, docs, owner] = values
    const lines = (docs as string).split('\n')
    const stored: Row[] = []
    for (const [i, id] of (ids as string[]).entries()) {
      const key = (keys as (string | null)[])[i]
      const isKeyed = key !== null
      const named = isKeyed ? keyOf((callers as string[])[i], key) : ''
      const isMine = !isKeyed || tables.keys.get(named)?.operationId === id
      const doesMutate = (mutates as boolean[])[i]!
      const vmId = (vmIds as number[])[i]!
      if (isMine && !(doesMutate && tables.holder(vmId)) && !tables.operations.has(id)) {
        tables.operations.set(id, {
          id,
          rev: (revs as number[])[i]!,
          kind: (kinds as string[])[i]!,
          mutates: doesMutate,
          vmId,
          createdBy: (createdBy as string[])[i]!,
          status: (statuses as string[])[i]!,
          owner: owner as string,
          dueAt: at(now, (dueIns as (number | null)[])[i]!),
          finishedAt: null,
          doc: lines[i]!,
          result: null,
          webhook: null,
          webhookDueAt: null,
        })
        stored.push([id])
      } else if (isKeyed && isMine) tables.keys.delete(named)
    }
    return stored
  },
  inTheWay(tables, [callers, keys, vmIds, ahead], now) {
    return (vmIds as (number | null)[]).map((vmId, i) => {
      const key = (keys as (string | null)[])[i]
      const known = key === null ? undefined : tables.keys.get(keyOf((callers as string[])[i], key))
      const valid = known && known.expiresAt > now + (ahead as number) ? known : undefined
      const first = valid && tables.operations.get(valid.operationId)
      return [
        String(i + 1),
        valid?.fingerprint ?? null,
        ...tables.fields(first, now),
        ...tables.fields(tables.holder(vmId), now),
      ]
    })
  },
  save(tables, values, now) {
    const [ids, storedRevs, revs, statuses, dueIns, finishedIns, docs, owner, results, webhooks] = values
    const [lines, ends] = [(docs as string).split('\n'), (results as string).split('\n')]
    const saved: Row[] = []
    for (const [i, id] of (ids as string[]).entries()) {
      const row = tables.operations.get(id)
      const isNext = row && row.rev === (storedRevs as number[])[i] && row.finishedAt === null
      if (!isNext || row.owner !== owner) continue
      const finishedAt = at(now, (finishedIns as (number | null)[])[i]!)
      const webhook = (webhooks as (string | null)[])[i]!
      tables.change(row, {
        rev: (revs as number[])[i]!,
        status: (statuses as string[])[i]!,
        dueAt: at(now, (dueIns as (number | null)[])[i]!),
        finishedAt,
        doc: lines[i]!,
        result: ends[i] === '' ? null : ends[i]!,
        webhook,
        webhookDueAt: webhook === null ? null : finishedAt,
      })
      saved.push([String(i + 1)])
    }
    return saved
  },
  discard(tables, [ids, revs, owner]) {
    const gone: Row[] = []
    for (const [i, id] of (ids as string[]).entries()) {
      const row = tables.operations.get(id)
      if (!row || row.rev !== (revs as number[])[i] || (row.owner !== owner && row.finishedAt === null))
        continue
      tables.operations.delete(id)
      for (const [key, { operationId }] of tables.keys) if (operationId === id) tables.keys.delete(key)
      gone.push([String(i + 1)])
    }
    return gone
  },
  sweepKeys(tables, [ahead, limit], now) {
    const over = [...tables.keys].filter(([, { expiresAt }]) => expiresAt <= now + (ahead as number))
    for (const [key] of over.slice(0, limit as number)) tables.keys.delete(key)
    return [[String(Math.min(over.length, limit as number))]]
  },
  sweepLimits: () => [['0']],
  sweepEnded(tables, [ahead, limit], now) {
    const keyed = new Set([...tables.keys.values()].map(({ operationId }) => operationId))
    const over = [...tables.operations.values()].filter(
      row =>
        row.finishedAt !== null &&
        row.finishedAt < now + (ahead as number) &&
        row.webhookDueAt === null &&
        !keyed.has(row.id),
    )
    remove(tables, over.slice(0, limit as number))
    return [[String(Math.min(over.length, limit as number))]]
  },
  claimMessages(tables, [ahead, lease, callers, limits], now) {
    const isDue = (caller: string) => (row: OperationRow) =>
      row.createdBy === caller && row.webhookDueAt! <= now + (ahead as number)
    const due = (callers as string[]).flatMap((caller, i) =>
      dueMessages(tables, isDue(caller), (limits as number[])[i]),
    )
    return claimMessages(tables, due, now, lease)
  },
  claimForsaken(tables, [before, lease, limit], now) {
    const due = dueMessages(tables, row => row.webhookDueAt! < now + (before as number), limit)
    return claimMessages(tables, due, now, lease)
  },
  saveMessage(tables, [id, lease, webhook, dueIn], now) {
    const row = tables.operations.get(id as string)
    if (!row || row.webhookDueAt !== Number(lease)) return []
    tables.change(row, { webhook: webhook as string, webhookDueAt: at(now, dueIn) })
    return [['1']]
  },
  nextMessages: (tables, [callers], now) =>
    (callers as string[]).flatMap(caller => {
      const [first] = dueMessages(tables, ({ createdBy }) => createdBy === caller, 1)
      return first ? [[caller, durationTo(first.webhookDueAt, now)]] : []
    }),
  get(tables, [ids], now) {
    return (ids as string[]).flatMap(id => {
      const row = tables.operations.get(id)
      return row ? [tables.fields(row, now)] : []
    })
  },
  running(tables) {
    const counts = new Map<string, number>()
    for (const { status, kind } of tables.operations.values())
      if (status === 'running') counts.set(kind, (counts.get(kind) ?? 0) + 1)
    return [...counts].map(([kind, count]) => [kind, String(count)])
  },
  listAll: (tables, values, now) => page(tables, values, now),
  listOf: (tables, values, now) => page(tables, values, now),
  register(tables, [id, epoch], now) {
    if (!tables.replicas.has(id as string))
      tables.replicas.set(id as string, { epoch: Number(epoch), seenAt: now, isDead: false })
    return []
  },
  beat(tables, [id], now) {
    const row = tables.replicas.get(id as string)
    if (row) tables.replicas.set(id as string, { ...row, seenAt: now })
    return []
  },
  leave(tables, [id]) {
    const row = tables.replicas.get(id as string)
    if (row) tables.replicas.set(id as string, { ...row, isDead: true })
    return []
  },
  bury(tables, [id, silence], now) {
    for (const [other, row] of tables.replicas)
      if (!row.isDead && other !== id && row.seenAt < now - (silence as number))
        tables.replicas.set(other, { ...row, isDead: true })
    return []
  },
  dead: tables =>
    [...tables.replicas.keys()]
      .filter(id => tables.replicas.get(id)!.isDead)
      .toSorted((a, b) => (a < b ? -1 : 1))
      .map(id => [id]),
  adopt(tables, [owner, dead, after, limit], now) {
    const orphans = [...tables.operations.values()]
      .filter(row => row.owner === dead && row.status === 'running' && row.id > (after as string))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit as number)
    for (const row of orphans) tables.change(row, { owner: owner as string })
    return orphans.map(row => own(row, now))
  },
  owned: (tables, [owner], now) =>
    [...tables.operations.values()]
      .filter(row => row.owner === owner && row.status === 'running')
      .map(row => own(row, now)),
  forget(tables, [id]) {
    const isLeft = [...tables.operations.values()].some(row => row.owner === id && row.status === 'running')
    if (tables.replicas.get(id as string)?.isDead && !isLeft) tables.replicas.delete(id as string)
    return []
  },
  lockReplica: (tables, [id]) => (tables.replicas.has(id as string) ? [['1']] : []),
  nextEpoch(tables, [id, epoch], now) {
    const row = tables.replicas.get(id as string)
    if (!row || row.isDead) return []
    tables.replicas.set(id as string, { ...row, epoch: Number(epoch), seenAt: now })
    return [[String(epoch)]]
  },
  written: (tables, [ids]) =>
    (ids as string[]).flatMap(id => {
      const row = tables.operations.get(id)
      return row ? [[id, row.doc, row.result]] : []
    }),
  notify: () => [[null]],
}

function own({ id, kind, rev, dueAt, doc, createdBy }: OperationRow, now: number): Row {
  return [id, kind, String(rev), durationTo(dueAt, now), doc, createdBy]
}
