/**
 * The port to where operations live. `store/` implements it. Every method is one atomic, durable step: when its promise
 * resolves, what it says is on disk. Stores are judged by one contract suite (`test/store/store-contract.ts`).
 */

import type { Kind } from './kinds/kind.ts'
import type { Ended, Operation, Running, Status, Webhook } from './operation.ts'

// What stores need to know of an operation.
export type { Kind } from './kinds/kind.ts'
export { mutates } from './kinds/kinds.ts'
export type { Ended, Operation, Running, Webhook } from './operation.ts'
export { stopwatch } from './stopwatch.ts'

/** An idempotency key as its owner sent it, and what it was sent with. */
export interface IdempotencyKey {
  caller: string
  key: string
  /** Digest of method, path and canonical body. */
  fingerprint: string
  expiresAtMs: number
}

/** Whether a new operation was let in. */
export type Admission =
  /** The operation is stored, holds its VM if it changes it, and the key (if any) points at it. */
  | { kind: 'started' }
  /** The key is known with the same request. `inProgress`: the first one is still being accepted. */
  | { kind: 'replay'; operation: Operation; inProgress: boolean }
  /** The key is known with another request. */
  | { kind: 'reused' }
  /** Another change holds the VM. */
  | { kind: 'busy'; operation: Operation }

export interface ListQuery {
  /** Which operations the caller may see: of these VMs, and of these kinds or started by this caller. */
  visible: { vmIds: readonly number[] | '*'; kinds: readonly Kind[]; createdBy: string }
  vmId?: number
  kind?: Kind
  status?: Status
  limit: number
  /** Results are not needed: a store may leave them out (null), since they may be large. */
  withoutResults?: boolean
  /** Only operations older than this id; it may be the beginning of one. */
  olderThan?: string
  /** Only operations newer than this id; it may be the beginning of one. */
  newerThan?: string
}

/** A page of a list; `cutAt` when looking ended before it was full: the next page begins after this id. */
export type OperationPage = Operation[] & { cutAt?: string }

/** A message that somebody has a lease on, to deliver it: that of the end of this operation, whose result is left out. */
export interface Delivery {
  operation: Ended & { webhook: Webhook }
  /** Names the lease. */
  lease: number
}

/**
 * The messages that tell of ends. Each lies in the row of its operation, and came there in the step that ended it, due at
 * once. What becomes of it changes nothing else of the operation, and tells nobody of a change.
 */
export interface Outbox {
  /**
   * Takes leases on messages that are due, for each of these callers up to `limit`, soonest first: nobody else gets them for `leaseMs`.
   * Their ends are durable, and whoever asks any process for such an operation sees that it has ended.
   */
  claim(
    nowMs: number,
    leaseMs: number,
    places: readonly { caller: string; limit: number }[],
  ): Promise<Delivery[]>
  /** The same with those that have been due since before this time: nobody knows a receiver for them. */
  claimForsaken(dueBeforeMs: number, nowMs: number, leaseMs: number, limit: number): Promise<Delivery[]>
  /**
   * Writes what became of a message, and ends its lease. It is due again at `dueAtMs`; with null it is over. False, and
   * nothing written, when somebody else has taken a lease on it since.
   */
  save(delivery: Delivery, webhook: Webhook, dueAtMs: number | null): Promise<boolean>
  /** When the next message for each of these callers is due; callers without any are missing. */
  nextDue(callers: readonly string[]): Promise<ReadonlyMap<string, number>>
}

/** How busy a store behind connections is. */
export interface StoreLoad {
  used: number
  idle: number
  /** Who waits for a connection. */
  waiting: number
  /** Writes of a commit that nobody has confirmed. */
  inDoubt: number
}

export interface Store {
  readonly outbox: Outbox
  /** Set by a store that several processes share: a change event may get lost, so who waits looks again so often. */
  readonly relookMs?: number
  /**
   * Of a store that several processes share: whether an operation that this process began or claimed, at this revision,
   * is surely still its own, and will be for some time to come. A store without it takes nothing away within a lease.
   */
  isSurelyOwner?(operation: Pick<Operation, 'id' | 'rev'>): boolean
  /** Stores a new operation: replay and the hold of the VM are decided in the same step. */
  start(operation: Running, idempotency: IdempotencyKey | null, nowMs: number): Promise<Admission>
  /**
   * Writes a running operation's next revision. False, and nothing written, when the stored one is not the
   * revision before it: somebody else moved it, or it ended.
   */
  save(operation: Operation): Promise<boolean>
  /**
   * Forgets an operation that certainly never left, with its idempotency key and its hold. False, and nothing
   * forgotten, when the stored one is of another revision: somebody else took it over, and may have told of it.
   */
  discard(operation: Pick<Operation, 'id' | 'rev'>): Promise<boolean>
  get(id: string): Promise<Operation | undefined>
  /** Newest first. */
  list(query: ListQuery): Promise<OperationPage>
  /**
   * Takes a lease on running operations whose next step is due: nobody else gets them for `leaseMs`. The revision grows
   * with each lease, so that a process that overslept its own can no longer write. In a store of one process a lease
   * ends with the process. What was started by the callers in `except` is left for later.
   */
  claimDue(nowMs: number, leaseMs: number, limit: number, except?: ReadonlySet<string>): Promise<Running[]>
  /** When the next step of any running operation is due, but for those of the callers in `except`; or null. */
  nextDueAtMs(except?: ReadonlySet<string>): Promise<number | null>
  /** How many operations run, by kind; kinds without any may be missing. */
  running(): Promise<Partial<Record<Kind, number>>>
  /**
   * Removes up to `limit` operations that ended before the given time and whose message is not pending, and expired
   * idempotency keys. Returns how many went.
   */
  sweep(endedBeforeMs: number, nowMs: number, limit: number): Promise<number>
  /** Calls back after every durable change of an operation, from whichever process. Returns how to stop. */
  onChange(listener: (id: string) => void): () => void
  /** Of a store behind connections. */
  load?(): StoreLoad
  /** Rejects while the store cannot be read or written. Probes come often, so this is cheap. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** The store cannot be used now; nothing was written. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
  /** The store itself has told the log that it is away, and why. */
  readonly isTold: boolean

  constructor(message: string, { isTold = false, ...options }: ErrorOptions & { isTold?: boolean } = {}) {
    super(message, options)
    this.isTold = isTold
  }
}
