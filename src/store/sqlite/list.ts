/**
 * Lists of operations, bounded in work and in bytes: so many rows are looked at, and so many bytes read. Whoever asks
 * goes on behind `cutAt`. However many operations there are, nobody else waits for long.
 */

import type { SQLInputValue } from 'node:sqlite'
import type { ListQuery } from '../../operations/store.ts'
import { COLUMNS, COLUMNS_WITHOUT_RESULT, type Row } from './rows.ts'
import type { Statements } from './statements.ts'

/** So many rows take about two milliseconds, since they lie side by side. */
const MAX_SEEN = 3_000
/** Those of one VM lie apart, so that fewer take as long. */
const MAX_SEEN_OF_VM = 500
const MAX_BYTES = 1024 * 1024
/** Greater than every id. */
const AFTER_ALL = '~'

/** The rows of a page, newest first; `cutAt` when a bound was met before the page was full. */
export function listRows(sql: Statements, query: ListQuery): { rows: Row[]; cutAt?: string } {
  const { visible, vmId, kind, status, limit, withoutResults = false } = query
  const { olderThan = AFTER_ALL, newerThan = '' } = query
  const seen =
    vmId === undefined
      ? 'FROM operations INDEXED BY sqlite_autoindex_operations_1 WHERE id < ? AND id > ? ORDER BY id DESC'
      : 'FROM operations INDEXED BY by_vm WHERE vm_id = ? AND id < ? AND id > ? ORDER BY id DESC'
  const maxSeen = vmId === undefined ? MAX_SEEN : MAX_SEEN_OF_VM
  const range: SQLInputValue[] = vmId === undefined ? [olderThan, newerThan] : [vmId, olderThan, newerThan]
  const where = ['(kind IN (SELECT value FROM json_each(?)) OR created_by = ?)']
  const values: SQLInputValue[] = [JSON.stringify(visible.kinds), visible.createdBy]
  const and = (condition: string, value: SQLInputValue): void => {
    where.push(condition)
    values.push(value)
  }
  if (visible.vmIds !== '*') and('vm_id IN (SELECT value FROM json_each(?))', JSON.stringify(visible.vmIds))
  if (kind !== undefined) and('kind = ?', kind)
  if (status !== undefined) and('status = ?', status)
  const found = sql.all<{ id: string }>(
    `SELECT id FROM (SELECT id, vm_id, kind, status, created_by ${seen} LIMIT ${maxSeen})
     WHERE ${where.join(' AND ')} ORDER BY id DESC LIMIT ?`,
    ...range,
    ...values,
    limit,
  )
  const { rows, cutAt } = readRows(sql, found, !withoutResults)
  if (cutAt !== undefined) return { rows, cutAt }
  if (found.length >= limit) return { rows }
  const last = sql.get<{ id: string }>(`SELECT id ${seen} LIMIT 1 OFFSET ${maxSeen - 1}`, ...range)
  return last ? { rows, cutAt: last.id } : { rows }
}

/** Reads these operations until there are bytes enough; at least one. */
function readRows(
  sql: Statements,
  found: readonly { id: string }[],
  withResults: boolean,
): { rows: Row[]; cutAt?: string } {
  const rows: Row[] = []
  let bytes = 0
  for (const [at, { id }] of found.entries()) {
    const row = sql.get<Row>(
      `SELECT ${withResults ? COLUMNS : COLUMNS_WITHOUT_RESULT} FROM operations WHERE id = ?`,
      id,
    )!
    bytes += row.doc.length + (row.result?.length ?? 0)
    if (bytes > MAX_BYTES && at > 0) return { rows, cutAt: found[at - 1]!.id }
    rows.push(row)
  }
  return { rows }
}
