/**
 * The life of an operation as a pure state machine: `advance` takes an operation and what was learned from HOSTKEY, and
 * gives the operation as it is then. It does no input or output; whoever calls it writes the outcome to the store before
 * anybody hears of it.
 *
 *     call ──accepted──▶ check ──result──▶ succeeded | failed
 *       │                  │
 *       └──── ambiguous ───┴──▶ look (changes) ──▶ succeeded | unknown
 *                          └──▶ call (reads: asked again)
 */

import {
  failureOfLost,
  failureOfRefusal,
  failureOfUnsent,
  LOST_RESULT,
  NOT_FINISHED,
  UNAUTHORIZED,
  type Failure,
} from './failure.ts'
import type { CallOutcome, CheckOutcome, Done, ListedSnapshot } from './hostkey.ts'
import type { Change } from './kinds/descriptor.ts'
import type { Kind, Results } from './kinds/kind.ts'
import { KINDS } from './kinds/kinds.ts'
import { hasEnded, type Ended, type Operation, type Running, type StepState } from './operation.ts'

/** What was learned of an operation. */
export type Event =
  | { type: 'called'; outcome: CallOutcome }
  | { type: 'checked'; outcome: CheckOutcome }
  | { type: 'looked'; outcome: LookOutcome }
  /** A read whose callers are told this at once, since they would wait for nothing. */
  | { type: 'given-up'; failure: Failure }
  /** The process that was calling is gone: whether the call left is not known. */
  | { type: 'abandoned' }

/** What a look at the VM showed: its snapshots, or why they could not be seen. */
export type LookOutcome = { kind: 'seen'; snapshots: ListedSnapshot[] } | { kind: 'blind'; failure: Failure }

export interface Policy {
  /** The first and the longest interval between two checks, in milliseconds. */
  checkMinMs: number
  checkMaxMs: number
  /** How long an operation may run before its callback key is no longer waited for. */
  deadlineMs: number
  /** How long an ambiguous change is looked for. */
  settleMs: number
  /** For how long after the acceptance HOSTKEY may not know a callback key yet, for changes and for reads (contract §1). */
  keyGraceMs: { change: number; read: number }
  /** How often one read is asked before it fails. */
  readCalls: number
}

/** The operation after an event. Ended operations never change again. `random` gives numbers in [0, 1). */
export function advance<K extends Kind>(
  op: Operation<K>,
  event: Event,
  nowMs: number,
  policy: Policy,
  random: () => number,
): Operation<K> {
  if (hasEnded(op)) return op
  const transition = new Transition(op, nowMs, policy, random)
  switch (event.type) {
    case 'called':
      return transition.called(event.outcome)
    case 'checked':
      return transition.checked(event.outcome)
    case 'looked':
      return transition.looked(event.outcome)
    case 'given-up':
      return transition.givenUp(event.failure)
    case 'abandoned':
      return transition.abandoned()
  }
}

class Transition<K extends Kind> {
  readonly op: Running<K>
  readonly nowMs: number
  readonly policy: Policy
  readonly random: () => number
  /** How changes of this kind are settled; null for a read, which is asked again instead. */
  readonly change: Change | null

  constructor(op: Running<K>, nowMs: number, policy: Policy, random: () => number) {
    this.op = op
    this.nowMs = nowMs
    this.policy = policy
    this.random = random
    this.change = KINDS[op.kind].change
  }

