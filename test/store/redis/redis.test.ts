import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { createServer, connect as connectTo, type Socket } from 'node:net'
import { Redis } from 'ioredis'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { parseRedisUrl } from '../../../src/config/redis-url.ts'
import { openRedisStore, type RedisStoreOptions } from '../../../src/store/redis/redis.ts'
import { StoreUnavailable, type Store } from '../../../src/operations/store.ts'
import { closedAfterAll, temporaryDirectory } from '../../helper.ts'
import { findProgram, freePort, lacks, runProgram } from '../../programs.ts'
import { startRedis, type RedisServer } from './redis-server.ts'
import { changed, endOf, operation, storeContract, type StoreUnderTest } from '../store-contract.ts'
import { storeModel } from '../store-model.ts'

const T0 = 1_800_000_000_000
const TTL_MS = 604_800_000
const LEASE_MS = 30_000
const EVERYTHING = {
  visible: { vmIds: '*' as const, kinds: ['snapshot.create' as const], createdBy: '' },
  limit: 100,
}

const log: string[] = []
const tell = (fields: object, message: string): void => void log.push(JSON.stringify({ ...fields, message }))

const WAIT = { timeout: 20_000, interval: 50 }

/** A sentinel that decides by itself, and soon, that the master on this port is gone. Gives its own port. */
async function startSentinel(masterPort: number): Promise<number> {
  const port = await freePort()
  const file = join(temporaryDirectory(), 'sentinel.conf')
  writeFileSync(
    file,
    `port ${port}
     sentinel monitor main 127.0.0.1 ${masterPort} 1
     sentinel down-after-milliseconds main 500
     sentinel failover-timeout main 2000`,
  )
  const program = runProgram(findProgram('redis-server')!, { args: [file, '--sentinel'] })
  await program.line(/\+monitor master main/)
  return port
}

async function copiesKnown(sentinelPort: number): Promise<number> {
  const sentinel = new Redis(sentinelPort, '127.0.0.1')
  const known = (await sentinel.call('SENTINEL', 'replicas', 'main')) as unknown[]
  sentinel.disconnect()
  return known.length
}

async function open(url: string, options: Partial<RedisStoreOptions> = {}): Promise<Store> {
  const store = await openRedisStore(url, { log: { info: tell, warn: tell }, ttlMs: TTL_MS, ...options })
  onTestFinished(() => store.close())
  return store
}

