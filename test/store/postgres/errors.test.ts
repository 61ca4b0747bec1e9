/** What the server refuses, sorted by its SQLSTATE and by whether it came before COMMIT or with it. */

import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { StoreUnavailable, type Store } from '../../../src/operations/store.ts'
import { closedAfterAll } from '../../helper.ts'
import { endOf, operation } from '../store-contract.ts'
import { lacksPostgres, startPostgres, type PostgresServer } from './postgres-server.ts'

describe.skipIf(lacksPostgres())('postgres', () => {
  let server: PostgresServer
  let schemas = 0
  let schema = ''
  const onFinished = closedAfterAll()
  beforeAll(async () => {
    server = await startPostgres({ onFinished })
  })
  beforeEach(() => {
    schema = `e${(schemas += 1)}`
  })

  async function open(): Promise<Store> {
    const url = server.url(schema, '&notify=off')
    const store = await openPostgresStore(() => url, { log: { info: () => {}, warn: () => {} } })
    onTestFinished(() => store.close())
    return store
  }

  /** From now on the server refuses to store operations so often; with COMMIT when it is `late`. */
  async function refuse(code: string, times: number, isLate = false): Promise<void> {
    const when = isLate ? 'CONSTRAINT TRIGGER refuse AFTER INSERT' : 'TRIGGER refuse BEFORE INSERT'
    const deferred = isLate ? 'DEFERRABLE INITIALLY DEFERRED' : ''
    await server.query(`
      CREATE SEQUENCE ${schema}.refused;
      CREATE FUNCTION ${schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('${schema}.refused') <= ${times} THEN RAISE EXCEPTION 'refused' USING ERRCODE = '${code}'; END IF;
        RETURN NEW;
      END $$;
      CREATE ${when} ON ${schema}.operations ${deferred} FOR EACH ROW EXECUTE FUNCTION ${schema}.refuse()`)
  }
  async function tries(): Promise<number> {
    const [row] = await server.query(`SELECT last_value::int AS tries FROM ${schema}.refused`)
    return Number(row!.tries)
  }

  test.for([
    ['40001', false],
    ['40P01', false],
    ['55P03', false],
    ['40001', true],
  ] as const)('%s is repeated, and succeeds (with COMMIT: %s)', async ([code, isLate]) => {
    const store = await open()
    await refuse(code, 2, isLate)
    const op = operation()
    expect(await store.start(op, null, Date.now())).toEqual({ kind: 'started' })
    expect(await store.get(op.id)).toMatchObject({ rev: 1 })
    expect(await tries()).toBe(3)
  })

  test('but not for ever', async () => {
    const store = await open()
    await refuse('40001', 1_000)
    await expect(store.start(operation(), null, Date.now())).rejects.toThrow(StoreUnavailable)
    expect(await tries()).toBeLessThan(10)
  })

  test.for([
    ['a disk that is full', '53100', false],
    ['what only the COMMIT told', 'XX000', true],
  ] as const)(
    '%s is refused at once, nothing is written, and it ends by itself',
    async ([, code, isLate]) => {
      const store = await open()
      await refuse(code, 1, isLate)
      const key = { caller: 'a', key: 'k', fingerprint: 'f', expiresAtMs: Date.now() + 1e6 }
      const op = operation()
      await expect(store.start(op, key, Date.now())).rejects.toThrow(StoreUnavailable)
      expect(await store.get(op.id)).toBeUndefined()
      expect(await store.start(operation(), key, Date.now())).toEqual({ kind: 'started' })
    },
  )

  test(
    'replicas that write at the same VMs and keys never wait for each other in a circle',
    { timeout: 60_000 },
    async () => {
      const stores = await Promise.all([open(), open(), open()])
      const expiresAtMs = Date.now() + 1e6
      const work = async (store: Store, n: number): Promise<void> => {
        for (let i = 0; i < 40; i += 1) {
          const op = operation({ vmId: (n * 7 + i * 3) % 5 })
          const key = { caller: 'a', key: `k${(n + i * 5) % 11}`, fingerprint: 'f', expiresAtMs }
          const { kind } = await store.start(op, i % 2 === 0 ? key : null, Date.now())
          if (kind === 'started') expect(await store.save(endOf(op))).toBe(true)
        }
      }
      await Promise.all(stores.flatMap(store => Array.from({ length: 8 }, (_, n) => work(store, n))))
      await server.query('SELECT pg_stat_force_next_flush()')
      expect(await server.query('SELECT sum(deadlocks)::int AS deadlocks FROM pg_stat_database')).toEqual([
        { deadlocks: 0 },
      ])
    },
  )
})
