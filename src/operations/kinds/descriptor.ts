/** What a kind of operation is described by. A kind that lacks a part does not compile (test/operations/kinds.test.ts). */

import type { ActionName, Done, ListedSnapshot } from '../hostkey.ts'
import type { Subject } from '../operation.ts'
import type { ChangeResult, Kind, Results } from './kind.ts'

export interface Descriptor<K extends Kind> {
  /** What HOSTKEY is asked to do. */
  readonly action: ActionName
  /** Callers with any scope of this family may see operations of the kind. */
  readonly family: 'snapshots' | 'stats'
  /** The result, from what HOSTKEY told at `observedAt` (RFC 3339). */
  result(subject: Subject, done: Done, observedAt: string): Results[K]
  /** What only changes have. A read has none: it is asked again instead of being settled. */
  readonly change: Results[K] extends ChangeResult ? Change : null
}

export interface Change {
  /** How a look at the VM settles a change of which nobody knows whether it happened, or what is said where none can. */
  readonly settledBy: Look | { readonly nothing: string }
  /** What people are told to check before they ask for the change again, when it ended as unknown. */
  advice(subject: Subject): string
}

/** What a list of the VM's snapshots proves of a change. */
export interface Look {
  /** Null when a later look may tell more. */
  settle(subject: Subject, snapshots: readonly ListedSnapshot[], nowMs: number): Settlement | null
  /** What is said when the last look still proved nothing. */
  readonly stillOpen: string
}

export type Settlement =
  | { kind: 'happened'; raw: unknown }
  /** No later look will tell more. */
  | { kind: 'unknowable'; detail: string }
