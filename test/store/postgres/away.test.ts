/** A database that is away, hangs, takes no writes, has no connection left, or ends connections. */

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { fileSecret } from '../../../src/config/secret.ts'
import { Refused } from '../../../src/store/postgres/errors.ts'
import type { PostgresStoreOptions } from '../../../src/store/postgres/options.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { StoreUnavailable, type Store } from '../../../src/operations/store.ts'
import { closedAfterAll, temporaryDirectory } from '../../helper.ts'
import { findProgram, freePort, lacks, runProgram } from '../../programs.ts'
import { changed, endOf, operation } from '../store-contract.ts'
import { openLossyWay } from './lossy-way.ts'
import { copyOf, lacksPostgres, startPostgres, type PostgresServer } from './postgres-server.ts'

const WAIT = { timeout: 20_000, interval: 20 }
const log: string[] = []
const tell = (fields: object, message: string): void => void log.push(JSON.stringify({ ...fields, message }))

async function open(
  url: string | (() => string),
  options: Partial<PostgresStoreOptions> = {},
): Promise<Store> {
  const store = await openPostgresStore(typeof url === 'string' ? () => url : url, {
    log: { info: tell, warn: tell },
    ...options,
  })
  onTestFinished(() => store.close())
  return store
}

async function tookMs(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

describe.skipIf(lacksPostgres())('postgres', () => {
  let server: PostgresServer
  let schemas = 0
  let schema = ''
  const onFinished = closedAfterAll()
  beforeAll(async () => {
    server = await startPostgres({ onFinished })
  })
  beforeEach(() => {
    log.length = 0
    schema = `a${(schemas += 1)}`
  })

  test('what was answered is there after kill -9 of PostgreSQL, which is come back to', async () => {
    const own = await startPostgres({ settings: [] })
    const store = await open(own.url())
    const op = operation()
    await store.start(op, null, Date.now())
    const accepted = changed(op, { rev: 2, step: 'check', callback: 'secret' })
    expect(await store.save(accepted)).toBe(true)
    await own.kill()
    await vi.waitFor(() => expect(store.ping()).rejects.toThrow(StoreUnavailable), WAIT)
    // Once it is known to be away, nothing waits for it.
    expect(await tookMs(() => expect(store.get(op.id)).rejects.toThrow(StoreUnavailable))).toBeLessThan(100)
    expect(
      await tookMs(() =>
        expect(store.start(operation(), null, Date.now())).rejects.toThrow(StoreUnavailable),
      ),
    ).toBeLessThan(100)
    await own.start()
    await vi.waitFor(() => store.ping(), WAIT)
    expect(await store.get(op.id)).toMatchObject({ ...accepted, dueAtMs: expect.any(Number) })
    expect(await store.save(endOf({ ...op, rev: 2 }))).toBe(true)
    expect(log.filter(line => line.includes('is away'))).toHaveLength(1)
    expect(log.filter(line => line.includes('is back'))).toHaveLength(1)
  })

  test('a database that is away when the store is opened is come back to', async () => {
    const own = await startPostgres()
    await own.kill()
    const opening = open(own.url())
    await own.start()
    const store = await opening
    await vi.waitFor(() => store.ping(), WAIT)
    expect(await store.start(operation(), null, Date.now())).toEqual({ kind: 'started' })
  })

  test('with the database hung, calls reject within their time, then at once; and it comes back', async () => {
    const way = await openLossyWay(server.port)
    const store = await open(way.url(schema, '&statement_timeout_ms=300&connect_timeout_ms=300'), {
      beatMs: 1_000_000,
    })
    const op = operation()
    way.freeze()
    expect(
      await tookMs(() => expect(store.start(op, null, Date.now())).rejects.toThrow(StoreUnavailable)),
    ).toBeLessThan(1_500)
    await vi.waitFor(async () => {
      const ms = await tookMs(() => expect(store.get(op.id)).rejects.toThrow(StoreUnavailable))
      expect(ms).toBeLessThan(50)
    }, WAIT)
    way.thaw()
    await vi.waitFor(() => store.ping(), WAIT)
    await vi.waitFor(
      async () => expect(await store.start(operation(), null, Date.now())).toEqual({ kind: 'started' }),
      WAIT,
    )
  })

  test('who waits for a connection while all are in use waits no longer than a second', async () => {
    const way = await openLossyWay(server.port)
    const store = await open(way.url(schema, '&pool=1&statement_timeout_ms=5000'), { beatMs: 1_000_000 })
    way.freeze()
    const stuck = store.get('op_stuck').catch((error: unknown) => error)
    await new Promise(setImmediate)
    const lists = store.list({ visible: { vmIds: '*', kinds: [], createdBy: '' }, limit: 1 })
    expect(
      await tookMs(() => expect(lists).rejects.toThrow(/no connection to the store was free/)),
    ).toBeLessThan(2_500)
    way.thaw()
    expect(await stuck).toBeUndefined()
  })

  test('it is connected to again at growing intervals, one attempt at a time', async () => {
    const way = await openLossyWay(server.port)
    const store = await open(way.url(schema, '&connect_timeout_ms=60000'), { beatMs: 1_000_000 })
    way.freeze()
    const gone = await server.query(
      'SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1',
      ['hostkey-vm-gateway'],
    )
    expect(gone).toHaveLength(1)
    const made = way.made()
    way.close()
    way.open()
    for (let i = 0; i < 20; i += 1) store.get('op_none').catch(() => {})
    await vi.waitFor(() => expect(way.made()).toBeGreaterThan(made), WAIT)
    for (let i = 0; i < 20; i += 1) store.get('op_none').catch(() => {})
    await new Promise(setImmediate)
    expect(way.made()).toBe(made + 1)
    way.thaw()
    await vi.waitFor(() => store.ping(), WAIT)
  })

  test('a backend that somebody terminates costs nothing: no process ends, and the next call is served', async () => {
    const store = await open(server.url(schema))
    await store.start(operation(), null, Date.now())
    await server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      'hostkey-vm-gateway',
    ])
    await vi.waitFor(() => store.ping(), WAIT)
    expect(await store.start(operation({ vmId: 2 }), null, Date.now())).toEqual({ kind: 'started' })
  })

  test('a database that is set to be read-only refuses, is not ready, and ends that by itself', async () => {
    const own = await startPostgres()
    const store = await open(own.url('public', '&target_session_attrs=read-write'))
    const op = operation()
    await store.start(op, null, Date.now())
    const readOnly = (value: string): Promise<unknown> =>
      own
        .query(`ALTER SYSTEM SET default_transaction_read_only = ${value}`)
        .then(() => own.query('SELECT pg_reload_conf()'))
    await readOnly('on')
    await vi.waitFor(() => expect(store.ping()).rejects.toThrow(StoreUnavailable), WAIT)
    await expect(store.start(operation({ vmId: 2 }), null, Date.now())).rejects.toThrow(StoreUnavailable)
    await readOnly('off')
    await vi.waitFor(() => store.ping(), WAIT)
    expect(await store.get(op.id)).toMatchObject({ rev: 1 })
  })

  test('with one connection left everything works; with none, calls are refused, and come back', async () => {
    const own = await startPostgres({
      settings: ['fsync=off', 'max_connections=6', 'superuser_reserved_connections=3'],
    })
    // Not a superuser, who would have the reserved ones.
    await own.query('CREATE ROLE plain LOGIN; GRANT ALL ON SCHEMA public TO plain')
    const url = own.url('public', '&pool=4').replace('//gateway@', '//plain@')
    const first = await open(url.replace('&pool=4', '&pool=1&notify=off'))
    const holder = await open(url.replace('&pool=4', '&pool=1&notify=off'))
    const store = await open(url)
    const ops = Array.from({ length: 20 }, (_, i) => operation({ vmId: i + 1 }))
    const all = ops.map(async op => {
      await store.start(op, null, Date.now())
      await store.list({ visible: { vmIds: '*', kinds: [], createdBy: '' }, limit: 1 })
      await store.save(endOf(op))
      return store.get(op.id)
    })
    for (const op of await Promise.all(all)) expect(op).toMatchObject({ status: 'succeeded' })
    // No place for another process; when one leaves, it gets in.
    const late = openPostgresStore(() => url, { log: { info: tell, warn: tell } })
    await first.close()
    await holder.close()
    const lateStore = await late
    onTestFinished(() => lateStore.close())
    await vi.waitFor(() => lateStore.ping(), WAIT)
    expect(log.join('\n')).not.toMatch(/plain/)
  })

  test('no unit of work takes a second connection: a pool of one serves everything', async () => {
    const store = await open(server.url(schema, '&pool=1&notify=off'))
    const key = { caller: 'a', key: 'k', fingerprint: 'f', expiresAtMs: Date.now() + 1e6 }
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => store.start(operation(), key, Date.now())),
    )
    expect(outcomes.filter(({ kind }) => kind === 'replay')).toHaveLength(49)
    expect(
      await server.query('SELECT count(*)::int FROM pg_stat_activity WHERE application_name = $1', [
        'hostkey-vm-gateway',
      ]),
    ).toEqual([{ count: 1 }])
  })

  test('the URL is read anew for each connection, from a file too; nothing tells user or password', async () => {
    const own = await startPostgres()
    await own.query(
      `ALTER ROLE gateway PASSWORD 'old-secret'; CREATE ROLE plain_user LOGIN PASSWORD 'new-secret'`,
    )
    await own.query('GRANT ALL ON SCHEMA public TO plain_user')
    const store = await open(own.url())
    await store.start(operation(), null, Date.now())
    await own.query('GRANT ALL ON ALL TABLES IN SCHEMA public TO plain_user')
    writeFileSync(join(own.directory, 'data', 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n')
    const file = join(temporaryDirectory(), 'url')
    const withPassword = (user: string, password: string): string =>
      own.url().replace('//gateway@', `//${user}:${password}@`)
    writeFileSync(file, withPassword('plain_user', 'new-secret'))
    await own.kill()
    await own.start()
    const secret = fileSecret(file, () => {})
    onTestFinished(() => secret.close())
    const other = await open(() => secret.current())
    await own.kill()
    writeFileSync(file, withPassword('plain_user', 'wrong-secret'))
    await vi.waitFor(() => expect(secret.current()).toContain('wrong'), WAIT)
    await own.start()
    await vi.waitFor(
      async () =>
        expect(inspect(await other.ping().catch((error: unknown) => error), { depth: 9 })).toMatch(
          /refused the user or the password/,
        ),
      WAIT,
    )
    const errors = [
      await other.ping().catch((error: unknown) => error),
      // One that was never let in does not wait for it.
      await open(() => secret.current(), { openMs: 300 }).catch((error: unknown) => error),
    ]
    expect(errors).toEqual([expect.any(StoreUnavailable), expect.any(Refused)])
    writeFileSync(file, withPassword('plain_user', 'new-secret'))
    await vi.waitFor(() => other.ping(), WAIT)
    const told = [...log, ...errors.map(error => inspect(error, { depth: 9 }))].join('\n')
    expect(told).not.toMatch(/secret|plain_user/)
  })

  test(
    'several hosts: the one that takes writes serves; when it is gone, the standby that was promoted',
    { timeout: 60_000 },
    async () => {
      const primary = await startPostgres({
        settings: ['fsync=off', 'wal_level=replica', 'max_wal_senders=4', 'hot_standby=on'],
      })
      const standby = await copyOf(primary)
      const hosts = `127.0.0.1:${standby.port},127.0.0.1:${primary.port}`
      const store = await open(`postgres://gateway@${hosts}/postgres?statement_timeout_ms=500`)
      const op = operation()
      await store.start(op, null, Date.now())
      await vi.waitFor(
        async () => expect(await standby.query('SELECT id FROM operations')).toEqual([{ id: op.id }]),
        WAIT,
      )
      await primary.kill()
      await standby.query('SELECT pg_promote()')
      await vi.waitFor(() => store.ping(), WAIT)
      expect(await store.get(op.id)).toMatchObject({ rev: 1 })
      expect(await store.save(endOf(op))).toBe(true)
      expect(await standby.query('SELECT status FROM operations')).toEqual([{ status: 'succeeded' }])
    },
  )

  test('a standby that is the only host serves no writes, and is searched anew', async () => {
    const primary = await startPostgres({ settings: ['fsync=off', 'hot_standby=on'] })
    await open(primary.url())
    const standby = await copyOf(primary)
    const store = await open(standby.url('public', '&connect_timeout_ms=500'), {
      beatMs: 1_000_000,
      openMs: 300,
    })
    await expect(store.ping()).rejects.toThrow(StoreUnavailable)
    await standby.query('SELECT pg_promote()')
    await vi.waitFor(() => store.ping(), WAIT)
  })

  test('what synchronous_commit=off and fsync=off cost is told', async () => {
    await open(server.url(schema))
    expect(log.join('\n')).toMatch(/fsync=off/)
    expect(log.join('\n')).not.toMatch(/synchronous_commit/)
    await server.query('ALTER ROLE gateway SET synchronous_commit = off')
    onTestFinished(async () => void (await server.query('ALTER ROLE gateway RESET synchronous_commit')))
    await open(server.url(schema))
    expect(log.join('\n')).toMatch(/synchronous_commit=off/)
  })

  test('whatever the role is set to, the store sets for its transactions what it needs', async () => {
    const own = await startPostgres()
    await own.query(`ALTER ROLE gateway SET default_transaction_isolation = 'serializable';
      ALTER ROLE gateway SET search_path = ''; ALTER ROLE gateway SET statement_timeout = '50ms';
      ALTER ROLE gateway SET TimeZone = 'Asia/Kathmandu'; ALTER ROLE gateway SET DateStyle = 'SQL, DMY'`)
    const store = await open(own.url('public', '&notify=off'))
    await own.query(`
      CREATE FUNCTION public.check_isolation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF current_setting('transaction_isolation') <> 'read committed' THEN RAISE EXCEPTION 'wrong isolation'; END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER check_isolation BEFORE INSERT ON public.operations EXECUTE FUNCTION public.check_isolation()`)
    const ops = Array.from({ length: 50 }, (_, i) => operation({ vmId: i + 1 }))
    await Promise.all(ops.map(op => store.start(op, null, Date.now())))
    expect(await Promise.all(ops.map(op => store.save(endOf(op))))).not.toContain(false)
  })

  describe.skipIf(lacks('pgbouncer'))('behind PgBouncer in transaction mode', () => {
    test('everything works', { timeout: 60_000 }, async () => {
      const [port, directory] = [await freePort(), temporaryDirectory()]
      const file = join(directory, 'pgbouncer.ini')
      writeFileSync(join(directory, 'users'), '"gateway" ""\n')
      writeFileSync(
        file,
        `[databases]
         postgres = host=127.0.0.1 port=${server.port} dbname=postgres user=gateway
         [pgbouncer]
         listen_addr = 127.0.0.1
         listen_port = ${port}
         unix_socket_dir =
         auth_type = trust
         auth_file = ${join(directory, 'users')}
         pool_mode = transaction
         default_pool_size = 3
         server_idle_timeout = 1`,
      )
      execFileSync('chmod', ['-R', 'a+rX', directory])
      const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
      const program = runProgram(findProgram('pgbouncer')!, { args: [file], user })
      await vi.waitFor(() => expect(program.stderr.join('\n')).toMatch(/process up/), WAIT)
      const url = `postgres://gateway@127.0.0.1:${port}/postgres?schema=${schema}`
      const stores = [await open(url), await open(url)]
      for (let round = 0; round < 5; round += 1) {
        await Promise.all(
          Array.from({ length: 40 }, async (_, i) => {
            const [own, other] = [stores[i % 2]!, stores[(i + 1) % 2]!]
            const op = operation({ vmId: i + 1 })
            expect(await own.start(op, null, Date.now())).toEqual({ kind: 'started' })
            expect(await own.save(changed(op, { rev: 2, step: 'check' }))).toBe(true)
            expect(await own.save(endOf({ ...op, rev: 2 }))).toBe(true)
            expect(await other.get(op.id)).toMatchObject({ status: 'succeeded' })
          }),
        )
      }
    })
  })
})
