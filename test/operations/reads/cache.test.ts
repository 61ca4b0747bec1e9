import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Succeeded } from '../../../src/operations/operation.ts'
import { ReadCache } from '../../../src/operations/reads/cache.ts'

test('a caller who asks for types without end leaves a bounded number of them behind, the newest ones', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 100, size: 'max' }),
      types => {
        const cache = new ReadCache<'snapshot.list'>()
        const list = {} as Succeeded<'snapshot.list'>
        for (const type of types) cache.slot(1, type).last = list
        const known = types.filter(type => cache.last(1, type) !== undefined)
        expect(known).toEqual(types.slice(-16))
      },
    ),
  )
})
