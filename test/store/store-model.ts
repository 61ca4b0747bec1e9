/**
 * The store's contract as a property: whatever is asked for in whatever order, the answers are those of a simple model
 * in memory. What is asked for in one turn of the event loop may happen in any order, but in one order for all of it.
 */

import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KIND_NAMES, mutates } from '../../src/operations/kinds/kinds.ts'
import type { Operation, Running, Status } from '../../src/operations/operation.ts'
import type { Admission, IdempotencyKey, ListQuery, Store } from '../../src/operations/store.ts'
import { changed, endOf, operation, type StoreUnderTest } from './store-contract.ts'

const T0 = 1_800_000_000_000

/** Every run is the same one unless the environment asks for others: `FC_SEED=random`, a number, `FC_RUNS=5000`. */
export function propertyOptions(runs: number): { seed?: number; numRuns: number } {
  const { FC_SEED: seed = '20260', FC_RUNS: numRuns = runs } = process.env
  return { numRuns: Number(numRuns), ...(seed === 'random' ? {} : { seed: Number(seed) }) }
}

type Call =
  | { op: 'start'; operation: Running; claim: IdempotencyKey | null; nowMs: number }
  | { op: 'save'; operation: Operation }
  | { op: 'discard'; id: string; rev: number }
  | { op: 'get'; id: string }
  | { op: 'list'; query: ListQuery }
  | { op: 'claimDue'; nowMs: number; leaseMs: number; limit: number }
  | { op: 'nextDue' }
  | { op: 'sweep'; endedBeforeMs: number; nowMs: number }

/** More than there ever is: a sweep in smaller bites may begin where it likes. */
const SWEEP_ALL = 1_000

function perform(store: Store, call: Call): Promise<unknown> {
  switch (call.op) {
    case 'start':
      return store.start(call.operation, call.claim, call.nowMs)
    case 'save':
      return store.save(call.operation)
    case 'discard':
      return store.discard({ id: call.id, rev: call.rev })
    case 'get':
      return store.get(call.id)
    case 'list':
      return store.list(call.query)
    case 'claimDue':
      return store.claimDue(call.nowMs, call.leaseMs, call.limit)
    case 'nextDue':
      return store.nextDueAtMs()
    case 'sweep':
      return store.sweep(call.endedBeforeMs, call.nowMs, SWEEP_ALL)
  }
}

/** What a store holds. `after` gives what it holds once a call was answered so, or null when that answer is wrong. */
class Model {
  readonly operations: ReadonlyMap<string, Operation>
  readonly keys: ReadonlyMap<string, IdempotencyKey & { id: string }>
  /** The revisions without the claims since. */
  readonly unclaimedRevs: ReadonlyMap<string, number>

  constructor(
    operations: Model['operations'] = new Map(),
    keys: Model['keys'] = new Map(),
    unclaimedRevs: Model['unclaimedRevs'] = new Map(),
  ) {
    this.operations = operations
    this.keys = keys
    this.unclaimedRevs = unclaimedRevs
  }

  after(call: Call, answer: unknown): Model | null {
    const answered = (expected: unknown, next: Model = this): Model | null =>
      isDeepStrictEqual(answer, expected) ? next : null
    switch (call.op) {
      case 'start':
        return answered(...this.#start(call.operation, call.claim, call.nowMs))
      case 'save': {
        const { operation: next } = call
        const stored = this.operations.get(next.id)
        if (stored?.status !== 'running' || stored.rev !== next.rev - 1) return answered(false)
        return answered(true, this.#with(next))
      }
      case 'discard':
        if (this.operations.get(call.id)?.rev !== call.rev) return answered(false)
        return answered(
          true,
          this.#keeping(
            op => op.id !== call.id,
            key => key.id !== call.id,
          ),
        )
      case 'get':
        return answered(this.operations.get(call.id))
      case 'list':
        return answered(this.#list(call.query))
      case 'claimDue':
        return this.#claimed(call, answer as Operation[])
      case 'nextDue':
        return answered(this.#running()[0]?.dueAtMs ?? null)
      case 'sweep':
        // How it counts is its own affair.
        return this.#keeping(
          op =>
            op.finishedAtMs === null || op.finishedAtMs >= call.endedBeforeMs || this.#isKept(op, call.nowMs),
          key => key.expiresAtMs > call.nowMs,
        )
    }
  }

  /** The model with what is found after a crash: the same, but what was held may be free earlier, and at the revision before its claims. */
  afterCrash(found: ReadonlyMap<string, Operation | undefined>): Model {
    let model: Model = this
    for (const [id, actual] of found) {
      const expected = this.operations.get(id)
      const claimed = { dueAtMs: null, rev: null }
      expect(actual && { ...actual, ...claimed }).toEqual(expected && { ...expected, ...claimed })
      expect(actual?.dueAtMs ?? 0).toBeLessThanOrEqual(expected?.dueAtMs ?? 0)
      if (!actual) continue
      const unclaimedRev = this.unclaimedRevs.get(id)!
      expect([expected!.rev, unclaimedRev]).toContain(actual.rev)
      model = model.#with(actual, unclaimedRev)
    }
    return model
  }

  #start(op: Operation, claim: IdempotencyKey | null, nowMs: number): [Admission, Model?] {
    const known = claim && this.keys.get(keyOf(claim))
    if (known && known.expiresAtMs > nowMs) {
      const first = this.operations.get(known.id)!
      return known.fingerprint === claim.fingerprint
        ? [{ kind: 'replay', operation: first, inProgress: first.step === 'call' }]
        : [{ kind: 'reused' }]
    }
    const holder = this.#running().find(other => mutates(other) && other.vmId === op.vmId)
    if (mutates(op) && holder) return [{ kind: 'busy', operation: holder }]
    const keys = claim ? new Map(this.keys).set(keyOf(claim), { ...claim, id: op.id }) : this.keys
    const { operations, unclaimedRevs } = this.#with(op)
    return [{ kind: 'started' }, new Model(operations, keys, unclaimedRevs)]
  }

  /** Any of those that are due at the same time may come first. */
  #claimed({ nowMs, leaseMs, limit }: Call & { op: 'claimDue' }, answer: Operation[]): Model | null {
    const due = this.#running().filter(op => op.dueAtMs! <= nowMs)
    const before = answer.map(op => this.operations.get(op.id))
    const soonest = due.slice(0, limit).map(op => op.dueAtMs)
    if (!isDeepStrictEqual(before.map(op => op?.dueAtMs).toSorted(ascending), soonest.toSorted(ascending)))
      return null
    let model: Model = this
    for (const [i, claimed] of answer.entries()) {
      const op = before[i]!
      const held = changed(op, { rev: op.rev + 1, dueAtMs: nowMs + leaseMs })
      if (model.operations.get(op.id) !== op || !isDeepStrictEqual(claimed, held)) return null
      model = model.#with(held, this.unclaimedRevs.get(op.id))
    }
    return model
  }

