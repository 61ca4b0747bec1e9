/** An operation as it is stored: something that takes time at HOSTKEY. Times are milliseconds since the epoch. */

import type { Failure } from './failure.ts'
import type { Kind, Results } from './kinds/kind.ts'

export type Status = 'running' | 'succeeded' | 'failed' | 'unknown'

/**
 * What a running operation needs next. `call`: the action itself (for a change: it may be under way, and is never made
 * again); `check`: its callback key; `look`: a list of the VM's snapshots, since only they can tell any more.
 */
export type Step = 'call' | 'check' | 'look'

/** What a list of the VM's snapshots, read before the change, knew of the snapshot, and when it was asked for. */
export interface Evidence {
  present: boolean
  atMs: number
  /** The names of the snapshots that are newer, which a restore discards; missing when their order cannot be told. */
  newer?: readonly string[]
}

/** What an operation is about; this never changes. */
export interface Subject<K extends Kind = Kind> {
  id: string
  kind: K
  vmId: number
  snapshot: string | null
  snapshotType: string | null
  backupId: string | null
  /** The id of the caller who asked for it. */
  createdBy: string
  /** The id of the request that asked for a change. */
  requestId?: string
  /** Where it belongs to in a trace: that trace, the span that it is, and the span of the request that began it. */
  trace?: { id: string; span: string; parent: string }
  createdAtMs: number
  evidence: Evidence | null
}

/** What became of the message that tells of an operation's end. */
export interface Webhook {
  /** `stopped`: its receiver wants it no more. `given-up`: it was tried for long enough. */
  state: 'pending' | 'delivered' | 'stopped' | 'given-up'
  /** How often it was sent, without the one that is under way. */
  attempts: number
  lastAtMs: number | null
}

interface Bookkeeping {
  /** Grows by one with each change; the store refuses a change that is based on an older revision. */
  rev: number
  /** When its status or its step changed last. */
  updatedAtMs: number
  /** How often this step was tried; it paces the next try. */
  tries: number
  /** How often a read was asked. */
  calls: number
  /** Whether a check has found the callback key alive. */
  isKeySeen: boolean
  /** Until when its callback key is waited for. */
  deadlineAtMs: number
  /** Of the message that tells of its end; only an ended operation has one, and only when its caller is told of ends. */
  webhook?: Webhook
}

/** The step of a running operation, with what that step needs. A callback key is a secret. */
export type StepState =
  | { step: 'call'; callback: null; lookUntilMs: null }
  | { step: 'check'; callback: string; lookUntilMs: null }
  /** Looking makes sense until `lookUntilMs`. */
  | { step: 'look'; callback: null; lookUntilMs: number }

export type Running<K extends Kind = Kind> = Subject<K> &
  Bookkeeping &
  StepState & {
    status: 'running'
    /** When the next step is due, or until when somebody has a lease on the operation to make it. */
    dueAtMs: number
    finishedAtMs: null
    result: null
    failure: null
  }

interface Over {
  step: null
  callback: null
  lookUntilMs: null
  dueAtMs: null
  finishedAtMs: number
}

export type Succeeded<K extends Kind = Kind> = Subject<K> &
  Bookkeeping &
  Over & { status: 'succeeded'; result: Results[K]; failure: null }

/** `unknown`: it may have happened, and neither the callback key nor a look at the VM could tell. */
export type Unsuccessful<K extends Kind = Kind> = Subject<K> &
  Bookkeeping &
  Over & { status: 'failed' | 'unknown'; result: null; failure: Failure }

export type Ended<K extends Kind = Kind> = Succeeded<K> | Unsuccessful<K>

export type Operation<K extends Kind = Kind> = Running<K> | Ended<K>

/** Whether the operation has ended; then it never changes again. */
export function hasEnded<K extends Kind>(operation: Operation<K>): operation is Ended<K> {
  return operation.status !== 'running'
}

/** What is asked for; the rest of an operation follows from the time. */
export type Draft<K extends Kind = Kind> = Omit<Subject<K>, 'createdAtMs'>

/** A new operation whose call is about to be made by whoever has a lease on it until `leasedUntilMs`. */
export function newOperation<K extends Kind>(
  draft: Draft<K>,
  nowMs: number,
  leasedUntilMs: number,
  policy: { deadlineMs: number },
): Running<K> {
  return {
    ...draft,
    rev: 1,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    finishedAtMs: null,
    status: 'running',
    step: 'call',
    callback: null,
    dueAtMs: leasedUntilMs,
    tries: 0,
    calls: 0,
    isKeySeen: false,
    deadlineAtMs: nowMs + policy.deadlineMs,
    lookUntilMs: null,
    result: null,
    failure: null,
  }
}
