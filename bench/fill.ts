/** Fills a store through its own class, in batches that share a commit. */

import { operationIds } from '../src/operations/id.ts'
import { newOperation, type Operation, type Running } from '../src/operations/operation.ts'
import { openSqliteStore } from '../src/store/sqlite/open.ts'
import { FIRST_FILLED_VM, PENDING_KEY } from './stub.ts'
import { realWorld } from '../src/world.ts'

const newOperationId = operationIds(realWorld)

const BATCH = 5_000
const HOUR_MS = 3_600_000
const CHECK_MAX_MS = 15_000
const POLICY = {
  checkMinMs: 500,
  checkMaxMs: CHECK_MAX_MS,
  deadlineMs: 2 * HOUR_MS,
  settleMs: 120_000,
  readCalls: 4,
}

function operation(number: number, atMs: number, nowMs: number, isRunning: boolean): Operation {
  const draft = {
    id: newOperationId(atMs),
    kind: 'snapshot.create' as const,
    vmId: FIRST_FILLED_VM + number,
    snapshot: 'nightly',
    snapshotType: 'snapshot',
    backupId: null,
    createdBy: 'bench',
    evidence: null,
  }
  const started = newOperation(draft, atMs, atMs, POLICY)
  const callback = `${PENDING_KEY}${String(number).padStart(25, '0')}`
  if (isRunning) {
    const dueAtMs = nowMs + Math.random() * CHECK_MAX_MS
    return { ...started, step: 'check', callback, lookUntilMs: null, tries: 20, dueAtMs }
  }
  const result = { settled_by: 'callback', raw: 'Snapshot created' } as const
  const over = { step: null, callback: null, lookUntilMs: null, dueAtMs: null, finishedAtMs: atMs + 60_000 }
  return { ...started, ...over, status: 'succeeded', result, failure: null }
}

/** Puts `count` operations into a new store, the last `running` of them running. Gives the ids of some that ended. */
export async function fillStore(path: string, count: number, running = 0): Promise<string[]> {
  const nowMs = Date.now()
  const store = openSqliteStore(path, nowMs)
  const ids: string[] = []
  const step = Math.max(1, Math.floor(count / 1_000))
  for (let done = 0; done < count; done += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - done) }, (_, i) => {
      const number = done + i
      const atMs = Math.round(nowMs - HOUR_MS * (1 - number / count))
      return operation(number, atMs, nowMs, number >= count - running)
    })
    await Promise.all(batch.map(one => store.start(one as Running, null, nowMs)))
    for (const { id, status, vmId } of batch) if (status !== 'running' && vmId % step === 0) ids.push(id)
  }
  await store.close()
  return ids
}
