/**
 * The life of an operation as a pure state machine: `advance` takes an operation and what was learned from HOSTKEY
 * and gives the operation as it is then. It does no I/O; whoever calls it writes the outcome to the store before
 * anybody hears of it.
 *
 *     call ──accepted──▶ check ──result──▶ succeeded | failed
 *       │                  │
 *       └──── ambiguous ───┴──▶ look (mutations) ──▶ succeeded | unknown
 *                          └──▶ call (reads: asked again)
 */

import type { ActionName } from '../upstream/actions.ts'
import type { CallOutcome, CheckOutcome, Lost, Unsent } from '../upstream/client.ts'
import type { ProblemCode, UpstreamError } from '../http/problem.ts'
import { problemOfRefusal } from '../upstream/refusals.ts'
import { readSnapshots, type Snapshot } from '../upstream/snapshots.ts'

export const KINDS = {
  'snapshot.create': { action: 'create_snapshot', mutates: true, family: 'snapshots' },
  'snapshot.list': { action: 'get_snapshot', mutates: false, family: 'snapshots' },
  'snapshot.delete': { action: 'remove_snapshot', mutates: true, family: 'snapshots' },
  'snapshot.restore': { action: 'restore_snapshot', mutates: true, family: 'snapshots' },
  'stats.load': { action: 'load_stats', mutates: false, family: 'stats' },
} as const satisfies Record<string, { action: ActionName; mutates: boolean; family: string }>

export type Kind = keyof typeof KINDS
export type Family = (typeof KINDS)[Kind]['family']
export type Status = 'running' | 'succeeded' | 'failed' | 'unknown'

/**
 * What a running operation needs next. `call`: the action itself (for a mutation: it may be under way, and is never
 * made again); `check`: its callback key; `look`: a list of the VM's snapshots, since only they can tell any more.
 */
export type Step = 'call' | 'check' | 'look'

/** Why an operation did not succeed: the code a waiting caller gets, and what is shown. */
export interface Failure {
  code: ProblemCode
  detail: string
  upstream?: UpstreamError
  /** When it makes sense to ask again, in milliseconds from the failure. */
  retryAfterMs?: number
}

/** An operation as it is stored. Times in milliseconds since the epoch. `callback` is a secret. */
export interface Operation {
  id: string
  /** Grows by one with each change; a change based on an older revision is refused by the store. */
  rev: number
  kind: Kind
  vmId: number
  snapshot: string | null
  snapshotType: string | null
  backupId: string | null
  createdBy: string
  /** The request that asked for a change. */
  requestId?: string
  /** Where it belongs to in a trace: that trace, the span that it is, and the span of the request that began it. */
  trace?: { id: string; span: string; parent: string }
  createdAtMs: number
  updatedAtMs: number
  finishedAtMs: number | null
  status: Status
  /** Null once ended, like `dueAtMs` and `callback`. */
  step: Step | null
  callback: string | null
  /** When the next step is due, or until when somebody holds the operation to make it. */
  dueAtMs: number | null
  /** How often this step was tried; paces the next try. */
  tries: number
  /** How often a read was asked. */
  calls: number
  deadlineAtMs: number
  /** Until when looking makes sense. */
  lookUntilMs: number | null
  /** What a list read shortly before the start knew of the snapshot, and when it was asked for. */
  before: { present: boolean; atMs: number } | null
  result: unknown
  failure: Failure | null
}

/** What was learned of an operation. */
export type Event =
  | { type: 'called'; outcome: CallOutcome }
  | { type: 'checked'; outcome: CheckOutcome }
  | { type: 'looked'; outcome: LookOutcome }
  /** A read whose callers are told at once that it could not be asked. */
  | { type: 'shed'; outcome: Unsent }
  /** The process that was calling is gone: whether the call left is not known. */
  | { type: 'abandoned' }

export type LookOutcome = { kind: 'seen'; snapshots: Snapshot[] } | { kind: 'blind'; reason: string }

export interface Policy {
  /** First and longest interval between two checks, in milliseconds. */
  checkMinMs: number
  checkMaxMs: number
  /** How long an operation may run before its callback is no longer waited for. */
  deadlineMs: number
  /** How long an ambiguous mutation is looked for. */
  settleMs: number
  /** How often one read is asked before it fails. */
  readCalls: number
}

