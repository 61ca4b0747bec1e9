/** However an operation ends, the message of its end is written with it, for callers who are told of ends and for no others. */

import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { NO_TRACING } from '../../src/observability/tracing.ts'
import type { CallOutcome, CheckOutcome, Hostkey } from '../../src/operations/hostkey.ts'
import type { Operation } from '../../src/operations/operation.ts'
import { Operations } from '../../src/operations/operations.ts'
import { openSqliteStore } from '../../src/store/sqlite/open.ts'
import { realWorld } from '../../src/world.ts'
import { temporaryDirectory } from '../helper.ts'
import { PENDING } from '../store/outbox-contract.ts'

const ACCEPTED: CallOutcome = { kind: 'accepted', callback: 'c'.repeat(32) }
const LOST: CallOutcome = { kind: 'lost', reason: 'reset', cause: 'connection' }
const REFUSED: CallOutcome = { kind: 'refused', reason: 'conflict', code: '-1', message: 'not now' }
const NO_SNAPSHOTS: CheckOutcome = { kind: 'done', scope: [], snapshots: [] }

/** Operations of alice, who is told of ends, and of bob, who is not, at a HOSTKEY that answers changes so. */
function openOperations(change: CallOutcome): { operations: Operations; nudges: () => number } {
  const store = openSqliteStore(join(temporaryDirectory(), 'gateway.db'), Date.now())
  let nudges = 0
  const hostkey: Hostkey = {
    call: async ({ action }) => (action === 'get_snapshot' ? ACCEPTED : change),
    check: async (_callback, { action }) =>
      action === 'get_snapshot' ? NO_SNAPSHOTS : { kind: 'done', scope: 'ok', snapshots: null },
    pausedMs: () => 0,
    isAtLimit: () => false,
  }
  const operations = new Operations({
    store,
    hostkey,
    policy: {
      checkMinMs: 1,
      checkMaxMs: 5,
      deadlineMs: 60_000,
      settleMs: 50,
      keyGraceMs: { change: 0, read: 0 },
      readCalls: 2,
    },
    world: realWorld,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    tracing: NO_TRACING.operations,
    leaseMs: 10_000,
    readCacheMs: 0,
    watchConcurrency: 4,
    ttlMs: 60_000,
    webhooks: { isTold: caller => caller === 'alice', nudge: () => void (nudges += 1) },
  })
  operations.run()
  onTestFinished(async () => {
    await operations.stop(0)
    await store.close()
  })
  return { operations, nudges: () => nudges }
}

const never = (): AbortSignal => new AbortController().signal

const CHANGES = {
  'the call is refused': ['snapshot.create', REFUSED, 'failed'],
  'the callback tells the end': ['snapshot.create', ACCEPTED, 'succeeded'],
  'a look tells the end': ['snapshot.delete', LOST, 'succeeded'],
  'nothing tells it': ['snapshot.create', LOST, 'unknown'],
  'no look can tell it': ['snapshot.restore', LOST, 'unknown'],
} as const

test.for(Object.entries(CHANGES))('a change: %s', async ([, [kind, outcome, status]]) => {
  const { operations, nudges } = openOperations(outcome)
  const start = async (caller: string, vmId: number): Promise<Operation> => {
    const started = await operations.start({
      kind,
      vmId,
      snapshot: 'new',
      snapshotType: 'snapshot',
      backupId: null,
      caller,
      idempotencyKey: null,
    })
    const { operation } = started as { operation: Operation }
    return operations.wait(operation, 5_000, never(), never)
  }
  const [told, untold] = [await start('alice', 1), await start('bob', 2)]
  expect(told).toMatchObject({ status, webhook: PENDING })
  expect(await operations.get(told.id)).toEqual(told)
  expect(untold.status).toBe(status)
  expect(untold).not.toHaveProperty('webhook')
  expect(nudges()).toBe(1)
})

test('a read that became an operation of its caller, however far it was by then', async () => {
  const { operations, nudges } = openOperations(ACCEPTED)
  const read = async (caller: string, waitMs: number): Promise<Operation> => {
    const { operation } = await operations.read({
      kind: 'snapshot.list',
      vmId: 1,
      type: 'snapshot',
      caller,
      waitMs,
      fresh: true,
    })
    return operations.wait(operation, 5_000, never(), never)
  }
  expect(await read('alice', 0)).toMatchObject({ status: 'succeeded', webhook: PENDING })
  expect(nudges()).toBe(1)
  expect(await read('bob', 0)).not.toHaveProperty('webhook')
  // One that is answered in time is kept by nobody.
  expect(await read('alice', 5_000)).not.toHaveProperty('webhook')
  expect(nudges()).toBe(1)
})

test('a change that did not leave is told to nobody', async () => {
  const { operations, nudges } = openOperations({ kind: 'unsent', reason: 'refused' })
  const request = { kind: 'snapshot.create', vmId: 1, snapshot: 'new', snapshotType: 'snapshot' } as const
  const start = await operations.start({ ...request, backupId: null, caller: 'alice', idempotencyKey: null })
  expect(start).toMatchObject({ kind: 'refused', operation: null })
  expect(nudges()).toBe(0)
})
