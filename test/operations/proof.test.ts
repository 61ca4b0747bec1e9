/** What proves that a change happened, and what does not: entries that are no snapshots yet, dates without a zone, keys too young. */

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CheckOutcome, ListedSnapshot } from '../../src/operations/hostkey.ts'
import { KIND_NAMES, mutates } from '../../src/operations/kinds/kinds.ts'
import type { Kind } from '../../src/operations/kinds/kind.ts'
import { newOperation, type Evidence, type Operation, type Running } from '../../src/operations/operation.ts'
import { advance, type Event, type Policy } from '../../src/operations/transition.ts'

const T0 = 1_800_000_000_000
const POLICY: Policy = {
  checkMinMs: 500,
  checkMaxMs: 15_000,
  deadlineMs: 7_200_000,
  settleMs: 300_000,
  keyGraceMs: { change: 10_000, read: 2_000 },
  readCalls: 3,
}

function operation(kind: Kind, evidence: Evidence | null = null): Running {
  const draft = {
    id: 'op_1',
    kind,
    vmId: 7,
    snapshot: mutates({ kind }) ? 'nightly' : null,
    snapshotType: 'snapshot',
    backupId: null,
    createdBy: 'alice',
    evidence,
  }
  return newOperation(draft, T0, T0 + 70_000, POLICY)
}

const after = (op: Operation, event: Event, nowMs: number): Operation =>
  advance(op, event, nowMs, POLICY, () => 0.5)
const accepted = (kind: Kind, nowMs = T0): Operation =>
  after(operation(kind), { type: 'called', outcome: { kind: 'accepted', callback: 'k1k1k1k1' } }, nowMs)
const checked = (op: Operation, outcome: CheckOutcome, nowMs: number): Operation =>
  after(op, { type: 'checked', outcome }, nowMs)
const GONE: CheckOutcome = { kind: 'gone' }

const looking = (kind: Kind, evidence: Evidence | null = null): Running =>
  ({
    ...operation(kind, evidence),
    step: 'look',
    lookUntilMs: T0 + 300_000,
  }) as Running

function entry(changes: Partial<ListedSnapshot> = {}): ListedSnapshot {
  return {
    name: 'nightly',
    id: '501',
    type: 'snapshot',
    created_at: new Date(T0 + 2_000).toISOString(),
    isPresent: true,
    isDateCertain: true,
    raw: {},
    ...changes,
  }
}
const seen = (...snapshots: ListedSnapshot[]): Event => ({
  type: 'looked',
  outcome: { kind: 'seen', snapshots },
})

const ageMs = fc.integer({ min: 0, max: 60_000 })
const graceMs = (kind: Kind) => POLICY.keyGraceMs[mutates({ kind }) ? 'change' : 'read']

test.each(KIND_NAMES)('%s: a key that is not found is believed lost only after its grace', kind => {
  fc.assert(
    fc.property(ageMs, age => {
      const next = checked(accepted(kind), GONE, T0 + age)
      expect(next.step === 'check').toBe(age < graceMs(kind))
      if (next.step === 'check') expect(next.callback).toBe('k1k1k1k1')
    }),
  )
})

test.each(KIND_NAMES)(
  '%s: the grace counts from the acceptance, however often the key is asked for',
  kind => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 12 }), pauses => {
        // The call itself may have taken long: only what comes after the acceptance counts.
        const acceptedAtMs = T0 + 30_000
        let nowMs = acceptedAtMs
        let op = accepted(kind, acceptedAtMs)
        for (const pauseMs of pauses) {
          nowMs += pauseMs
          op = checked(op, GONE, nowMs)
          expect(op.step === 'check', String(nowMs - acceptedAtMs)).toBe(nowMs - acceptedAtMs < graceMs(kind))
          if (op.step !== 'check') return
        }
      }),
    )
  },
)