  called(outcome: CallOutcome): Operation<K> {
    const { op, change, nowMs, policy } = this
    switch (outcome.kind) {
      case 'accepted':
        return this.#goOn(
          { step: 'check', callback: outcome.callback, lookUntilMs: null },
          // Reads are often ready at once; a change of a disk never is.
          {
            tries: 0,
            calls: op.calls + 1,
            dueAtMs: change ? nowMs + policy.checkMinMs : nowMs,
            isKeySeen: false,
          },
        )
      case 'done':
        return this.#succeed(outcome)
      case 'refused': {
        const failure = failureOfRefusal('refused', outcome)
        // Too many requests say nothing of a read: it is asked again.
        return outcome.reason === 'throttled' && !change ? this.#askAgain(failure) : this.#fail(failure)
      }
      case 'unauthorized':
        return this.#fail(UNAUTHORIZED)
      case 'unsent': {
        const failure = failureOfUnsent(outcome)
        if (change) return this.#fail(failure)
        // A read that the gateway held back was not asked, and waits for as long as it may.
        if (outcome.shedMs === undefined) return this.#askAgain(failure)
        return nowMs < op.deadlineAtMs ? this.#sameStep(outcome.shedMs) : this.#fail(failure)
      }
      case 'lost':
        return change
          ? this.#ambiguous(change, `the answer of HOSTKEY was lost (${outcome.reason})`)
          : this.#askAgain(failureOfLost(outcome))
    }
  }

  checked(outcome: CheckOutcome): Operation<K> {
    const { op, change, nowMs } = this
    switch (outcome.kind) {
      case 'done':
        return this.#succeed(outcome)
      case 'failed':
        return this.#fail(failureOfRefusal('reports', outcome))
      case 'gone':
        if (this.#isKeyYoung()) return this.#sameStep()
        return change
          ? this.#ambiguous(change, 'HOSTKEY no longer knows the callback key')
          : this.#askAgain(LOST_RESULT)
      case 'pending':
      case 'lost':
      case 'unsent':
        if (nowMs < op.deadlineAtMs)
          return {
            ...this.#sameStep(askedToWaitMs(outcome)),
            isKeySeen: op.isKeySeen || outcome.kind === 'pending',
          }
        return change
          ? this.#ambiguous(change, 'HOSTKEY did not finish it in time')
          : this.#fail(NOT_FINISHED)
    }
  }

  /** What the look proves settles it; else it is looked at again for a while, and then it is unknown. */
  looked(outcome: LookOutcome): Operation<K> {
    const { op, change, nowMs } = this
    // Only changes that a look can settle come to this step.
    if (!change || 'nothing' in change.settledBy) return op
    const look = change.settledBy
    if (outcome.kind === 'seen') {
      const settled = look.settle(op, outcome.snapshots, nowMs)
      if (settled?.kind === 'unknowable') return this.#unknown(change, settled.detail)
      if (settled) return this.#end({ settled_by: 'look', raw: settled.raw } as Results[K])
    }
    if (nowMs < (op.lookUntilMs ?? 0)) return this.#sameStep()
    return this.#unknown(
      change,
      outcome.kind === 'seen'
        ? look.stillOpen
        : `The VM's snapshots could not be listed either: ${outcome.failure.detail.replace(/\.?$/, '.')}`,
    )
  }

  givenUp(failure: Failure): Operation<K> {
    return this.#fail(failure)
  }

  abandoned(): Operation<K> {
    return this.change
      ? this.#ambiguous(this.change, 'the gateway was stopped while it was calling HOSTKEY')
      : this.#askAgain(LOST_RESULT)
  }

  /** HOSTKEY may not know the key yet: it was issued a moment ago, and no check has seen it alive. */
  #isKeyYoung(): boolean {
    const { op, nowMs, policy, change } = this
    // The step began with the acceptance.
    const ageMs = nowMs - op.updatedAtMs
    return !op.isKeySeen && ageMs < policy.keyGraceMs[change ? 'change' : 'read'] && nowMs < op.deadlineAtMs
  }

  /** It may have happened. A change that no look can settle is unknown at once. */
  #ambiguous(change: Change, why: string): Operation<K> {
    const { settledBy } = change
    if ('nothing' in settledBy) return this.#unknown(change, `${settledBy.nothing}: ${why}.`)
    return this.#goOn(
      { step: 'look', callback: null, lookUntilMs: this.nowMs + this.policy.settleMs },
      { tries: 0, dueAtMs: this.nowMs + this.#intervalMs(0) },
    )
  }

  /** A read is asked again, until it was asked too often. */
  #askAgain(failure: Failure): Operation<K> {
    const { op, nowMs, policy } = this
    const calls = op.step === 'call' ? op.calls + 1 : op.calls
    if (calls >= policy.readCalls || nowMs >= op.deadlineAtMs) return this.#fail(failure)
    return this.#goOn(
      { step: 'call', callback: null, lookUntilMs: null },
      {
        tries: 0,
        calls,
        dueAtMs: nowMs + Math.max(this.#intervalMs(calls - 1) / 2, failure.retryAfterMs ?? 0),
      },
    )
  }

  /** The same step once more, not before `leastMs`. Another look at the same thing is no news: `updatedAtMs` stays. */
  #sameStep(leastMs = 0): Running<K> {
    const { op, nowMs } = this
    return {
      ...op,
      rev: op.rev + 1,
      tries: op.tries + 1,
      dueAtMs: nowMs + Math.max(leastMs, this.#intervalMs(op.tries)),
    }
  }

  /** Another step. */
  #goOn(
    state: StepState,
    next: { tries: number; dueAtMs: number; calls?: number; isKeySeen?: boolean },
  ): Running<K> {
    return { ...this.op, ...next, ...state, rev: this.op.rev + 1, updatedAtMs: this.nowMs }
  }

  /** Intervals grow, and are jittered by a fifth, so that operations started together do not stay together. */
  #intervalMs(tries: number): number {
    const { checkMinMs, checkMaxMs } = this.policy
    return Math.min(checkMaxMs, checkMinMs * 1.6 ** Math.max(0, tries)) * (0.8 + 0.4 * this.random())
  }

  #succeed(done: Done): Ended<K> {
    const { op, nowMs } = this
    return this.#end(KINDS[op.kind].result(op, done, new Date(nowMs).toISOString()))
  }

  #unknown(change: Change, detail: string): Ended<K> {
    return this.#fail({ reason: 'unsettled', detail: `${detail} ${change.advice(this.op)}` }, 'unknown')
  }

  #end(result: Results[K]): Ended<K> {
    return { ...this.#over(), status: 'succeeded', result, failure: null }
  }

  #fail(failure: Failure, status: 'failed' | 'unknown' = 'failed'): Ended<K> {
    return { ...this.#over(), status, result: null, failure }
  }

  #over(): Omit<Ended<K>, 'status' | 'result' | 'failure'> {
    const { op, nowMs } = this
    return {
      ...op,
      rev: op.rev + 1,
      updatedAtMs: nowMs,
      finishedAtMs: nowMs,
      step: null,
      callback: null,
      lookUntilMs: null,
      dueAtMs: null,
    }
  }
}

/** When HOSTKEY, or the gateway that spares it, wants to be asked again at the earliest, in milliseconds from now. */
function askedToWaitMs(outcome: CheckOutcome): number {
  if (outcome.kind === 'unsent') return outcome.shedMs ?? 0
  return outcome.kind === 'lost' ? (outcome.retryAfterMs ?? 0) : 0
}
