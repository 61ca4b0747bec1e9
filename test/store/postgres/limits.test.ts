/** Limits of several gateways over one database: they hold in sum, and each for itself while the database is away. */

import fc from 'fast-check'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type QueryArrayConfig } from 'pg'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { SCOPES } from '../../../src/callers/caller.ts'
import { newEntry } from '../../../src/callers/key.ts'
import { Limits } from '../../../src/store/postgres/limits.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { statementsFor } from '../../../src/store/postgres/statements.ts'
import type { Row, Statement } from '../../../src/store/postgres/connection.ts'
import { closedAfterAll, KEY, startWorld, type Answer, type World } from '../../helper.ts'
import { lacksPostgres, startPostgres, type PostgresServer } from './postgres-server.ts'
import { realWorld } from '../../../src/world.ts'

const MAX = 6
const WINDOW_MS = 60_000

/** A model of what is counted together: fixed windows by the database's clock. */
class Model {
  readonly #windows = new Map<string, { count: number; endsAtMs: number }>()

  count(key: string, nowMs: number, windowMs: number): { current: number; ttlMs: number } {
    const known = this.#windows.get(key)
    const window = known && known.endsAtMs > nowMs ? known : { count: 0, endsAtMs: nowMs + windowMs }
    window.count += 1
    this.#windows.set(key, window)
    return { current: window.count, ttlMs: window.endsAtMs - nowMs }
  }
}

