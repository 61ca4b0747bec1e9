import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Throttle } from '../../src/upstream/throttle.ts'

function setUp() {
  const clock = { now: 1_000_000 }
  const throttle = new Throttle({ monotonic: () => clock.now })
  /** Whether a call that is answered so was made. */
  const call = async (askedMs: number | null): Promise<boolean> =>
    (await throttle.run(
      () => Promise.resolve(true),
      () => askedMs,
    )) ?? false
  return { clock, throttle, call }
}

test('what one is told holds for all; then one goes first, and the others follow it', async () => {
  const { clock, throttle, call } = setUp()
  expect([await call(null), throttle.pausedMs]).toEqual([true, 0])
  expect([await call(3_000), throttle.pausedMs]).toEqual([true, 3_000])
  clock.now += 2_999
  expect(await call(null)).toBe(false)
  clock.now += 1
  const { promise, resolve } = Promise.withResolvers<true>()
  const first = throttle.run(
    () => promise,
    () => null,
  )
  expect(await call(null)).toBe(false)
  resolve(true)
  await first
  expect([await call(null), await call(null), throttle.pausedMs]).toEqual([true, true, 0])
})

test('the first that is told so again makes all wait again; one that throws lets the next try', async () => {
  const { clock, throttle, call } = setUp()
  await call(1_000)
  clock.now += 1_000
  expect(await call(2_000)).toBe(true)
  expect([await call(null), throttle.pausedMs]).toEqual([false, 2_000])
  clock.now += 2_000
  const failing = throttle.run(
    () => Promise.reject(new Error('a bug')),
    () => null,
  )
  await expect(failing).rejects.toThrow('a bug')
  expect([await call(null), await call(null)]).toEqual([true, true])
})

test.each([
  [0, 5_000],
  [300_000, 300_000],
  [999_999_999_000, 300_000],
])('asked for %d ms it waits %d', async (askedMs, pausedMs) => {
  const { throttle, call } = setUp()
  await call(askedMs)
  expect(throttle.pausedMs).toBe(pausedMs)
})

test('the longest of what was asked counts, however the answers come', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1 }), async asked => {
      const { throttle } = setUp()
      const ends = asked.map(ms => {
        const { promise, resolve } = Promise.withResolvers<number>()
        return { done: throttle.run(() => promise, Number), end: () => resolve(ms) }
      })
      for (const { done, end } of ends) {
        end()
        await done
      }
      expect(throttle.pausedMs).toBe(Math.max(...asked))
    }),
  )
})
