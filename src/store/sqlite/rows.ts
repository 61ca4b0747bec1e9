/** Operations as rows of the table, and back. */

import { parseExact } from '../../json/exact.ts'
import type { Operation, Webhook } from '../../operations/store.ts'

/** An operation as it lies in the file; without its result where nobody asked for it. */
export interface Row {
  rev: number
  due_at: number | null
  doc: string
  /** The state of the message that tells of its end, as JSON. */
  webhook: string | null
  result: string | null
}

export const COLUMNS = 'rev, due_at, doc, webhook, result'
export const COLUMNS_WITHOUT_RESULT = 'rev, due_at, doc, webhook, NULL AS result'

/** The operation of a row. Where a column says the same as `doc`, the column counts. */
export function toOperation({ rev, due_at: dueAtMs, doc, webhook, result }: Row): Operation {
  return Object.assign(
    { result: null },
    parseExact(doc),
    { rev, dueAtMs },
    webhook === null ? null : { webhook: JSON.parse(webhook) as Webhook },
    result === null ? null : { result: parseExact(result) },
  ) as Operation
}

/** An operation as the columns `doc`, `webhook`, `webhook_due_at` and `result` keep it, in this order. */
export function toTexts({
  result,
  webhook,
  ...rest
}: Operation): [doc: string, webhook: string | null, webhookDueAt: number | null, result: string | null] {
  return [
    JSON.stringify(rest),
    webhook ? JSON.stringify(webhook) : null,
    webhook ? toTime(rest.finishedAtMs) : null,
    result === null ? null : JSON.stringify(result),
  ]
}

/** A time as its column keeps it, in whole milliseconds. */
export function toTime(atMs: number | null): number | null {
  return atMs === null ? null : Math.round(atMs)
}