describe.skipIf(lacks('redis-server'))('redis', () => {
  let server: RedisServer
  let prefixes = 0
  const freshUrl = (): string => server.url(`t${(prefixes += 1)}`)
  const onFinished = closedAfterAll()
  beforeAll(async () => {
    server = await startRedis({ onFinished })
  })

  async function openAnew(): Promise<StoreUnderTest> {
    const url = freshUrl()
    return { store: await open(url), reopen: () => open(url) }
  }

  /** A client beside the stores, to see and to spoil what they keep. */
  function client(): Redis {
    const redis = new Redis(server.port, '127.0.0.1')
    onTestFinished(() => redis.disconnect())
    return redis
  }

  storeContract('redis', openAnew)
  storeModel('redis', openAnew)

  test('what was answered is there after kill -9 of Redis', async () => {
    const own = await startRedis()
    const store = await open(own.url())
    const op = operation()
    const claim = { caller: 'alice', key: 'k', fingerprint: 'f', expiresAtMs: T0 + TTL_MS }
    await store.start(op, claim, T0)
    const accepted = changed(op, { rev: 2, step: 'check', callback: 'secret', dueAtMs: T0 + 10 })
    expect(await store.save(accepted)).toBe(true)
    await own.kill()
    await expect(store.get(op.id)).rejects.toThrow(StoreUnavailable)
    await own.start()
    await vi.waitFor(() => store.ping(), { timeout: 5_000, interval: 20 })
    expect(await store.get(op.id)).toEqual(accepted)
    expect(await store.start(operation(), claim, T0)).toMatchObject({ kind: 'replay', inProgress: false })
    expect(await store.start(operation(), null, T0)).toMatchObject({ kind: 'busy', operation: { id: op.id } })
  })

  test('every replica hears of the changes of every other, and of its own once', async () => {
    const url = freshUrl()
    const [one, two] = [await open(url), await open(url)]
    const heard: string[][] = [[], []]
    one.onChange(id => heard[0]!.push(id))
    two.onChange(id => heard[1]!.push(id))
    const [first, second] = [operation({ vmId: 1 }), operation({ vmId: 2 })]
    await one.start(first, null, T0)
    await two.start(second, null, T0)
    await one.save(endOf(first))
    await vi.waitFor(() => expect(heard.map(ids => ids.length)).toEqual([3, 3]), { interval: 5 })
    for (const ids of heard) expect(ids.toSorted()).toEqual([first.id, first.id, second.id].toSorted())
  })

  test('all keys stand under one hash tag, and whatever ended expires', async () => {
    const url = freshUrl()
    const store = await open(url)
    const redis = client()
    const tag = `{${parseRedisUrl(url).prefix}}:`
    const plain = operation({ vmId: 1 })
    const keyed = operation({ vmId: 2 })
    const key = { caller: 'alice', key: 'the-key-itself', fingerprint: 'f' }
    await store.start(plain, null, T0)
    await store.start(keyed, { ...key, expiresAtMs: T0 + 2 * TTL_MS }, T0)
    expect(await redis.pttl(`${tag}op:${plain.id}`)).toBe(-1)
    for (const op of [plain, keyed]) await store.save(endOf(op, T0))
    const names = await redis.keys('*')
    expect(names.filter(name => name.includes('t'))).not.toEqual([])
    expect(names.filter(name => !/^\{[^}]+\}:/.test(name))).toEqual([])
    expect(JSON.stringify(names)).not.toContain(key.key)
    const left = async (name: string): Promise<number> => (await redis.pttl(tag + name)) / TTL_MS
    expect(await left(`op:${plain.id}`)).toBeCloseTo(1, 3)
    // A replay may ask for it as long as its key lives.
    expect(await left(`op:${keyed.id}`)).toBeCloseTo(2, 3)
    const [record] = await redis.keys(`${tag}key:*`)
    expect((await redis.pttl(record!)) / TTL_MS).toBeCloseTo(2, 3)
  })

  test('what expired by itself leaves the indexes with the sweep', async () => {
    const url = freshUrl()
    const store = await open(url)
    const redis = client()
    const tag = `{${parseRedisUrl(url).prefix}}:`
    const [plain, keyed] = [operation({ vmId: 1 }), operation({ vmId: 2 })]
    await store.start(plain, null, T0)
    await store.start(keyed, { caller: 'a', key: 'k', fingerprint: 'f', expiresAtMs: T0 + 10 }, T0)
    for (const op of [plain, keyed]) await store.save(endOf(op, T0))
    await redis.del(`${tag}op:${plain.id}`, `${tag}op:${keyed.id}`, ...(await redis.keys(`${tag}key:*`)))
    expect(await store.list(EVERYTHING)).toEqual([])
    while ((await store.sweep(T0 + 1, T0 + 10, 1)) > 0);
    expect((await redis.keys(`${tag}*`)).map(name => name.replace(tag, '')).toSorted()).toEqual(['replicas'])
  })

  test('a page looks at so many operations at most, and tells where it stopped', async () => {
    const store = await open(freshUrl(), { pageScan: 200 })
    const wanted = operation({ vmId: 7 })
    await store.start(wanted, null, T0)
    const others = Array.from({ length: 450 }, (_, i) => operation({ vmId: 1_000 + i, createdAtMs: T0 + 1 }))
    await Promise.all(others.map(op => store.start(op, null, T0)))
    // So many VMs that they are picked from the list of all.
    const visible = { ...EVERYTHING.visible, vmIds: Array.from({ length: 50 }, (_, i) => i) }
    const found: string[] = []
    const cuts: string[] = []
    for (let olderThan: string | undefined; ;) {
      const page = await store.list({
        ...EVERYTHING,
        visible,
        ...(olderThan === undefined ? {} : { olderThan }),
      })
      found.push(...page.map(op => op.id))
      olderThan = page.cutAt
      if (olderThan === undefined) break
      cuts.push(olderThan)
    }
    expect(found).toEqual([wanted.id])
    expect(cuts).toHaveLength(2)
    expect(await store.list({ ...EVERYTHING, visible: { ...visible, vmIds: [7, 8] } })).toMatchObject([
      wanted,
    ])
  })

  test('what a silent replica held is free within seconds; it comes back and overwrites nothing', async () => {
    const url = freshUrl()
    const now = (): number => T0
    const dead = await open(url, { now })
    const started = operation({ vmId: 1, dueAtMs: T0 + LEASE_MS })
    const due = operation({ vmId: 2, dueAtMs: T0 })
    await dead.start(started, null, T0)
    await dead.start(due, null, T0)
    const [held] = await dead.claimDue(T0, LEASE_MS, 1)
    const alive = await open(url, { now, silenceMs: 1_000 })
    expect(await alive.claimDue(T0, LEASE_MS, 5)).toEqual([])
    const redis = client()
    const tag = `{${parseRedisUrl(url).prefix}}:`
    const name = (await redis.keys(`${tag}held:*`))[0]!.slice(`${tag}held:`.length)
    // It beats, but what it wrote looks old: as if it were paused.
    const pause = setInterval(() => void redis.zadd(`${tag}replicas`, 1, name), 5)
    onTestFinished(() => clearInterval(pause))
    const taken: string[] = []
    await vi.waitFor(
      async () => {
        taken.push(...(await alive.claimDue(T0, LEASE_MS, 5)).map(op => op.id))
        expect(taken.toSorted()).toEqual([started.id, due.id].toSorted())
      },
      { timeout: 8_000, interval: 50 },
    )
    expect(await dead.save(endOf(held!))).toBe(false)
    expect(await dead.save(endOf(started))).toBe(false)
  })

  test('a replica that leaves frees what it holds at once', async () => {
    const url = freshUrl()
    const [one, two] = [await open(url, { now: () => T0 }), await open(url)]
    const op = operation({ dueAtMs: T0 + LEASE_MS })
    await one.start(op, null, T0)
    await one.close()
    expect((await two.claimDue(T0, LEASE_MS, 5)).map(({ id }) => id)).toEqual([op.id])
  })

  describe('answers that are lost', () => {
    /** A way to Redis that can swallow the answers to what was sent, and then break. */
    async function lossyWay(): Promise<{
      url: string
      loseAnswers: () => void
      close: () => void
      open: () => void
    }> {
      let lossy = false
      const sockets = new Set<Socket>()
      const proxy = createServer(near => {
        const far = connectTo(server.port, '127.0.0.1')
        for (const socket of [near, far]) {
          sockets.add(socket)
          socket
            .on('error', () => {})
            .on('close', () => {
              near.destroy()
              far.destroy()
              sockets.delete(socket)
            })
        }
        near.pipe(far)
        // It was done and answered, but nobody hears of it: the connection breaks instead.
        far.on('data', chunk => void (lossy ? breakAll() : near.write(chunk)))
      })
      const breakAll = (): void => {
        lossy = false
        for (const socket of sockets) socket.destroy()
      }
      proxy.listen(0, '127.0.0.1')
      await once(proxy, 'listening')
      const { port } = proxy.address() as { port: number }
      const close = (): void => void (proxy.listening && proxy.close())
      onTestFinished(() => {
        close()
        breakAll()
      })
      return {
        url: `redis://127.0.0.1:${port}/0?prefix=lossy${(prefixes += 1)}`,
        loseAnswers: () => (lossy = true),
        close,
        open: () => void proxy.listen(port, '127.0.0.1'),
      }
    }

    test('a start is tried again, and finds itself', async () => {
      const way = await lossyWay()
      const store = await open(way.url)
      const op = operation()
      const claim = { caller: 'alice', key: 'k', fingerprint: 'f', expiresAtMs: T0 + TTL_MS }
      way.loseAnswers()
      expect(await store.start(op, claim, T0)).toEqual({ kind: 'started' })
      expect(await store.list(EVERYTHING)).toHaveLength(1)
    })

    test('a start that was told to have failed leaves nothing behind', async () => {
      const way = await lossyWay()
      const store = await open(way.url)
      const beside = await open(server.url(parseRedisUrl(way.url).prefix))
      const op = operation()
      way.loseAnswers()
      way.close()
      await expect(store.start(op, null, T0)).rejects.toThrow(StoreUnavailable)
      expect(await beside.get(op.id)).toMatchObject({ rev: 1 })
      way.open()
      await vi.waitFor(async () => expect(await beside.get(op.id)).toBeUndefined(), {
        timeout: 5_000,
        interval: 10,
      })
      expect(await beside.start(operation(), null, T0)).toEqual({ kind: 'started' })
    })

    test('what was claimed then is free again as soon as Redis is back', async () => {
      const way = await lossyWay()
      const store = await open(way.url, { now: () => T0 })
      await store.start(operation({ vmId: 1, dueAtMs: T0 }), null, T0)
      expect(await store.claimDue(T0, LEASE_MS, 9)).toHaveLength(1)
      const op = operation({ vmId: 2, dueAtMs: T0 })
      await store.start(op, null, T0)
      way.loseAnswers()
      await expect(store.claimDue(T0, LEASE_MS, 9)).rejects.toThrow(StoreUnavailable)
      await vi.waitFor(() => store.ping(), { interval: 10 })
      // But not what another claim holds.
      const claimed = await store.claimDue(T0, LEASE_MS, 9)
      expect(claimed.map(({ id, rev }) => [id, rev])).toEqual([[op.id, 3]])
    })

    test('a save that is tried again counts as saved, and once', async () => {
      const way = await lossyWay()
      const store = await open(way.url)
      const op = operation()
      await store.start(op, null, T0)
      const end = endOf(op)
      way.loseAnswers()
      await expect(store.save(end)).rejects.toThrow(StoreUnavailable)
      await vi.waitFor(() => store.ping(), { interval: 10 })
      expect(await store.save(end)).toBe(true)
      expect(await store.save(changed(end, { status: 'failed' }))).toBe(false)
      expect(await store.get(op.id)).toMatchObject({ rev: 2, status: 'succeeded' })
    })
  })

  test('with Redis hung, calls reject within a second, and what was sent then is never begun', async () => {
    const own = await startRedis()
    const store = await open(own.url())
    const stuck = operation({ vmId: 1 })
    own.stop()
    const since = performance.now()
    await expect(store.start(stuck, null, T0)).rejects.toThrow(StoreUnavailable)
    expect(performance.now() - since).toBeLessThan(1_500)
    // Once it is known to hang, nothing waits for it.
    await vi.waitFor(
      async () => {
        const begun = performance.now()
        await expect(store.get(stuck.id)).rejects.toThrow(StoreUnavailable)
        expect(performance.now() - begun).toBeLessThan(50)
      },
      { timeout: 5_000, interval: 50 },
    )
    // Even with nobody left who could take it back.
    await store.close()
    own.go()
    const next = await open(own.url())
    expect(await next.get(stuck.id)).toBeUndefined()
    expect(await next.start(operation({ vmId: 1 }), null, T0)).toEqual({ kind: 'started' })
  })

  test('a Redis that is away when the store is opened is come back to', async () => {
    const own = await startRedis()
    await own.kill()
    const store = await open(own.url())
    await expect(store.ping()).rejects.toThrow(StoreUnavailable)
    await own.start()
    await vi.waitFor(() => store.ping(), { timeout: 5_000, interval: 20 })
    expect(await store.start(operation(), null, T0)).toEqual({ kind: 'started' })
  })

  test('sentinels lead to the master, also to the next one', { timeout: 30_000 }, async () => {
    const master = await startRedis()
    const copy = await startRedis({ args: ['--replicaof', '127.0.0.1', String(master.port)] })
    const sentinel = await startSentinel(master.port)
    const store = await open(`redis://127.0.0.1:${sentinel}?sentinel=main`)
    const op = operation()
    expect(await store.start(op, null, T0)).toEqual({ kind: 'started' })
    const copied = new Redis(copy.port, '127.0.0.1')
    onTestFinished(() => copied.disconnect())
    // The sentinel has to know the copy before it can make it the master.
    await vi.waitFor(async () => expect(await copied.exists(`{hkgw}:op:${op.id}`)).toBe(1), WAIT)
    await vi.waitFor(async () => expect(await copiesKnown(sentinel)).toBe(1), WAIT)
    await master.kill()
    await vi.waitFor(() => store.ping(), WAIT)
    expect(await store.get(op.id)).toEqual(op)
    expect(await store.save(endOf(op))).toBe(true)
    expect(await copied.hget(`{hkgw}:op:${op.id}`, 'status')).toBe('succeeded')
  })

  test('neither a password nor a callback key is told by what goes wrong', async () => {
    const own = await startRedis({ args: ['--requirepass', 'right-secret'] })
    const wrong = await open(own.url().replace('redis://', 'redis://:wrong-secret@'))
    const errors: unknown[] = [await wrong.ping().catch((reason: unknown) => reason)]
    const right = await open(own.url().replace('redis://', 'redis://:right-secret@'))
    const [op, spoiled] = [operation({ vmId: 1 }), operation({ vmId: 2 })]
    await right.start(op, null, T0)
    await right.start(spoiled, null, T0)
    const redis = new Redis(own.port, '127.0.0.1', { password: 'right-secret' })
    onTestFinished(() => redis.disconnect())
    await redis.set(`{test}:op:${spoiled.id}`, 'not what is expected')
    const save = (one: typeof op): Promise<unknown> =>
      right.save(changed(one, { rev: 2, callback: 'secret-callback' })).catch((reason: unknown) => reason)
    errors.push(await save(spoiled))
    await own.kill()
    errors.push(await save(op))
    for (const error of errors) expect(error).toBeInstanceOf(StoreUnavailable)
    const told = [...log, ...errors.map(error => inspect(error, { depth: 9 }))].join('\n')
    expect(told).toMatch(/WRONGPASS[^]*WRONGTYPE/)
    expect(told).not.toMatch(/secret/)
  })

  test('a Redis that may forget is told of', async () => {
    const own = await startRedis({
      args: ['--appendonly', 'no', '--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'],
    })
    log.length = 0
    await open(own.url())
    await vi.waitFor(() => expect(log.join('\n')).toMatch(/no append-only file[^]*may evict/), {
      interval: 5,
    })
  })
})

