import { cpSync, fstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openSqliteStore, type SqliteOptions } from '../../../src/store/sqlite/open.ts'
import { StoreUnavailable, type Store } from '../../../src/operations/store.ts'
import { temporaryDirectory } from '../../helper.ts'
import { changed, endOf, operation, storeContract, type StoreUnderTest } from '../store-contract.ts'
import { outboxContract, PENDING } from '../outbox-contract.ts'
import { storeModel } from '../store-model.ts'

const T0 = 1_800_000_000_000
const EVERYTHING = { vmIds: '*' as const, kinds: ['snapshot.create' as const], createdBy: '' }

function open(path: string, nowMs = T0, options: SqliteOptions = {}): Store {
  const store = openSqliteStore(path, nowMs, options)
  onTestFinished(() => store.close())
  return store
}

async function openAnew(): Promise<StoreUnderTest> {
  let directory = temporaryDirectory()
  return {
    store: open(join(directory, 'gateway.db')),
    async reopen() {
      // The files as they are on disk right now: what a killed process leaves.
      const left = directory
      directory = temporaryDirectory()
      for (const file of readdirSync(left)) cpSync(join(left, file), join(directory, file))
      return open(join(directory, 'gateway.db'))
    },
  }
}

storeContract('sqlite', openAnew)
outboxContract('sqlite', openAnew)
storeModel('sqlite', openAnew)

test('a second process on the same file is refused with a clear message', () => {
  const path = join(temporaryDirectory(), 'gateway.db')
  open(path)
  expect(() => openSqliteStore(path, T0)).toThrow(/gateway\.db is in use by another process/)
})

test('a file of a newer version, or that is no database, is refused with a clear message', async () => {
  const path = join(temporaryDirectory(), 'gateway.db')
  await open(path).close()
  const db = new DatabaseSync(path)
  db.exec('PRAGMA user_version = 99')
  db.close()
  expect(() => openSqliteStore(path, T0)).toThrow(/newer version of the gateway \(schema 99\)/)
  expect(() => openSqliteStore(temporaryDirectory(), T0)).toThrow(/cannot be opened/)
})

test('what a killed process had committed is on the disk before the next one shows it', async () => {
  const path = join(temporaryDirectory(), 'gateway.db')
  let taken: (error: Error | null) => void = () => {}
  const killed = open(path, T0, { sync: (_fd, done) => (taken = done) })
  const op = operation()
  const started = killed.start(op, null, T0)
  await vi.waitUntil(() => statSync(`${path}-wal`).size > 0)
  await setImmediate()
  const left = join(temporaryDirectory(), 'gateway.db')
  for (const end of ['', '-wal']) cpSync(path + end, left + end)
  const eio = (): never => {
    throw new Error('EIO')
  }
  expect(() => openSqliteStore(left, T0, { syncNow: eio })).toThrow(/cannot be opened: EIO/)
  const synced: number[] = []
  const next = open(left, T0, { syncNow: fd => void synced.push(fstatSync(fd).size) })
  expect(synced).toEqual([statSync(`${left}-wal`).size])
  expect(await next.get(op.id)).toMatchObject({ id: op.id })
  taken(null)
  await started
})

test('the file holds callback keys, so only its owner may read it', () => {
  // In a directory that the store makes, and in one that everybody may look into.
  for (const path of [
    join(temporaryDirectory(), 'deeper', 'gateway.db'),
    join(temporaryDirectory(), 'a.db'),
  ]) {
    open(path)
    const modes = [path, `${path}-wal`].map(file => statSync(file).mode & 0o077)
    expect([path, ...modes]).toEqual([path, 0, 0])
  }
})

test('what a process held when it died is due at once for the next', async () => {
  const path = join(temporaryDirectory(), 'gateway.db')
  const store = open(path)
  const op = operation({ dueAtMs: T0 + 70_000 })
  await store.start(op, null, T0)
  await store.close()
  const next = open(path, T0 + 5)
  expect((await next.claimDue(T0 + 5, 1_000, 5)).map(({ id }) => id)).toEqual([op.id])
})

