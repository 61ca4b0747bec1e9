import { describe, expect, test } from 'vitest'
import type { CallOutcome, CheckOutcome, Done, ListedSnapshot } from '../../src/operations/hostkey.ts'
import type { Kind } from '../../src/operations/kinds/kind.ts'
import { KIND_NAMES, mutates } from '../../src/operations/kinds/kinds.ts'
import {
  newOperation,
  type Evidence,
  type Operation,
  type Running,
  type Step,
} from '../../src/operations/operation.ts'
import { advance, type Event, type LookOutcome } from '../../src/operations/transition.ts'

const T0 = 1_800_000_000_000
const POLICY = {
  checkMinMs: 500,
  checkMaxMs: 15_000,
  deadlineMs: 7_200_000,
  settleMs: 300_000,
  keyGraceMs: { change: 0, read: 0 },
  readCalls: 3,
}
const MUTATIONS = ['snapshot.create', 'snapshot.delete', 'snapshot.restore'] as const
const READS = ['snapshot.list', 'stats.load'] as const

/** An operation in one of its steps, 10 seconds old. */
function running(kind: Kind, step: Step, changes: Partial<Running> = {}): Running {
  const named = kind.startsWith('snapshot.') && kind !== 'snapshot.list'
  const draft = {
    id: 'op_1',
    kind,
    vmId: 7,
    snapshot: named ? 'nightly' : null,
    snapshotType: kind === 'stats.load' ? null : 'snapshot',
    backupId: null,
    createdBy: 'alice',
    evidence: null,
  }
  return {
    ...newOperation(draft, T0, T0 + 70_000, POLICY),
    step,
    callback: step === 'check' ? 'secret-key' : null,
    lookUntilMs: step === 'look' ? T0 + 310_000 : null,
    ...changes,
  } as Running
}

const NOW = T0 + 10_000

function after(op: Operation, event: Event, nowMs = NOW, random = 0.5): Operation {
  return advance(op, event, nowMs, POLICY, () => random)
}
/** What HOSTKEY gave; a list, where it is one, was read by the dialect. */
const done = (scope: unknown, snapshots: ListedSnapshot[] | null = null): Done => ({
  kind: 'done',
  scope,
  snapshots,
})
const called = (outcome: CallOutcome): Event => ({ type: 'called', outcome })
const checked = (outcome: CheckOutcome): Event => ({ type: 'checked', outcome })
const looked = (outcome: LookOutcome): Event => ({ type: 'looked', outcome })
const seen = (...snapshots: ListedSnapshot[]): Event => looked({ kind: 'seen', snapshots })

function snapshot(changes: Partial<ListedSnapshot> = {}): ListedSnapshot {
  const created_at = new Date(T0 + 2_000).toISOString()
  return {
    name: 'nightly',
    id: '501',
    type: 'snapshot',
    created_at,
    isPresent: true,
    isDateCertain: true,
    raw: { name: 'nightly' },
    ...changes,
  }
}

const EVENTS = {
  'call accepted': called({ kind: 'accepted', callback: 'secret-key' }),
  'call done': called(done({})),
  'call refused': called({
    kind: 'refused',
    reason: 'conflict',
    code: '-1',
    message: 'snapshot already exists',
  }),
  'call unauthorized': called({ kind: 'unauthorized', message: 'invalid token' }),
  'call unsent': called({ kind: 'unsent', reason: 'connection refused' }),
  'call timed out': called({ kind: 'lost', reason: 'timeout', cause: 'timeout' }),
  'call broken': called({ kind: 'lost', reason: 'reset', cause: 'connection' }),
  'call answered with nonsense': called({ kind: 'lost', reason: 'no JSON', cause: 'invalid' }),
  abandoned: { type: 'abandoned' },
  'check pending': checked({ kind: 'pending' }),
  'check done': checked(done({})),
  'check failed': checked({
    kind: 'failed',
    reason: 'conflict',
    code: 'Error',
    message: 'the server is locked',
  }),
  'check gone': checked({ kind: 'gone' }),
  'check lost': checked({ kind: 'lost', reason: 'reset', cause: 'connection' }),
  'check unsent': checked({ kind: 'unsent', reason: 'connection refused' }),
  'look blind': looked({ kind: 'blind', failure: { reason: 'rejected', detail: 'HOSTKEY refused' } }),
} as const satisfies Record<string, Event>
type EventName = keyof typeof EVENTS

