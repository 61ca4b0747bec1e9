/** A real SQLite file moved to a real PostgreSQL, by the command as a process. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Operation } from '../../src/operations/operation.ts'
import type { IdempotencyKey, Store } from '../../src/operations/store.ts'
import { openPostgresStore } from '../../src/store/postgres/postgres.ts'
import { openSqliteStore } from '../../src/store/sqlite/open.ts'
import { closedAfterAll, temporaryDirectory } from '../helper.ts'
import { runScript, type Program } from '../programs.ts'
import { lacksPostgres, startPostgres, type PostgresServer } from '../store/postgres/postgres-server.ts'
import { PENDING } from '../store/outbox-contract.ts'
import { makeOlder } from '../store/sqlite/older.ts'
import { changed, endOf, operation } from '../store/store-contract.ts'

const DAY_MS = 86_400_000
/** Texts that a database may stumble over. */
const TEXTS = ['plain', 'NUL \0 and \ud800 half', 'break\nand "quotes" \\0', 'ж😀']

interface Filled {
  path: string
  operations: Operation[]
  keys: Map<string, IdempotencyKey>
}

function open(path: string): Store {
  // Without a real fsync: this is not about what a crash leaves in the file.
  return openSqliteStore(path, Date.now(), { sync: (_fd, done) => setImmediate(done, null) })
}

/** A file with so many operations: one of three runs, one of five has a key, and the end of one of seven is to be told. */
async function fill(count: number): Promise<Filled> {
  const path = join(temporaryDirectory(), 'gateway.db')
  const store = open(path)
  const nowMs = Date.now()
  const keys = new Map<string, IdempotencyKey>()
  const operations = await Promise.all(
    Array.from({ length: count }, async (_, i): Promise<Operation> => {
      const text = TEXTS[i % TEXTS.length]!
      // SQLite keeps no half of a character outside of documents.
      const whole = text.toWellFormed()
      const op = operation({
        id: `op_${String(i).padStart(5, '0')}`,
        vmId: i + 1,
        createdBy: text,
        snapshot: text,
        createdAtMs: nowMs,
        dueAtMs: nowMs + DAY_MS,
      })
      const key =
        i % 5 === 0
          ? { caller: whole, key: `${i}${whole}`, fingerprint: `f${i}`, expiresAtMs: nowMs + DAY_MS }
          : null
      if (key) keys.set(op.id, key)
      await store.start(op, key, nowMs)
      const next =
        i % 3 === 0
          ? changed(op, { rev: 2, step: 'check', callback: `key-${i}` })
          : changed(endOf(op, nowMs), i % 7 === 0 ? { webhook: PENDING } : {})
      expect(await store.save(next)).toBe(true)
      return next
    }),
  )
  await store.close()
  return { path, operations, keys }
}

interface Ended {
  code: number | NodeJS.Signals
  stdout: string
  stderr: string
}