test('the writes of one turn share one transaction', async () => {
  const path = join(temporaryDirectory(), 'gateway.db')
  const store = open(path)
  const sizeOfWal = (): number => statSync(`${path}-wal`).size
  const before = sizeOfWal()
  await store.start(operation({ vmId: 1 }), null, T0)
  const one = sizeOfWal() - before
  await Promise.all(Array.from({ length: 50 }, (_, i) => store.start(operation({ vmId: 100 + i }), null, T0)))
  // Each transaction of its own would write every touched page again.
  expect(sizeOfWal() - before - one).toBeLessThan(one * 10)
})

/** A disk that takes what was written when it is told to. */
function slowDisk() {
  const waiting: ((error: Error | null) => void)[] = []
  const files: number[] = []
  return {
    files,
    waiting,
    sync: (fd: number, callback: (error: Error | null) => void) => {
      files.push(fstatSync(fd).ino)
      waiting.push(callback)
    },
    /** Of what was asked for first. */
    async take(error: Error | null = null) {
      await vi.waitFor(() => expect(waiting).not.toEqual([]), { interval: 1 })
      waiting.shift()!(error)
    },
  }
}

/** What has happened by the time that everything which can happen now has. */
async function settledNow(promises: Promise<unknown>[]): Promise<boolean[]> {
  const settled = promises.map(() => false)
  promises.forEach((promise, i) => void promise.finally(() => (settled[i] = true)).catch(() => {}))
  for (let i = 0; i < 5; i += 1) await setImmediate()
  return settled
}

test('nobody hears of a write before it is on the disk, not even who reads it', async () => {
  const path = join(temporaryDirectory(), 'gateway.db')
  const disk = slowDisk()
  const heard: string[] = []
  const store = open(path, T0, { sync: disk.sync })
  store.onChange(id => heard.push(id))
  const [op, later] = [operation({ vmId: 1, dueAtMs: T0 }), operation({ vmId: 2 })]
  const started = store.start(op, null, T0)
  await vi.waitFor(() => expect(disk.waiting).toHaveLength(1), { interval: 1 })
  const readers = [store.get(op.id), store.list({ visible: EVERYTHING, limit: 9 })]
  const second = store.start(later, null, T0)
  expect(await settledNow([started, ...readers, second])).toEqual([false, false, false, false])
  // The second is not even written: it would only wait.
  expect(await store.get(later.id)).toBeUndefined()
  expect(heard).toEqual([])
  expect(disk.files).toEqual([statSync(`${path}-wal`).ino])

  await disk.take()
  expect(await settledNow([started, ...readers, second])).toEqual([true, true, true, false])
  expect(heard).toEqual([op.id])
  await disk.take()
  expect(await second).toEqual({ kind: 'started' })

  // A claim is nobody's to hear of, and ends with the process.
  expect((await store.claimDue(T0, 1_000, 5)).map(({ id }) => id)).toContain(op.id)
  expect(disk.waiting).toEqual([])
  const closed = store.close()
  const last = await settledNow([closed])
  expect(last).toEqual([true])
})

test('who waited for one write does not see the next one before that is on the disk, too', async () => {
  const disk = slowDisk()
  const store = open(join(temporaryDirectory(), 'gateway.db'), T0, { sync: disk.sync })
  const op = operation({ vmId: 1 })
  const started = store.start(op, null, T0)
  await vi.waitFor(() => expect(disk.waiting).toHaveLength(1), { interval: 1 })
  const readers = [store.get(op.id), store.list({ visible: EVERYTHING, limit: 9 }).then(([first]) => first)]
  const saved = store.save(endOf(op, T0))
  await disk.take()
  await started
  for (const seen of await Promise.all(readers)) expect(seen).toMatchObject({ rev: 1, status: 'running' })
  await disk.take()
  expect(await saved).toBe(true)
  expect(await store.get(op.id)).toMatchObject({ rev: 2, status: 'succeeded' })
})

