/** What the database has to be, and how its tables come to be and change. */

import { Client } from 'pg'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { PostgresStoreOptions } from '../../../src/store/postgres/options.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { MIGRATIONS } from '../../../src/store/postgres/schema.ts'
import type { Store } from '../../../src/operations/store.ts'
import { closedAfterAll } from '../../helper.ts'
import { endOf, operation } from '../store-contract.ts'
import { lacksPostgres, startPostgres, type PostgresServer } from './postgres-server.ts'

async function open(url: string, options: Partial<PostgresStoreOptions> = {}): Promise<Store> {
  const store = await openPostgresStore(() => url, { log: { info: () => {}, warn: () => {} }, ...options })
  onTestFinished(() => store.close())
  return store
}

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
    schema = `s${(schemas += 1)}`
    url = server.url(schema, '&notify=off')
  })

  test('replicas that start at one instant make the tables once', async () => {
    const stores = await Promise.all(Array.from({ length: 6 }, () => open(url)))
    const op = operation()
    await stores[0]!.start(op, null, Date.now())
    for (const store of stores) expect(await store.get(op.id)).toMatchObject({ id: op.id })
    expect(await server.query(`SELECT version FROM ${schema}.schema_version`)).toEqual(
      MIGRATIONS.map((_, i) => ({ version: i + 1 })),
    )
  })

  test('a newer schema is refused with a clear message, and left as it is', async () => {
    await (await open(url)).close()
    await server.query(`INSERT INTO ${schema}.schema_version VALUES (99)`)
    await expect(open(url)).rejects.toThrow(
      /^the database was written by a newer version of the gateway \(schema 99\)$/,
    )
  })

  test('the next version makes its tables beside this one, which goes on', { timeout: 60_000 }, async () => {
    const old = await open(url)
    let isOver = false
    let count = 0
    const load = async (vmId: number): Promise<void> => {
      while (!isOver) {
        const op = operation({ vmId })
        expect(await old.start(op, null, Date.now())).toEqual({ kind: 'started' })
        expect(await old.save(endOf(op))).toBe(true)
        count += 1
      }
    }
    const loads = Promise.all([1, 2, 3, 4].map(load))
    const migrations = [
      ...MIGRATIONS,
      `ALTER TABLE SCHEMA.operations ADD COLUMN more text; CREATE TABLE SCHEMA.more (id text PRIMARY KEY)`,
    ]
    const [next] = await Promise.all([open(url, { migrations }), open(url, { migrations })])
    const before = count
    await expect.poll(() => count, { timeout: 10_000 }).toBeGreaterThan(before + 20)
    isOver = true
    await loads
    const op = operation({ vmId: 9 })
    expect(await next.start(op, null, Date.now())).toEqual({ kind: 'started' })
    expect(await old.get(op.id)).toMatchObject({ id: op.id })
    // But one of this version that starts only now would not know what it meets.
    await expect(open(url)).rejects.toThrow(/newer version/)
  })

  test('it waits for the lock of the migrations without holding a transaction open', async () => {
    const holder = new Client({ host: '127.0.0.1', port: server.port, user: 'gateway', database: 'postgres' })
    await holder.connect()
    onTestFinished(() => holder.end())
    await holder.query('BEGIN; SELECT pg_advisory_xact_lock(1751869303)')
    const opening = open(url)
    for (let i = 0; i < 20; i += 1) {
      const rows = await server.query(
        `SELECT 1 FROM pg_stat_activity WHERE application_name = 'hostkey-vm-gateway' AND wait_event_type = 'Lock'`,
      )
      expect(rows).toEqual([])
    }
    expect(await server.query(`SELECT to_regnamespace('${schema}') AS made`)).toEqual([{ made: null }])
    await holder.query('COMMIT')
    const store = await opening
    await store.ping()
  })

  test('it needs no superuser, and no right on the database when the schema is there', async () => {
    await server.query(`CREATE ROLE ${schema} LOGIN; CREATE SCHEMA ${schema} AUTHORIZATION ${schema}`)
    const store = await open(url.replace('//gateway@', `//${schema}@`))
    expect(await store.start(operation(), null, Date.now())).toEqual({ kind: 'started' })
  })

  test('another encoding than UTF8 is refused with a clear message', async () => {
    await server.query(`CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1'`)
    await expect(open(url.replace('/postgres?', '/latin?'))).rejects.toThrow(
      /^the database has the encoding LATIN1; it must be UTF8$/,
    )
  })
})