/** Where an event leads: a step, or an end with the reason of its failure. */
function outcome({ status, step, failure }: Operation): string {
  return step ?? (failure ? `${status} ${failure.reason}` : status)
}

const FROM: Record<EventName, Step> = Object.fromEntries(
  Object.keys(EVENTS).map(name => [
    name,
    name.startsWith('check') ? 'check' : name.startsWith('look') ? 'look' : 'call',
  ]),
) as Record<EventName, Step>

describe('each event leads to its step or its end', () => {
  /** For create and delete (which can be looked for), restore, and reads. */
  const TABLE: [EventName, string, string, string][] = [
    ['call accepted', 'check', 'check', 'check'],
    ['call done', 'succeeded', 'succeeded', 'succeeded'],
    ['call refused', 'failed conflict', 'failed conflict', 'failed conflict'],
    ['call unauthorized', 'failed unauthorized', 'failed unauthorized', 'failed unauthorized'],
    ['call unsent', 'failed unavailable', 'failed unavailable', 'call'],
    ['call timed out', 'look', 'unknown unsettled', 'call'],
    ['call broken', 'look', 'unknown unsettled', 'call'],
    ['call answered with nonsense', 'look', 'unknown unsettled', 'call'],
    ['abandoned', 'look', 'unknown unsettled', 'call'],
    ['check pending', 'check', 'check', 'check'],
    ['check done', 'succeeded', 'succeeded', 'succeeded'],
    ['check failed', 'failed conflict', 'failed conflict', 'failed conflict'],
    ['check gone', 'look', 'unknown unsettled', 'call'],
    ['check lost', 'check', 'check', 'check'],
    ['check unsent', 'check', 'check', 'check'],
  ]
  const cases = TABLE.flatMap<{ name: (typeof TABLE)[number][0]; kind: Kind; expected: string }>(
    ([name, create, restore, read]) => [
      { name, kind: 'snapshot.create', expected: create },
      { name, kind: 'snapshot.delete', expected: create },
      { name, kind: 'snapshot.restore', expected: restore },
      ...READS.map(kind => ({ name, kind, expected: read })),
    ],
  )
  test.each(cases)('$kind: $name → $expected', ({ name, kind, expected }) => {
    const op = running(kind, FROM[name])
    const next = after(op, EVENTS[name])
    expect(outcome(next)).toBe(expected)
    expect(next.rev).toBe(op.rev + 1)
    // The key is kept exactly as long as it is checked.
    expect(next.callback).toBe(next.step === 'check' ? 'secret-key' : null)
    if (next.status === 'running') {
      expect(next).toMatchObject({ finishedAtMs: null, result: null, failure: null })
      expect(next.dueAtMs).toBeGreaterThanOrEqual(NOW)
      expect(next.lookUntilMs).toBe(next.step === 'look' ? NOW + POLICY.settleMs : null)
    } else {
      expect(next).toMatchObject({ dueAtMs: null, lookUntilMs: null, finishedAtMs: NOW, updatedAtMs: NOW })
      expect(next.failure === null).toBe(next.status === 'succeeded')
    }
  })

  test('only a read is called a second time', () => {
    for (const kind of MUTATIONS)
      for (const [name, event] of Object.entries(EVENTS))
        expect(after(running(kind, FROM[name as EventName]), event).step).not.toBe('call')
  })
})

describe('an ended operation never changes', () => {
  const events = { ...EVENTS, 'look seen': seen(snapshot()), 'look at nothing': seen() }
  test.each(KIND_NAMES)('%s', kind => {
    for (const status of ['succeeded', 'failed', 'unknown'] as const) {
      const over = { status, step: null, dueAtMs: null, finishedAtMs: T0 }
      const ended = { ...running(kind, 'call'), ...over } as unknown as Operation
      for (const event of Object.values(events)) expect(after(ended, event)).toBe(ended)
    }
  })
})

