/** The two kinds that only read a VM: its list of snapshots, and its stats. */

import type { Descriptor } from './descriptor.ts'

export const LIST: Descriptor<'snapshot.list'> = {
  action: 'get_snapshot',
  family: 'snapshots',
  result: ({ vmId, snapshotType }, { scope, snapshots }, observedAt) => ({
    vm_id: vmId,
    type: snapshotType ?? 'snapshot',
    observed_at: observedAt,
    snapshots,
    raw: scope,
  }),
  change: null,
}

export const STATS: Descriptor<'stats.load'> = {
  action: 'load_stats',
  family: 'stats',
  result: ({ vmId }, { scope }, observedAt) => ({ vm_id: vmId, observed_at: observedAt, stats: scope }),
  change: null,
}
