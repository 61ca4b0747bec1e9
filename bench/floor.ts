/**
 * The floor: what no gateway with these promises can do without, and nothing else. A create is an intent on disk, a call, a
 * callback key on disk, an answer, a check, a result on disk; stats are a call and a check, kept for a second; an operation is
 * a row that is read. It keeps no holds, leases, idempotency keys, scopes, judgements, redaction, retries or recovery.
 */

import { randomUUID } from 'node:crypto'
import { callCreate, callStats, check, listen, newApp, routeCreate, routeStats, type Create } from './app.ts'
import { openPostgres, openSqlite } from './floor-store.ts'

const { STORE_URL = '' } = process.env
const KEPT_MS = 1_000

const store = STORE_URL.startsWith('sqlite:')
  ? openSqlite(STORE_URL.slice('sqlite:'.length))
  : await openPostgres(STORE_URL)
let running = 0

async function accept(create: Create): Promise<string> {
  const id = `op_${randomUUID()}`
  const { vmId: vm_id, name: snapshot, type: snapshot_type } = create
  const at = new Date().toISOString()
  const operation = {
    id,
    kind: 'snapshot.create',
    vm_id,
    snapshot,
    snapshot_type,
    created_at: at,
    status: 'running',
  }
  const write = (more: object): Promise<void> =>
    store.write({ id, doc: JSON.stringify({ ...operation, ...more }) })
  await write({})
  const callback = await callCreate(create)
  await write({ callback })
  running += 1
  void finish(callback, write)
  return id
}

async function finish(callback: string, write: (more: object) => Promise<void>): Promise<void> {
  const raw = await check(callback)
  await write({ status: 'succeeded', finished_at: new Date().toISOString(), result: { raw } })
  running -= 1
}

const kept = new Map<number, Promise<unknown>>()

function stats(vmId: number): Promise<unknown> {
  const known = kept.get(vmId)
  if (known) return known
  const read = callStats(vmId).then(check)
  kept.set(vmId, read)
  setTimeout(() => kept.delete(vmId), KEPT_MS)
  return read
}

const app = await newApp()
routeCreate(app, accept)
routeStats(app, stats)
app.get<{ Params: { id: string } }>('/operations/:id', async (request, reply) =>
  reply.type('application/json').send(await store.read(request.params.id)),
)
await listen(app, () => running)
