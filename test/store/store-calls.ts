/** What is asked of a store by the property of `store-model.ts`: as it is generated, and as calls on what the store holds. */

import fc from 'fast-check'
import { KIND_NAMES } from '../../src/operations/kinds/kinds.ts'
import type { Operation, Running, Status, Webhook } from '../../src/operations/operation.ts'
import type { Delivery, IdempotencyKey, ListQuery, Store } from '../../src/operations/store.ts'
import { PENDING } from './outbox-contract.ts'
import type { ClaimCall, SaveCall } from './outbox-model.ts'
import { changed, endOf, operation } from './store-contract.ts'

export type Call =
  | { op: 'start'; operation: Running; claim: IdempotencyKey | null; nowMs: number }
  | { op: 'save'; operation: Operation }
  | { op: 'discard'; id: string; rev: number }
  | { op: 'get'; id: string }
  | { op: 'list'; query: ListQuery }
  | { op: 'claimDue'; nowMs: number; leaseMs: number; limit: number; except: ReadonlySet<string> }
  | { op: 'nextDue'; except: ReadonlySet<string> }
  | { op: 'sweep'; endedBeforeMs: number; nowMs: number }
  | ({ op: 'claimMessages' } & ClaimCall)
  | ({ op: 'saveMessage' } & SaveCall)
  | { op: 'nextMessage'; callers: string[] }

/** More than there ever is: a sweep in smaller bites may begin where it likes. */
const SWEEP_ALL = 1_000

/** Asks the store for it. */
export function perform(store: Store, call: Call): Promise<unknown> {
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
      return store.claimDue(call.nowMs, call.leaseMs, call.limit, call.except)
    case 'nextDue':
      return store.nextDueAtMs(call.except)
    case 'sweep':
      return store.sweep(call.endedBeforeMs, call.nowMs, SWEEP_ALL)
    case 'claimMessages':
      return store.outbox.claim(call.nowMs, call.leaseMs, call.places)
    case 'saveMessage':
      return store.outbox.save(call.delivery, call.webhook, call.dueAtMs)
    case 'nextMessage':
      return store.outbox.nextDue(call.callers)
  }
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
      isTold: fc.boolean(),
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
      except: fc.uniqueArray(someCaller),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('nextDue'), except: fc.uniqueArray(someCaller) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('sweep'), ageMs: fc.constantFrom(0, 50) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('claimMessages'),
      leaseMs: fc.constantFrom(10, 500),
      places: fc.uniqueArray(fc.record({ caller: someCaller, limit: fc.nat({ max: 2 }) }), {
        selector: ({ caller }) => caller,
      }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('saveMessage'),
      pick,
      state: fc.constantFrom<Webhook['state']>('pending', 'delivered', 'stopped', 'given-up'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('nextMessage'), callers: fc.uniqueArray(someCaller) }),
  },
)
type SomeCall = typeof someCall extends fc.Arbitrary<infer T> ? T : never

/** Turns of calls, and between them the passing of time and crashes. */
export const script = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.array(someCall, { minLength: 1, maxLength: 4 }) },
    { weight: 3, arbitrary: fc.record({ passMs: fc.constantFrom(1, 10, 30, 600) }) },
    { weight: 1, arbitrary: fc.constant('crash' as const) },
  ),
  { maxLength: 30, size: 'max' },
)

/** Of a message that nobody claimed. */
const NO_DELIVERY: Delivery = {
  operation: changed(endOf(operation()), { webhook: PENDING }) as Delivery['operation'],
  lease: 0,
}

/**
 * From what was generated to a call on what the model holds. `ids`: of every operation there ever was; `deliveries`: what
 * this process has claimed.
 */
// oxlint-disable-next-line max-lines-per-function
export function concrete(
  some: SomeCall,
  { operations }: { operations: ReadonlyMap<string, Operation> },
  { ids, deliveries }: { ids: string[]; deliveries: Delivery[] },
  nowMs: number,
): Call {
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
      const stored = operations.get(idAt(some.pick)) ?? operation()
      const next: Operation =
        some.to === 'check'
          ? changed(stored, {
              status: 'running',
              step: 'check',
              callback: 'secret',
              dueAtMs: nowMs + 20,
              finishedAtMs: null,
            })
          : changed(endOf(stored, nowMs), { status: some.to, ...(some.isTold && { webhook: PENDING }) })
      return { op: 'save', operation: changed(next, { rev: stored.rev + some.jump }) }
    }
    case 'discard': {
      // Also as it was started, whatever became of it since.
      const id = idAt(some.pick)
      return { op: 'discard', id, rev: some.pick % 2 === 0 ? 1 : (operations.get(id)?.rev ?? 1) }
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
      return { op: 'claimDue', nowMs, leaseMs: some.leaseMs, limit: some.limit, except: new Set(some.except) }
    case 'nextDue':
      return { op: 'nextDue', except: new Set(some.except) }
    case 'sweep':
      return { op: 'sweep', endedBeforeMs: nowMs - some.ageMs, nowMs }
    case 'claimMessages':
      return { op: 'claimMessages', nowMs, leaseMs: some.leaseMs, places: some.places }
    case 'saveMessage':
      return {
        op: 'saveMessage',
        delivery: deliveries[some.pick % deliveries.length] ?? NO_DELIVERY,
        webhook: { state: some.state, attempts: some.pick, lastAtMs: nowMs },
        dueAtMs: some.state === 'pending' ? nowMs + some.pick : null,
      }
    case 'nextMessage':
      return { op: 'nextMessage', callers: some.callers }
    default:
      throw new Error('no such call')
  }
}
