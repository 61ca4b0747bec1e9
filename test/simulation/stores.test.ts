/** The stores of the simulation keep the same contract as those that they stand for. */

import { describe, onTestFinished } from 'vitest'
import type { Store } from '../../src/operations/store.ts'
import { openPostgresStore } from '../../src/store/postgres/postgres.ts'
import { storeOver } from '../../src/store/sqlite/open.ts'
import { outboxContract } from '../store/outbox-contract.ts'
import { storeContract, type StoreUnderTest } from '../store/store-contract.ts'
import { storeModel } from '../store/store-model.ts'
import { chance } from './chance.ts'
import { Machine } from './machine.ts'
import { PostgresDatabase } from './postgres-database.ts'
import { Schedule } from './schedule.ts'
import { SqliteDisk } from './sqlite-disk.ts'
import { Trace } from './trace.ts'

const T0 = 1_800_000_000_000

/** A schedule that goes on, a little in each turn of the real event loop, until the test is over. */
function running(): { schedule: Schedule; machine: () => Machine } {
  const schedule = new Schedule(T0)
  let isOver = false
  onTestFinished(() => void (isOver = true))
  const goOn = async (): Promise<void> => {
    let left = 50
    await schedule.run(() => (left -= 1) < 0)
    if (!isOver) setImmediate(() => void goOn())
  }
  void goOn()
  const machine = (): Machine => new Machine(schedule, chance(1), 0, () => {})
  return { schedule, machine }
}

function openDisk(): Promise<StoreUnderTest> {
  const { schedule, machine } = running()
  const disk = new SqliteDisk(schedule, chance(2), new Trace(schedule))
  onTestFinished(() => disk.close())
  const open = async (): Promise<Store> => {
    const process = machine()
    const store = storeOver(disk.open(), () => disk.wal(process), T0, { world: process.world })
    onTestFinished(() => store.close())
    return store
  }
  const reopen = (): Promise<Store> => {
    disk.cut()
    return open()
  }
  return open().then(store => ({ store, reopen }))
}

async function openDatabase(): Promise<StoreUnderTest> {
  const { schedule, machine } = running()
  const database = new PostgresDatabase(schedule, chance(3), new Trace(schedule), () => T0)
  const open = async (): Promise<Store> => {
    const process = machine()
    const store = await openPostgresStore(() => database.url, {
      log: { info: () => {}, warn: () => {} },
      // The suite passes the time itself.
      world: { ...process.world, now: () => T0 },
      connect: database.connectFrom(process),
      beatMs: 1_000_000,
    })
    onTestFinished(() => store.close())
    return store
  }
  const reopen = (): Promise<Store> => {
    for (const [id, row] of database.tables.replicas)
      database.tables.replicas.set(id, { ...row, isDead: true })
    return open()
  }
  return { store: await open(), reopen }
}

describe('simulated', () => {
  storeContract('the SQLite store over a simulated disk', openDisk)
  storeContract('the PostgreSQL store over a simulated database', openDatabase)
  outboxContract('the SQLite store over a simulated disk', openDisk)
  outboxContract('the PostgreSQL store over a simulated database', openDatabase)
  storeModel('the PostgreSQL store over a simulated database', openDatabase)
})
