/** The message that tells the receiver of a caller that one of its operations has ended. */

import { Type, type Static } from 'typebox'
import type { Ended } from '../../operations/operation.ts'
import { ref, Time, VmId } from './common.ts'
import { Kind, OperationId, operationPath, ResourcePath, resourcePath, SelfPath } from './operation.ts'

export const END_EXAMPLE = {
  type: 'operation.ended',
  timestamp: '2026-11-24T10:15:41.870Z',
  data: {
    id: 'op_01kaw3v8s0q6m2c5d7e9f1g3h5',
    self: '/operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5',
    resource: '/vms/1000/snapshots/before-upgrade',
    kind: 'snapshot.create',
    vm_id: 1000,
    status: 'succeeded',
  },
}

export const OperationEnded = Type.Object(
  {
    type: Type.Unsafe<'operation.ended'>({
      type: 'string',
      enum: ['operation.ended'],
      description: 'What the message tells. A receiver passes over types that it does not know.',
    }),
    timestamp: Type.String({
      ...Time,
      description: 'When the operation ended: RFC 3339, UTC, with milliseconds.',
    }),
    data: Type.Object(
      {
        id: OperationId,
        self: SelfPath,
        resource: ResourcePath,
        kind: ref(Kind),
        vm_id: VmId,
        status: Type.Unsafe<Ended['status']>({
          type: 'string',
          enum: ['succeeded', 'failed', 'unknown'],
          description: 'How it ended. What it brought, or why it failed, is told by the operation itself.',
        }),
      },
      { description: 'Which operation it was.' },
    ),
  },
  {
    $id: 'OperationEnded',
    description: 'What is sent when an operation has ended.',
    examples: [END_EXAMPLE],
  },
)

/** The message of an end, as it is sent; the same for each attempt. */
export function presentEnd(operation: Ended, basePath: string): Static<typeof OperationEnded> {
  const { id, kind, vmId, status, finishedAtMs } = operation
  return {
    type: 'operation.ended',
    timestamp: new Date(finishedAtMs).toISOString(),
    data: {
      id,
      self: operationPath(id, basePath),
      resource: resourcePath(operation, basePath),
      kind,
      vm_id: vmId,
      status,
    },
  }
}