  #list({ visible, vmId, kind, status, limit, olderThan, newerThan = '' }: ListQuery): Operation[] {
    return [...this.operations.values()]
      .filter(op => visible.vmIds === '*' || visible.vmIds.includes(op.vmId))
      .filter(op => visible.kinds.includes(op.kind) || op.createdBy === visible.createdBy)
      .filter(op => [op.vmId, undefined].includes(vmId) && [op.kind, undefined].includes(kind))
      .filter(op => [op.status, undefined].includes(status) && (olderThan === undefined || op.id < olderThan))
      .filter(op => op.id > newerThan)
      .toSorted((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, limit)
  }

  /** Soonest first. */
  #running(): Operation[] {
    const running = [...this.operations.values()].filter(op => op.status === 'running')
    return running.toSorted((a, b) => a.dueAtMs - b.dueAtMs)
  }

  #isKept(op: Operation, nowMs: number): boolean {
    return [...this.keys.values()].some(key => key.id === op.id && key.expiresAtMs > nowMs)
  }

  #with(op: Operation, unclaimedRev = op.rev): Model {
    return new Model(
      new Map(this.operations).set(op.id, op),
      this.keys,
      new Map(this.unclaimedRevs).set(op.id, unclaimedRev),
    )
  }

  #keeping(
    isKept: (op: Operation) => boolean,
    isKeyKept: (key: IdempotencyKey & { id: string }) => boolean,
  ): Model {
    return new Model(
      new Map([...this.operations].filter(([, op]) => isKept(op))),
      new Map([...this.keys].filter(([, key]) => isKeyKept(key))),
      this.unclaimedRevs,
    )
  }
}

function keyOf({ caller, key }: IdempotencyKey): string {
  return `${caller} ${key}`
}

const pick = fc.nat({ max: 30 })
const someKind = fc.constantFrom(...KIND_NAMES)
const someVm = fc.integer({ min: 1, max: 3 })
const someCaller = fc.constantFrom('alice', 'bob')
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })

const someCall = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('start'),
      kind: someKind,
      vmId: someVm,
      caller: someCaller,
      dueInMs: fc.nat({ max: 50 }),
      claim: fc.option(
        fc.record({
          key: fc.constantFrom('k1', 'k2'),
          fingerprint: fc.constantFrom('f1', 'f1', 'f2'),
          ttlMs: fc.constantFrom(20, 1_000),
        }),
      ),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('save'),
      pick,
      to: fc.constantFrom<'check' | Exclude<Status, 'running'>>('check', 'succeeded', 'failed', 'unknown'),
      // Mostly the revision that is next.
      jump: fc.constantFrom(1, 1, 1, 1, 0, 2),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('discard'), pick }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('get'), pick }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('list'),
      vmIds: fc.oneof(fc.constant('*' as const), fc.uniqueArray(someVm)),
      kinds: fc.uniqueArray(someKind),
      createdBy: someCaller,
      vmId: maybe(someVm),
      kind: maybe(someKind),
      status: maybe(fc.constantFrom<Status>('running', 'succeeded', 'failed', 'unknown')),
      limit: fc.integer({ min: 1, max: 5 }),
      olderThan: maybe(pick),
      newerThan: maybe(pick),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('claimDue'),
      leaseMs: fc.constantFrom(10, 500),
      limit: fc.nat({ max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('nextDue') }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('sweep'), ageMs: fc.constantFrom(0, 50) }) },
)
type SomeCall = typeof someCall extends fc.Arbitrary<infer T> ? T : never

