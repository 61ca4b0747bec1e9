/** Which snapshots a restore would discard: told only where their order is sure. */

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ListedSnapshot } from '../../src/operations/hostkey.ts'
import { newerThan } from '../../src/operations/kinds/newer.ts'

const T0 = 1_800_000_000_000

function snapshot(name: string, atMs: number | null, changes: Partial<ListedSnapshot> = {}): ListedSnapshot {
  const created_at = atMs === null ? null : new Date(atMs).toISOString()
  return {
    name,
    id: null,
    type: 'snapshot',
    created_at,
    isPresent: true,
    isDateCertain: true,
    raw: {},
    ...changes,
  }
}

/** Snapshots of different names, each older than the one after it, and which of them is to be restored. */
const ordered = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.nat(), fc.boolean())
  .chain(([count, at, isDateCertain]) =>
    fc.record({
      snapshots: fc.constant(
        Array.from({ length: count }, (_, i) => snapshot(`s${i}`, T0 + i * 60_000, { isDateCertain })),
      ),
      at: fc.constant(at % count),
      shuffle: fc.infiniteStream(fc.nat()),
    }),
  )

/** The same, in any order. */
function shuffled<T>(items: readonly T[], numbers: Iterator<number>): T[] {
  const rest = [...items]
  return items.map(() => rest.splice((numbers.next().value as number) % rest.length, 1)[0]!)
}

test('in whatever order they are listed, the newer ones are those behind it', () => {
  fc.assert(
    fc.property(ordered, ({ snapshots, at, shuffle }) => {
      const listed = shuffled(snapshots, shuffle)
      const newer = newerThan(`s${at}`, listed)
      expect(newer?.toSorted()).toEqual(
        snapshots
          .slice(at + 1)
          .map(({ name }) => name)
          .toSorted(),
      )
    }),
  )
})

/** What makes an order unsure, done to one of at least two snapshots. */
const DOUBTS: Record<string, (one: ListedSnapshot, other: ListedSnapshot) => Partial<ListedSnapshot>> = {
  'its date is missing': () => ({ created_at: null }),
  'its date is that of the one to restore': (_, other) => ({ created_at: other.created_at }),
  'its date lacks the zone that the others have': ({ isDateCertain }) => ({ isDateCertain: !isDateCertain }),
  'it has the name of the one to restore': (_, other) => ({ name: other.name }),
}

test.each(Object.entries(DOUBTS))('nothing is said of the order where of one other %s', (_, doubt) => {
  fc.assert(
    fc.property(
      ordered.filter(({ snapshots }) => snapshots.length > 1),
      fc.nat(),
      ({ snapshots, at, shuffle }, offset) => {
        const other = (at + 1 + (offset % (snapshots.length - 1))) % snapshots.length
        const one = snapshots[other]!
        const changed = snapshots.with(other, { ...one, ...doubt(one, snapshots[at]!) })
        expect(newerThan(`s${at}`, shuffled(changed, shuffle))).toBeNull()
      },
    ),
  )
})

test('nor where the one to restore has no date, or is not there', () => {
  fc.assert(
    fc.property(ordered, ({ snapshots, at }) => {
      expect(newerThan('not-there', snapshots)).toBeNull()
      const undated = snapshots.with(at, { ...snapshots[at]!, created_at: null })
      expect(newerThan(`s${at}`, undated)).toEqual(snapshots.length === 1 ? [] : null)
    }),
  )
})