test('a step whose lease ends while its outcome is on its way is nobody else’s; when nothing came of it, it is', async () => {
  const disk = slowDisk()
  const directory = temporaryDirectory()
  const store = open(join(directory, 'gateway.db'), T0, { sync: disk.sync })
  const op = operation({ vmId: 1, dueAtMs: T0 })
  const started = store.start(op, null, T0)
  await disk.take()
  await started
  const [held] = await store.claimDue(T0, 10, 5)
  const saved = store.save({ ...held!, rev: held!.rev + 1, dueAtMs: T0 + 40 })
  await vi.waitFor(() => expect(disk.waiting).toHaveLength(1), { interval: 1 })
  const early = store.claimDue(T0 + 20, 10, 5)
  expect(await settledNow([early])).toEqual([false])
  await disk.take()
  expect(await saved).toBe(true)
  await disk.take()
  expect(await early).toEqual([])
  const [again] = await store.claimDue(T0 + 40, 10, 5)
  expect(again).toMatchObject({ id: op.id, rev: 4, dueAtMs: T0 + 50 })

  // The whole transaction fails, since another operation has this id.
  const failing = [
    store.save({ ...again!, rev: 5, dueAtMs: T0 + 90 }),
    store.start(operation({ vmId: 2, id: op.id }), null, T0),
  ]
  for (const { status } of await Promise.allSettled(failing)) expect(status).toBe('rejected')
  const claimed = store.claimDue(T0 + 50, 10, 5)
  await disk.take()
  expect((await claimed).map(({ id, rev }) => [id, rev])).toEqual([[op.id, 5]])
})

test('what is committed and not yet on the disk is not claimed, whether it is new or goes on', async () => {
  const disk = slowDisk()
  const store = open(join(temporaryDirectory(), 'gateway.db'), T0, { sync: disk.sync })
  const op = operation({ vmId: 1, dueAtMs: T0 })
  const started = store.start(op, null, T0)
  await vi.waitFor(() => expect(disk.waiting).toHaveLength(1), { interval: 1 })
  expect(await store.claimDue(T0, 10, 5)).toEqual([])
  expect(await settledNow([started])).toEqual([false])
  await disk.take()
  await started
  expect(await store.claimDue(T0, 10, 5)).toMatchObject([{ id: op.id, rev: 2 }])

  // One that nobody has a lease on goes on, and is due at once.
  const other = operation({ vmId: 2, dueAtMs: T0 + 90 })
  const otherStarted = store.start(other, null, T0)
  await disk.take()
  await otherStarted
  const saved = store.save({ ...other, rev: 2, dueAtMs: T0 })
  await vi.waitFor(() => expect(disk.waiting).toHaveLength(1), { interval: 1 })
  expect(await store.claimDue(T0, 10, 5)).toEqual([])
  expect(await settledNow([saved])).toEqual([false])
  await disk.take()
  expect(await saved).toBe(true)
  expect(await store.claimDue(T0, 10, 5)).toMatchObject([{ id: other.id, rev: 3, dueAtMs: T0 + 10 }])
})

test('the message of an end that is not yet on the disk is not claimed', async () => {
  const disk = slowDisk()
  const store = open(join(temporaryDirectory(), 'gateway.db'), T0, { sync: disk.sync })
  const op = operation({ vmId: 1 })
  const started = store.start(op, null, T0)
  await disk.take()
  await started
  const saved = store.save(changed(endOf(op, T0), { webhook: PENDING }))
  await vi.waitFor(() => expect(disk.waiting).toHaveLength(1), { interval: 1 })
  const claimed = store.outbox.claim(T0, 1_000, [{ caller: op.createdBy, limit: 5 }])
  expect(await settledNow([claimed])).toEqual([false])
  await disk.take()
  expect(await saved).toBe(true)
  expect((await claimed).map(({ operation: { id } }) => id)).toEqual([op.id])
})

test('after a write that failed nothing is claimed before one goes through: a step may burn a key', async () => {
  const path = join(temporaryDirectory(), 'gateway.db')
  const disk = slowDisk()
  const store = open(path, T0, { sync: disk.sync })
  const op = operation({ vmId: 1, dueAtMs: T0 })
  const started = store.start(op, null, T0)
  await disk.take()
  await started
  await expect(store.start(operation({ vmId: 2, id: op.id }), null, T0)).rejects.toThrow(StoreUnavailable)
  const size = statSync(`${path}-wal`).size
  const claimed = store.claimDue(T0, 10, 5)
  expect(await settledNow([claimed])).toEqual([false])
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(size)
  await disk.take()
  expect((await claimed).map(({ id }) => id)).toEqual([op.id])
  expect(await store.claimDue(T0 + 10, 10, 5)).toHaveLength(1)
})

