/** The primary dies under load, and its synchronous standby takes its place: what was acknowledged is there. */

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { KIND_NAMES } from '../../../src/operations/kinds/kinds.ts'
import type { Operation } from '../../../src/operations/operation.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { StoreUnavailable, type Store } from '../../../src/operations/store.ts'
import { changed, endOf, operation } from '../store-contract.ts'
import { copyOf, lacksPostgres, startPostgres, type PostgresServer } from './postgres-server.ts'

/** More with FAILOVERS=20. */
const ROUNDS = Number(process.env.FAILOVERS ?? 2)
const VMS = 24
const WAIT = { timeout: 30_000, interval: 20 }
const everything = { vmIds: '*' as const, kinds: KIND_NAMES, createdBy: '' }

/** From now on it confirms nothing that this standby has not on its disk. */
async function follow(primary: PostgresServer): Promise<PostgresServer> {
  const standby = await copyOf(primary)
  await vi.waitFor(
    async () =>
      expect(await primary.query(`SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'`)).toHaveLength(
        1,
      ),
    WAIT,
  )
  await primary.query(`ALTER SYSTEM SET synchronous_standby_names = 'standby'`)
  await primary.query('SELECT pg_reload_conf()')
  await vi.waitFor(
    async () =>
      expect(await primary.query(`SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'`)).toHaveLength(
        1,
      ),
    WAIT,
  )
  return standby
}

describe.skipIf(lacksPostgres())('postgres', () => {
  test(
    'a failover loses nothing, doubles nothing, and leaves no hold',
    { timeout: 60_000 * ROUNDS },
    async () => {
      const settings = ['fsync=off', 'wal_level=replica', 'max_wal_senders=4', 'hot_standby=on']
      let primary = await startPostgres({ settings })
      let standby = await follow(primary)
      const url = (): string =>
        `postgres://gateway@127.0.0.1:${primary.port},127.0.0.1:${standby.port}/postgres?statement_timeout_ms=500`
      const open = async (): Promise<Store> => {
        const store = await openPostgresStore(url, { log: { info: () => {}, warn: () => {} } })
        onTestFinished(() => store.close())
        return store
      }
      const stores = [await open(), await open()]

      const acknowledged = new Map<string, number>()
      const refused: string[] = []
      let isOver = false
      /** As the engine does: what HOSTKEY said is said once. */
      const save = async (store: Store, next: Operation): Promise<void> => {
        for (;;) {
          try {
            expect(await store.save(next)).toBe(true)
            acknowledged.set(next.id, next.rev)
            return
          } catch (error) {
            if (!(error instanceof StoreUnavailable)) throw error
            await sleep(20)
          }
        }
      }
      const work = async (store: Store, vmId: number): Promise<void> => {
        while (!isOver) {
          const op = operation({ vmId, dueAtMs: Date.now() + 600_000 })
          try {
            if ((await store.start(op, null, Date.now())).kind !== 'started') continue
            acknowledged.set(op.id, 1)
          } catch (error) {
            if (!(error instanceof StoreUnavailable)) throw error
            refused.push(op.id)
            await sleep(20)
            continue
          }
          const accepted = changed(op, { rev: 2, step: 'check', dueAtMs: Date.now() + 600_000 })
          await save(store, accepted)
          await save(store, endOf(accepted, Date.now()))
        }
      }
      const works = Promise.all(Array.from({ length: VMS }, (_, i) => work(stores[i % 2]!, i + 1)))

      for (let round = 0; round < ROUNDS; round += 1) {
        const before = acknowledged.size
        await vi.waitFor(() => expect(acknowledged.size).toBeGreaterThan(before + 50), WAIT)
        const known = new Map(acknowledged)
        await primary.kill()
        await standby.query('SELECT pg_promote()')
        await Promise.all(stores.map(store => vi.waitFor(() => store.ping(), WAIT)))
        const rows = await standby.query('SELECT id, rev FROM operations WHERE id = ANY($1)', [
          [...known.keys()],
        ])
        const found = new Map(rows.map(({ id, rev }) => [id as string, Number(rev)]))
        expect([...known].filter(([id, rev]) => (found.get(id) ?? 0) < rev)).toEqual([])
        primary = standby
        standby = await follow(primary)
      }
      isOver = true
      await works
      const [store] = stores as [Store, Store]
      expect([...acknowledged].filter(([, rev]) => rev !== 3)).toEqual([])
      await vi.waitFor(async () => {
        const left = await Promise.all(refused.map(id => store.get(id)))
        expect(left.filter(op => op !== undefined)).toEqual([])
      }, WAIT)
      expect(await store.list({ visible: everything, status: 'running', limit: 10 })).toEqual([])
      const all = await primary.query('SELECT count(*)::int AS n FROM operations')
      expect(all).toEqual([{ n: acknowledged.size }])
    },
  )
})
