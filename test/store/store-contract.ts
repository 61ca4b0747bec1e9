/** What every store must do. Run on each implementation with a way to open it, and to open it again after a crash. */

import { expect, test } from 'vitest'
import { operationIds } from '../../src/operations/id.ts'
import type { Kind } from '../../src/operations/kinds/kind.ts'
import { KIND_NAMES } from '../../src/operations/kinds/kinds.ts'
import { newOperation, type Operation, type Running, type Succeeded } from '../../src/operations/operation.ts'
import type { IdempotencyKey, ListQuery, Store } from '../../src/operations/store.ts'
import { realWorld } from '../../src/world.ts'

const newOperationId = operationIds(realWorld)

export interface StoreUnderTest {
  store: Store
  /** Opens the same data again, as another process would after this one was killed. */
  reopen: () => Promise<Store>
}

const POLICY = { checkMinMs: 10, checkMaxMs: 50, deadlineMs: 60_000, settleMs: 5_000, readCalls: 3 }
const RESULT = { settled_by: 'callback', raw: { ok: true } } as const
const T0 = 1_800_000_000_000
const LEASE_MS = 30_000

export function operation(changes: Partial<Running> = {}): Running {
  const draft = {
    id: newOperationId(changes.createdAtMs ?? T0),
    kind: 'snapshot.create' as Kind,
    vmId: 1,
    snapshot: 'a',
    snapshotType: 'snapshot',
    backupId: null,
    createdBy: 'alice',
    evidence: null,
  }
  return { ...newOperation(draft, T0, T0 + LEASE_MS, POLICY), ...changes } as Running
}

/** The operation with these members, however they go together. */
export function changed(op: Operation, changes: object): Operation {
  return Object.assign({ ...op }, changes)
}

/** The next revision of an operation, ended. */
export function endOf(op: Operation, finishedAtMs = T0 + 1_000): Succeeded {
  return {
    ...op,
    rev: op.rev + 1,
    status: 'succeeded',
    step: null,
    callback: null,
    dueAtMs: null,
    finishedAtMs,
    lookUntilMs: null,
    result: RESULT,
    failure: null,
  }
}

function claim(changes: Partial<IdempotencyKey> = {}): IdempotencyKey {
  return { caller: 'alice', key: 'k1', fingerprint: 'f1', expiresAtMs: T0 + 86_400_000, ...changes }
}

const EVERYTHING: ListQuery = {
  visible: { vmIds: '*', kinds: KIND_NAMES, createdBy: 'nobody' },
  limit: 100,
}