describe('a look settles a create by presence', () => {
  const at = (offsetMs: number): string => new Date(offsetMs).toISOString()
  const ABSENT = { present: false, atMs: T0 - 1_000 }
  const PRESENT = { present: true, atMs: T0 - 1_000 }
  test.each<[string, ListedSnapshot[], Evidence | null, string]>([
    ['its date is after the start', [snapshot()], null, 'succeeded'],
    [
      'its date is before the start, within the skew',
      [snapshot({ created_at: at(T0 - 5_000) })],
      null,
      'succeeded',
    ],
    ['its date is older than the skew', [snapshot({ created_at: at(T0 - 5_001) })], null, 'unknown'],
    [
      'its date is in the future, within the skew',
      [snapshot({ created_at: at(NOW + 5_000) })],
      null,
      'succeeded',
    ],
    ['its date is further in the future', [snapshot({ created_at: at(NOW + 5_001) })], null, 'unknown'],
    ['it has no date', [snapshot({ created_at: null })], null, 'unknown'],
    ['it has no date, but was not there before', [snapshot({ created_at: null })], ABSENT, 'succeeded'],
    ['it has no date and was there before', [snapshot({ created_at: null })], PRESENT, 'unknown'],
    [
      'it was not there before; its date is of another zone',
      [snapshot({ created_at: at(T0 + 7_200_000) })],
      ABSENT,
      'succeeded',
    ],
    [
      'it was not there before, but others made it before the start',
      [snapshot({ created_at: at(T0 - 15_000) })],
      { present: false, atMs: T0 - 30_000 },
      'unknown',
    ],
    [
      'it was not there before; its date is older than that list, so of a wrong clock',
      [snapshot({ created_at: at(T0 - 30_000) })],
      ABSENT,
      'succeeded',
    ],
    ['it was there before, whatever its date says', [snapshot()], PRESENT, 'unknown'],
    ['it is among others', [snapshot({ name: 'weekly' }), snapshot()], null, 'succeeded'],
    ['only another name is there', [snapshot({ name: 'weekly' })], null, 'look'],
    ['only another type is there', [snapshot({ type: 'backup' })], null, 'look'],
    ['nothing is there yet', [], null, 'look'],
  ])('%s', (_, snapshots, evidence, expected) => {
    const next = after(running('snapshot.create', 'look', { evidence }), seen(...snapshots))
    expect(next.step ?? next.status).toBe(expected)
    if (next.status === 'succeeded') expect(next.result).toEqual({ settled_by: 'look', raw: snapshot().raw })
    if (next.status === 'unknown') expect(next.failure.detail).toContain('may be an older one')
  })
})

describe('a look settles a delete by absence', () => {
  test.each<[string, Event, string]>([
    ['it is not there', seen(snapshot({ name: 'weekly' })), 'succeeded'],
    ['nothing is there', seen(), 'succeeded'],
    ['one of that name is there as another type', seen(snapshot({ type: 'backup' })), 'look'],
    ['it is still there', seen(snapshot()), 'look'],
    ['the list could not be seen', EVENTS['look blind'], 'look'],
  ])('%s', (_, event, expected) => {
    const next = after(running('snapshot.delete', 'look'), event)
    expect(next.step ?? next.status).toBe(expected)
    if (next.status === 'succeeded') expect(next.result).toEqual({ settled_by: 'look', raw: null })
  })
})