test('the URL names a server or its sentinels, with what it takes to get in', () => {
  const plain = {
    username: undefined,
    password: undefined,
    db: 0,
    tls: false,
    prefix: 'hkgw',
    sentinel: null,
  }
  expect(parseRedisUrl('redis://localhost')).toEqual({
    ...plain,
    servers: [{ host: 'localhost', port: 6379 }],
  })
  expect(parseRedisUrl('rediss://us%40er:pa%3Ass@[::1]:1234/5?prefix=a.b')).toEqual({
    ...plain,
    username: 'us@er',
    password: 'pa:ss',
    db: 5,
    tls: true,
    prefix: 'a.b',
    servers: [{ host: '::1', port: 1234 }],
  })
  expect(parseRedisUrl('redis://:pw@one,two:2/3?sentinel=main')).toEqual({
    ...plain,
    password: 'pw',
    db: 3,
    sentinel: 'main',
    servers: [
      { host: 'one', port: 26379 },
      { host: 'two', port: 2 },
    ],
  })
})

test.for([
  'redis://:secret@one,two',
  'redis://:secret@one:0',
  'redis://:secret@one:99999',
  'redis://:secret@',
  'redis://:se@cret@one',
  'redis://:%secret@one',
  'redis://:secret@one/x',
  'redis://:secret@one?sentinels=a',
  'redis://:secret@one?prefix={a}',
  'http://:secret@one',
])('%s is refused, and not shown', url => {
  let message = ''
  try {
    parseRedisUrl(url)
  } catch (error) {
    ;({ message } = error as Error)
  }
  expect(message).toMatch(/^(must|may|takes) /)
  expect(message).not.toMatch(/secret/)
})
