/**
 * The tables, and how they come to be. A migration is additive over one version: replicas of the version before go on
 * beside it. Those of one start are made in one transaction, by whoever gets the lock first; the others ask again until
 * it is free, since a statement that waits for a lock would be a transaction without an end, and a lock of a session
 * would be lost behind a pooler.
 */

import { plain, type Connection } from './connection.ts'
import { NotWritten, Unusable, isRepeatable } from './errors.ts'
import type { World } from '../../world.ts'

/*
 * As in SQLite (`sqlite.ts`): the VM's hold is the unique index over running mutations; `doc` is the operation as JSON,
 * in text that nothing parses, and what columns say counts before it; `result` is its result, which may be large, so that
 * who does not ask for it does not read it. All times are those of the database's clock.
 * `owner` is the replica that makes the operation's steps. The third of a page that is kept free takes the next states
 * of what the page holds.
 */
const FIRST = `
  CREATE TABLE SCHEMA.operations (
    id text COLLATE "C" PRIMARY KEY,
    rev bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    mutates boolean NOT NULL,
    vm_id bigint NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    due_at bigint,
    finished_at bigint,
    doc text NOT NULL,
    result text
  ) WITH (fillfactor = 67);
  CREATE UNIQUE INDEX operations_vm_hold ON SCHEMA.operations (vm_id) WHERE mutates AND status = 'running';
  CREATE INDEX operations_owned ON SCHEMA.operations (owner, id) WHERE status = 'running';
  CREATE INDEX operations_ended ON SCHEMA.operations (finished_at) WHERE status <> 'running';
  CREATE INDEX operations_by_vm ON SCHEMA.operations (vm_id, id);
  CREATE TABLE SCHEMA.idempotency (
    caller text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    operation_id text COLLATE "C" NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (caller, key)
  );
  CREATE INDEX idempotency_expires ON SCHEMA.idempotency (expires_at);
  CREATE INDEX idempotency_operation ON SCHEMA.idempotency (operation_id);
  CREATE TABLE SCHEMA.replicas (
    id text COLLATE "C" PRIMARY KEY,
    epoch bigint NOT NULL,
    seen_at bigint NOT NULL,
    dead boolean NOT NULL DEFAULT false
  );
`

/* Requests counted in windows. What is lost with a crash is no loss: nothing of it waits for a disk or a standby. */
const LIMITS = `
  CREATE UNLOGGED TABLE SCHEMA.limits (
    key text COLLATE "C" PRIMARY KEY,
    count bigint NOT NULL,
    ends_at bigint NOT NULL
  ) WITH (fillfactor = 50);
  CREATE INDEX limits_ended ON SCHEMA.limits (ends_at);
`

/*
 * The state of the message that tells of an operation's end, as JSON, and when it is to be sent, as long as it is pending;
 * with a lease, when that ends.
 */
const OUTBOX = `
  ALTER TABLE SCHEMA.operations ADD COLUMN webhook text, ADD COLUMN webhook_due_at bigint;
  CREATE INDEX operations_outbox ON SCHEMA.operations (created_by, webhook_due_at) WHERE webhook_due_at IS NOT NULL;
`

/** What leads from each version to the next; SCHEMA stands for the name of the schema. */
export const MIGRATIONS: readonly string[] = [FIRST, LIMITS, OUTBOX]

const MIGRATE_MS = 30_000
/** Whoever uses a table that is to be changed is not held up for longer. */
const SETTINGS = `SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '${MIGRATE_MS}ms'`
const LOCK_POLL_MS = 50
/** Any number that nobody else uses for an advisory lock in the same database. */
const LOCK = 0x686b_6777

/**
 * Brings the schema to the newest version, once for all replicas that start at the same time.
 * @throws Unusable when it is newer than this program; NotWritten when it could not be done now.
 */
export async function migrate(
  connection: Connection,
  schema: string,
  limitMs: number,
  world: World,
  migrations = MIGRATIONS,
): Promise<void> {
  const enough = world.timeout(MIGRATE_MS)
  for (;;) {
    const version = await versionOf(connection, schema, limitMs)
    refuseNewer(version, migrations)
    if (version === migrations.length) return
    try {
      await connection.transaction(
        [plain(SETTINGS), plain(migrationFrom(version, schema, migrations))],
        MIGRATE_MS,
        false,
      )
    } catch (error) {
      // Somebody else has the lock, made a step meanwhile, or uses a table that is to be changed.
      if (!(error instanceof NotWritten) || !isMigrationRepeatable(error.code) || enough.aborted) throw error
      await world.sleep(LOCK_POLL_MS * (0.5 + world.random()))
    }
  }
}

/** @throws Unusable when this program does not know the version. */
export function refuseNewer(version: number, migrations: readonly string[]): void {
  if (version > migrations.length)
    throw new Unusable(`the database was written by a newer version of the gateway (schema ${version})`)
}

/** Of the schema; 0 when there is none. */
export async function versionOf(connection: Connection, schema: string, limitMs: number): Promise<number> {
  const ask = async (text: string): Promise<string | null | undefined> =>
    (await connection.ask(plain(text), limitMs, false))[0]?.[0]
  const isThere = await ask(`SELECT to_regclass('"${schema}".schema_version')::text`)
  if (isThere === null) return 0
  return Number(await ask(`SELECT max(version)::text FROM "${schema}".schema_version`))
}

/** Fails with 55P03 when the lock is taken, and with 23505 when the version is not this one any more. */
function migrationFrom(version: number, schema: string, migrations: readonly string[]): string {
  const steps = migrations.slice(version).map(step => step.replaceAll('SCHEMA.', `"${schema}".`))
  return `
    DO $$ BEGIN
      IF NOT pg_try_advisory_xact_lock(${LOCK}) THEN
        RAISE EXCEPTION 'somebody else migrates' USING ERRCODE = '55P03';
      END IF;
      IF to_regnamespace('"${schema}"') IS NULL THEN CREATE SCHEMA "${schema}"; END IF;
      IF to_regclass('"${schema}".schema_version') IS NULL THEN
        CREATE TABLE "${schema}".schema_version (version integer PRIMARY KEY);
      END IF;
    END $$;
    INSERT INTO "${schema}".schema_version SELECT generate_series(${version + 1}, ${migrations.length});
    ${steps.join('\n')}`
}

function isMigrationRepeatable(code: string): boolean {
  return isRepeatable(code) || ['23505', '42P06', '42P07'].includes(code)
}
