import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Breaker, type Verdict } from '../../src/upstream/breaker.ts'

function setUp() {
  const clock = { now: 1_000_000 }
  const breaker = new Breaker({ failures: 3, openMs: 500, world: { monotonic: () => clock.now } })
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

type Kind = 'answers' | 'fails' | 'breaks'
const VERDICT_OF = { answers: 'good', fails: 'bad', breaks: 'away' } as const

/** A HOSTKEY of many VMs behind a breaker, whose calls end when they are told to. */
function cloud(failures = 20) {
  const clock = { now: 1_000_000 }
  const breaker = new Breaker({ failures, openMs: 500, world: { monotonic: () => clock.now } })
  const ends: (() => void)[] = []
  /** Calls that were made, and those that were not. */
  const seen = { made: 0, held: 0 }
  const call = async (vm: number, kind: Kind, isSlow = false): Promise<boolean> => {
    const made = await breaker.run(
      async () => {
        seen.made += 1
        if (isSlow) await new Promise<void>(resolve => void ends.push(resolve))
        return true
      },
      () => VERDICT_OF[kind],
      vm,
    )
    if (!made) seen.held += 1
    return made ?? false
  }
  /** Ends the call that has been under way for longest. */
  const end = () => ends.shift()?.()
  return { clock, breaker, call, end, seen }
}

/** Lets what was resolved go on. */
const settle = () => new Promise<void>(resolve => void setImmediate(resolve))

interface Turn {
  vm: number
  isSlow: boolean
  pauseMs: number
  ends: boolean
}
const turns = (vms: fc.Arbitrary<number>): fc.Arbitrary<Turn[]> =>
  fc.array(
    fc.record({
      vm: vms,
      isSlow: fc.boolean(),
      pauseMs: fc.constantFrom(0, 0, 0, 100, 700),
      ends: fc.boolean(),
    }),
    { minLength: 40, maxLength: 200 },
  )

test('in whatever order calls come and end: no VM is held for what up to 19 others do', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 19 }), turns(fc.nat({ max: 25 })), async (bad, all) => {
      const { clock, call, end } = cloud()
      const wells: Promise<boolean>[] = []
      for (const { vm, isSlow, pauseMs, ends } of all) {
        const isBad = vm < bad
        const made = call(vm, isBad ? 'fails' : 'answers', isSlow)
        if (!isBad) wells.push(made)
        if (ends) end()
        await settle()
        clock.now += pauseMs
      }
      for (let i = 0; i < all.length; i += 1) end()
      expect((await Promise.all(wells)).every(made => made)).toBe(true)
    }),
    { numRuns: 60 },
  )
})

test('any number of bad VMs: as long as any other answers in between, every one is served', async () => {
  await fc.assert(
    fc.asyncProperty(turns(fc.integer({ min: 10, max: 1_000 })), async all => {
      const { clock, call, breaker } = cloud()
      for (const [i, { vm, pauseMs }] of all.entries()) {
        await call(vm, 'fails')
        clock.now += pauseMs
        if (i % 19 === 18) expect(await call(i % 10, 'answers')).toBe(true)
        expect(breaker.pausedMs).toBe(0)
      }
    }),
    { numRuns: 60 },
  )
})

test('a HOSTKEY that is wholly away is left alone after 20 failures, and is back after one good answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      turns(fc.nat({ max: 40 })),
      fc.constantFrom<Kind>('fails', 'breaks'),
      fc.nat({ max: 40 }),
      async (all, kind, next) => {
        const { clock, breaker, call, seen } = cloud()
        for (let vm = 0; vm < 5; vm += 1) await call(vm, 'answers')
        const met = new Set<number>()
        for (const { vm } of all.slice(0, 20)) {
          expect(await call(vm, kind)).toBe(true)
          met.add(vm)
        }
        expect(breaker.state).toBe('open')
        expect(breaker.pausedMs > 0).toBe(kind === 'breaks' || met.size === 20)
        // At this very moment nobody who failed gets through, and where HOSTKEY itself was found away nobody at all.
        seen.made = 0
        for (const { vm } of all) if (met.has(vm) || breaker.pausedMs > 0) await call(vm, kind)
        expect(seen.made).toBe(0)
        clock.now += 500
        expect(breaker.state).toBe('probing')
        expect(await call(next, 'answers')).toBe(true)
        expect([breaker.state, breaker.pausedMs]).toEqual(['closed', 0])
      },
    ),
  )
})

test('four VMs that only fail are held each by itself: one probe of each in its time, and nobody else notices', async () => {
  const { clock, breaker, call, seen } = cloud()
  for (let i = 0; i < 20; i += 1) await call(i % 4, 'fails')
  expect([breaker.state, breaker.pausedMs, breaker.heldMs(3), breaker.heldMs(4)]).toEqual(['open', 0, 500, 0])
  for (let vm = 0; vm < 4; vm += 1) expect(await call(vm, 'fails')).toBe(false)
  clock.now += 500
  seen.made = 0
  for (let i = 0; i < 40; i += 1) await call(i % 4, 'fails')
  expect(seen.made).toBe(4)
  expect(await call(4, 'answers')).toBe(true)
  // HOSTKEY answers: whoever failed may try again as well.
  expect(await call(0, 'fails')).toBe(true)
})

test('a VM that is asked again and again, as a look does it, neither opens for others nor probes for them alone', async () => {
  const { clock, breaker, call } = cloud()
  for (let i = 0; i < 500; i += 1) {
    await call(7, 'fails')
    clock.now += 30
    expect(breaker.pausedMs).toBe(0)
  }
  // HOSTKEY was away for everybody, and is back; but the one VM is always there first.
  for (let i = 0; i < 20; i += 1) await call(i, 'breaks')
  clock.now += 500
  expect(await call(7, 'fails')).toBe(true)
  clock.now += 500
  expect([await call(7, 'fails'), breaker.heldMs(7)]).toEqual([false, 250])
  expect(await call(8, 'answers')).toBe(true)
})