describe('what cannot be settled is unknown in the end, and says what to check', () => {
  const over = { lookUntilMs: NOW }
  test.each<[string, Operation, Event, RegExp]>([
    [
      'a create that never showed',
      running('snapshot.create', 'look', over),
      seen(),
      /not there, but HOSTKEY may still be making it\. List the snapshots of VM 7 and compare the date of "nightly" before you create it again\.$/,
    ],
    [
      'a delete that never took effect',
      running('snapshot.delete', 'look', over),
      seen(snapshot()),
      /still there, but HOSTKEY may still be removing it\. List the snapshots of VM 7 before you delete "nightly" again\.$/,
    ],
    [
      'a look that saw nothing',
      running('snapshot.delete', 'look', over),
      EVENTS['look blind'],
      /could not be listed either: HOSTKEY refused\. List the snapshots of VM 7/,
    ],
    [
      'a restore whose answer was lost',
      running('snapshot.restore', 'call'),
      EVENTS['call timed out'],
      /cannot be told: the answer of HOSTKEY was lost \(timeout\)\. Look at the disk of VM 7 before you restore "nightly" again\.$/,
    ],
    [
      'a restore that was abandoned',
      running('snapshot.restore', 'call'),
      EVENTS.abandoned,
      /the gateway was stopped while it was calling HOSTKEY/,
    ],
    [
      'a restore whose key is gone',
      running('snapshot.restore', 'check'),
      EVENTS['check gone'],
      /no longer knows the callback key/,
    ],
  ])('%s', (_, op, event, text) => {
    const next = after(op, event)
    expect(next).toMatchObject({ status: 'unknown', failure: { reason: 'unsettled' } })
    expect(next.failure!.detail).toMatch(text)
    expect(JSON.stringify(next)).not.toContain('secret-key')
    // A moment earlier it would have been looked for once more.
    if (op.step === 'look') expect(after(op, event, NOW - 1).step).toBe('look')
  })
})

describe('at its deadline', () => {
  const deadlineMs = T0 + POLICY.deadlineMs
  const unfinished = ['check pending', 'check lost', 'check unsent'] as const
  test.each(unfinished)('%s: a mutation is looked for, a restore is unknown, a read fails', name => {
    const ends = KIND_NAMES.map(kind => outcome(after(running(kind, 'check'), EVENTS[name], deadlineMs)))
    expect(Object.fromEntries(KIND_NAMES.map((kind, i) => [kind, ends[i]]))).toEqual({
      'snapshot.create': 'look',
      'snapshot.delete': 'look',
      'snapshot.restore': 'unknown unsettled',
      'snapshot.list': 'failed timeout',
      'stats.load': 'failed timeout',
    })
    for (const kind of KIND_NAMES)
      expect(after(running(kind, 'check'), EVENTS[name], deadlineMs - 1).step).toBe('check')
  })

  test.each(READS)('%s: it is not asked again', kind => {
    expect(outcome(after(running(kind, 'call'), EVENTS['call timed out'], deadlineMs))).toBe('failed timeout')
  })
})

describe('a read that is lost is asked again, so often and no more', () => {
  test.each<[EventName, string]>([
    ['call unsent', 'failed unavailable'],
    ['call timed out', 'failed timeout'],
    ['call broken', 'failed unavailable'],
    ['call answered with nonsense', 'failed invalid'],
    ['abandoned', 'failed invalid'],
  ])('%s', (name, expected) => {
    let op: Operation = running('snapshot.list', 'call')
    const ends = Array.from({ length: POLICY.readCalls }, () => outcome((op = after(op, EVENTS[name]))))
    expect(ends).toEqual(['call', 'call', expected])
  })

  test('also when each call is accepted and each key is gone', () => {
    let op: Operation = running('stats.load', 'call')
    for (let call = 1; call <= POLICY.readCalls; call += 1) {
      op = after(op, EVENTS['call accepted'])
      expect(op).toMatchObject({ step: 'check', calls: call })
      op = after(op, EVENTS['check gone'])
    }
    expect(outcome(op)).toBe('failed invalid')
  })
})

