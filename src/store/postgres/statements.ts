/**
 * Every statement of the store. All of them are the same text always, with arrays as parameters, whatever is written or
 * read together; documents are one text with a line for each, which no JSON contains a break of.
 *
 * Times are of the database's clock: parameters are durations from now, in milliseconds, and so are answers.
 */

import { createHash } from 'node:crypto'
import type { Statement } from './connection.ts'

/** The database's clock, in milliseconds since the epoch. It moves within a transaction, unlike now(). */
export const DATABASE_CLOCK = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint'

export type MakeStatement = (...values: unknown[]) => Statement
export type Statements = Record<keyof ReturnType<typeof texts>, MakeStatement>

/** What one reads of an operation: everything that `toStored` takes. */
const FIELDS = (table: string, now: string, result = `${table}.result`): string =>
  `${table}.id, ${table}.rev, ${table}.owner, ${table}.due_at - ${now}, ${table}.doc, ${result}, ${table}.webhook`
export const FIELD_COUNT = 7

// A table of statements.
// oxlint-disable-next-line max-lines-per-function
function texts(schema: string, clock: string) {
  // In a subquery it is read once a statement, and an index can be compared with it.
  const now = `(SELECT ${clock})`
  const operations = `"${schema}".operations`
  const idempotency = `"${schema}".idempotency`
  const replicas = `"${schema}".replicas`
  const limits = `"${schema}".limits`
  const isOver = `(known.ends_at <= ${now} OR known.ends_at > 2 * excluded.ends_at - ${now})`
  return {
    /*
     * First in every transaction that writes. Divides by zero, and so ends it, when this replica was declared dead or
     * writes under a newer epoch. The lock makes whoever wants to declare so wait for the end of this transaction.
     * The settings hold until that end, and so mean the same behind a pooler. The last ones are for the planner, which
     * knows neither how many writes there will be nor how many rows changed since it was told last: one row after the
     * other by the index of its id, and no plan is made or compiled for one transaction.
     */
    fence: `SELECT 1 / count(*), set_config('statement_timeout', $3, true), set_config('lock_timeout', $4, true),
        set_config('idle_in_transaction_session_timeout', $3, true), set_config('enable_seqscan', 'off', true),
        set_config('enable_bitmapscan', 'off', true), set_config('enable_hashjoin', 'off', true),
        set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true),
        set_config('plan_cache_mode', 'force_generic_plan', true)
      FROM (SELECT FROM ${replicas} WHERE id = $1 AND epoch = $2::bigint AND NOT dead FOR KEY SHARE) AS mine`,
    /* The same settings, for a transaction that stands outside of the fence. */
    settings: `SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true),
      set_config('idle_in_transaction_session_timeout', $1, true)`,

    /* Takes the idempotency keys of new operations that nobody has, or whose time is over. */
    takeKeys: `INSERT INTO ${idempotency} AS known (caller, key, fingerprint, operation_id, expires_at)
      SELECT DISTINCT ON (caller, key) caller, key, fingerprint, id, ${now} + ttl
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) AS new (id, caller, key, fingerprint, ttl)
      ORDER BY caller, key
      ON CONFLICT (caller, key) DO UPDATE SET fingerprint = excluded.fingerprint,
        operation_id = excluded.operation_id, expires_at = excluded.expires_at
      WHERE known.expires_at <= ${now} + $6::bigint`,
    /*
     * Stores those new operations that have their key (or need none) and whose VM is free, and lets the keys of the
     * others go. Gives the ids of those stored.
     */
    insert: `WITH new AS (
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::boolean[], $5::bigint[], $6::text[], $7::text[],
          $8::bigint[], $9::text[], $10::text[], string_to_array($11, E'\\n'))
        AS new (id, rev, kind, mutates, vm_id, created_by, status, due_in, caller, key, doc)
      ), stored AS (
        INSERT INTO ${operations} (id, rev, kind, mutates, vm_id, created_by, status, owner, due_at, doc)
        SELECT id, rev, kind, mutates, vm_id, created_by, status, $12, ${now} + due_in, doc FROM new
        WHERE key IS NULL OR EXISTS (
          SELECT FROM ${idempotency} AS known
          WHERE known.caller = new.caller AND known.key = new.key AND known.operation_id = new.id)
        ORDER BY vm_id, id
        ON CONFLICT DO NOTHING RETURNING id
      ), unkeyed AS (
        DELETE FROM ${idempotency} AS known USING new
        WHERE known.caller = new.caller AND known.key = new.key AND known.operation_id = new.id
          AND new.id NOT IN (SELECT id FROM stored)
      )
      SELECT id FROM stored`,
    /* Why the others were not: the place among them, what the key is bound to, and who holds the VM. */
    inTheWay: `SELECT new.place, known.fingerprint, ${FIELDS('first', now)}, ${FIELDS('holder', now)}
      FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS new (caller, key, vm_id, place)
      LEFT JOIN ${idempotency} AS known ON known.caller = new.caller AND known.key = new.key
        AND known.expires_at > ${now} + $4::bigint
      LEFT JOIN ${operations} AS first ON first.id = known.operation_id
      LEFT JOIN ${operations} AS holder
        ON holder.vm_id = new.vm_id AND holder.mutates AND holder.status = 'running'`,

    /*
     * Gives the places of those that followed the revision that they ought to. What runs has not finished: said so, and
     * not by its status, no index over what runs fits, and the planner takes that of the ids. A message of the end is due
     * with it.
     */
    save: `UPDATE ${operations} AS stored SET rev = next.rev, status = next.status, due_at = ${now} + next.due_in,
        finished_at = ${now} + next.finished_in, doc = next.doc, result = next.result,
        webhook = next.webhook, webhook_due_at = CASE WHEN next.webhook IS NOT NULL THEN ${now} + next.finished_in END
      FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[],
        string_to_array($7, E'\\n'), string_to_array($9, E'\\n', ''), $10::text[]) WITH ORDINALITY
        AS next (id, stored_rev, rev, status, due_in, finished_in, doc, result, webhook, place)
      WHERE stored.id = next.id AND stored.rev = next.stored_rev AND stored.finished_at IS NULL AND stored.owner = $8
      RETURNING next.place`,
    discard: `WITH gone AS (
        DELETE FROM ${operations} AS stored USING unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS old (id, rev, place)
        WHERE stored.id = old.id AND stored.rev = old.rev AND (stored.owner = $3 OR stored.finished_at IS NOT NULL)
        RETURNING old.place, stored.id
      ), keys AS (
        DELETE FROM ${idempotency} WHERE operation_id IN (SELECT id FROM gone)
      )
      SELECT place FROM gone`,
    sweepKeys: `WITH gone AS (
        DELETE FROM ${idempotency} WHERE (caller, key) IN (
          SELECT caller, key FROM ${idempotency} WHERE expires_at <= ${now} + $1::bigint
          ORDER BY expires_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED)
        RETURNING 1
      ) SELECT count(*) FROM gone`,
    sweepLimits: `WITH gone AS (
        DELETE FROM ${limits} WHERE key IN (
          SELECT key FROM ${limits} WHERE ends_at <= ${now} ORDER BY ends_at LIMIT $1::bigint FOR UPDATE SKIP LOCKED)
        RETURNING 1
      ) SELECT count(*) FROM gone`,
    /* An operation stays as long as a replay may ask for it, and until the message of its end is over. */
    sweepEnded: `WITH gone AS (
        DELETE FROM ${operations} WHERE id IN (
          SELECT id FROM ${operations} AS old
          WHERE status <> 'running' AND finished_at < ${now} + $1::bigint AND webhook_due_at IS NULL
            AND NOT EXISTS (SELECT FROM ${idempotency} WHERE operation_id = old.id)
          ORDER BY finished_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED)
        RETURNING 1
      ) SELECT count(*) FROM gone`,

    /*
     * Takes leases on messages of ends. Of a pending one that nobody has a lease on, `webhook_due_at` is when it is due;
     * with a lease, when that ends, which also names the lease.
     */
    claimMessages: claimMessages(
      operations,
      now,
      `SELECT due.id FROM unnest($3::text[], $4::bigint[]) AS place (caller, free) CROSS JOIN LATERAL (
        SELECT id FROM ${operations}
        WHERE created_by = place.caller AND webhook_due_at <= ${now} + $1::bigint
        ORDER BY webhook_due_at, id LIMIT place.free FOR UPDATE SKIP LOCKED) AS due`,
    ),
    claimForsaken: claimMessages(
      operations,
      now,
      `SELECT id FROM ${operations} WHERE webhook_due_at < ${now} + $1::bigint
        ORDER BY webhook_due_at, id LIMIT $3::bigint FOR UPDATE SKIP LOCKED`,
    ),
    saveMessage: `UPDATE ${operations} SET webhook = $3, webhook_due_at = ${now} + $4::bigint
      WHERE id = $1 AND webhook_due_at = $2::bigint RETURNING 1`,
    nextMessages: `SELECT wanted.caller, first.due_at - ${now} FROM unnest($1::text[]) AS wanted (caller) CROSS JOIN LATERAL (
        SELECT webhook_due_at AS due_at FROM ${operations}
        WHERE created_by = wanted.caller AND webhook_due_at IS NOT NULL ORDER BY webhook_due_at LIMIT 1) AS first`,

    get: `SELECT ${FIELDS('stored', now)} FROM ${operations} AS stored WHERE id = ANY($1::text[])`,
    running: `SELECT kind, count(*) FROM ${operations} WHERE status = 'running' GROUP BY kind`,
    /* Of all VMs, or of those in $9; or of a few VMs, by the index of each. */
    listAll: page(
      operations,
      `SELECT id, vm_id, kind, status, created_by FROM ${operations}
       WHERE id < $5 AND id > $7 ORDER BY id DESC LIMIT ${MAX_SEEN}`,
      `place = ${MAX_SEEN}`,
      FIELDS('stored', now, PAGE_RESULT),
    ),
    listOf: page(
      operations,
      `SELECT of_one.* FROM unnest($9::bigint[]) AS wanted (vm_id)
       CROSS JOIN LATERAL (
         SELECT id, vm_id, kind, status, created_by FROM ${operations} AS of_vm
         WHERE of_vm.vm_id = wanted.vm_id AND id < $5 AND id > $7 ORDER BY id DESC LIMIT $10::bigint
       ) AS of_one`,
      'place = $10::bigint',
      FIELDS('stored', now, PAGE_RESULT),
    ),

    register: `INSERT INTO ${replicas} (id, epoch, seen_at) VALUES ($1, $2::bigint, ${now})
      ON CONFLICT (id) DO NOTHING`,
    beat: `UPDATE ${replicas} SET seen_at = ${now} WHERE id = $1`,
    leave: `UPDATE ${replicas} SET dead = true WHERE id = $1`,
    /* Whoever was silent for too long is dead. One whose transaction is under way is not: its row is locked. */
    bury: `UPDATE ${replicas} AS silent SET dead = true
      FROM (SELECT id FROM ${replicas} WHERE NOT dead AND id <> $1 AND seen_at < ${now} - $2::bigint
        FOR UPDATE SKIP LOCKED) AS found
      WHERE silent.id = found.id`,
    dead: `SELECT id FROM ${replicas} WHERE dead ORDER BY id`,
    /* Takes over what a dead replica left, in order of the ids behind the last one that was taken. */
    adopt: `UPDATE ${operations} AS stored SET owner = $1 FROM (
        SELECT id FROM ${operations} WHERE owner = $2 AND status = 'running' AND id > $3
        ORDER BY id LIMIT $4::bigint FOR UPDATE SKIP LOCKED) AS orphan
      WHERE stored.id = orphan.id RETURNING stored.id, stored.kind, stored.rev, stored.due_at - ${now}, stored.doc, stored.created_by`,
    owned: `SELECT id, kind, rev, due_at - ${now}, doc, created_by FROM ${operations} WHERE owner = $1 AND status = 'running'`,
    /* A dead replica that left nothing, or nothing any more. */
    forget: `DELETE FROM ${replicas} AS gone WHERE gone.dead AND gone.id = $1
      AND NOT EXISTS (SELECT FROM ${operations} WHERE owner = gone.id AND status = 'running')`,

    /* Waits for the end of whatever this replica has under way, so that nothing of its former epochs can follow. */
    lockReplica: `SELECT 1 FROM ${replicas} WHERE id = $1 FOR UPDATE`,
    nextEpoch: `UPDATE ${replicas} SET epoch = $2::bigint, seen_at = ${now} WHERE id = $1 AND NOT dead RETURNING epoch`,
    written: `SELECT id, doc, result FROM ${operations} WHERE id = ANY($1::text[])`,

    /*
     * In the order of the keys, as rows are locked in it. A window that ends later than two of them do belongs to another
     * clock or another setting.
     */
    countRequests: `INSERT INTO ${limits} AS known (key, count, ends_at)
      SELECT key, count, ${now} + window_ms FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS new (key, count, window_ms)
      ORDER BY key COLLATE "C"
      ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN ${isOver} THEN 0 ELSE known.count END + excluded.count,
        ends_at = CASE WHEN ${isOver} THEN excluded.ends_at ELSE known.ends_at END
      RETURNING key, count, ends_at - ${now}`,

    notify: `SELECT pg_notify($1, $2)`,
  }
}