export interface Draft {
  id: string
  kind: Kind
  vmId: number
  snapshot: string | null
  snapshotType: string | null
  backupId: string | null
  createdBy: string
  requestId?: string
  trace?: NonNullable<Operation['trace']>
  before: Operation['before']
}

/** A new operation whose call is about to be made by whoever holds it until `heldUntilMs`. */
export function newOperation(draft: Draft, nowMs: number, heldUntilMs: number, policy: Policy): Operation {
  return {
    ...draft,
    rev: 1,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    finishedAtMs: null,
    status: 'running',
    step: 'call',
    callback: null,
    dueAtMs: heldUntilMs,
    tries: 0,
    calls: 0,
    deadlineAtMs: nowMs + policy.deadlineMs,
    lookUntilMs: null,
    result: null,
    failure: null,
  }
}

/** Whether the operation changes its VM: then it holds the VM while it runs. */
export function mutates(operation: Pick<Operation, 'kind'>): boolean {
  return KINDS[operation.kind].mutates
}

/** The operation after an event. Ended operations never change again. `random` is in [0, 1). */
export function advance(
  op: Operation,
  event: Event,
  nowMs: number,
  policy: Policy,
  random: () => number,
): Operation {
  if (op.status !== 'running') return op
  const machine = new Transition(op, nowMs, policy, random)
  switch (event.type) {
    case 'called':
      return machine.called(event.outcome)
    case 'checked':
      return machine.checked(event.outcome)
    case 'looked':
      return machine.looked(event.outcome)
    case 'shed':
      return machine.shed(event.outcome)
    case 'abandoned':
      return mutates(op)
        ? machine.ambiguous('the gateway was stopped while it was calling HOSTKEY')
        : machine.askAgain(LOST)
  }
}

/**
 * How far the clocks of HOSTKEY and the gateway may differ. Small on purpose: a snapshot of the same name that is
 * older than that must not pass for this operation's.
 */
const CLOCK_SKEW_MS = 5_000

const LOST: Failure = { code: 'upstream-invalid', detail: 'HOSTKEY lost the result of the request.' }

class Transition {
  readonly op: Operation
  readonly nowMs: number
  readonly policy: Policy
  readonly random: () => number

  constructor(op: Operation, nowMs: number, policy: Policy, random: () => number) {
    this.op = op
    this.nowMs = nowMs
    this.policy = policy
    this.random = random
  }