describe.skipIf(lacksPostgres())('migrate', () => {
  const onFinished = closedAfterAll()
  let server: PostgresServer
  let schemas = 0
  beforeAll(async () => {
    server = await startPostgres({ onFinished })
  })

  /** The URL of a schema of its own. */
  const newUrl = (): string => server.url(`moved${(schemas += 1)}`)
  const schemaOf = (url: string): string => new URL(url).searchParams.get('schema')!
  const rows = async (url: string, table: string): Promise<number> => {
    const [row] = await server.query(`SELECT count(*)::int AS count FROM "${schemaOf(url)}".${table}`)
    return row!.count as number
  }
  const migrate = (path: string, url: string): Program =>
    runScript('src/cli/migrate.ts', { args: ['--from', `sqlite:${path}`, '--to', url] })
  const ended = async ({ ended: end, stdout, stderr }: Program): Promise<Ended> => ({
    code: await end,
    stdout: stdout.join('\n'),
    stderr: stderr.join('\n'),
  })
  const openPostgres = async (url: string): Promise<Store> => {
    const store = await openPostgresStore(() => url, { log: { info: () => {}, warn: () => {} } })
    onTestFinished(() => store.close())
    return store
  }

  /** Lets no move write an idempotency key, so none commits, until the returned function is called. */
  const stopBeforeTheKeys = async (url: string): Promise<() => Promise<void>> => {
    await (await openPostgres(url)).close()
    const schema = `"${schemaOf(url)}"`
    await server.query(`CREATE FUNCTION ${schema}.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM set_config('lock_timeout', '0', true), pg_advisory_xact_lock(1); RETURN NULL; END $$`)
    await server.query(
      `CREATE TRIGGER wait BEFORE INSERT ON ${schema}.idempotency EXECUTE FUNCTION ${schema}.wait()`,
    )
    const holder = new Client({ host: '127.0.0.1', port: server.port, user: 'gateway', database: 'postgres' })
    await holder.connect()
    onTestFinished(() => holder.end())
    await holder.query('SELECT pg_advisory_lock(1)')
    return async () => void (await holder.query('SELECT pg_advisory_unlock(1)'))
  }
  const waiting = async (): Promise<number> =>
    (await server.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'advisory'`)).length

  test('killed in the middle it has written nothing; run again, all is there, and a gateway goes on with it', async () => {
    const { path, operations, keys } = await fill(1_500)
    const url = newUrl()
    const finish = await stopBeforeTheKeys(url)
    const killed = migrate(path, url)
    await vi.waitFor(async () => expect(await waiting()).toBe(1), 20_000)
    expect(killed.stderr.at(-1)).toBe('1500 of 1500 operations')
    killed.child.kill('SIGKILL')
    expect(await killed.ended).toBe('SIGKILL')
    expect(await rows(url, 'operations')).toBe(0)

    await finish()
    // The server ends the transaction when it finds nobody at the other end of the connection.
    const file = join(temporaryDirectory(), 'store-url')
    writeFileSync(file, `${url}\n`)
    const again = await ended(
      runScript('src/cli/migrate.ts', { args: ['--from', `sqlite:${path}`, '--to-file', file] }),
    )
    const moved = `1500 operations and ${keys.size} idempotency keys are in PostgreSQL as they are in the file`
    expect(again).toMatchObject({ code: 0, stdout: `${moved} (0 were before)` })
    expect(await ended(migrate(path, url))).toMatchObject({ code: 0, stdout: `${moved} (1500 were before)` })

    const store = await openPostgres(url)
    for (const op of operations) {
      const found = await store.get(op.id)
      // Whatever runs is due at once, or when it was.
      expect({ ...found, dueAtMs: op.dueAtMs }).toEqual(op)
    }
    for (const [id, key] of keys)
      expect(await store.start(operation(), key, Date.now())).toMatchObject({
        kind: 'replay',
        operation: { id },
      })
    const running = operations.filter(({ status }) => status === 'running')
    expect(await store.start(operation({ vmId: running[0]!.vmId }), null, Date.now())).toMatchObject({
      kind: 'busy',
    })
    const told = operations.filter(({ webhook }) => webhook)
    const places = [...new Set(told.map(({ createdBy }) => createdBy.toWellFormed()))].map(caller => ({
      caller,
      limit: 1_000,
    }))
    expect(await store.outbox.claim(Date.now(), 1_000, places)).toHaveLength(told.length)
    await vi.waitFor(
      async () =>
        expect(await store.claimDue(Date.now() + 2 * DAY_MS, 0, 5_000)).toHaveLength(running.length),
      10_000,
    )
  })

  test.for([1, 2] as const)('a file of version %s', async version => {
    const { path, operations } = await fill(10)
    makeOlder(path, version)
    const url = newUrl()
    expect(await ended(migrate(path, url))).toMatchObject({ code: 0 })
    const store = await openPostgres(url)
    for (const { webhook: _, ...op } of operations)
      expect({ ...(await store.get(op.id)), dueAtMs: op.dueAtMs }).toEqual(op)
  })

  test('a gateway that works on the file or on the database is told of, and nothing is written', async () => {
    const { path } = await fill(3)
    const url = newUrl()
    const held = open(path)
    expect(await ended(migrate(path, url))).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/gateway\.db is in use: stop the gateway first$/) as string,
    })
    await held.close()
    const store = await openPostgres(url)
    expect(await ended(migrate(path, url))).toMatchObject({
      code: 1,
      stderr: 'a gateway works on the database: stop it first',
    })
    expect(await rows(url, 'operations')).toBe(0)
    await store.close()
    expect((await ended(migrate(path, url))).code).toBe(0)
  })

  test.for<[string, (store: Store, ops: Operation[], url: string) => Promise<unknown>, RegExp]>([
    [
      'has operations of its own',
      store => store.start(operation({ id: 'op_other', vmId: 99 }), null, Date.now()),
      /has 1 rows of operations that the file has not/,
    ],
    [
      'has gone on with one',
      async (store, ops) => {
        const one = (await store.get(ops.find(({ status }) => status === 'running')!.id))!
        expect(await store.save(endOf(one))).toBe(true)
      },
      /op_0000\d is in the database in another state/,
    ],
    [
      'has another document',
      (_store, ops, url) =>
        server.query(
          `UPDATE "${schemaOf(url)}".operations SET doc = replace(doc, 'NUL', 'nul') WHERE id = '${ops[1]!.id}'`,
        ),
      /op_00001 is in the database in another state/,
    ],
  ])('a database that %s is left as it is', async ([, work, words]) => {
    const { path, operations } = await fill(3)
    const url = newUrl()
    expect((await ended(migrate(path, url))).code).toBe(0)
    const store = await openPostgres(url)
    await vi.waitFor(async () => expect(await store.nextDueAtMs()).not.toBeNull())
    await work(store, operations, url)
    await store.close()
    const before = await rows(url, 'operations')
    const { code, stderr } = await ended(migrate(path, url))
    expect(code).toBe(1)
    expect(stderr).toMatch(words)
    expect(await rows(url, 'operations')).toBe(before)
  })

  test('a commit that no standby has confirmed is not taken for one', async () => {
    const { path } = await fill(3)
    const own = await startPostgres()
    await (await openPostgres(own.url())).close()
    const standby = (names: string): Promise<unknown> =>
      own
        .query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`)
        .then(() => own.query('SELECT pg_reload_conf()'))
    await standby('absent')
    const moving = ended(migrate(path, own.url()))
    let isOver = false
    void moving.finally(() => (isOver = true))
    // Whoever waits for a standby is told of success, with a warning.
    while (!isOver)
      await own.query(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
    expect(await moving).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/nobody knows whether all of it is there: run it again/) as string,
    })
    await standby('')
    expect(await ended(migrate(path, own.url()))).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/3 were before/) as string,
    })
  })

  test.for<[string, string[], number, RegExp]>([
    ['no arguments', [], 64, /^--from must be sqlite:/],
    ['another store', ['--from', 'sqlite:a', '--to', 'mysql://u:secret@h/d'], 64, /^--to must be postgres:/],
    [
      'no file',
      ['--from', 'sqlite:/nowhere/a.db', '--to', 'postgres://u:secret@127.0.0.1:1/d'],
      1,
      /no file/,
    ],
  ])('told in one line, without the password: %s', async ([, args, code, words]) => {
    const told = await ended(runScript('src/cli/migrate.ts', { args }))
    expect(told).toMatchObject({ code, stdout: '' })
    expect(told.stderr).toMatch(words)
    expect(told.stderr).not.toContain('secret')
  })

  test('a server that is not there is told without the password', async () => {
    const { path } = await fill(1)
    const told = await ended(migrate(path, 'postgres://u:secret@127.0.0.1:1/d'))
    expect(told).toMatchObject({ code: 1, stdout: '' })
    expect(told.stderr).toMatch(/^PostgreSQL: .*ECONNREFUSED/)
    expect(told.stderr).not.toContain('secret')
  })
})
