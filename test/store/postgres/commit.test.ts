/** What becomes of a commit whose answer never came, came too late, or came with a warning. */

import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { PostgresStoreOptions } from '../../../src/store/postgres/options.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { StoreUnavailable, type Store } from '../../../src/operations/store.ts'
import { closedAfterAll } from '../../helper.ts'
import { changed, endOf, operation } from '../store-contract.ts'
import { openLossyWay, type LossyWay } from './lossy-way.ts'
import { lacksPostgres, startPostgres, type PostgresServer } from './postgres-server.ts'

const LEASE_MS = 30_000
const WAIT = { timeout: 10_000, interval: 20 }
const KEY = { caller: 'alice', key: 'k', fingerprint: 'f', expiresAtMs: Date.now() + 86_400_000 }

/** Due when it is started, by the clock of this machine. */
const due = (vmId = 1): ReturnType<typeof operation> => operation({ vmId, dueAtMs: Date.now() - 1 })

describe.skipIf(lacksPostgres())('postgres', () => {
  let server: PostgresServer
  let schemas = 0
  let schema = ''
  const onFinished = closedAfterAll()
  beforeAll(async () => {
    server = await startPostgres({ onFinished })
  })
  beforeEach(() => {
    schema = `c${(schemas += 1)}`
  })

  async function open(url: string, options: Partial<PostgresStoreOptions> = {}): Promise<Store> {
    const store = await openPostgresStore(() => url, {
      log: { info: () => {}, warn: () => {} },
      beatMs: 1_000_000,
      ...options,
    })
    onTestFinished(() => store.close())
    return store
  }

  /** A store over a lossy way, and another one beside it that sees what is there. */
  async function openBoth(parameters = ''): Promise<{ way: LossyWay; store: Store; beside: Store }> {
    const way = await openLossyWay(server.port)
    return {
      way,
      store: await open(way.url(schema, parameters)),
      beside: await open(server.url(schema, '&notify=off')),
    }
  }

  test('a start, a save and a discard whose COMMIT was answered to nobody are looked up, and count', async () => {
    const { way, store, beside } = await openBoth()
    const op = due()
    way.loseCommits()
    expect(await store.start(op, KEY, Date.now())).toEqual({ kind: 'started' })
    expect(await beside.get(op.id)).toMatchObject({ rev: 1 })
    way.loseCommits()
    expect(await store.save(changed(op, { rev: 2, step: 'check', callback: 'c' }))).toBe(true)
    expect(await beside.get(op.id)).toMatchObject({ rev: 2, callback: 'c' })
    way.loseCommits()
    expect(await store.discard({ id: op.id, rev: 2 })).toBe(true)
    expect(await beside.get(op.id)).toBeUndefined()
  })

  test('what never arrived was not written, and is not said to be', async () => {
    const { way, store, beside } = await openBoth()
    const op = due()
    way.loseRequest()
    await expect(store.start(op, KEY, Date.now())).rejects.toThrow(StoreUnavailable)
    expect(await beside.get(op.id)).toBeUndefined()
    await store.start(op, KEY, Date.now())
    way.loseRequest()
    const end = endOf(op)
    await expect(store.save(end)).rejects.toThrow(StoreUnavailable)
    expect(await beside.get(op.id)).toMatchObject({ rev: 1 })
    expect(await store.save(end)).toBe(true)
  })

  test('a start that was told to have failed is taken back, and its key and its VM are free', async () => {
    const { way, store, beside } = await openBoth()
    const op = due()
    way.loseCommits(1_000)
    const refused = store.start(op, KEY, Date.now()).catch((error: unknown) => error)
    await vi.waitFor(async () => expect(await beside.get(op.id)).toBeDefined(), WAIT)
    way.close()
    expect(await refused).toBeInstanceOf(StoreUnavailable)
    expect(await beside.start(operation(), KEY, Date.now())).toMatchObject({ kind: 'replay' })
    way.loseCommits(0)
    way.open()
    await vi.waitFor(() => store.ping(), WAIT)
    await vi.waitFor(async () => expect(await beside.get(op.id)).toBeUndefined(), WAIT)
    expect(await beside.start(operation(), KEY, Date.now())).toEqual({ kind: 'started' })
  })

  test('a save that was told to be unknown counts once it is known, and once', async () => {
    const { way, store, beside } = await openBoth()
    const op = due()
    await store.start(op, null, Date.now())
    const heard: string[] = []
    store.onChange(id => heard.push(id))
    const end = endOf(op)
    way.loseCommits(1_000)
    const refused = store.save(end).catch((error: unknown) => error)
    await vi.waitFor(async () => expect(await beside.get(op.id)).toMatchObject({ rev: 2 }), WAIT)
    way.close()
    expect(await refused).toBeInstanceOf(StoreUnavailable)
    // It is there, but nobody has confirmed it yet.
    await expect(store.save(end)).rejects.toThrow(StoreUnavailable)
    expect(heard).toEqual([])
    way.loseCommits(0)
    way.open()
    await vi.waitFor(async () => expect(await store.save(end)).toBe(true), WAIT)
    expect(heard).toEqual([op.id])
    expect(await store.save({ ...end })).toBe(false)
    expect(await store.claimDue(Date.now() + 1, LEASE_MS, 9)).toEqual([])
  })

  test('while a save is in doubt nobody is given its step; a step that was lost is given again', async () => {
    const { way, store } = await openBoth()
    const op = due()
    await store.start(op, null, Date.now())
    const [claimed] = await store.claimDue(Date.now(), 1, 9)
    way.loseRequest()
    way.close()
    await expect(store.save(endOf(claimed!))).rejects.toThrow(StoreUnavailable)
    await expect(store.claimDue(Date.now() + 10, LEASE_MS, 9)).rejects.toThrow(StoreUnavailable)
    way.open()
    await vi.waitFor(
      async () => expect(await store.claimDue(Date.now() + 10, LEASE_MS, 9)).toMatchObject([{ rev: 3 }]),
      WAIT,
    )
  })

  test('a request that arrives after it was given up changes nothing', async () => {
    const { way, store, beside } = await openBoth()
    const ops = [due(1), due(2), due(3)] as const
    await store.start(ops[1], null, Date.now())
    await store.start(ops[2], null, Date.now())
    const asked = [
      () => store.start(ops[0], KEY, Date.now()),
      () => store.save(endOf(ops[1])),
      () => store.discard(ops[2]),
    ]
    for (const ask of asked) {
      const arrive = way.delayRequest()
      await expect(ask()).rejects.toThrow(StoreUnavailable)
      await arrive()
    }
    expect(await beside.get(ops[0].id)).toBeUndefined()
    expect(await beside.get(ops[1].id)).toMatchObject({ rev: 1 })
    expect(await beside.get(ops[2].id)).toMatchObject({ rev: 1 })
    expect(await beside.start(operation({ vmId: 1 }), KEY, Date.now())).toEqual({ kind: 'started' })
  })

  test('what the database cannot take keeps nothing else from being written', async () => {
    const store = await open(server.url(schema, '&notify=off'))
    const name = Array.from({ length: 5_000 }, () => Math.random().toString(36)[2]).join('')
    const bad = { ...KEY, caller: name }
    const answers = await Promise.allSettled([
      store.start(due(1), null, Date.now()),
      store.start(due(2), bad, Date.now()),
      store.start(due(3), KEY, Date.now()),
    ])
    expect(answers).toMatchObject([
      { status: 'fulfilled', value: { kind: 'started' } },
      { status: 'rejected', reason: expect.any(StoreUnavailable) },
      { status: 'fulfilled', value: { kind: 'started' } },
    ])
  })

  describe('with a standby that is absent', () => {
    let alone: PostgresServer
    beforeAll(async () => {
      alone = await startPostgres({ onFinished })
    })
    /** Whether the server waits for the standby with each COMMIT. */
    async function awaitStandby(isAwaited: boolean): Promise<void> {
      await alone.query(`ALTER SYSTEM SET synchronous_standby_names = '${isAwaited ? 'nobody' : ''}'`)
      await alone.query('SELECT pg_reload_conf()')
      await vi.waitFor(
        async () =>
          expect(await alone.query('SHOW synchronous_standby_names')).toEqual([
            { synchronous_standby_names: isAwaited ? 'nobody' : '' },
          ]),
        WAIT,
      )
    }
    const waiting = (): Promise<Record<string, unknown>[]> =>
      alone.query(`SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)

    async function openAlone(parameters: string): Promise<Store> {
      await awaitStandby(false)
      return open(alone.url(schema, `&notify=off${parameters}`))
    }

    test('a COMMIT that hangs ends by the timer of this process, and leaves one session behind, however often it is tried', async () => {
      const store = await openAlone('&statement_timeout_ms=200')
      await awaitStandby(true)
      const began = performance.now()
      await expect(store.start(due(), null, Date.now())).rejects.toThrow(StoreUnavailable)
      expect(performance.now() - began).toBeLessThan(2_000)
      for (let i = 0; i < 4; i += 1) await expect(store.ping()).rejects.toThrow(StoreUnavailable)
      expect(await waiting()).toHaveLength(1)
      await awaitStandby(false)
      await vi.waitFor(() => store.ping(), WAIT)
    })

    test('a COMMIT that was confirmed with a warning is told to nobody before a later one is confirmed', async () => {
      const store = await openAlone('&statement_timeout_ms=6000')
      const [op, heard] = [due(), [] as string[]]
      store.onChange(id => heard.push(id))
      await awaitStandby(true)
      const refused = store.start(op, KEY, Date.now()).catch((error: unknown) => error)
      const cancel = async (): Promise<void> => {
        const [session] = await vi.waitFor(async () => {
          const found = await waiting()
          expect(found).toHaveLength(1)
          return found
        }, WAIT)
        await alone.query('SELECT pg_cancel_backend($1::int)', [session!.pid])
      }
      await cancel()
      // The look-up waits for the standby as well; that too is cancelled, and proves nothing.
      await cancel()
      expect(await refused).toBeInstanceOf(StoreUnavailable)
      expect(heard).toEqual([])
      // Everybody can see it, but nobody has confirmed it.
      expect(await alone.query(`SELECT id FROM ${schema}.operations`)).toEqual([{ id: op.id }])
      await expect(store.get(op.id)).rejects.toThrow(StoreUnavailable)
      const visible = { vmIds: '*' as const, kinds: [op.kind], createdBy: '' }
      await expect(store.list({ visible, limit: 1 })).rejects.toThrow(StoreUnavailable)
      await awaitStandby(false)
      await vi.waitFor(() => store.ping(), WAIT)
      await vi.waitFor(async () => expect(await store.get(op.id)).toBeUndefined(), WAIT)
      expect(await store.start(operation(), KEY, Date.now())).toEqual({ kind: 'started' })
    })
  })
})
