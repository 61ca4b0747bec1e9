import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Bulkhead, type Visitor } from '../../src/upstream/bulkhead.ts'
import { realWorld } from '../../src/world.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const WAIT_MS = 100

/** Calls that are named, and run until they are ended. */
function setUp({ concurrency = 2, queue = 2 } = {}) {
  const bulkhead = new Bulkhead({ concurrency, queue, waitMs: WAIT_MS, world: realWorld })
  const running: string[] = []
  const ends = new Map<string, () => void>()
  /** A call of a caller of its own, unless `visitor` says whose it is. */
  const call = (name: string, visitor: Partial<Visitor> = {}): Promise<string | undefined> =>
    bulkhead.run(
      async () => {
        running.push(name)
        await new Promise<void>(resolve => ends.set(name, resolve))
        running.splice(running.indexOf(name), 1)
        return name
      },
      { caller: name, isDoubtful: false, isBegun: false, signal: undefined, ...visitor },
    )
  /** Ends these, if any, and lets everybody else get as far as they can. */
  const end = async (...names: string[]): Promise<void> => {
    for (const name of names) ends.get(name)!()
    await vi.advanceTimersByTimeAsync(0)
  }
  return { bulkhead, running, call, end }
}

test('so many at once; the next wait in order, the rest is refused at once', async () => {
  const { bulkhead, running, call, end } = setUp()
  const [a, b, c, d] = [call('a'), call('b'), call('c'), call('d')]
  expect(await call('e')).toBeUndefined()
  expect([running, bulkhead.queued]).toEqual([['a', 'b'], 2])
  await end('b')
  expect(await b).toBe('b')
  expect(running).toEqual(['a', 'c'])
  await end('a', 'c')
  expect([await a, await c]).toEqual(['a', 'c'])
  await end('d')
  expect(await d).toBe('d')
  // Every place is free again.
  void call('f')
  void call('g')
  await end()
  expect([running, bulkhead.running, bulkhead.queued]).toEqual([['f', 'g'], 2, 0])
})

test('who waits too long is refused, and is not called later', async () => {
  const { bulkhead, running, call, end } = setUp()
  void call('a')
  void call('b')
  const c = call('c')
  await vi.advanceTimersByTimeAsync(WAIT_MS - 1)
  expect(bulkhead.queued).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(await c).toBeUndefined()
  await end('a')
  expect([running, bulkhead.queued]).toEqual([['b'], 0])
})

test('who leaves the queue gives up its place in it', async () => {
  const { bulkhead, running, call, end } = setUp()
  void call('a')
  void call('b')
  const leave = new AbortController()
  const c = call('c', { signal: leave.signal })
  const d = call('d')
  leave.abort()
  expect(await c).toBeUndefined()
  expect(await call('e', { signal: AbortSignal.abort() })).toBeUndefined()
  await end('a')
  expect(running).toEqual(['b', 'd'])
  await end('d')
  expect(await d).toBe('d')
  expect(bulkhead.queued).toBe(0)
})

test('a call that throws frees its place', async () => {
  const { bulkhead, running, call, end } = setUp()
  const visitor = { caller: 'a', isDoubtful: true, isBegun: false, signal: undefined }
  await expect(bulkhead.run(() => Promise.reject(new Error('a bug')), visitor)).rejects.toThrow('a bug')
  void call('a', { isDoubtful: true })
  void call('b')
  await end()
  expect(running).toEqual(['a', 'b'])
})

test('what goes on with something begun goes first, and waits in a queue as long', async () => {
  const { bulkhead, running, call, end } = setUp()
  void call('a')
  void call('b')
  for (const name of ['new 1', 'new 2']) void call(name)
  for (const name of ['begun 1', 'begun 2']) void call(name, { isBegun: true })
  expect(await call('begun 3', { isBegun: true })).toBeUndefined()
  expect(bulkhead.queued).toBe(4)
  await end('a')
  expect(running).toEqual(['b', 'begun 1'])
  await end('b', 'begun 1')
  expect(running).toEqual(['begun 2', 'new 1'])
})

test('one caller has half of the places, also when nobody else wants any', async () => {
  const { running, call, end } = setUp({ concurrency: 6, queue: 20 })
  for (let i = 1; i <= 9; i += 1) void call(`greedy ${i}`, { caller: 'greedy', isBegun: i % 2 === 0 })
  await end()
  expect(running).toHaveLength(3)
  for (const other of ['a', 'b', 'c']) void call(other)
  await end()
  expect(running.slice(3)).toEqual(['a', 'b', 'c'])
  await end('a', 'b', 'c', running[0]!)
  expect(running).toHaveLength(3)
})

test.each([
  [1, 1],
  [2, 1],
  [3, 1],
  [32, 16],
])('of %i places one caller has %i', (concurrency, share) => {
  const { bulkhead, call } = setUp({ concurrency, queue: 100 })
  for (let i = 0; i < 40; i += 1) void call(`${i}`, { caller: 'greedy' })
  expect(bulkhead.running).toBe(share)
})

