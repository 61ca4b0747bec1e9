/** Ids sort by the time of creation, which `created_after` and `created_before` rely on. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { idBound, operationIds, OPERATION_ID } from '../../src/operations/id.ts'
import { realWorld } from '../../src/world.ts'

const newOperationId = operationIds(realWorld)

test('ids made one after the other sort so, also while the clock stands still or is set back a little', () => {
  const steps = fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 200 })
  fc.assert(
    fc.property(steps, some => {
      let nowMs = Date.UTC(2027, 0, 1)
      const ids = some.map(step => newOperationId((nowMs += step)))
      for (const id of ids) expect(id).toMatch(OPERATION_ID)
      expect(ids.toSorted()).toEqual(ids)
      expect(new Set(ids).size).toBe(ids.length)
    }),
  )
})

test('an id lies within its millisecond, also after the clock was set back', () => {
  const times = fc.array(fc.integer({ min: 0, max: 2 ** 48 - 2 }).map(ms => ms - (ms % 10_000)))
  fc.assert(
    fc.property(times, some => {
      for (const ms of some) {
        const id = newOperationId(ms)
        expect(id > idBound(ms) && id < idBound(ms + 1)).toBe(true)
      }
    }),
  )
})
