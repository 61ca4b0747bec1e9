import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Bulkhead } from '../../src/upstream/bulkhead.ts'
import { realWorld } from '../../src/world.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function setUp() {
  const bulkhead = new Bulkhead({ concurrency: 2, queue: 2, waitMs: 100, world: realWorld })
  const running: string[] = []
  const ends = new Map<string, () => void>()
  /** A call that runs until it is ended. */
  const call = (name: string, signal?: AbortSignal, isBegun?: boolean): Promise<string | undefined> =>
    bulkhead.run(
      async () => {
        running.push(name)
        await new Promise<void>(resolve => ends.set(name, resolve))
        running.splice(running.indexOf(name), 1)
        return name
      },
      signal,
      isBegun,
    )
  const end = (name: string): void => ends.get(name)!()
  return { bulkhead, running, call, end }
}

test('so many at once; the next wait in order, the rest is refused at once', async () => {
  const { bulkhead, running, call, end } = setUp()
  const [a, b, c, d] = [call('a'), call('b'), call('c'), call('d')]
  expect(await call('e')).toBeUndefined()
  expect([running, bulkhead.queued]).toEqual([['a', 'b'], 2])
  end('b')
  expect(await b).toBe('b')
  await vi.waitFor(() => expect(running).toEqual(['a', 'c']))
  end('a')
  end('c')
  expect([await a, await c]).toEqual(['a', 'c'])
  end('d')
  expect(await d).toBe('d')
  // Every place is free again.
  void call('f')
  void call('g')
  await vi.waitFor(() => expect(running).toEqual(['f', 'g']))
  expect(bulkhead.queued).toBe(0)
})

test('who waits too long is refused, and is not called later', async () => {
  const { bulkhead, running, call, end } = setUp()
  const [a] = [call('a'), call('b')]
  const c = call('c')
  await vi.advanceTimersByTimeAsync(99)
  expect(bulkhead.queued).toBe(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(await c).toBeUndefined()
  end('a')
  await a
  expect([running, bulkhead.queued]).toEqual([['b'], 0])
})

test('who leaves the queue gives up its place in it', async () => {
  const { bulkhead, running, call, end } = setUp()
  const [a] = [call('a'), call('b')]
  const leave = new AbortController()
  const c = call('c', leave.signal)
  const d = call('d')
  leave.abort()
  expect(await c).toBeUndefined()
  expect(await call('e', AbortSignal.abort())).toBeUndefined()
  end('a')
  await a
  await vi.waitFor(() => expect(running).toEqual(['b', 'd']))
  end('d')
  expect(await d).toBe('d')
  expect(bulkhead.queued).toBe(0)
})

test('a call that throws frees its place', async () => {
  const { bulkhead, running, call } = setUp()
  await expect(bulkhead.run(() => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug')
  void call('a')
  void call('b')
  await vi.waitFor(() => expect(running).toEqual(['a', 'b']))
})

test('what goes on with something begun goes first, and waits in a queue as long', async () => {
  const { bulkhead, running, call, end } = setUp()
  const [a] = [call('a'), call('b'), call('new 1'), call('new 2')]
  const begun = [call('begun 1', undefined, true), call('begun 2', undefined, true)]
  expect(await call('begun 3', undefined, true)).toBeUndefined()
  expect(bulkhead.queued).toBe(4)
  end('a')
  await a
  await vi.waitFor(() => expect(running).toEqual(['b', 'begun 1']))
  end('b')
  end('begun 1')
  await begun[0]
  await vi.waitFor(() => expect(running).toEqual(['begun 2', 'new 1']))
})

test('what may never end gets half of the places, and waits for these alone', async () => {
  const { bulkhead } = setUp()
  const ends = new Map<string, () => void>()
  const doubtful = (name: string): Promise<string | undefined> =>
    bulkhead.runDoubtful(async () => {
      await new Promise<void>(resolve => ends.set(name, resolve))
      return name
    })
  const calls = ['a', 'b', 'c'].map(doubtful)
  expect(await doubtful('d')).toBeUndefined()
  expect([bulkhead.running, bulkhead.queued]).toEqual([1, 2])
  ends.get('a')!()
  await vi.advanceTimersByTimeAsync(0)
  expect([...ends.keys()]).toEqual(['a', 'b'])
  expect(bulkhead.running).toBe(1)
  ends.get('b')!()
  await vi.advanceTimersByTimeAsync(0)
  expect([...ends.keys()]).toEqual(['a', 'b', 'c'])
  ends.get('c')!()
  expect(await Promise.all(calls)).toEqual(['a', 'b', 'c'])
  expect([bulkhead.running, bulkhead.queued]).toEqual([0, 0])
})