export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  test(`${name}: gives back what was started, with every member`, async () => {
    const { store } = await open()
    const op = operation({ backupId: 'b', evidence: { present: false, atMs: T0 } })
    expect(await store.start(op, null, T0)).toEqual({ kind: 'started' })
    expect(await store.get(op.id)).toEqual(op)
    expect(await store.get(newOperationId(T0))).toBeUndefined()
  })

  test(`${name}: what was answered is there after a crash`, async () => {
    const { store, reopen } = await open()
    const op = operation()
    await store.start(op, claim(), T0)
    const accepted: Operation = {
      ...op,
      rev: 2,
      step: 'check',
      lookUntilMs: null,
      callback: 'secret-callback',
      dueAtMs: T0 + 10,
    }
    expect(await store.save(accepted)).toBe(true)
    const again = await reopen()
    expect(await again.get(op.id)).toMatchObject({ ...accepted, dueAtMs: expect.any(Number) })
    const replay = await again.start(operation(), claim(), T0)
    expect(replay).toMatchObject({ kind: 'replay', inProgress: false, operation: { id: op.id } })
  })

  test(`${name}: one mutation at a time holds a VM; reads and other VMs are free`, async () => {
    const { store } = await open()
    const first = operation()
    await store.start(first, null, T0)
    expect(await store.start(operation({ kind: 'snapshot.delete' }), null, T0)).toMatchObject({
      kind: 'busy',
      operation: { id: first.id },
    })
    expect(await store.start(operation({ vmId: 2 }), null, T0)).toEqual({ kind: 'started' })
    expect(await store.start(operation({ kind: 'snapshot.list' }), null, T0)).toEqual({ kind: 'started' })
    expect(await store.start(operation({ kind: 'stats.load' }), null, T0)).toEqual({ kind: 'started' })
  })

  test.for(['succeeded', 'failed', 'unknown'] as const)(
    `${name}: the hold ends with an operation that ends as %s`,
    async status => {
      const { store } = await open()
      const first = operation()
      await store.start(first, null, T0)
      await store.save(changed(endOf(first), { status }))
      expect(await store.start(operation(), null, T0)).toEqual({ kind: 'started' })
    },
  )

  test(`${name}: of many concurrent starts on one VM, one wins`, async () => {
    const { store } = await open()
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => store.start(operation(), null, T0)))
    expect(outcomes.filter(({ kind }) => kind === 'started')).toHaveLength(1)
    expect(outcomes.filter(({ kind }) => kind === 'busy')).toHaveLength(19)
  })

  test(`${name}: of many concurrent starts with one key, one wins and the others replay it`, async () => {
    const { store } = await open()
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => store.start(operation(), claim(), T0)),
    )
    expect(outcomes.filter(({ kind }) => kind === 'started')).toHaveLength(1)
    const replays = outcomes.filter(outcome => outcome.kind === 'replay')
    expect(replays).toHaveLength(19)
    expect(new Set(replays.map(replay => replay.operation.id)).size).toBe(1)
    expect(replays.every(replay => replay.inProgress)).toBe(true)
  })

  test(`${name}: a key is bound to its request, to its caller and to its time`, async () => {
    const { store } = await open()
    const first = operation()
    await store.start(first, claim(), T0)
    await store.save(endOf(first))
    expect(await store.start(operation(), claim({ fingerprint: 'f2' }), T0)).toEqual({ kind: 'reused' })
    expect(await store.start(operation(), claim(), T0)).toMatchObject({
      kind: 'replay',
      inProgress: false,
      operation: { status: 'succeeded' },
    })
    expect(await store.start(operation({ createdBy: 'bob', vmId: 2 }), claim({ caller: 'bob' }), T0)).toEqual(
      { kind: 'started' },
    )
    const later = T0 + 86_400_001
    expect(
      await store.start(operation({ vmId: 3 }), claim({ fingerprint: 'f2', expiresAtMs: later + 1 }), later),
    ).toEqual({ kind: 'started' })
  })

  test(`${name}: a replay is told before the VM is found busy`, async () => {
    const { store } = await open()
    const first = operation()
    await store.start(first, claim(), T0)
    expect(await store.start(operation(), claim(), T0)).toMatchObject({
      kind: 'replay',
      operation: { id: first.id },
    })
  })

  test(`${name}: only the revision before is replaced, and an end is final`, async () => {
    const { store } = await open()
    const op = operation()
    await store.start(op, null, T0)
    expect(await store.save({ ...op, rev: 3 })).toBe(false)
    expect(await store.save(endOf(op))).toBe(true)
    expect(await store.save(endOf(op))).toBe(false)
    expect(await store.save(changed(endOf(op), { rev: 3, status: 'failed' }))).toBe(false)
    expect(await store.get(op.id)).toMatchObject({ rev: 2, status: 'succeeded', result: RESULT })
    expect(await store.save(operation({ rev: 2 }))).toBe(false)
  })

  test(`${name}: a discarded operation leaves no key and no hold`, async () => {
    const { store } = await open()
    const op = operation()
    await store.start(op, claim(), T0)
    expect(await store.discard(op)).toBe(true)
    expect(await store.discard(op)).toBe(false)
    expect(await store.get(op.id)).toBeUndefined()
    expect(await store.start(operation(), claim({ fingerprint: 'other' }), T0)).toEqual({ kind: 'started' })
  })

  test(`${name}: what somebody else took over is not discarded`, async () => {
    const { store } = await open()
    const op = operation({ dueAtMs: T0 })
    await store.start(op, claim(), T0)
    await store.claimDue(T0, LEASE_MS, 1)
    expect(await store.discard(op)).toBe(false)
    expect(await store.start(operation(), claim(), T0)).toMatchObject({
      kind: 'replay',
      operation: { id: op.id },
    })
  })

  test(`${name}: what is due is claimed once, soonest first, until its lease is over`, async () => {
    const { store } = await open()
    const early = operation({ dueAtMs: T0 + 10, vmId: 1 })
    const late = operation({ dueAtMs: T0 + 20, vmId: 2 })
    const ended = operation({ dueAtMs: T0 + 5, vmId: 3 })
    for (const op of [late, early, ended]) await store.start(op, null, T0)
    await store.save(endOf(ended))
    expect(await store.nextDueAtMs()).toBe(T0 + 10)
    expect(await store.claimDue(T0 + 9, LEASE_MS, 10)).toEqual([])
    const claims = await Promise.all([
      store.claimDue(T0 + 30, LEASE_MS, 1),
      store.claimDue(T0 + 30, LEASE_MS, 5),
      store.claimDue(T0 + 30, LEASE_MS, 5),
    ])
    expect(claims.map(claimed => claimed.map(op => op.id))).toEqual([[early.id], [late.id], []])
    expect(await store.claimDue(T0 + 30 + LEASE_MS - 1, LEASE_MS, 5)).toEqual([])
    expect((await store.claimDue(T0 + 30 + LEASE_MS, LEASE_MS, 5)).map(op => op.id).toSorted()).toEqual(
      [early.id, late.id].toSorted(),
    )
  })

  test(`${name}: whoever overslept its lease can no longer write`, async () => {
    const { store } = await open()
    await store.start(operation({ dueAtMs: T0 }), null, T0)
    const [first] = await store.claimDue(T0, LEASE_MS, 1)
    const [second] = await store.claimDue(T0 + LEASE_MS, LEASE_MS, 1)
    expect(await store.save(endOf(first!))).toBe(false)
    expect(await store.save(endOf(second!))).toBe(true)
  })

  test(`${name}: nothing running, nothing due`, async () => {
    const { store } = await open()
    expect(await store.nextDueAtMs()).toBeNull()
    expect(await store.claimDue(T0, LEASE_MS, 10)).toEqual([])
  })

  test(`${name}: tells how many run, by kind`, async () => {
    const { store, reopen } = await open()
    const counts = async (of = store): Promise<number[]> => {
      const running = await of.running()
      return [running['snapshot.create'] ?? 0, running['stats.load'] ?? 0]
    }
    expect(await counts()).toEqual([0, 0])
    const [a, b] = [operation(), operation({ vmId: 2 })]
    const read = operation({ kind: 'stats.load' })
    for (const one of [a, b, read]) await store.start(one, null, T0)
    // Neither one that is refused nor one that goes on counts again.
    await store.start(operation(), null, T0)
    await store.save(changed(a, { rev: 2, step: 'check' }))
    expect(await counts()).toEqual([2, 1])
    await store.save(endOf({ ...a, rev: 2 }))
    await store.save(endOf({ ...a, rev: 2 }))
    await store.discard(b)
    await store.discard(b)
    expect(await counts()).toEqual([0, 1])
    expect(await counts(await reopen())).toEqual([0, 1])
  })

  test(`${name}: lists newest first, in pages, filtered, and only what may be seen`, async () => {
    const { store } = await open()
    const ops: Operation[] = []
    for (let i = 0; i < 12; i += 1) {
      const op = operation({
        createdAtMs: T0 + i,
        vmId: i % 3,
        kind: i % 2 === 0 ? 'snapshot.list' : 'stats.load',
        createdBy: i === 1 ? 'bob' : 'alice',
      })
      ops.unshift(op)
      await store.start(op, null, T0)
    }
    const ids = (found: Operation[]): string[] => found.map(op => op.id)
    const where = (matches: (op: Operation) => boolean): string[] => ids(ops.filter(matches))
    expect(ids(await store.list(EVERYTHING))).toEqual(ids(ops))
    const page = await store.list({ ...EVERYTHING, limit: 5 })
    expect(ids(page)).toEqual(ids(ops.slice(0, 5)))
    expect(ids(await store.list({ ...EVERYTHING, limit: 5, olderThan: page.at(-1)!.id }))).toEqual(
      ids(ops.slice(5, 10)),
    )
    const newerThan = ops[8]!.id
    expect(ids(await store.list({ ...EVERYTHING, newerThan }))).toEqual(ids(ops.slice(0, 8)))
    expect(ids(await store.list({ ...EVERYTHING, newerThan, olderThan: ops[2]!.id }))).toEqual(
      ids(ops.slice(3, 8)),
    )
    expect(ids(await store.list({ ...EVERYTHING, vmId: 2 }))).toEqual(where(op => op.vmId === 2))
    expect(ids(await store.list({ ...EVERYTHING, kind: 'stats.load' }))).toEqual(
      where(op => op.kind === 'stats.load'),
    )
    expect(ids(await store.list({ ...EVERYTHING, status: 'failed' }))).toEqual([])
    const visible = { vmIds: [0, 1], kinds: ['snapshot.list' as Kind], createdBy: 'bob' }
    expect(ids(await store.list({ ...EVERYTHING, visible }))).toEqual(
      where(op => op.vmId < 2 && (op.kind === 'snapshot.list' || op.createdBy === 'bob')),
    )
    expect(ids(await store.list({ ...EVERYTHING, visible: { ...visible, vmIds: [] } }))).toEqual([])
  })

  test(`${name}: a page is cut at a megabyte, one operation at least, and without results it has room for all`, async () => {
    const { store } = await open()
    for (const [i, size] of [1_500_000, 400_000, 400_000, 400_000, 400_000].entries()) {
      const op = operation({ createdAtMs: T0 + i, vmId: 1 + i })
      await store.start(op, null, T0)
      await store.save({ ...endOf(op), result: { settled_by: 'callback', raw: 'x'.repeat(size) } } as never)
    }
    const lean = await store.list({ ...EVERYTHING, withoutResults: true })
    expect([lean.length, lean.cutAt]).toEqual([5, undefined])
    expect(JSON.stringify(lean).length).toBeLessThan(20_000)
    for (const vms of ['*', [1, 2, 3, 4, 5]] as const) {
      const query = { ...EVERYTHING, visible: { ...EVERYTHING.visible, vmIds: vms } }
      const first = await store.list(query)
      expect([first.length, first.cutAt]).toEqual([2, lean[1]!.id])
      const second = await store.list({ ...query, olderThan: first.cutAt! })
      const third = await store.list({ ...query, olderThan: second.cutAt! })
      expect([second.length, third.length, third.cutAt]).toEqual([2, 1, undefined])
      expect([...first, ...second, ...third].map(({ id }) => id)).toEqual(lean.map(({ id }) => id))
    }
  })

  test(`${name}: sweeps ended operations in batches, and never one that runs or that a key points at`, async () => {
    const { store } = await open()
    const ended = Array.from({ length: 5 }, (_, i) => operation({ vmId: 10 + i }))
    for (const op of ended) {
      await store.start(op, null, T0)
      await store.save(endOf(op, T0 + 1))
    }
    const running = operation({ vmId: 20 })
    const keyed = operation({ vmId: 21 })
    const fresh = operation({ vmId: 22 })
    await store.start(running, null, T0)
    await store.start(keyed, claim({ expiresAtMs: T0 + 500 }), T0)
    await store.save(endOf(keyed, T0 + 1))
    await store.start(fresh, null, T0)
    await store.save(endOf(fresh, T0 + 400))

    const swept: number[] = []
    for (let n = -1; n !== 0;) swept.push((n = await store.sweep(T0 + 100, T0 + 100, 2)))
    expect(Math.max(...swept)).toBeLessThanOrEqual(2)
    const left = async (): Promise<string[]> => (await store.list(EVERYTHING)).map(op => op.id).toSorted()
    expect(await left()).toEqual([running.id, keyed.id, fresh.id].toSorted())

    while ((await store.sweep(T0 + 100, T0 + 600, 10)) > 0);
    expect(await left()).toEqual([running.id, fresh.id].toSorted())
  })

  test(`${name}: tells of each change, once it is stored`, async () => {
    const { store } = await open()
    const seen: [string, string | undefined][] = []
    const reads: Promise<void>[] = []
    const stop = store.onChange(id => reads.push(store.get(id).then(op => void seen.push([id, op?.status]))))
    const op = operation()
    await store.start(op, null, T0)
    await store.save(endOf(op))
    await Promise.all(reads)
    stop()
    await store.start(operation({ vmId: 2 }), null, T0)
    expect(seen.at(-1)).toEqual([op.id, 'succeeded'])
    expect(seen.every(([id]) => id === op.id)).toBe(true)
    expect(reads).toHaveLength(2)
  })

  test(`${name}: a closed store refuses`, async () => {
    const { store } = await open()
    await store.ping()
    await store.close()
    await expect(store.ping()).rejects.toThrow('store')
    await expect(store.start(operation(), null, T0)).rejects.toThrow('store')
  })
}
