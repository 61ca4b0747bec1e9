/**
 * Moves what a SQLite file holds to PostgreSQL, while no gateway works on either. It is one transaction: the database has
 * all of it or nothing, however often the move was broken off, and what is there already is left as it is.
 */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { parsePostgresUrl } from '../config/postgres-url.ts'
import { parseExact } from '../json/exact.ts'
import type { Operation } from '../operations/store.ts'
import { connect, plain, type Connection, type Row } from './postgres/connection.ts'
import { migrate } from './postgres/schema.ts'
import { DATABASE_CLOCK } from './postgres/statements.ts'
import { toText, toTexts, type Texts } from './postgres/writes.ts'
import { SCHEMA_VERSION } from './sqlite/schema.ts'
import { realWorld } from '../world.ts'

export interface Moved {
  operations: number
  keys: number
  /** How many operations were there already, as they are in the file. */
  before: number
}

/** A failure in one clear line, without the URL: it holds a password. */
class MoveFailed extends Error {}

/** Any statement, and COMMIT, may take so long; a standby far away is slower than a disk. */
const LIMIT_MS = 600_000
const BATCH = 1_000
/** A gateway that gave a sign of life within this time is running (`postgres/replica.ts`). */
const ALIVE_MS = 3_000
/** A replica that is held to be dead: the first gateway over the database takes over what it left. */
const OWNER = 'moved-from-sqlite'

/**
 * Copies every operation and idempotency key, and compares counts and the digest of every document before it commits.
 * @param from `sqlite:<path>`; @param to `postgres://…`. `onProgress` hears how many operations of how many are copied.
 * @throws MoveFailed; nothing was written then, or it says that nobody knows.
 */
export async function moveStore(
  from: string,
  to: string,
  onProgress: (done: number, all: number) => void = () => {},
): Promise<Moved> {
  using source = openSource(from.replace(/^sqlite:/, ''))
  const address = parsePostgresUrl(to)
  const { connection } = await connect(address, 0, realWorld).catch(fail)
  try {
    await migrate(connection, address.schema, LIMIT_MS, realWorld).catch(fail)
    return await new Move(source, connection, `"${address.schema}"`, onProgress).run()
  } finally {
    connection.destroy()
  }
}

/** Opened as a gateway opens it, so that none can begin to work on it meanwhile. */
function openSource(path: string): DatabaseSync {
  if (!existsSync(path)) throw new MoveFailed(`there is no file ${path}`)
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE')
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
    if (version < 1 || version > SCHEMA_VERSION)
      throw new MoveFailed(
        `the file ${path} has the schema ${version}, and this version of the gateway knows ${SCHEMA_VERSION}`,
      )
    return db
  } catch (error) {
    db.close()
    if (error instanceof MoveFailed) throw error
    const isBusy = /locked|busy/i.test((error as Error).message)
    throw new MoveFailed(
      `the file ${path} ${isBusy ? 'is in use: stop the gateway first' : `cannot be read: ${(error as Error).message}`}`,
    )
  }
}

type OperationRow = Record<'id' | 'kind' | 'created_by' | 'status' | 'doc', string> & {
  /** A file of version 1 has no such column. */
  result?: string | null
  /** Nor has one of version 2 these. */
  webhook?: string | null
  webhook_due_at?: number | null
} & Record<'rev' | 'mutates' | 'vm_id', number> &
  Record<'due_at' | 'finished_at', number | null>
type KeyRow = Record<'caller' | 'key' | 'fingerprint' | 'operation_id', string> & { expires_at: number }

class Move {
  readonly #source: DatabaseSync
  readonly #connection: Connection
  readonly #schema: string
  readonly #onProgress: (done: number, all: number) => void

  constructor(
    source: DatabaseSync,
    connection: Connection,
    schema: string,
    onProgress: (done: number, all: number) => void,
  ) {
    this.#source = source
    this.#connection = connection
    this.#schema = schema
    this.#onProgress = onProgress
  }

