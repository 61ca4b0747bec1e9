/** Files as earlier versions of the gateway left them. */

import { DatabaseSync } from 'node:sqlite'

/** Turns a file into one of that version. The first kept results in its documents, and both knew no messages of ends. */
export function makeOlder(path: string, version: 1 | 2): void {
  using db = new DatabaseSync(path)
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
