/** All kinds of operations. Whoever adds one adds it here, and the compiler names every part that it lacks. */

import type { Task } from '../hostkey.ts'
import type { Subject } from '../operation.ts'
import { CREATE, DELETE, RESTORE } from './changes.ts'
import type { Descriptor } from './descriptor.ts'
import type { Kind } from './kind.ts'
import { LIST, STATS } from './reads.ts'

export const KINDS: { readonly [K in Kind]: Descriptor<K> } = {
  'snapshot.create': CREATE,
  'snapshot.list': LIST,
  'snapshot.delete': DELETE,
  'snapshot.restore': RESTORE,
  'stats.load': STATS,
}

export const KIND_NAMES = Object.keys(KINDS) as readonly Kind[]

/** Whether an operation changes its VM: then it holds the VM while it runs. */
export function mutates({ kind }: { kind: Kind }): boolean {
  return KINDS[kind].change !== null
}

/** What HOSTKEY is asked for on behalf of an operation. */
export function taskOf({ kind, vmId, snapshot, snapshotType, backupId, createdBy }: Subject): Task {
  return {
    action: KINDS[kind].action,
    params: {
      id: vmId,
      ...(snapshot === null ? {} : { name: snapshot }),
      ...(snapshotType === null ? {} : { type: snapshotType }),
      ...(backupId === null ? {} : { backup_id: backupId }),
    },
    caller: createdBy,
  }
}
