/**
 * The store's contract as a property: whatever is asked for in whatever order, the answers are those of a simple model
 * in memory. What is asked for in one turn of the event loop may happen in any order, but in one order for all of it.
 */

import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mutates } from '../../src/operations/kinds/kinds.ts'
import type { Operation, Running } from '../../src/operations/operation.ts'
import type { Admission, Delivery, IdempotencyKey, ListQuery, Store } from '../../src/operations/store.ts'
import { Messages } from './outbox-model.ts'
import { concrete, perform, script, type Call } from './store-calls.ts'
import { changed, type StoreUnderTest } from './store-contract.ts'

const T0 = 1_800_000_000_000

/** Every run is the same one unless the environment asks for others: `FC_SEED=random`, a number, `FC_RUNS=5000`. */
export function propertyOptions(runs: number): { seed?: number; numRuns: number } {
  const { FC_SEED: seed = '20260', FC_RUNS: numRuns = runs } = process.env
  return { numRuns: Number(numRuns), ...(seed === 'random' ? {} : { seed: Number(seed) }) }
}

/** What a store holds. `after` gives what it holds once a call was answered so, or null when that answer is wrong. */
class Model {
  readonly operations: ReadonlyMap<string, Operation>
  readonly keys: ReadonlyMap<string, IdempotencyKey & { id: string }>
  /** The revisions without the claims since. */
  readonly unclaimedRevs: ReadonlyMap<string, number>
  readonly messages: Messages

  constructor(
    operations: Model['operations'] = new Map(),
    keys: Model['keys'] = new Map(),
    unclaimedRevs: Model['unclaimedRevs'] = new Map(),
    messages = new Messages(),
  ) {
    this.operations = operations
    this.keys = keys
    this.unclaimedRevs = unclaimedRevs
    this.messages = messages
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
        return answered(true, this.#with(next).#telling(this.messages.withEnd(next)))
      }
      case 'discard':
        if (this.operations.get(call.id)?.rev !== call.rev) return answered(false)
        return answered(
          true,
          this.#keeping(
            op => op.id !== call.id,
            key => key.id !== call.id,
          ).#telling(this.messages.without(call.id)),
        )
      case 'get':
        return answered(this.operations.get(call.id))
      case 'list':
        return answered(this.#list(call.query))
      case 'claimDue':
        return this.#claimed(call, answer as Operation[])
      case 'nextDue':
        return answered(this.#running(call.except)[0]?.dueAtMs ?? null)
      case 'sweep':
        // How it counts is its own affair.
        return this.#keeping(
          op =>
            op.finishedAtMs === null ||
            op.finishedAtMs >= call.endedBeforeMs ||
            this.messages.has(op.id) ||
            this.#isKept(op, call.nowMs),
          key => key.expiresAtMs > call.nowMs,
        )
      case 'claimMessages': {
        const messages = this.messages.claimed(call, answer as Delivery[], id => this.operations.get(id))
        return messages && this.#telling(messages)
      }
      case 'saveMessage': {
        if (!this.messages.mayBeSaved(call.delivery)) return answered(false)
        const stored = this.operations.get(call.delivery.operation.id)!
        const next = this.#with(changed(stored, { webhook: call.webhook }))
        return answered(true, next.#telling(this.messages.saved(call)))
      }
      case 'nextMessage':
        return this.messages.isNext(call.callers, answer as ReadonlyMap<string, number>) ? this : null
    }
  }

  /** The model with what is found after a crash: the same, but what was held may be free earlier, and at the revision before its claims. */
  afterCrash(found: ReadonlyMap<string, Operation | undefined>): Model {
    let model: Model = this.#telling(this.messages.afterCrash())
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
    const { operations, unclaimedRevs, messages } = this.#with(op)
    return [{ kind: 'started' }, new Model(operations, keys, unclaimedRevs, messages)]
  }

  /** Any of those that are due at the same time may come first. */
  #claimed({ nowMs, leaseMs, limit, except }: Call & { op: 'claimDue' }, answer: Operation[]): Model | null {
    const due = this.#running(except).filter(op => op.dueAtMs <= nowMs)
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

  /** Soonest first, but for those of some callers. */
  #running(except: ReadonlySet<string> = new Set()): Running[] {
    const running = [...this.operations.values()].filter(
      (op): op is Running => op.status === 'running' && !except.has(op.createdBy),
    )
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
      this.messages,
    )
  }

  #telling(messages: Messages): Model {
    return new Model(this.operations, this.keys, this.unclaimedRevs, messages)
  }

  #keeping(
    isKept: (op: Operation) => boolean,
    isKeyKept: (key: IdempotencyKey & { id: string }) => boolean,
  ): Model {
    return new Model(
      new Map([...this.operations].filter(([, op]) => isKept(op))),
      new Map([...this.keys].filter(([, key]) => isKeyKept(key))),
      this.unclaimedRevs,
      this.messages,
    )
  }
}

function keyOf({ caller, key }: IdempotencyKey): string {
  return `${caller} ${key}`
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
        let deliveries: Delivery[] = []
        try {
          for (const step of steps) {
            if (step === 'crash') {
              const next = await reopen()
              await store.close()
              store = next
              model = model.afterCrash(await contents(store, ids))
              deliveries = []
            } else if ('passMs' in step) {
              nowMs += step.passMs
            } else {
              const calls = step.map(some => concrete(some, model, { ids, deliveries }, nowMs))
              const answers = await Promise.all(calls.map(call => perform(store, call)))
              const answered = calls.map((call, i) => [call, answers[i]] as const)
              const next = explain(model, answered)
              if (!next)
                expect.fail(`no order of these calls explains their answers: ${fc.stringify(answered)}`)
              model = next
              for (const [call, answer] of answered)
                if (call.op === 'claimMessages') deliveries.push(...(answer as Delivery[]))
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