test.each(KIND_NAMES)('%s: a key that was seen alive and is not found is lost at once', kind => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 1_999 }), age => {
      const alive = checked(accepted(kind), { kind: 'pending' }, T0 + 1)
      expect(checked(alive, GONE, T0 + age).step).not.toBe('check')
      // An answer that got lost has not seen it.
      const lost = checked(accepted(kind), { kind: 'lost', reason: 'x', cause: 'timeout' }, T0 + 1)
      expect(checked(lost, GONE, T0 + age).step).toBe('check')
    }),
  )
})

test('an entry that is being made, or failed, settles no create, whatever else speaks for it', () => {
  const ABSENT: Evidence = { present: false, atMs: T0 - 1_000 }
  for (const evidence of [null, ABSENT]) {
    const looked = after(looking('snapshot.create', evidence), seen(entry({ isPresent: false })), T0 + 10_000)
    expect(looked.step).toBe('look')
    // The same entry when it is there, and the present one of two.
    for (const entries of [[entry()], [entry({ isPresent: false }), entry()]])
      expect(after(looked, seen(...entries), T0 + 20_000).status).toBe('succeeded')
  }
})

test('nor does one that is there in any state settle a delete', () => {
  for (const isPresent of [true, false])
    expect(after(looking('snapshot.delete'), seen(entry({ isPresent })), T0 + 10_000).step).toBe('look')
  expect(after(looking('snapshot.delete'), seen(), T0 + 10_000).status).toBe('succeeded')
})

test('a date without a zone proves nothing, however well it fits', () => {
  const offsetMs = fc.integer({ min: -20 * 3_600_000, max: 20 * 3_600_000 })
  fc.assert(
    fc.property(offsetMs, offset => {
      const date = { created_at: new Date(T0 + offset).toISOString() }
      const next = after(
        looking('snapshot.create'),
        seen(entry({ ...date, isDateCertain: false })),
        T0 + 10_000,
      )
      expect(next.status).toBe('unknown')
      // Nor does it speak against a snapshot that was not there before.
      const ABSENT: Evidence = { present: false, atMs: T0 - 60_000 }
      const wasAbsent = looking('snapshot.create', ABSENT)
      expect(after(wasAbsent, seen(entry({ ...date, isDateCertain: false })), T0 + 10_000).status).toBe(
        'succeeded',
      )
    }),
  )
})

test('what is dated long after the start proves no create, however late it is by the clock of whoever looks', () => {
  const sinceStartMs = fc.integer({ min: -3_600_000, max: 3 * 3_600_000 })
  fc.assert(
    fc.property(sinceStartMs, sinceMs => {
      const dated = entry({ created_at: new Date(T0 + sinceMs).toISOString() })
      // The clock of the process that started it had been set back by three hours.
      const next = after(looking('snapshot.create'), seen(dated), T0 + 3 * 3_600_000)
      const isOurs = sinceMs >= -5_000 && sinceMs <= 600_000 + 5_000
      expect([sinceMs, next.status]).toEqual([sinceMs, isOurs ? 'succeeded' : 'unknown'])
    }),
    { examples: [[-5_001], [-5_000], [605_000], [605_001]] },
  )
})

test('a restore tells what it discarded as far as a list before it knew', () => {
  const done = { kind: 'done', scope: 'restored', snapshots: null } as const
  const evidence = (newer?: string[]): Evidence => ({ present: true, atMs: T0 - 1, ...(newer && { newer }) })
  const resultWith = (known: Evidence | null) => {
    const op = operation('snapshot.restore', known)
    const going = after(op, { type: 'called', outcome: { kind: 'accepted', callback: 'k1k1k1k1' } }, T0)
    return checked(going, done, T0 + 1_000).result
  }
  const plain = { settled_by: 'callback', raw: 'restored' }
  expect(resultWith(evidence(['b', 'c']))).toEqual({ ...plain, discarded: ['b', 'c'] })
  for (const nothing of [null, evidence(), evidence([])]) expect(resultWith(nothing)).toEqual(plain)
})
