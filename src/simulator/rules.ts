import type { LedgerEntry, Snapshot, VmState } from './cloud.ts'

/** What the vendor's guide says of snapshots, each off when not given. */
export interface SnapshotRules {
  /** The most snapshots of one type that a VM can have. */
  snapshotLimit?: number
  /** At the limit a create replaces the oldest snapshot instead of being refused. */
  rotates?: boolean
  /** A restore deletes, for good, every snapshot of the type that is newer than the one restored. */
  restoreDiscardsNewer?: boolean
  /** A restore, like a delete, is refused while the VM is powered on. */
  restoreWantsPowerOff?: boolean
  /** A create of a name that exists makes another snapshot of that name. */
  allowsTwins?: boolean
  /** Lists show a `state`, and with it snapshots that are being made, and those whose making failed. */
  showsUnfinished?: boolean
}

/** HOSTKEY as its guide describes it. */
export const GUIDE: SnapshotRules = {
  snapshotLimit: 4,
  restoreDiscardsNewer: true,
  restoreWantsPowerOff: true,
}

export const isNamed = (snapshot: Snapshot, entry: LedgerEntry): boolean =>
  snapshot.name === entry.name && snapshot.type === entry.type

const isNewer = (one: Snapshot, other: Snapshot) =>
  one.date === other.date ? one.snapshot_id > other.snapshot_id : one.date > other.date

/** What is wrong with the fields themselves. The raw id is looked at: `Number` would take `1e3` for 1000. */
export function invalid({ name, type }: LedgerEntry, { id = '' }: Record<string, string>): string | null {
  if (!/^[1-9]\d{0,9}$/.test(id)) return 'invalid id'
  if (name !== null && !/^[\w.-]{1,255}$/.test(name)) return 'invalid name'
  if (type !== null && !/^[\w.-]{1,64}$/.test(type)) return 'invalid type'
  return null
}

/** What stands in the way of the action on the VM as it is now. */
export function obstacle(entry: LedgerEntry, vm: VmState | undefined, rules: SnapshotRules): string | null {
  const { action, name } = entry
  if (!vm) return 'server not found'
  if (name === null) return null
  const exists = vm.snapshots.some(snapshot => isNamed(snapshot, entry))
  if (action === 'create_snapshot') {
    if (exists && !rules.allowsTwins) return `snapshot ${name} already exists`
    const { snapshotLimit = Infinity, rotates } = rules
    const full = ofType(vm, entry).length >= snapshotLimit
    return full && !rotates ? `maximum number of snapshots reached (${snapshotLimit})` : null
  }
  const wantsPowerOff = action === 'remove_snapshot' || rules.restoreWantsPowerOff === true
  if (wantsPowerOff && vm.power === 'on') return 'server must be powered off'
  return exists ? null : `snapshot ${name} not found`
}

/** The snapshots that are lost for good, beside what was asked for, when the action is carried out now. */
export function discardedBy(entry: LedgerEntry, vm: VmState, rules: SnapshotRules): Snapshot[] {
  const { snapshotLimit = Infinity, rotates, restoreDiscardsNewer } = rules
  const snapshots = ofType(vm, entry).toSorted((one, other) => (isNewer(one, other) ? 1 : -1))
  if (entry.action === 'create_snapshot' && rotates) {
    return snapshots.slice(0, Math.max(0, snapshots.length + 1 - snapshotLimit))
  }
  if (entry.action !== 'restore_snapshot' || !restoreDiscardsNewer) return []
  // Of two of one name it is the newer that is restored.
  return snapshots.slice(snapshots.findLastIndex(snapshot => isNamed(snapshot, entry)) + 1)
}

const ofType = ({ snapshots }: VmState, { type }: LedgerEntry) =>
  snapshots.filter(snapshot => snapshot.type === type)