const script = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.array(someCall, { minLength: 1, maxLength: 4 }) },
    { weight: 3, arbitrary: fc.record({ passMs: fc.constantFrom(1, 10, 30, 600) }) },
    { weight: 1, arbitrary: fc.constant('crash' as const) },
  ),
  { maxLength: 30, size: 'max' },
)

/** From what was generated to a call on what the model holds. `ids`: of every operation there ever was. */
function concrete(some: SomeCall, model: Model, ids: string[], nowMs: number): Call {
  const idAt = (at: number): string => ids[at % ids.length] ?? 'op_none'
  switch (some.op) {
    case 'start': {
      const { kind, vmId, caller, dueInMs, claim } = some
      const times = { createdAtMs: nowMs, updatedAtMs: nowMs, dueAtMs: nowMs + dueInMs }
      const op = operation({ kind, vmId, createdBy: caller, ...times })
      ids.push(op.id)
      return {
        op: 'start',
        operation: op,
        claim: claim && {
          caller,
          key: claim.key,
          fingerprint: claim.fingerprint,
          expiresAtMs: nowMs + claim.ttlMs,
        },
        nowMs,
      }
    }
    case 'save': {
      const stored = model.operations.get(idAt(some.pick)) ?? operation()
      const next: Operation =
        some.to === 'check'
          ? changed(stored, {
              status: 'running',
              step: 'check',
              callback: 'secret',
              dueAtMs: nowMs + 20,
              finishedAtMs: null,
            })
          : changed(endOf(stored, nowMs), { status: some.to })
      return { op: 'save', operation: changed(next, { rev: stored.rev + some.jump }) }
    }
    case 'discard': {
      // Also as it was started, whatever became of it since.
      const id = idAt(some.pick)
      return { op: 'discard', id, rev: some.pick % 2 === 0 ? 1 : (model.operations.get(id)?.rev ?? 1) }
    }
    case 'get':
      return { op: 'get', id: idAt(some.pick) }
    case 'list': {
      const { vmIds, kinds, createdBy, vmId, kind, status, limit, olderThan, newerThan } = some
      const query: ListQuery = { visible: { vmIds, kinds, createdBy }, limit }
      if (vmId !== undefined) query.vmId = vmId
      if (kind !== undefined) query.kind = kind
      if (status !== undefined) query.status = status
      if (olderThan !== undefined) query.olderThan = idAt(olderThan)
      if (newerThan !== undefined) query.newerThan = idAt(newerThan)
      return { op: 'list', query }
    }
    case 'claimDue':
      return { op: 'claimDue', nowMs, leaseMs: some.leaseMs, limit: some.limit }
    case 'nextDue':
      return { op: 'nextDue' }
    case 'sweep':
      return { op: 'sweep', endedBeforeMs: nowMs - some.ageMs, nowMs }
    default:
      throw new Error('no such call')
  }
}

/** The model after all of the calls in some order that explains their answers, or null. */
function explain(model: Model, answered: readonly (readonly [Call, unknown])[]): Model | null {
  if (answered.length === 0) return model
  for (const [i, [call, answer]] of answered.entries()) {
    const next = model.after(call, answer)
    const explained = next && explain(next, answered.toSpliced(i, 1))
    if (explained) return explained
  }
  return null
}

async function contents(store: Store, ids: string[]): Promise<Map<string, Operation | undefined>> {
  return new Map(await Promise.all(ids.map(async id => [id, await store.get(id)] as const)))
}

/** `reopen` of what `open` gives is called again and again: each time it means the data of the store it gave last. */
export function storeModel(name: string, open: () => Promise<StoreUnderTest>, runs = 100): void {
  test(`${name}: answers like the model, whatever is asked for in whatever order`, { timeout: 600_000 }, () =>
    fc.assert(
      fc.asyncProperty(script, async steps => {
        const { store: first, reopen } = await open()
        let store = first
        let model = new Model()
        let nowMs = T0
        const ids: string[] = []
        try {
          for (const step of steps) {
            if (step === 'crash') {
              const next = await reopen()
              await store.close()
              store = next
              model = model.afterCrash(await contents(store, ids))
            } else if ('passMs' in step) {
              nowMs += step.passMs
            } else {
              const calls = step.map(some => concrete(some, model, ids, nowMs))
              const answers = await Promise.all(calls.map(call => perform(store, call)))
              const answered = calls.map((call, i) => [call, answers[i]] as const)
              const next = explain(model, answered)
              if (!next)
                expect.fail(`no order of these calls explains their answers: ${fc.stringify(answered)}`)
              model = next
            }
          }
          expect(await contents(store, ids)).toEqual(new Map(ids.map(id => [id, model.operations.get(id)])))
        } finally {
          await store.close()
        }
      }),
      propertyOptions(runs),
    ),
  )
}

function ascending(a: number | null | undefined, b: number | null | undefined): number {
  return (a ?? 0) - (b ?? 0)
}
