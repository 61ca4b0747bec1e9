/** The tables of the SQLite store, and the version that is written into the file with them. */

export const SCHEMA_VERSION = 1

/**
 * Makes the tables in an empty file.
 *
 * `doc` is the whole operation as JSON. Where a column says the same, the column counts. The index `vm_hold` lets only
 * one running change exist for a VM: this is how an operation has its VM. It begins and ends with the operation's own
 * row, so no crash can leave it behind. The index `due` answers which running operation has the next step to make.
 */
export const SCHEMA = `
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
    doc TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX vm_hold ON operations (vm_id) WHERE mutates = 1 AND status = 'running';
  CREATE INDEX due ON operations (due_at) WHERE status = 'running';
  CREATE INDEX ended ON operations (finished_at) WHERE status <> 'running';
  CREATE INDEX by_vm ON operations (vm_id, id);
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
