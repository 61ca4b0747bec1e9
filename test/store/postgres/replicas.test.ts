/** Several replicas over one database: whose step it is, what dead ones leave, and how they hear of each other. */

import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { hasEnded } from '../../../src/operations/operation.ts'
import { Waiters } from '../../../src/operations/waiters.ts'
import type { PostgresStoreOptions } from '../../../src/store/postgres/options.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import type { Store } from '../../../src/operations/store.ts'
import { closedAfterAll } from '../../helper.ts'
import { changed, endOf, operation } from '../store-contract.ts'
import { openLossyWay } from './lossy-way.ts'
import { lacksPostgres, startPostgres, type PostgresServer } from './postgres-server.ts'
import { realWorld } from '../../../src/world.ts'

const LEASE_MS = 30_000
const WAIT = { timeout: 10_000, interval: 10 }
const MINUTES = 60_000

async function open(url: string, options: Partial<PostgresStoreOptions> = {}): Promise<Store> {
  const store = await openPostgresStore(() => url, { log: { info: () => {}, warn: () => {} }, ...options })
  onTestFinished(() => store.close())
  return store
}

async function claimedIds(store: Store, nowMs = Date.now()): Promise<string[]> {
  return (await store.claimDue(nowMs, LEASE_MS, 100)).map(({ id }) => id)
}

/** It gives no sign of life, as if it were frozen. */
const FROZEN = { beatMs: 1_000_000 }
/** It buries whoever was silent for half a second. */
const HASTY = { beatMs: 50, silenceMs: 500 }

