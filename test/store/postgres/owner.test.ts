/** Who may be sure that an operation is its own: this holds up calls to HOSTKEY (`operations/ownership.ts`). */

import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { PostgresStoreOptions } from '../../../src/store/postgres/options.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import type { Store } from '../../../src/operations/store.ts'
import { endOf, operation } from '../store-contract.ts'
import { lacksPostgres, startPostgres } from './postgres-server.ts'
import { realWorld } from '../../../src/world.ts'

async function open(url: string, options: Partial<PostgresStoreOptions> = {}): Promise<Store> {
  const store = await openPostgresStore(() => url, { log: { info: () => {}, warn: () => {} }, ...options })
  onTestFinished(() => store.close())
  return store
}

const HASTY = { beatMs: 50, silenceMs: 1_000 }
const WAIT = { timeout: 10_000, interval: 5 }

describe.skipIf(lacksPostgres())('postgres', () => {
  test('whoever gives signs of life is sure of what it has, at that revision', async () => {
    const server = await startPostgres()
    const clock = { aheadMs: 0 }
    const one = await open(server.url(), {
      ...HASTY,
      world: { ...realWorld, now: () => Date.now() + clock.aheadMs },
    })
    const other = await open(server.url(), HASTY)
    const op = operation({ dueAtMs: Date.now() + 60_000 })
    await one.start(op, null, Date.now())
    const isOwner = (): boolean => one.isSurelyOwner!(op)
    const owners = [isOwner(), one.isSurelyOwner!({ ...op, rev: 2 }), other.isSurelyOwner!(op)]
    expect(owners).toEqual([true, false, false])
    // The machine was suspended: the monotonic clock stood still, and no timer went off.
    clock.aheadMs = 5_000
    expect(isOwner()).toBe(false)
    await vi.waitUntil(isOwner, WAIT)
    // Nobody knows what others think of it.
    await server.kill()
    await vi.waitUntil(() => !isOwner(), WAIT)
    await server.start()
    await vi.waitUntil(isOwner, WAIT)
  }, 30_000)

  test('a replica that was held to be dead is sure of what it begins since, and not of what it had', async () => {
    const server = await startPostgres()
    const one = await open(server.url(), { beatMs: 1_000_000, silenceMs: 1_000_000 })
    const other = await open(server.url(), HASTY)
    const [old, young] = [1, 2].map(vmId => operation({ vmId, dueAtMs: Date.now() + 60_000 }))
    await one.start(old!, null, Date.now())
    await server.query(`UPDATE replicas SET dead = id = (SELECT owner FROM operations)`)
    await vi.waitUntil(() => other.isSurelyOwner!(old!), WAIT)
    await one.start(young!, null, Date.now())
    expect([one.isSurelyOwner!(old!), one.isSurelyOwner!(young!)]).toEqual([false, true])
  }, 30_000)

  test('after a failover that lost the last moments it goes on with what the database says', async () => {
    const server = await startPostgres()
    const store = await open(server.url(), HASTY)
    const dueAtMs = Date.now() + 60_000
    const [ended, gone] = [1, 2].map(vmId => operation({ vmId, dueAtMs }))
    for (const op of [ended!, gone!]) await store.start(op, null, Date.now())
    const before = await server.query('SELECT doc FROM operations WHERE id = $1', [ended!.id])
    expect(await store.save(endOf(ended!))).toBe(true)
    await server.query(
      `UPDATE operations SET status = 'running', rev = 1, finished_at = NULL, due_at = 0, doc = $2 WHERE id = $1`,
      [ended!.id, before[0]!.doc],
    )
    await server.query('DELETE FROM operations WHERE id = $1', [gone!.id])
    await server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()')
    await vi.waitFor(async () => {
      const claimed = await store.claimDue(dueAtMs + 1, 1_000, 10)
      expect(claimed.map(({ id }) => id)).toEqual([ended!.id])
    }, WAIT)
  }, 30_000)
})
