/**
 * A process may sleep between its intent and its call: a login is slow, the machine is suspended, somebody stops it. By
 * then its operation may be somebody else's, who has ended it, and the VM another one's. So a call leaves only while the
 * operation is surely still its own.
 */

import type { EngineParts } from './engine.ts'
import type { MayLeave } from './hostkey.ts'
import type { Running } from './operation.ts'
import { stopwatch } from './stopwatch.ts'

/**
 * Whether a call for this operation may leave; made before the operation is stored, or with the time since before it was
 * claimed. Half of the lease is room for what nobody can see: that the process is stopped between the answer and the
 * socket, or that two clocks differ.
 */
export function ownership(
  { store, world, leaseMs }: Pick<EngineParts, 'store' | 'world' | 'leaseMs'>,
  operation: Pick<Running, 'id' | 'rev'>,
  tookMs = stopwatch(world),
): MayLeave {
  return () => tookMs() < leaseMs / 2 && store.isSurelyOwner?.(operation) !== false
}
