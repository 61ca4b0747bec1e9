/** The tables of the SQLite store, and the version that is written into the file with them. */

export const SCHEMA_VERSION = 5

const BY_VM_INDEX = 'CREATE INDEX by_vm ON operations (vm_id, id);'

/** The reads that run; the index `vm_hold` has the changes. */
const READS_INDEX = "CREATE INDEX running_reads ON operations (id) WHERE mutates = 0 AND status = 'running';"

/** Messages of ends that are still to be delivered; no other operation has an entry. */
const OUTBOX_INDEX =
  'CREATE INDEX outbox ON operations (created_by, webhook_due_at) WHERE webhook_due_at IS NOT NULL;'

const OPERATIONS = `
  CREATE TABLE operations (
    id TEXT PRIMARY KEY,
    rev INTEGER NOT NULL,
    kind TEXT NOT NULL,
    mutates INTEGER NOT NULL,
    vm_id INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    status TEXT NOT NULL,
    due_at INTEGER,
    finished_at INTEGER,
    doc TEXT NOT NULL,
    webhook TEXT,
    webhook_due_at INTEGER,
    result TEXT
  ) STRICT;
`
const OPERATION_INDEXES = `
  CREATE UNIQUE INDEX vm_hold ON operations (vm_id) WHERE mutates = 1 AND status = 'running';
  CREATE INDEX ended ON operations (finished_at) WHERE status <> 'running';
  ${READS_INDEX} ${BY_VM_INDEX} ${OUTBOX_INDEX}
`
const COLUMNS =
  'id, rev, kind, mutates, vm_id, created_by, status, due_at, finished_at, doc, webhook, webhook_due_at, result'

/** What makes the tables of a version those of the next one. Operations from before keep their result in `doc`. */
export const MIGRATIONS: Readonly<Record<number, string>> = {
  1: 'ALTER TABLE operations ADD COLUMN result TEXT; PRAGMA user_version = 2;',
  2: `ALTER TABLE operations ADD COLUMN webhook TEXT; ALTER TABLE operations ADD COLUMN webhook_due_at INTEGER;
    ${OUTBOX_INDEX} PRAGMA user_version = 3;`,
  3: `DROP INDEX due; DROP INDEX IF EXISTS listed; DROP INDEX by_vm;
    ${BY_VM_INDEX} ${READS_INDEX} PRAGMA user_version = 4;`,
  4: `ALTER TABLE operations RENAME TO former; ${OPERATIONS} INSERT INTO operations (${COLUMNS}) SELECT ${COLUMNS} FROM former ORDER BY id;
    DROP TABLE former; ${OPERATION_INDEXES} PRAGMA user_version = 5;`,
}

/**
 * Makes the tables in an empty file.
 *
 * `doc` is the operation as JSON, and `result` its result, which may be large: it is the last column, so that who does not ask
 * for it does not read it. The table has row numbers, as SQLite compares whole rows, results and all, where a table is in the order of
 * another key. Where a column says the same as `doc`, the column counts. What a list chooses by stands before `doc`. An index costs each create
 * a page of the WAL file: there is one of the ids, and one for a list of one VM. The index
 * `vm_hold` lets only one running change exist for a VM: this is how an operation has its VM. It begins and ends with the operation's own
 * row, so no crash can leave it behind.
 * `webhook` is the state of the message that tells of the operation's end, as JSON, and `webhook_due_at` when it is to be
 * sent, as long as it is pending.
 */
export const SCHEMA = `
  ${OPERATIONS} ${OPERATION_INDEXES}
  CREATE TABLE idempotency (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    operation_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX idempotency_expires ON idempotency (expires_at);
  CREATE INDEX idempotency_operation ON idempotency (operation_id);
  PRAGMA user_version = ${SCHEMA_VERSION};
`
