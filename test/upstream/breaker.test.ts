import { expect, test } from 'vitest'
import { Breaker, type Verdict } from '../../src/upstream/breaker.ts'

function setUp() {
  const clock = { now: 1_000_000 }
  const breaker = new Breaker({ failures: 3, openMs: 500, now: () => clock.now })
  /** Whether a call that ends so was let through. */
  const call = async (verdict: Verdict): Promise<boolean> =>
    (await breaker.run(
      () => Promise.resolve(true),
      () => verdict,
    )) ?? false
  /** A call that ends when it is told to. */
  const slow = (verdict: Verdict) => {
    const { promise, resolve } = Promise.withResolvers<true>()
    const done = breaker.run(
      () => promise,
      () => verdict,
    )
    return { done, end: () => resolve(true) }
  }
  return { clock, breaker, call, slow }
}

test('it opens after so many failures in a row, for so long', async () => {
  const { clock, breaker, call } = setUp()
  for (const verdict of ['bad', 'bad', 'good', 'bad', 'bad'] as const) expect(await call(verdict)).toBe(true)
  expect(breaker.pausedMs).toBe(0)
  await call('bad')
  expect(breaker.pausedMs).toBe(500)
  expect(await call('good')).toBe(false)
  clock.now += 499
  expect(await call('good')).toBe(false)
  clock.now += 1
  expect(breaker.pausedMs).toBe(0)
})

test('then one call at a time probes: a good one closes it, a bad one opens it again', async () => {
  const { clock, breaker, call, slow } = setUp()
  for (let i = 0; i < 3; i += 1) await call('bad')
  clock.now += 500
  const probe = slow('bad')
  expect(await call('good')).toBe(false)
  probe.end()
  await probe.done
  expect(breaker.pausedMs).toBe(500)
  clock.now += 500
  expect(await call('good')).toBe(true)
  expect(await call('bad')).toBe(true)
  expect(breaker.pausedMs).toBe(0)
})

test('a call that was given up counts as neither, and lets the next one probe', async () => {
  const { clock, breaker, call } = setUp()
  for (const verdict of ['bad', 'bad', 'nothing', 'bad'] as const) await call(verdict)
  expect(breaker.pausedMs).toBe(500)
  clock.now += 500
  expect(await call('nothing')).toBe(true)
  expect(await call('bad')).toBe(true)
  expect(breaker.pausedMs).toBe(500)
})

test('what was under way when it opened does not keep it open for longer', async () => {
  const { clock, breaker, call, slow } = setUp()
  const late = slow('bad')
  for (let i = 0; i < 3; i += 1) await call('bad')
  clock.now += 400
  late.end()
  await late.done
  expect(breaker.pausedMs).toBe(100)
})

test('a call that throws lets the next one probe', async () => {
  const { clock, breaker, call } = setUp()
  for (let i = 0; i < 3; i += 1) await call('bad')
  clock.now += 500
  const failing = breaker.run(
    () => Promise.reject(new Error('a bug')),
    () => 'good',
  )
  await expect(failing).rejects.toThrow('a bug')
  expect(await call('good')).toBe(true)
})