  called(outcome: CallOutcome): Operation {
    switch (outcome.kind) {
      case 'accepted':
        return this.#change({
          step: 'check',
          callback: outcome.callback,
          tries: 0,
          calls: this.op.calls + 1,
          // Reads are often ready at once; a change of a disk never is.
          dueAtMs: mutates(this.op) ? this.nowMs + this.policy.checkMinMs : this.nowMs,
        })
      case 'done':
        return this.#succeed(resultOf(this.op, outcome.scope, this.nowMs))
      case 'refused': {
        const failure: Failure = {
          code:
            outcome.reason === 'throttled'
              ? 'upstream-unavailable'
              : problemOfRefusal(outcome.message, this.op.snapshot !== null),
          detail: `HOSTKEY refused: ${outcome.message}`,
          upstream: { code: outcome.code, message: outcome.message },
          ...later(outcome.retryAfterMs),
        }
        // Too many requests: not a word about this one.
        const throttled = failure.code === 'upstream-unavailable' && !mutates(this.op)
        return throttled ? this.askAgain(failure) : this.#fail(failure)
      }
      case 'unauthorized':
        return this.#fail({
          code: 'upstream-unauthorized',
          detail:
            'HOSTKEY refused the token of the gateway. Its operator has to look at HOSTKEY_TOKEN or HOSTKEY_API_KEY.',
        })
      case 'unsent': {
        const failure = failureOfUnsent(outcome)
        if (mutates(this.op)) return this.#fail(failure)
        // Held back by the gateway it was not asked, and waits for as long as it may.
        if (outcome.shedMs === undefined) return this.askAgain(failure)
        return this.nowMs < this.op.deadlineAtMs ? this.#again(outcome.shedMs) : this.#fail(failure)
      }
      case 'lost':
        return mutates(this.op)
          ? this.ambiguous(`the answer of HOSTKEY was lost (${outcome.reason})`)
          : this.askAgain(failureOfLost(outcome))
    }
  }

  checked(outcome: CheckOutcome): Operation {
    switch (outcome.kind) {
      case 'done':
        return this.#succeed(resultOf(this.op, outcome.scope, this.nowMs))
      case 'failed':
        return this.#fail({
          code: problemOfRefusal(outcome.message, this.op.snapshot !== null),
          detail: `HOSTKEY reports: ${outcome.message}`,
          upstream: { code: outcome.code, message: outcome.message },
        })
      case 'gone':
        return mutates(this.op)
          ? this.ambiguous('HOSTKEY no longer knows the callback key')
          : this.askAgain(LOST)
      case 'pending':
      case 'lost':
      case 'unsent':
        if (this.nowMs < this.op.deadlineAtMs) return this.#again()
        return mutates(this.op)
          ? this.ambiguous('HOSTKEY did not finish it in time')
          : this.#fail({ code: 'upstream-timeout', detail: 'HOSTKEY did not finish it in time.' })
    }
  }

  shed(outcome: Unsent): Operation {
    return this.#fail(failureOfUnsent(outcome))
  }

  /** A create is settled by presence, a delete by absence; anything else is looked at again, then unknown. */
  looked(outcome: LookOutcome): Operation {
    const { op } = this
    if (outcome.kind === 'seen') {
      const named = outcome.snapshots.filter(({ name }) => name === op.snapshot)
      // Whatever type HOSTKEY says it is of: as long as one of that name is listed, it is not surely gone.
      if (op.kind === 'snapshot.delete' && named.length === 0)
        return this.#succeed({ settled_by: 'look', raw: null })
      const entry = named.find(({ type }) => type === op.snapshotType)
      if (op.kind === 'snapshot.create' && entry) {
        return this.#isSurelyOurs(entry)
          ? this.#succeed({ settled_by: 'look', raw: entry.raw })
          : this.#unknown('A snapshot of that name is there, but it may be an older one.')
      }
    }
    if (this.nowMs < (op.lookUntilMs ?? 0)) return this.#again()
    if (outcome.kind === 'blind')
      return this.#unknown(
        `The VM's snapshots could not be listed either: ${outcome.reason.replace(/\.?$/, '.')}`,
      )
    return this.#unknown(
      op.kind === 'snapshot.create'
        ? 'The snapshot is not there, but HOSTKEY may still be making it.'
        : 'The snapshot is still there, but HOSTKEY may still be removing it.',
    )
  }

  /** It may have happened. What a look at the VM cannot settle is unknown at once. */
  ambiguous(why: string): Operation {
    const { op } = this
    if (op.kind === 'snapshot.restore')
      return this.#unknown(`Whether the disk was restored cannot be told: ${why}.`)
    return this.#change({
      step: 'look',
      callback: null,
      tries: 0,
      lookUntilMs: this.nowMs + this.policy.settleMs,
      dueAtMs: this.nowMs + this.#intervalMs(0),
    })
  }

  /** A read is asked again, until it was asked too often. */
  askAgain(failure: Failure): Operation {
    const calls = this.op.step === 'call' ? this.op.calls + 1 : this.op.calls
    if (calls >= this.policy.readCalls || this.nowMs >= this.op.deadlineAtMs) return this.#fail(failure)
    return this.#change({
      step: 'call',
      callback: null,
      tries: 0,
      calls,
      dueAtMs: this.nowMs + Math.max(this.#intervalMs(calls - 1) / 2, failure.retryAfterMs ?? 0),
    })
  }

  /**
   * By a list that was read before and did not have it, unless its date says that others made it between that list and
   * our start; else by its date alone. A date before a list that did not have it comes from a clock that is wrong.
   */
  #isSurelyOurs(entry: Snapshot): boolean {
    const { before, createdAtMs } = this.op
    const dateMs = entry.created_at === null ? null : Date.parse(entry.created_at)
    const sinceMs = createdAtMs - CLOCK_SKEW_MS
    if (before)
      return !before.present && (dateMs === null || dateMs < before.atMs - CLOCK_SKEW_MS || dateMs >= sinceMs)
    return dateMs !== null && dateMs >= sinceMs && dateMs <= this.nowMs + CLOCK_SKEW_MS
  }

  /** The same step once more, not before `leastMs`. */
  #again(leastMs = 0): Operation {
    const { tries } = this.op
    return this.#change({
      tries: tries + 1,
      dueAtMs: this.nowMs + Math.max(leastMs, this.#intervalMs(tries)),
    })
  }

  /** Growing, jittered by a fifth, so that operations started together do not stay together. */
  #intervalMs(tries: number): number {
    const { checkMinMs, checkMaxMs } = this.policy
    return Math.min(checkMaxMs, checkMinMs * 1.6 ** Math.max(0, tries)) * (0.8 + 0.4 * this.random())
  }

  #succeed(result: unknown): Operation {
    return this.#end({ status: 'succeeded', result })
  }

  #fail(failure: Failure): Operation {
    return this.#end({ status: 'failed', failure })
  }

  #unknown(detail: string): Operation {
    return this.#end({
      status: 'unknown',
      failure: { code: 'outcome-unknown', detail: `${detail} ${whatToCheck(this.op)}` },
    })
  }

  #end(end: Pick<Operation, 'status'> & Partial<Operation>): Operation {
    return this.#change({
      ...end,
      step: null,
      callback: null,
      dueAtMs: null,
      lookUntilMs: null,
      finishedAtMs: this.nowMs,
    })
  }

  #change(change: Partial<Operation>): Operation {
    // Another look at the same thing is no news: `updatedAtMs` moves with the step and the status.
    const moved = change.status !== undefined || change.step !== undefined
    return {
      ...this.op,
      ...change,
      rev: this.op.rev + 1,
      updatedAtMs: moved ? this.nowMs : this.op.updatedAtMs,
    }
  }
}

