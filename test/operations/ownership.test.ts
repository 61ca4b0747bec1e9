import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ownership } from '../../src/operations/ownership.ts'
import type { Store } from '../../src/operations/store.ts'
import { stopwatch } from '../../src/operations/stopwatch.ts'
import { realWorld } from '../../src/world.ts'

/** Both clocks, by what they moved since the start. */
const moves = fc.array(fc.record({ wallMs: fc.integer({ min: -1e6, max: 1e6 }), monotonicMs: fc.nat(1e6) }))

test('a stopwatch says what the clock says that ran more: one stands still, the other is set back', () => {
  fc.assert(
    fc.property(moves, all => {
      const at = { wallMs: 1e12, monotonicMs: 0 }
      const tookMs = stopwatch({ now: () => at.wallMs, monotonic: () => at.monotonicMs })
      for (const move of all) {
        at.wallMs += move.wallMs
        at.monotonicMs += move.monotonicMs
        expect(tookMs()).toBe(Math.max(at.wallMs - 1e12, at.monotonicMs))
      }
    }),
  )
})

test('a call leaves within half of its lease only, and from whoever is surely its owner', () => {
  const owner = fc.constantFrom(true, false, undefined)
  // The monotonic clock of this test itself runs for less than the shortest of these.
  const lease = fc.integer({ min: 60_000, max: 600_000 })
  fc.assert(
    fc.property(lease, fc.array(fc.nat(600_000)), owner, (leaseMs, agesMs, isOwner) => {
      let nowMs = 1e12
      const world = { ...realWorld, now: () => nowMs }
      const store = (isOwner === undefined ? {} : { isSurelyOwner: () => isOwner }) as Partial<Store> as Store
      const mayLeave = ownership({ store, leaseMs, world }, { id: 'op_1', rev: 1 })
      for (const ageMs of agesMs) {
        nowMs = 1e12 + ageMs
        expect(mayLeave()).toBe(isOwner !== false && ageMs < leaseMs / 2)
      }
    }),
  )
})
