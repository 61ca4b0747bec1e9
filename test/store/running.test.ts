import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Running } from '../../src/store/running.ts'

test('of many that come and go, those that are due are claimed, soonest first', () => {
  const callerOf = (id: string): string => `caller ${Number(id) % 3}`
  const except = fc.uniqueArray(fc.constantFrom('caller 0', 'caller 1'))
  const id = fc.integer({ min: 0, max: 40 }).map(String)
  const dueAtMs = fc.option(fc.integer({ min: 0, max: 100 }))
  const call = fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constant('set' as const), id, dueAtMs) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('delete' as const), id, dueAtMs) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('claim' as const), id, fc.integer({ min: 0, max: 100 })) },
  )
  fc.assert(
    fc.property(fc.array(call, { maxLength: 200 }), except, (calls, callers) => {
      const running = new Running()
      const model = new Map<string, number | null>()
      const left = new Set<string>(callers)
      const due = (): number[] =>
        [...model]
          .filter(([one]) => !left.has(callerOf(one)))
          .map(([, at]) => at)
          .filter(at => at !== null)
          .toSorted((one, other) => one - other)
      for (const [name, one, at] of calls) {
        if (name === 'set') {
          running.set({ id: one, kind: 'stats.load', createdBy: callerOf(one), storedRev: 1 }, at)
          model.set(one, at)
        } else if (name === 'delete') {
          running.delete(one)
          model.delete(one)
        } else {
          const nowMs = at ?? 0
          const expected = due().filter(dueNow => dueNow <= nowMs)
          const claimed = running.claim(nowMs, 200, 3, left)!
          expect(claimed.map(entry => model.get(entry.id))).toEqual(expected.slice(0, 3))
          for (const entry of claimed) model.set(entry.id, 200)
        }
        expect(running.nextDueAtMs(left)).toBe(due()[0] ?? null)
      }
    }),
  )
})

test('what a caller who is left out has running costs the others nothing, however much it is', () => {
  const running = new Running()
  for (let i = 0; i < 100_000; i += 1)
    running.set({ id: `busy ${i}`, kind: 'stats.load', createdBy: 'busy', storedRev: 1 }, 0)
  running.set({ id: 'other', kind: 'stats.load', createdBy: 'other', storedRev: 1 }, 10)
  const leftOut = new Set(['busy'])
  const startedAt = process.cpuUsage()
  for (let i = 0; i < 1_000; i += 1) {
    expect(running.claim(5, 200, 3, leftOut)).toEqual([])
    expect(running.nextDueAtMs(leftOut)).toBe(10)
  }
  // A look at each of them took a second here.
  const { user, system } = process.cpuUsage(startedAt)
  expect((user + system) / 1_000).toBeLessThan(500)
})