test('callers take turns, however much one of them asks for', async () => {
  const { running, call, end } = setUp({ concurrency: 1, queue: 100 })
  for (let i = 1; i <= 9; i += 1) void call(`greedy ${i}`, { caller: 'greedy' })
  for (let i = 1; i <= 2; i += 1) void call(`a ${i}`, { caller: 'a' })
  void call('b 1', { caller: 'b' })
  await end()
  const order: string[] = []
  for (let i = 0; i < 7; i += 1) {
    order.push(running[0]!)
    await end(running[0]!)
  }
  expect(order).toEqual(['greedy 1', 'greedy 2', 'a 1', 'b 1', 'greedy 3', 'a 2', 'greedy 4'])
})

test('a full queue has room for whoever has fewer in it', async () => {
  const { bulkhead, call } = setUp({ concurrency: 1, queue: 4 })
  void call('inside')
  const greedy = [1, 2, 3, 4].map(i => call(`greedy ${i}`, { caller: 'greedy' }))
  expect(await call('greedy 5', { caller: 'greedy' })).toBeUndefined()
  const others = [1, 2, 3].map(i => call(`other ${i}`, { caller: 'other' }))
  // The last to come went, and no more than until both had the same.
  expect(await Promise.all([greedy[3], greedy[2], others[2]])).toEqual([undefined, undefined, undefined])
  expect(bulkhead.queued).toBe(4)
})

test('what may never end has half of the places, and half of those of one caller', async () => {
  const { running, call, end } = setUp({ concurrency: 8, queue: 20 })
  const doubtful = (caller: string): void => {
    for (const i of [1, 2, 3]) void call(`${caller} ${i}`, { caller, isDoubtful: true })
  }
  doubtful('a')
  await end()
  expect(running).toEqual(['a 1', 'a 2'])
  for (const i of [1, 2, 3]) void call(`a well ${i}`, { caller: 'a' })
  doubtful('b')
  doubtful('c')
  await end()
  expect(running.slice(2)).toEqual(['a well 1', 'a well 2', 'b 1', 'b 2'])
  // The rest is for all others. Who goes may have been in the way of two: of its caller, and of what may never end.
  void call('d')
  await end('a 1')
  expect(running.slice(5)).toEqual(['d', 'a 3'])
})

test('whatever comes and goes, no bound is passed, and nobody waits who might enter', async () => {
  const step = fc.record({
    caller: fc.constantFrom('a', 'b', 'c'),
    isDoubtful: fc.boolean(),
    isBegun: fc.boolean(),
    /** Which of those inside ends then, if there are so many. */
    ends: fc.nat(9),
  })
  const concurrencies = fc.integer({ min: 1, max: 9 })
  await fc.assert(
    fc.asyncProperty(concurrencies, fc.array(step, { maxLength: 40 }), async (concurrency, steps) => {
      const { bulkhead, running, call, end } = setUp({ concurrency, queue: 4 })
      const half = Math.max(1, Math.floor(concurrency / 2))
      const quarter = Math.max(1, Math.floor(half / 2))
      const visitors = new Map<string, (typeof steps)[number]>()
      for (const [i, { ends, ...visitor }] of steps.entries()) {
        const name = String(i)
        visitors.set(name, { ...visitor, ends })
        void call(name, visitor).then(() => visitors.delete(name))
        if (running[ends] !== undefined) await end(running[ends])
        await vi.advanceTimersByTimeAsync(0)

        const inside = running.map(one => visitors.get(one)!)
        const waiting = [...visitors].filter(([one]) => !running.includes(one)).map(([, one]) => one)
        expect([bulkhead.running, bulkhead.queued]).toEqual([inside.length, waiting.length])
        const isFull = (caller: string, isDoubtful: boolean): boolean => {
          const own = inside.filter(one => one.caller === caller)
          const doubtful = inside.filter(one => one.isDoubtful)
          const ownDoubtful = own.filter(one => one.isDoubtful)
          expect(inside.length).toBeLessThanOrEqual(concurrency)
          expect(own.length).toBeLessThanOrEqual(half)
          expect(doubtful.length).toBeLessThanOrEqual(half)
          expect(ownDoubtful.length).toBeLessThanOrEqual(quarter)
          return (
            inside.length === concurrency ||
            own.length === half ||
            (isDoubtful && (doubtful.length === half || ownDoubtful.length === quarter))
          )
        }
        for (const one of waiting) expect(isFull(one.caller, one.isDoubtful)).toBe(true)
        for (const caller of ['a', 'b', 'c']) isFull(caller, true)
      }
      // Nobody is left behind.
      while (running.length > 0) await end(...running)
      expect([bulkhead.running, bulkhead.queued, visitors.size]).toEqual([0, 0, 0])
    }),
  )
})