  async run(): Promise<Moved> {
    await this.#begin()
    const before = await this.#count('operations')
    const operations = this.#countInFile('operations')
    const keys = this.#countInFile('idempotency')
    await this.#copy<OperationRow>('operations', 'id', rows => this.#operations(rows), operations)
    await this.#copy<KeyRow>('idempotency', 'caller, key', rows => this.#keys(rows))
    for (const [table, count] of [
      ['operations', operations],
      ['idempotency', keys],
    ] as const) {
      const there = await this.#count(table)
      if (there !== count)
        throw new MoveFailed(
          `the database has ${there - count} rows of ${table} that the file has not: a gateway has worked on it. Name an empty one, or another schema. Nothing was written`,
        )
    }
    await this.#ask(
      `INSERT INTO ${this.#schema}.replicas (id, epoch, seen_at, dead) VALUES ($1, 1, 0, true) ON CONFLICT DO NOTHING`,
      OWNER,
    )
    await this.#commit()
    return { operations, keys, before }
  }

  /** Nobody else writes until the end; a gateway that is started meanwhile waits for it. */
  async #begin(): Promise<void> {
    const tables = ['replicas', 'operations', 'idempotency'].map(table => `${this.#schema}.${table}`)
    await this.#ask('BEGIN ISOLATION LEVEL READ COMMITTED')
    await this.#ask(
      `SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '5s', true),
        set_config('idle_in_transaction_session_timeout', '0', true), set_config('synchronous_commit', 'on', true)`,
    )
    await this.#ask(`LOCK TABLE ${tables.join(', ')} IN SHARE ROW EXCLUSIVE MODE`)
    const [row] = await this.#ask(
      `SELECT count(*) FROM ${tables[0]} WHERE NOT dead AND seen_at > ${DATABASE_CLOCK} - $1::bigint`,
      ALIVE_MS,
    )
    if (row![0] !== '0') throw new MoveFailed('a gateway works on the database: stop it first')
  }

  /**
   * A COMMIT may be answered although no standby has confirmed it, with nothing but a warning; a later write that is
   * confirmed proves it too.
   */
  async #commit(): Promise<void> {
    const proof = `UPDATE ${this.#schema}.replicas SET seen_at = 0 WHERE id = '${OWNER}'`
    try {
      await this.#connection.ask(plain('COMMIT'), LIMIT_MS, false)
      await this.#connection.transaction([plain(proof)], LIMIT_MS, false)
    } catch (error) {
      throw new MoveFailed(`nobody knows whether all of it is there: run it again (${reasonOf(error)})`)
    }
  }

  async #copy<R>(
    table: string,
    order: string,
    write: (rows: R[]) => Promise<void>,
    all?: number,
  ): Promise<void> {
    let [batch, done]: [R[], number] = [[], 0]
    const flush = async (): Promise<void> => {
      await write(batch)
      done += batch.length
      batch = []
      if (all !== undefined) this.#onProgress(done, all)
    }
    for (const row of this.#source.prepare(`SELECT * FROM ${table} ORDER BY ${order}`).iterate()) {
      batch.push(row as R)
      if (batch.length >= BATCH) await flush()
    }
    if (batch.length > 0) await flush()
  }

  /** Stores those that are not there, and finds all of them as the file has them. */
  async #operations(rows: OperationRow[]): Promise<void> {
    const table = `${this.#schema}.operations`
    const texts = rows.map(textsOf)
    await this.#ask(
      `INSERT INTO ${table} (id, rev, kind, mutates, vm_id, created_by, status, due_at, finished_at, doc, result, webhook, webhook_due_at, owner)
        SELECT *, $14 FROM unnest($1::text[], $2::bigint[], $3::text[], $4::boolean[], $5::bigint[], $6::text[],
          $7::text[], $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bigint[])
        ON CONFLICT DO NOTHING`,
      rows.map(({ id }) => id),
      rows.map(({ rev }) => rev),
      rows.map(({ kind }) => kind),
      rows.map(({ mutates }) => mutates === 1),
      rows.map(({ vm_id: vmId }) => vmId),
      rows.map(({ created_by: createdBy }) => toText(createdBy)),
      rows.map(({ status }) => status),
      rows.map(({ due_at: dueAt }) => dueAt),
      rows.map(({ finished_at: finishedAt }) => finishedAt),
      texts.map(({ doc }) => doc),
      texts.map(({ result }) => result),
      rows.map(({ webhook }) => webhook ?? null),
      rows.map(({ webhook_due_at: dueAt }) => dueAt ?? null),
      OWNER,
    )
    const others = await this.#ask(
      `SELECT wanted.id FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) AS wanted (id, rev, status, digest)
        LEFT JOIN ${table} AS stored USING (id)
        WHERE (stored.rev, stored.status,
            encode(sha256(convert_to(concat_ws(E'\\n', stored.doc, coalesce(stored.result, ''), stored.webhook), 'UTF8')), 'hex'))
          IS DISTINCT FROM (wanted.rev, wanted.status, wanted.digest)`,
      rows.map(({ id }) => id),
      rows.map(({ rev }) => rev),
      rows.map(({ status }) => status),
      texts.map(({ doc, result }, i) =>
        digestOf([doc, result ?? '', ...(rows[i]!.webhook ? [rows[i]!.webhook] : [])]),
      ),
    )
    refuse(others.map(([id]) => id!))
  }

  async #keys(rows: KeyRow[]): Promise<void> {
    const table = `${this.#schema}.idempotency`
    const values = [
      rows.map(({ caller }) => toText(caller)),
      rows.map(({ key }) => toText(key)),
      rows.map(({ fingerprint }) => fingerprint),
      rows.map(({ operation_id: id }) => id),
      rows.map(({ expires_at: expiresAt }) => expiresAt),
    ]
    const unnested = 'unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])'
    await this.#ask(
      `INSERT INTO ${table} (caller, key, fingerprint, operation_id, expires_at) SELECT * FROM ${unnested}
        ON CONFLICT DO NOTHING`,
      ...values,
    )
    const others = await this.#ask(
      `SELECT operation_id FROM (SELECT * FROM ${unnested} AS wanted (caller, key, fingerprint, operation_id, expires_at)
        EXCEPT SELECT caller, key, fingerprint, operation_id, expires_at FROM ${table}) AS others`,
      ...values,
    )
    refuse(others.map(([id]) => id!))
  }

  #countInFile(table: string): number {
    const { count } = this.#source.prepare(`SELECT count(*) AS count FROM ${table}`).get() as {
      count: number
    }
    return count
  }

  async #count(table: string): Promise<number> {
    const [row] = await this.#ask(`SELECT count(*) FROM ${this.#schema}.${table}`)
    return Number(row![0])
  }

  #ask(text: string, ...values: unknown[]): Promise<Row[]> {
    return this.#connection.ask({ ...plain(text), values }, LIMIT_MS, false).catch(fail)
  }
}

/** The document and the result as PostgreSQL keeps them; files of version 1 keep the result in the document. */
function textsOf({ doc, result }: OperationRow): Texts {
  const operation = Object.assign({ result: null }, parseExact(doc)) as Operation
  return { ...toTexts(operation), ...(typeof result === 'string' ? { result } : {}) }
}

function digestOf(texts: readonly string[]): string {
  return createHash('sha256').update(texts.join('\n')).digest('hex')
}

function refuse(others: readonly string[]): void {
  if (others.length > 0)
    throw new MoveFailed(
      `${others[0]} ${others.length > 1 ? `and ${others.length - 1} more are` : 'is'} in the database in another state: a gateway has gone on with it. Nothing was written`,
    )
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}

function fail(error: unknown): never {
  throw error instanceof MoveFailed ? error : new MoveFailed(`PostgreSQL: ${reasonOf(error)}`)
}
