import { cpSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { StoreUnavailable, type Store } from '../../src/store/store.ts'
import { temporaryDirectory } from '../helper.ts'
import { endOf, operation, storeContract, type StoreUnderTest } from './store-contract.ts'
import { storeModel } from './store-model.ts'

const T0 = 1_800_000_000_000

function open(path: string, nowMs = T0): Store {
  const store = openSqliteStore(path, nowMs)
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

test('the file holds callback keys, so only its owner may read it', () => {
  const path = join(temporaryDirectory(), 'deeper', 'gateway.db')
  open(path)
  expect(statSync(path).mode & 0o077).toBe(0)
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
    const ops = Array.from({ length: 2_000 }, (_, i) => operation({ vmId: i + 1, result: 'x'.repeat(1_000) }))
    await Promise.all(ops.map(op => store.start(op, null, T0)))
    await Promise.all(ops.map(op => store.save({ ...endOf(op, T0), result: 'x'.repeat(1_000) })))
    while ((await store.sweep(T0 + 1, T0 + 1, 200)) > 0);
  }
  await round()
  const after1 = pages()
  for (let i = 0; i < 4; i += 1) await round()
  expect(pages()).toBeLessThan(after1 * 1.5)
})
