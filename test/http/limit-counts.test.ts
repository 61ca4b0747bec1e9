import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LimitCounts } from '../../src/http/limit-counts.ts'
import { realWorld } from '../../src/world.ts'

/** Counts a request, and returns what the plugin is told. */
function count(counts: LimitCounts, key: string, windowMs = 60_000): { current: number; ttl: number } {
  let told = { current: 0, ttl: 0 }
  counts.incr(key, (_error, result) => (told = result!), windowMs)
  return told
}

test('no number of addresses frees a caller', () => {
  const counts = new LimitCounts(realWorld)
  for (let i = 1; i <= 3; i += 1) expect(count(counts, 'default:caller:tester').current).toBe(i)
  for (let i = 0; i < 25_000; i += 1) count(counts, `default:address:2001:db8:0:${i.toString(16)}::`)
  expect(count(counts.child(), 'default:caller:tester').current).toBe(4)
  // Addresses are not kept without end: that of long ago begins anew.
  expect(count(counts, 'default:address:2001:db8:0:0::').current).toBe(1)
})

test('it counts as a simple model does, in fixed windows', () => {
  const hits = fc.array(
    fc.record({
      key: fc.constantFrom(
        'default:caller:a',
        'operations:caller:a',
        'default:caller:b',
        'default:address:192.0.2.1',
      ),
      afterMs: fc.nat(400),
    }),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(hits, all => {
      let nowMs = 0
      const counts = new LimitCounts({ now: () => nowMs })
      const model = new Map<string, number[]>()
      for (const { key, afterMs } of all) {
        nowMs += afterMs
        const window = model.get(key) ?? []
        const goesOn = window.length > 0 && nowMs - window[0]! < 1_000
        const times = goesOn ? [...window, nowMs] : [nowMs]
        model.set(key, times)
        expect(count(counts, key, 1_000)).toEqual({ current: times.length, ttl: times[0]! + 1_000 - nowMs })
      }
    }),
  )
})

test('a clock that is set back begins a new window', () => {
  let nowMs = 10_000_000
  const counts = new LimitCounts({ now: () => nowMs })
  count(counts, 'default:caller:a')
  nowMs = 0
  expect(count(counts, 'default:caller:a')).toEqual({ current: 1, ttl: 60_000 })
})
