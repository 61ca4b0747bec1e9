/**
 * The port to HOSTKEY: what the core asks of it, and what it may be told. `upstream/` implements it. Outcomes are values;
 * an exception from behind this port is a bug.
 */

export type ActionName =
  'create_snapshot' | 'get_snapshot' | 'load_stats' | 'remove_snapshot' | 'restore_snapshot'

/** Parameters of any action, under HOSTKEY's own names; an action is sent only those that it takes. */
export interface ActionParams {
  id: number
  name?: string
  type?: string
  backup_id?: string
}

/** What HOSTKEY is asked to do. */
export interface Task {
  readonly action: ActionName
  readonly params: ActionParams
  /** The id of the caller on whose behalf it is: callers share what HOSTKEY takes. */
  readonly caller: string
}

/** A snapshot as HOSTKEY lists it. */
export interface Snapshot {
  name: string
  /** HOSTKEY's own id as text, or null. */
  id: string | null
  type: string
  /** RFC 3339 UTC, or null when HOSTKEY gave no date that can be read. */
  created_at: string | null
  /** HOSTKEY's entry as it came, without its secrets. */
  raw: unknown
}

/** A snapshot with what a look needs to know of its entry, and callers do not. */
export interface ListedSnapshot extends Snapshot {
  /** False while HOSTKEY's entry says that it is being made, and when that failed. */
  isPresent: boolean
  /** Whether `created_at` is that very moment: HOSTKEY's date carries its zone, or the operator has told it. */
  isDateCertain: boolean
}

/** Why HOSTKEY refused a task, or why a task that it accepted failed, as far as its words tell. */
export type RefusalReason =
  /** For a reason that the dialect does not know. */
  | 'rejected'
  /** The state of the VM does not allow it. */
  | 'conflict'
  | 'vm-missing'
  | 'snapshot-missing'
  /** Too many requests: this says nothing of the task itself. */
  | 'throttled'

/** The call left, and nobody can tell what became of it; of a check, whether its key was burned. */
export interface Lost {
  kind: 'lost'
  reason: string
  /**
   * `timeout`: no whole answer came in time; `connection`: it broke; `invalid`: the answer is no use; `unavailable`: so it
   * is, and its HTTP status (429, 503) says that HOSTKEY takes no requests for now.
   */
  cause: 'timeout' | 'connection' | 'invalid' | 'unavailable'
  /** What HOSTKEY asked for by `Retry-After`, in milliseconds. */
  retryAfterMs?: number
}

/** The call certainly did not leave the gateway. */
export interface Unsent {
  kind: 'unsent'
  reason: string
  /** Set when the gateway itself held the call back: HOSTKEY fails too often, or too many calls wait. Then when to come back. */
  shedMs?: number
  /** Set when its turn came too late: somebody else may have the operation by then. That tells nothing of HOSTKEY. */
  isLate?: true
}

/** HOSTKEY did it. */
export interface Done {
  kind: 'done'
  /** What HOSTKEY gave, without secrets. */
  scope: unknown
  /** The snapshots in the scope of a list, or null when its shape is not recognised; null for every other action. */
  snapshots: ListedSnapshot[] | null
  /** Set when it came in a large answer, which nobody should keep in memory. */
  isLarge?: true
}

export interface Refused {
  kind: 'refused'
  reason: RefusalReason
  code: string
  message: string
  retryAfterMs?: number
}

/** What became of a call. */
export type CallOutcome =
  | { kind: 'accepted'; callback: string }
  | Done
  | Refused
  /** HOSTKEY refuses the gateway's own credentials, also after one renewal. */
  | { kind: 'unauthorized'; message: string }
  | Lost
  | Unsent

/** What a callback key told. */
export type CheckOutcome =
  | { kind: 'pending' }
  | Done
  | { kind: 'failed'; reason: RefusalReason; code: string; message: string }
  /** HOSTKEY does not know the key: it was never issued, was read already, or is lost. */
  | { kind: 'gone' }
  | Lost
  | Unsent

/** Asked just before a request is written to its socket, and before each other one of the same call: no means that none is sent. */
export type MayLeave = () => boolean

export interface Hostkey {
  /** Asks for a task. A change is sent at most once by one call of this. */
  call(task: Task, signal?: AbortSignal, mayLeave?: MayLeave): Promise<CallOutcome>
  /** Reads, and so burns, the result of the task that this callback key belongs to. */
  check(callback: string, task: Task, signal?: AbortSignal, mayLeave?: MayLeave): Promise<CheckOutcome>
  /** For how long calls are held back because HOSTKEY fails, in milliseconds; 0 when they may be made. */
  pausedMs(): number
  /** Whether a caller has all the places that one may have: whatever else is asked on its behalf has to wait. */
  isAtLimit(caller: string): boolean
}