/** The longest that HOSTKEY's own `Retry-After` is honoured. */
const MAX_RETRY_AFTER_MS = 30_000

function later(retryAfterMs: number | undefined): Pick<Failure, 'retryAfterMs'> {
  return retryAfterMs === undefined ? {} : { retryAfterMs: Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) }
}

function failureOfUnsent({ reason, shedMs }: Unsent): Failure {
  return {
    code: 'upstream-unavailable',
    detail: `HOSTKEY could not be reached (${reason}); nothing was sent.`,
    ...later(shedMs),
  }
}

function failureOfLost({ cause, reason, retryAfterMs }: Lost): Failure {
  switch (cause) {
    case 'timeout':
      return { code: 'upstream-timeout', detail: 'HOSTKEY did not answer in time.' }
    case 'connection':
      return { code: 'upstream-unavailable', detail: `The connection to HOSTKEY broke (${reason}).` }
    case 'unavailable':
      return {
        code: 'upstream-unavailable',
        detail: `HOSTKEY says that it is not available (${reason}).`,
        ...later(retryAfterMs),
      }
    case 'invalid':
      return {
        code: 'upstream-invalid',
        detail: `The answer of HOSTKEY makes no sense (${reason}).`,
        ...later(retryAfterMs),
      }
  }
}

function whatToCheck(op: Operation): string {
  switch (op.kind) {
    case 'snapshot.create':
      return `List the snapshots of VM ${op.vmId} and compare the date of "${op.snapshot}" before you create it again.`
    case 'snapshot.delete':
      return `List the snapshots of VM ${op.vmId} before you delete "${op.snapshot}" again.`
    default:
      return `Look at the disk of VM ${op.vmId} before you restore "${op.snapshot}" again.`
  }
}

/** What a finished operation gives its readers, from the (redacted) scope of the upstream. */
function resultOf(op: Operation, scope: unknown, nowMs: number): unknown {
  const observed_at = new Date(nowMs).toISOString()
  switch (op.kind) {
    case 'snapshot.list': {
      const type = op.snapshotType ?? 'snapshot'
      return { vm_id: op.vmId, type, observed_at, snapshots: readSnapshots(scope, type), raw: scope }
    }
    case 'stats.load':
      return { vm_id: op.vmId, observed_at, stats: scope }
    default:
      return { settled_by: 'callback', raw: scope }
  }
}

/** The list of snapshots a list operation found, or null when its shape was not recognised. */
export interface SnapshotListResult {
  vm_id: number
  type: string
  observed_at: string
  snapshots: Snapshot[] | null
  raw: unknown
}