describe('limits', () => {
  const sql = statementsFor('public', '0')
  const rows = ({ values: [keys, counts] }: Statement): Row[] =>
    (keys as string[]).map((key, i) => [key, String((counts as number[])[i]), '1000'])

  test('what is counted in one turn is one statement, and what is counted meanwhile the next one', async () => {
    const asked: Statement[] = []
    const limits = new Limits({
      world: realWorld,
      sql,
      ask: async statement => {
        asked.push(statement)
        await sleep(20)
        return rows(statement)
      },
    })
    const count = (key: string): Promise<{ current: number }> => limits.count(key, WINDOW_MS, 1_000)
    const first = ['a', 'b', 'a', 'a'].map(count)
    await vi.waitUntil(() => asked.length === 1)
    const second = ['b', 'c', 'b'].map(count)
    expect((await Promise.all(first)).map(({ current }) => current)).toEqual([1, 1, 2, 3])
    expect((await Promise.all(second)).map(({ current }) => current)).toEqual([1, 1, 2])
    expect(asked.map(({ values }) => values.slice(0, 2))).toEqual([
      [
        ['a', 'b'],
        [3, 1],
      ],
      [
        ['b', 'c'],
        [2, 1],
      ],
    ])
  })

  test('a database that hangs, and then fails, holds up nobody for long, and is asked again after a while', async () => {
    let fail: (error: Error) => void = () => {}
    let asked = 0
    const limits = new Limits({
      world: realWorld,
      sql,
      ask: statement => {
        asked += 1
        return asked > 1 ? Promise.resolve(rows(statement)) : new Promise((_, reject) => (fail = reject))
      },
    })
    const since = performance.now()
    const first = limits.count('a', WINDOW_MS, 10)
    await new Promise(setImmediate)
    const second = limits.count('b', WINDOW_MS, 10)
    await expect(first).rejects.toThrow('could not be counted in time')
    await expect(second).rejects.toThrow('could not be counted in time')
    await expect(limits.count('c', WINDOW_MS, 10)).rejects.toThrow('for now')
    expect(performance.now() - since).toBeLessThan(1_000)
    await sleep(1_100)
    await expect(limits.count('c', WINDOW_MS, 10)).rejects.toThrow('for now')
    fail(new Error('gone'))
    await vi.waitFor(() => limits.count('c', WINDOW_MS, 10), { timeout: 5_000 })
    expect(asked).toBe(2)
  })
})

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
    schema = `l${(schemas += 1)}`
    url = server.url(schema)
  })

  /** Two gateways; `small` may come six times within `windowMs`. */
  async function twoWorlds(windowMs = WINDOW_MS): Promise<[World, World]> {
    const callers = [
      newEntry('tester', KEY, SCOPES, '*'),
      { ...newEntry('small', 'key-small', SCOPES, '*'), rate_limit: { max: MAX, window_ms: windowMs } },
    ]
    const options = { env: { STORE_URL: url }, callers }
    return [await startWorld(options), await startWorld(options)]
  }

  const ask = (world: World): Promise<Answer> => world.call('GET', '/vms/4000/stats', { key: 'key-small' })
  const counted = async (): Promise<number[]> =>
    (await server.query(`SELECT count FROM ${schema}.limits`)).map(({ count }) => Number(count))

  test('limits hold in sum, also for what comes at once; whoever is known to be over is not counted', async () => {
    const [one, two] = await twoWorlds()
    const first = [await ask(one), await ask(two), await ask(one)]
    expect(first.map(({ status }) => status)).toEqual([404, 404, 404])
    expect(first.map(({ headers }) => headers.get('ratelimit-remaining'))).toEqual(['5', '4', '3'])
    const rest = await Promise.all([one, two, one, two, one, two, one, two].map(ask))
    expect(rest.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      404, 404, 404, 429, 429, 429, 429, 429,
    ])
    await Promise.all([ask(one), ask(two)])
    const before = await counted()
    const refused = await Promise.all(Array.from({ length: 40 }, (_, i) => ask(i % 2 === 0 ? one : two)))
    for (const { status, headers } of refused) {
      const reset = Number(headers.get('ratelimit-reset'))
      expect([status, headers.get('ratelimit-remaining')]).toEqual([429, '0'])
      expect(reset).toBeGreaterThan(30)
      expect(reset).toBeLessThanOrEqual(60)
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(reset)
    }
    expect(await counted()).toEqual(before)
  })

  test('who comes back when told finds quota on both', async () => {
    const [one, two] = await twoWorlds(1_500)
    const answers = await Promise.all(Array.from({ length: MAX + 2 }, (_, i) => ask(i % 2 === 0 ? one : two)))
    const retryAfterS = Math.max(...answers.map(({ headers }) => Number(headers.get('retry-after'))))
    expect(retryAfterS).toBeGreaterThan(0)
    await sleep(retryAfterS * 1_000)
    const again = [await ask(one), await ask(two)]
    expect(again.map(({ headers }) => headers.get('ratelimit-remaining'))).toEqual(['5', '4'])
  })

  test('while the database is away each has its own limits, and then they are shared again', async () => {
    const [one, two] = await twoWorlds(WINDOW_MS)
    expect((await ask(one)).headers.get('ratelimit-remaining')).toBe('5')
    await server.kill()
    for (const world of [one, two]) {
      const statuses = []
      for (let i = 0; i < MAX + 2; i += 1) statuses.push((await ask(world)).status)
      expect(statuses.filter(status => status === 429)).toHaveLength(2)
    }
    await server.start()
    // After a crash nobody has used up anything.
    for (const [world, remaining] of [
      [one, '5'],
      [two, '4'],
    ] as const) {
      await vi.waitFor(async () => expect(await counted()).toHaveLength(world === one ? 0 : 1))
      await vi.waitFor(
        async () => {
          const { headers } = await world.call('GET', '/vms/4000/stats', { key: 'key-small' })
          expect(headers.get('ratelimit-remaining')).toBe(remaining)
        },
        { timeout: 15_000, interval: 300 },
      )
    }
  }, 40_000)

  test('two counters and a clock that moves: windows as in a simple model', async () => {
    const store = await openPostgresStore(() => url, { log: { info: () => {}, warn: () => {} } })
    onTestFinished(() => store.close())
    const client = new Client({ connectionString: server.url().replace(/\?.*/, '') })
    await client.connect()
    onTestFinished(() => client.end())
    await client.query(`CREATE TABLE ${schema}.clock (at bigint); INSERT INTO ${schema}.clock VALUES (0)`)
    const types = { getTypeParser: () => (value: string) => value }
    const sql = statementsFor(schema, `(SELECT at FROM ${schema}.clock)`)
    const counters = [0, 1].map(
      () =>
        new Limits({
          world: realWorld,
          sql,
          ask: async ({ text, values }) => {
            const query = { text, values: values as unknown[], rowMode: 'array', types } as const
            return (await client.query<Row>(query as unknown as QueryArrayConfig)).rows
          },
        }),
    )
    const turn = fc.record({
      who: fc.nat(1),
      afterMs: fc.nat(800),
      keys: fc.array(fc.constantFrom('a', 'b', '\0', '\u{d800}'), { minLength: 1, maxLength: 5 }),
    })
    let nowMs = 1e12
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { maxLength: 12 }), async turns => {
        const model = new Model()
        nowMs += 100_000
        for (const { who, afterMs, keys } of turns) {
          nowMs += afterMs
          await client.query(`UPDATE ${schema}.clock SET at = ${nowMs}`)
          const told = await Promise.all(keys.map(key => counters[who]!.count(key, 1_000, 1e9)))
          expect(told).toEqual(keys.map(key => model.count(key, nowMs, 1_000)))
        }
      }),
      { numRuns: 40 },
    )
    // A database whose clock is an hour behind, as after a failover: nobody waits for an hour.
    nowMs -= 3_600_000
    await client.query(`UPDATE ${schema}.clock SET at = ${nowMs}`)
    expect(await counters[0]!.count('a', 1_000, 1e9)).toEqual({ current: 1, ttlMs: 1_000 })
  })

  test('counts are unlogged, and what is over is swept', async () => {
    const store = await openPostgresStore(() => url, { log: { info: () => {}, warn: () => {} } })
    onTestFinished(() => store.close())
    await store.limits.count('over', 1, 10)
    await store.limits.count('going on', 60_000, 10)
    await sleep(20)
    expect(await store.sweep(0, Date.now(), 10)).toBe(1)
    expect(await server.query(`SELECT key FROM ${schema}.limits`)).toEqual([{ key: 'going on' }])
    const kinds = await server.query(
      `SELECT relpersistence FROM pg_class WHERE oid = '${schema}.limits'::regclass`,
    )
    expect(kinds).toEqual([{ relpersistence: 'u' }])
  })
})