describe('intervals', () => {
  /** From each try to the next, with this random. */
  function intervals(op: Operation, event: Event, random: number, count = 14): number[] {
    let current = op
    return Array.from({ length: count }, () => (current = after(current, event, NOW, random)).dueAtMs! - NOW)
  }

  test.each([
    ['checks', running('snapshot.create', 'check'), EVENTS['check pending']],
    ['looks', running('snapshot.create', 'look'), EVENTS['look blind']],
  ])('of %s start small, grow, and stay under the longest', (_, op, event) => {
    const middle = intervals(op, event, 0.5)
    expect(middle[0]).toBe(POLICY.checkMinMs)
    expect(middle.at(-1)).toBe(POLICY.checkMaxMs)
    expect(middle).toEqual(middle.toSorted((a, b) => a - b))
    expect(middle[1]! / middle[0]!).toBeCloseTo(1.6)
  })

  test('are spread by a fifth to both sides', () => {
    const pending = EVENTS['check pending']
    const op = running('snapshot.create', 'check')
    const [low, middle, high] = [0, 0.5, 0.999_999].map(random => intervals(op, pending, random))
    for (const [i, interval] of middle!.entries()) {
      expect(low![i]! / interval).toBeCloseTo(0.8)
      expect(high![i]! / interval).toBeCloseTo(1.2)
    }
  })

  test('begin anew with each step', () => {
    const waited = after(running('snapshot.create', 'check', { tries: 9 }), EVENTS['check gone'])
    expect(waited).toMatchObject({ step: 'look', tries: 0, dueAtMs: NOW + POLICY.checkMinMs })
  })

  test('a read is checked at once, a mutation after the first interval', () => {
    const dueIn = (kind: Kind): number => after(running(kind, 'call'), EVENTS['call accepted']).dueAtMs! - NOW
    expect(KIND_NAMES.map(dueIn)).toEqual(KIND_NAMES.map(kind => (mutates({ kind }) ? POLICY.checkMinMs : 0)))
  })
})

test('the time of the last update moves with what callers see, not with every try', () => {
  const updated = (op: Operation, event: Event): number => after(op, event).updatedAtMs
  expect(updated(running('snapshot.create', 'check'), EVENTS['check pending'])).toBe(T0)
  expect(updated(running('snapshot.create', 'check'), EVENTS['check lost'])).toBe(T0)
  expect(updated(running('snapshot.create', 'look'), EVENTS['look blind'])).toBe(T0)
  expect(updated(running('snapshot.create', 'call'), EVENTS['call accepted'])).toBe(NOW)
  expect(updated(running('snapshot.create', 'check'), EVENTS['check gone'])).toBe(NOW)
  expect(updated(running('snapshot.create', 'check'), EVENTS['check done'])).toBe(NOW)
})

describe('results', () => {
  const observed_at = new Date(NOW).toISOString()
  test('of a list: what was recognised, beside what came', () => {
    const scope = [{ name: 'nightly', snapshot_id: 5, date: 1_800_000_000 }]
    const snapshots = [
      {
        name: 'nightly',
        id: '5',
        type: 'snapshot',
        created_at: new Date(T0).toISOString(),
        isPresent: true,
        isDateCertain: true,
        raw: scope[0],
      },
    ]
    expect(after(running('snapshot.list', 'check'), checked(done(scope, snapshots))).result).toEqual({
      vm_id: 7,
      type: 'snapshot',
      observed_at,
      snapshots,
      raw: scope,
    })
    const strange = { state: 'fine' }
    expect(after(running('snapshot.list', 'call'), called(done(strange, null))).result).toEqual({
      vm_id: 7,
      type: 'snapshot',
      observed_at,
      snapshots: null,
      raw: strange,
    })
  })

  test('of stats and of mutations', () => {
    const scope = { cpu: 3 }
    const finished = checked(done(scope))
    expect(after(running('stats.load', 'check'), finished).result).toEqual({
      vm_id: 7,
      observed_at,
      stats: scope,
    })
    for (const kind of MUTATIONS)
      expect(after(running(kind, 'check'), finished).result).toEqual({ settled_by: 'callback', raw: scope })
  })
})

test('a refusal is told in the words of HOSTKEY', () => {
  expect(after(running('snapshot.create', 'call'), EVENTS['call refused']).failure).toEqual({
    reason: 'conflict',
    detail: 'HOSTKEY refused: snapshot already exists',
    upstream: { code: '-1', message: 'snapshot already exists' },
  })
  expect(after(running('snapshot.create', 'check'), EVENTS['check failed']).failure).toEqual({
    reason: 'conflict',
    detail: 'HOSTKEY reports: the server is locked',
    upstream: { code: 'Error', message: 'the server is locked' },
  })
  expect(after(running('snapshot.create', 'call'), EVENTS['call unauthorized']).failure!.detail).toMatch(
    /HOSTKEY_TOKEN or HOSTKEY_API_KEY/,
  )
})