/** Takes the leases, until $2 from now, on what these rows name. They are found once: a second look would take more. */
function claimMessages(operations: string, now: string, rows: string): string {
  return `WITH due AS MATERIALIZED (${rows})
    UPDATE ${operations} AS stored SET webhook_due_at = ${now} + $2::bigint FROM due WHERE stored.id = due.id
    RETURNING ${FIELDS('stored', now, 'NULL')}, stored.webhook_due_at`
}

const MAX_PAGE_BYTES = 1024 * 1024
/** So many rows are looked at for a page, as in SQLite. */
export const MAX_SEEN = 3_000
/** Results are read where $8 asks for them. */
const PAGE_RESULT = 'CASE WHEN $8::boolean THEN stored.result END'

/** Which operations a list shows: of these kinds or by this caller, and of one kind, one status and these VMs where asked for. */
const SEEN = `(kind = ANY($1::text[]) OR created_by = $2) AND ($3::text IS NULL OR kind = $3)
  AND ($4::text IS NULL OR status = $4) AND ($9::bigint[] IS NULL OR vm_id = ANY($9))`

/**
 * A page of what is found among the rows that are looked at, at most $6 and so many bytes of them, one at least. `isLast` says
 * which of those of a VM, or of all, is the last that is looked at: behind it more may be found, so the page ends at the first
 * such place. Behind the fields stand how many were found, and that place; without any operation they stand alone.
 */
