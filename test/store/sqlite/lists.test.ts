/** Lists are bounded in work and in bytes, however many operations there are and however large their results. */

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import type { ListQuery, OperationPage, Store } from '../../../src/operations/store.ts'
import { openSqliteStore } from '../../../src/store/sqlite/open.ts'
import { temporaryDirectory } from '../../helper.ts'
import { PENDING } from '../outbox-contract.ts'
import { changed, endOf, operation } from '../store-contract.ts'
import { makeOlder } from './older.ts'

const T0 = 1_800_000_000_000
const ALL: ListQuery['visible'] = { vmIds: '*', kinds: ['snapshot.create'], createdBy: '' }

function open(path: string): Store {
  const store = openSqliteStore(path, T0)
  onTestFinished(() => store.close())
  return store
}

/** A file with so many ended operations, one in a thousand of them of the VM 7 and failed. */
async function fill(path: string, count: number): Promise<void> {
  await openSqliteStore(path, T0).close()
  const db = new DatabaseSync(path)
  const doc = JSON.stringify({ id: 'op_', createdAtMs: T0, note: 'x'.repeat(300) })
  db.exec(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})
    INSERT INTO operations (id, rev, kind, mutates, vm_id, created_by, status, due_at, finished_at, doc, result)
    SELECT printf('op_%026d', i), 2, 'snapshot.create', 1, iif(i % 1000 = 0, 7, 1000 + i % 50), 'tester',
      iif(i % 1000 = 0, 'failed', 'succeeded'), NULL, ${T0}, '${doc}', NULL FROM n`)
  db.close()
}

/** Reads a list to its end. */
async function readAll(
  store: Store,
  query: ListQuery,
): Promise<{ found: number; slowestMs: number; pages: number }> {
  let found = 0
  let slowestMs = 0
  let pages = 0
  for (let olderThan: string | undefined; ;) {
    const before = process.threadCpuUsage()
    // oxlint-disable-next-line no-await-in-loop -- a page leads to the next one
    const page: OperationPage = await store.list({
      ...query,
      ...(olderThan === undefined ? {} : { olderThan }),
    })
    slowestMs = Math.max(slowestMs, process.threadCpuUsage(before).user / 1000)
    found += page.length
    pages += 1
    if (page.cutAt === undefined) return { found, slowestMs, pages }
    olderThan = page.cutAt
  }
}

test('no page takes long, whatever is looked for among 100,000 operations', async () => {
  const path = join(temporaryDirectory(), 'gateway.db')
  await fill(path, 100_000)
  const store = open(path)
  const nothing = await readAll(store, { visible: { vmIds: '*', kinds: [], createdBy: 'other' }, limit: 101 })
  expect(nothing.found).toBe(0)
  const failed = await readAll(store, { visible: ALL, status: 'failed', limit: 101 })
  expect(failed.found).toBe(100)
  const running = await readAll(store, { visible: ALL, status: 'running', limit: 101 })
  expect([running.found, running.pages]).toEqual([0, 34])
  const ofVms = await readAll(store, { visible: { ...ALL, vmIds: [7, 8, 9] }, limit: 101 })
  expect(ofVms.found).toBe(100)
  const ofVm = await readAll(store, { visible: ALL, vmId: 7, limit: 101 })
  expect([ofVm.found, ofVm.pages]).toEqual([100, 1])
  // Of the processor; a page that looked at everything took 45 ms at 200,000.
  for (const { slowestMs } of [nothing, failed, running, ofVms, ofVm]) expect(slowestMs).toBeLessThan(15)
})

test.for([1, 2, 3, 4] as const)('a file of version %s is read, listed and written on', async version => {
  const path = join(temporaryDirectory(), 'gateway.db')
  const store = openSqliteStore(path, T0)
  const first = operation({ vmId: 1 })
  const end = { ...endOf(first), result: { settled_by: 'callback', raw: 'old' } } as never as typeof first
  await store.start(first, null, T0)
  await store.save(end)
  await store.close()
  makeOlder(path, version)
  const after = open(path)
  expect(await after.get(first.id)).toEqual(end)
  const visible = { vmIds: '*' as const, kinds: [], createdBy: first.createdBy }
  expect(await after.list({ visible, limit: 10 })).toEqual([end])
  const second = operation({ vmId: 2 })
  await after.start(second, null, T0)
  expect((await after.list({ visible, vmId: 2, limit: 10 })).map(({ id }) => id)).toEqual([second.id])
  await after.save(changed(endOf(second, T0), { webhook: PENDING }))
  const [delivery] = await after.outbox.claim(T0, 1_000, [{ caller: second.createdBy, limit: 5 }])
  expect(delivery?.operation).toMatchObject({ id: second.id, webhook: PENDING })
})