describe.skipIf(lacksPostgres())('postgres', () => {
  let server: PostgresServer
  let schemas = 0
  let schema = ''
  let url = ''
  const onFinished = closedAfterAll()
  beforeAll(async () => {
    server = await startPostgres({ onFinished })
  })
  beforeEach(() => {
    schema = `r${(schemas += 1)}`
    url = server.url(schema, '&notify=off')
  })

  test('whoever began an operation makes its steps, as long as it lives', async () => {
    const [one, two] = [await open(url, HASTY), await open(url, HASTY)]
    const op = operation({ dueAtMs: Date.now() - 1 })
    await one.start(op, null, Date.now())
    await sleep(3 * HASTY.silenceMs)
    expect(await two.nextDueAtMs()).toBeNull()
    expect(await claimedIds(two)).toEqual([])
    expect(await claimedIds(one)).toEqual([op.id])
    expect(await one.save(endOf({ ...op, rev: 2 }))).toBe(true)
  })

  test('what a silent replica held is taken over, once; it comes back, and overwrites nothing', async () => {
    const dead = await open(url, FROZEN)
    const started = operation({ vmId: 1, dueAtMs: Date.now() + LEASE_MS })
    const due = operation({ vmId: 2, dueAtMs: Date.now() - 1 })
    const waiting = operation({ vmId: 3, dueAtMs: Date.now() + LEASE_MS })
    for (const op of [started, due, waiting]) await dead.start(op, null, Date.now())
    await dead.save(changed(waiting, { rev: 2, step: 'check' }))
    const [held] = await dead.claimDue(Date.now(), LEASE_MS, 1)
    const others = [await open(url, HASTY), await open(url, HASTY)]
    const taken: string[] = []
    await vi.waitFor(async () => {
      for (const other of others) taken.push(...(await claimedIds(other)))
      expect(taken.toSorted()).toEqual([started.id, due.id].toSorted())
    }, WAIT)
    // What is not due yet waits for its time.
    const dueTimes = await Promise.all(others.map(other => other.nextDueAtMs()))
    expect(dueTimes.filter(atMs => atMs !== null && atMs > Date.now() + 20_000)).not.toEqual([])
    expect(await dead.save(endOf(held!))).toBe(false)
    expect(await dead.save(endOf(started))).toBe(false)
    expect(await dead.discard(started)).toBe(false)
    expect(await dead.get(due.id)).toMatchObject({ status: 'running' })
    // It is a replica like any other again.
    const next = operation({ vmId: 4, dueAtMs: Date.now() - 1 })
    expect(await dead.start(next, null, Date.now())).toEqual({ kind: 'started' })
    expect(await claimedIds(dead)).toEqual([next.id])
    expect(
      await server.query(`SELECT id FROM ${schema}.operations WHERE status = 'running'
        AND owner NOT IN (SELECT id FROM ${schema}.replicas WHERE NOT dead)`),
    ).toEqual([])
  })

  test('within five seconds of a death, as it is set', { timeout: 20_000 }, async () => {
    const dead = await open(url, FROZEN)
    const alive = await open(url)
    const op = operation({ dueAtMs: Date.now() - 1 })
    await sleep(4_000)
    await dead.ping()
    const diedAt = performance.now()
    await dead.start(op, null, Date.now())
    // As often as the watcher looks at the longest.
    await vi.waitFor(async () => expect(await claimedIds(alive)).toEqual([op.id]), {
      timeout: 10_000,
      interval: alive.relookMs!,
    })
    expect(performance.now() - diedAt).toBeLessThan(5_500)
  })

  test('a replica that was held for dead and is alone takes its operations back, with its claims', async () => {
    const store = await open(url, FROZEN)
    const op = operation({ dueAtMs: Date.now() - 1 })
    await store.start(op, null, Date.now())
    const [claimed] = await store.claimDue(Date.now(), LEASE_MS, 1)
    await server.query(`UPDATE ${schema}.replicas SET dead = true`)
    expect(await store.save(endOf(claimed!))).toBe(true)
  })

  test('a replica that leaves frees what it holds at once', async () => {
    const [one, two] = [await open(url), await open(url)]
    const op = operation({ dueAtMs: Date.now() + LEASE_MS })
    await one.start(op, null, Date.now())
    await one.close()
    await two.ping()
    expect(await claimedIds(two)).toEqual([op.id])
    expect(await server.query(`SELECT count(*)::int FROM ${schema}.replicas`)).toEqual([{ count: 1 }])
  })

  test('when the database was away, nobody is buried for it', async () => {
    const [way, lively] = [await openLossyWay(server.port), await open(url, HASTY)]
    const store = await open(way.url(schema), HASTY)
    const op = operation({ dueAtMs: Date.now() - 1 })
    await lively.start(op, null, Date.now())
    // Both were silent for long when the first of them is back.
    await server.query(`UPDATE ${schema}.replicas SET seen_at = seen_at - 600000`)
    way.close()
    way.open()
    await vi.waitFor(() => store.ping(), WAIT)
    await lively.ping()
    expect(await claimedIds(lively)).toEqual([op.id])
  })

  test.for([7 * MINUTES, -7 * MINUTES])(
    'a replica whose clock is %d ms off is no different from the others',
    async offMs => {
      const now = (): number => Date.now() + offMs
      const off = await open(url, { world: { ...realWorld, now }, ...FROZEN })
      const right = await open(url, HASTY)
      const op = operation({ dueAtMs: now() + 60_000 })
      const soon = operation({ vmId: 2, dueAtMs: now() + 60_000 })
      await off.start(op, null, now())
      await off.start(soon, null, now())
      await off.save(changed(op, { rev: 2, step: 'check', dueAtMs: now() + 60_000 }))
      await off.save(changed(soon, { rev: 2, step: 'check', dueAtMs: now() - 1 }))
      // By its own clock nothing else is due, and that is what it sees.
      expect((await off.nextDueAtMs())! - now()).toBeLessThan(60_000)
      expect((await off.get(op.id))!.dueAtMs! - now()).toBeGreaterThan(50_000)
      expect((await right.get(op.id))!.dueAtMs! - Date.now()).toBeGreaterThan(50_000)
      expect((await right.get(op.id))!.dueAtMs! - Date.now()).toBeLessThan(60_000)
      // Taken over, only what is due is made.
      await vi.waitFor(async () => expect(await claimedIds(right)).toEqual([soon.id]), WAIT)
      await vi.waitFor(
        async () => expect(await right.nextDueAtMs()).toBeGreaterThan(Date.now() + 20_000),
        WAIT,
      )
      expect(await right.nextDueAtMs()).toBeLessThan(Date.now() + 60_000)
      // A key lives for as long as it was asked to.
      const key = { caller: 'a', key: 'k', fingerprint: 'f', expiresAtMs: now() + 2_000 }
      await off.start(operation({ vmId: 3 }), key, now())
      expect(await right.start(operation({ vmId: 4 }), key, Date.now())).toMatchObject({ kind: 'replay' })
      expect(await right.start(operation({ vmId: 4 }), key, Date.now() + 2_001)).toEqual({ kind: 'started' })
    },
  )

  test('an idle replica asks little, and nothing for what others do', async () => {
    const busy = await open(url)
    for (let i = 0; i < 7; i += 1) await open(url)
    const transactions = async (): Promise<number> => {
      await server.query('SELECT pg_stat_force_next_flush()')
      const [row] = await server.query(
        'SELECT sum(xact_commit + xact_rollback)::int AS n FROM pg_stat_database',
      )
      return Number(row!.n)
    }
    const [before, began] = [await transactions(), performance.now()]
    for (let i = 0; i < 200; i += 1) {
      const op = operation({ dueAtMs: Date.now() - 1 })
      await busy.start(op, null, Date.now())
      await busy.save(changed(op, { rev: 2, step: 'check', dueAtMs: Date.now() - 1 }))
      const [claimed] = await busy.claimDue(Date.now(), LEASE_MS, 1)
      await busy.save(endOf(claimed!))
    }
    // Sessions tell what they did after a second.
    await sleep(1_100)
    // Three writes an operation, and signs of life; a claim asks nothing, and nobody is woken by what another does.
    const beats = (8 * (performance.now() - began)) / 700
    expect((await transactions()) - before).toBeLessThan(200 * 3 + 1.5 * beats + 40)
  })

  test(
    'claims and signs of life stay fast while an old snapshot keeps every dead row',
    { timeout: 60_000 },
    async () => {
      const store = await open(url, FROZEN)
      const old = new Client({
        host: '127.0.0.1',
        port: server.port,
        user: 'gateway',
        database: 'postgres',
      })
      await old.connect()
      onTestFinished(() => old.end())
      await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
      await old.query(`SELECT count(*) FROM ${schema}.operations`)
      // What an hour leaves: signs of life, and operations of one busy VM.
      await server.query(
        `DO $$ BEGIN FOR i IN 1..5000 LOOP UPDATE ${schema}.replicas SET seen_at = seen_at + 0; COMMIT; END LOOP; END $$`,
      )
      for (let i = 0; i < 40; i += 1) {
        const ops = Array.from({ length: 50 }, (_, vmId) => operation({ vmId }))
        await Promise.all(ops.map(op => store.start(op, null, Date.now())))
        await Promise.all(ops.map(op => store.save(endOf(op))))
      }
      const began = performance.now()
      for (let i = 0; i < 20; i += 1) {
        const op = operation({ vmId: 1, dueAtMs: Date.now() - 1 })
        await store.start(op, null, Date.now())
        const [claimed] = await store.claimDue(Date.now(), LEASE_MS, 1)
        await store.save(endOf(claimed!))
        await store.ping()
      }
      expect((performance.now() - began) / 20).toBeLessThan(150)
    },
  )

  describe('notifications', () => {
    beforeEach(() => {
      url = server.url(schema)
    })

    test('every replica hears of the changes of every other, and of its own once', async () => {
      const [one, two] = [await open(url), await open(url)]
      const heard: string[][] = [[], []]
      one.onChange(id => heard[0]!.push(id))
      two.onChange(id => heard[1]!.push(id))
      await listening(2)
      const [first, second] = [operation({ vmId: 1 }), operation({ vmId: 2 })]
      await one.start(first, null, Date.now())
      await two.start(second, null, Date.now())
      await one.save(endOf(first))
      await vi.waitFor(
        () =>
          expect(heard.map(ids => [...new Set(ids)].toSorted())).toEqual(
            heard.map(() => [first.id, second.id].toSorted()),
          ),
        WAIT,
      )
      expect(heard[0]!.filter(id => id === first.id)).toHaveLength(2)
      expect(heard[1]!.filter(id => id === second.id)).toHaveLength(1)
    })

    /** Resolves when so many sessions listen; gives their processes. */
    async function listening(count: number): Promise<number[]> {
      return vi.waitFor(async () => {
        const found = await server.query(
          `SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()
           AND (query LIKE '%pg_notify%' OR query LIKE 'LISTEN "gateway_${schema}"%')`,
        )
        expect(found.length).toBeGreaterThanOrEqual(count)
        return found.map(({ pid }) => Number(pid))
      }, WAIT)
    }

    test('many changes at once are told in pieces that PostgreSQL takes', async () => {
      const [one, two] = [await open(url), await open(url)]
      const heard = new Set<string>()
      two.onChange(id => heard.add(id))
      await listening(2)
      await sleep(100)
      const ops = Array.from({ length: 1_500 }, (_, vmId) => operation({ vmId }))
      await Promise.all(ops.map(op => one.start(op, null, Date.now())))
      await vi.waitFor(() => expect(heard.size).toBe(ops.length), WAIT)
    })

    test.for([
      ['ended', 'SIGTERM'],
      ['frozen', 'SIGSTOP'],
    ] as const)(
      'with the listener %s, who waits hears within two seconds, and later at once again',
      { timeout: 60_000 },
      async ([, signal]) => {
        const [one, two] = [await open(url), await open(url)]
        await listening(2)
        const waiters = new Waiters({ store: two, world: realWorld })
        onTestFinished(() => waiters.close())
        /** How long somebody at the one waits for an end at the other. */
        const waitMs = async (): Promise<number> => {
          const op = operation({ kind: 'stats.load' })
          await one.start(op, null, Date.now())
          const waited = waiters.until(op.id, hasEnded, 10_000)
          // It has looked, and not seen the end.
          await two.get(op.id)
          const began = performance.now()
          await one.save(endOf(op))
          expect(await waited).toMatchObject({ status: 'succeeded' })
          return performance.now() - began
        }
        const pids = await listening(2)
        for (const pid of pids) process.kill(pid, signal)
        onTestFinished(() => {
          for (const pid of signal === 'SIGSTOP' ? pids : []) process.kill(pid, 'SIGCONT')
        })
        expect(await waitMs()).toBeLessThan(2_000)
        await vi.waitFor(async () => expect(await waitMs()).toBeLessThan(400), {
          timeout: 30_000,
          interval: 10,
        })
      },
    )

    test('with notifications off, who waits hears within two seconds', async () => {
      const [one, two] = [await open(`${url}&notify=off`), await open(`${url}&notify=off`)]
      const waiters = new Waiters({ store: two, world: realWorld })
      onTestFinished(() => waiters.close())
      const op = operation()
      await one.start(op, null, Date.now())
      const waited = waiters.until(op.id, hasEnded, 10_000)
      const began = performance.now()
      await one.save(endOf(op))
      expect(await waited).toMatchObject({ status: 'succeeded' })
      expect(performance.now() - began).toBeLessThan(2_000)
    })
  })
})