test('what is on its way when the store is closed arrives, and is told', async () => {
  const disk = slowDisk()
  const path = join(temporaryDirectory(), 'gateway.db')
  const store = open(path, T0, { sync: disk.sync })
  const started = [store.start(operation({ vmId: 1 }), null, T0)]
  await vi.waitFor(() => expect(disk.waiting).toHaveLength(1), { interval: 1 })
  started.push(store.start(operation({ vmId: 2 }), null, T0))
  const closed = store.close()
  await disk.take()
  await disk.take()
  expect(await Promise.all(started)).toEqual([{ kind: 'started' }, { kind: 'started' }])
  await closed
  await expect(store.start(operation({ vmId: 3 }), null, T0)).rejects.toThrow('the store is closed')
  expect(await open(path).list({ visible: EVERYTHING, limit: 9 })).toHaveLength(2)
})

test('a disk that fails ends the store: what SQLite shows is not what a power cut leaves', async () => {
  const disk = slowDisk()
  const broken: Error[] = []
  const path = join(temporaryDirectory(), 'gateway.db')
  const store = open(path, T0, { sync: disk.sync, onBroken: error => broken.push(error) })
  const op = operation({ vmId: 1 })
  const calls: Promise<unknown>[] = [store.start(op, null, T0)]
  await vi.waitFor(() => expect(disk.waiting).toHaveLength(1), { interval: 1 })
  calls.push(store.get(op.id), store.start(operation({ vmId: 2 }), null, T0))
  const outcomes = Promise.allSettled(calls)
  await disk.take(new Error('EIO'))
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) })
  expect(broken.map(({ message }) => message)).toEqual(['EIO'])
  await expect(store.ping()).rejects.toThrow('the disk did not take')
  await expect(store.get(op.id)).rejects.toThrow(StoreUnavailable)
  await expect(store.start(operation({ vmId: 3 }), null, T0)).rejects.toThrow(StoreUnavailable)
})

test('a failed transaction leaves nothing behind and is told as such to each of its writers', async () => {
  const path = join(temporaryDirectory(), 'gateway.db')
  const store = open(path)
  const good = operation({ vmId: 1 })
  const same = operation({ vmId: 2, id: good.id })
  const outcomes = await Promise.allSettled([store.start(good, null, T0), store.start(same, null, T0)])
  expect(
    outcomes.map(outcome => outcome.status === 'rejected' && outcome.reason instanceof StoreUnavailable),
  ).toEqual([true, true])
  expect(await store.get(good.id)).toBeUndefined()
  expect(await store.start(good, null, T0)).toEqual({ kind: 'started' })
})

test('the file does not grow without end: swept pages are given back', async () => {
  const path = join(temporaryDirectory(), 'gateway.db')
  const store = open(path)
  const pages = (): number => {
    // A second connection may not open the file: the size on disk after a checkpoint tells.
    return statSync(path).size + statSync(`${path}-wal`).size
  }
  const round = async (): Promise<void> => {
    const ops = Array.from({ length: 2_000 }, (_, i) =>
      operation({ vmId: i + 1, backupId: 'x'.repeat(1_000) }),
    )
    await Promise.all(ops.map(op => store.start(op, null, T0)))
    await Promise.all(ops.map(op => store.save(endOf(op, T0))))
    while ((await store.sweep(T0 + 1, T0 + 1, 200)) > 0);
  }
  await round()
  const after1 = pages()
  for (let i = 0; i < 4; i += 1) await round()
  expect(pages()).toBeLessThan(after1 * 1.5)
})

test('a ping is a write, one for however many ask, and none where something was written just now', async () => {
  const disk = slowDisk()
  const store = open(join(temporaryDirectory(), 'gateway.db'), T0, { sync: disk.sync })
  const pings = Array.from({ length: 20 }, () => store.ping())
  await vi.waitFor(() => expect(disk.waiting).toHaveLength(1), { interval: 1 })
  expect(await settledNow(pings)).toEqual(pings.map(() => false))
  await disk.take()
  await Promise.all(pings)
  // Answered without the disk, which would not take another one.
  await store.ping()
  expect(disk.waiting).toHaveLength(0)
})
