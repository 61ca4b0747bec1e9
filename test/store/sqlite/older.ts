/** Files as earlier versions of the gateway left them. */

import { DatabaseSync } from 'node:sqlite'

/**
 * Turns a file into one of that version. The first kept results in its documents, the first two knew no messages of ends, and
 * all three kept in an index what was due. All four had a table in the order of the ids, without row numbers.
 */
export function makeOlder(path: string, version: 1 | 2 | 3 | 4): void {
  using db = new DatabaseSync(path)
  const { sql } = db.prepare("SELECT sql FROM sqlite_schema WHERE name = 'operations'").get() as {
    sql: string
  }
  const indexes = db
    .prepare("SELECT sql FROM sqlite_schema WHERE tbl_name = 'operations' AND type = 'index'")
    .all()
  db.exec(`ALTER TABLE operations RENAME TO latest; ${sql.replace('STRICT', 'STRICT, WITHOUT ROWID')};
    INSERT INTO operations SELECT * FROM latest; DROP TABLE latest;
    ${indexes.map(index => (index.sql as string | null) ?? '').join(';')}; PRAGMA user_version = 4`)
  if (version === 4) return
  db.exec(`CREATE INDEX due ON operations (due_at) WHERE status = 'running'; DROP INDEX running_reads; DROP INDEX by_vm;
    CREATE INDEX listed ON operations (id, vm_id, kind, status, created_by);
    CREATE INDEX by_vm ON operations (vm_id, id, kind, status, created_by); PRAGMA user_version = 3`)
  if (version === 3) return
  db.exec(`DROP INDEX outbox; ALTER TABLE operations DROP COLUMN webhook;
    ALTER TABLE operations DROP COLUMN webhook_due_at; PRAGMA user_version = 2`)
  if (version === 2) return
  const put = db.prepare('UPDATE operations SET doc = ? WHERE id = ?')
  for (const { id, doc, result } of db.prepare('SELECT id, doc, result FROM operations').all()) {
    const whole = `${(doc as string).slice(0, -1)},"result":${(result as string | null) ?? 'null'}}`
    put.run(whole, id!)
  }
  db.exec(`DROP INDEX listed; DROP INDEX by_vm; ALTER TABLE operations DROP COLUMN result;
    CREATE INDEX by_vm ON operations (vm_id, id); PRAGMA user_version = 1`)
}
