/** What is claimed of many operations that come and go, more than the scripts of the store's model have. */

import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Operation } from '../../../src/operations/operation.ts'
import { openSqliteStore } from '../../../src/store/sqlite/open.ts'
import { temporaryDirectory } from '../../helper.ts'
import { changed, endOf, operation } from '../store-contract.ts'
import { propertyOptions } from '../store-model.ts'

const T0 = 1_800_000_000_000
const LEASE_MS = 200

const call = fc.record({
  name: fc.constantFrom('start', 'start', 'start', 'save', 'save', 'end', 'discard', 'claim'),
  pick: fc.nat({ max: 40 }),
  atMs: fc.integer({ min: 0, max: 300 }).map(ms => T0 + ms),
})

test('of many that come and go, those that are due are claimed, soonest first', { timeout: 60_000 }, () =>
  fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 150, size: 'max' }), async calls => {
      // Without a real fsync, because this test is not about what a crash leaves.
      const store = openSqliteStore(join(temporaryDirectory(), 'gateway.db'), T0, {
        sync: (_fd, done) => setImmediate(done, null),
      })
      const model = new Map<string, Operation>()
      const keep = (op: Operation): unknown => model.set(op.id, op)
      const soonest = (): number[] => [...model.values()].map(op => op.dueAtMs!).toSorted((a, b) => a - b)
      try {
        for (const { name, pick, atMs } of calls) {
          const picked = [...model.values()][pick % model.size]
          if (name === 'start') {
            const op = operation({ kind: 'stats.load', dueAtMs: atMs })
            await store.start(op, null, T0)
            keep(op)
          } else if (name === 'claim') {
            const expected = soonest().filter(dueAtMs => dueAtMs <= atMs)
            const claimed = await store.claimDue(atMs, LEASE_MS, 3)
            expect(claimed.map(({ id }) => model.get(id)!.dueAtMs)).toEqual(expected.slice(0, 3))
            for (const op of claimed) {
              expect(op).toEqual({
                ...model.get(op.id),
                rev: model.get(op.id)!.rev + 1,
                dueAtMs: atMs + LEASE_MS,
              })
              keep(op)
            }
          } else if (picked && name === 'save') {
            const next = changed(picked, { rev: picked.rev + 1, dueAtMs: atMs })
            expect(await store.save(next)).toBe(true)
            keep(next)
          } else if (picked) {
            expect(await (name === 'end' ? store.save(endOf(picked)) : store.discard(picked))).toBe(true)
            model.delete(picked.id)
          }
          expect(await store.nextDueAtMs()).toBe(soonest()[0] ?? null)
        }
      } finally {
        await store.close()
      }
    }),
    propertyOptions(50),
  ),
)