function page(operations: string, looked: string, isLast: string, fields: string): string {
  const partition = isLast.includes('$10') ? 'PARTITION BY vm_id ' : ''
  return `WITH looked AS MATERIALIZED (
      SELECT *, row_number() OVER (${partition}ORDER BY id DESC) AS place FROM (${looked}) AS rows_seen
    ), cut AS (
      SELECT max(id) AS id FROM looked WHERE ${isLast}
    ), newest AS (
      SELECT looked.id FROM looked, cut WHERE ${SEEN} AND (cut.id IS NULL OR looked.id >= cut.id)
      ORDER BY looked.id DESC LIMIT $6::bigint
    )
    SELECT ${fields}, stored.found, cut.id FROM cut LEFT JOIN (
      SELECT *, count(*) OVER () AS found, sum(size) OVER (ORDER BY id DESC) AS bytes FROM (
        SELECT one.*,
          octet_length(doc) + CASE WHEN $8::boolean THEN coalesce(octet_length(result), 0) ELSE 0 END AS size
        FROM newest JOIN ${operations} AS one USING (id)
      ) AS sized
    ) AS stored ON bytes <= ${MAX_PAGE_BYTES} OR bytes = size ORDER BY stored.id DESC`
}

/** Each as a function from its values. Its name, for preparing it, is made of its text. */
export function statementsFor(schema: string, clock: string): Statements {
  const entries = Object.entries(texts(schema, clock)).map(([key, text]): [string, MakeStatement] => {
    const name = `${key}_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
    return [key, (...values) => ({ name, text, values })]
  })
  return Object.fromEntries(entries) as Statements
}
