/** The kinds of operations by name, and what each brings. Results are stored and shown as they are here. */

import type { ListedSnapshot } from '../hostkey.ts'

/** What the end of a change brings. */
export interface ChangeResult {
  /** HOSTKEY reported the end at the callback key, or a look at the VM's snapshots proved it. */
  settled_by: 'callback' | 'look'
  /** The names of snapshots that are known to be lost by a restore. */
  discarded?: readonly string[]
  raw: unknown
}

/** The snapshots of a VM. */
export interface SnapshotList {
  vm_id: number
  type: string
  observed_at: string
  /** Null when the shape of HOSTKEY's answer was not recognised. */
  snapshots: ListedSnapshot[] | null
  raw: unknown
}

/** The load of a VM. */
export interface Stats {
  vm_id: number
  observed_at: string
  stats: unknown
}

/** What each kind gives its readers once it succeeded, as it is stored and shown. */
export interface Results {
  'snapshot.create': ChangeResult
  'snapshot.delete': ChangeResult
  'snapshot.restore': ChangeResult
  'snapshot.list': SnapshotList
  'stats.load': Stats
}

export type Kind = keyof Results
/** The kinds that change their VM. They hold it while they run. */
export type ChangeKind = { [K in Kind]: Results[K] extends ChangeResult ? K : never }[Kind]
/** The kinds that only read. HOSTKEY may be asked for them again. */
export type ReadKind = Exclude<Kind, ChangeKind>
