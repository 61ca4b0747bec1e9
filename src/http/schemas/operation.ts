import { Type, type Static } from 'typebox'
import { callerName } from '../../callers/caller.ts'
import { OPERATION_ID } from '../../operations/id.ts'
import type { Kind } from '../../operations/kinds/kind.ts'
import { KIND_NAMES } from '../../operations/kinds/kinds.ts'
import type { Operation as StoredOperation, Status } from '../../operations/operation.ts'
import { problemBody } from '../problem.ts'
import { nullable, Time, VmId } from './common.ts'
import type { Problem } from './problem.ts'

const STATUSES: Status[] = ['running', 'succeeded', 'failed', 'unknown']

const Kind = Type.Unsafe<Kind>({
  type: 'string',
  enum: KIND_NAMES,
  description: 'What the operation does.',
  examples: ['snapshot.create'],
})
const Status = Type.Unsafe<Status>({
  type: 'string',
  enum: STATUSES,
  description:
    '`running`, then one of the others for good. `unknown` means: it may have happened, and neither HOSTKEY nor a look at the VM could tell.',
  examples: ['succeeded'],
})
const OperationId = Type.String({
  pattern: OPERATION_ID.source,
  maxLength: 29,
  description: 'Opaque, and larger than the id of every older operation.',
  examples: ['op_01kaw3v8s0q6m2c5d7e9f1g3h5'],
})

const nullableName = (description: string): ReturnType<typeof nullable> =>
  nullable(Type.String({ pattern: '^[A-Za-z0-9_.-]+$', maxLength: 255 }), { description })

export const Operation = Type.Object(
  {
    id: OperationId,
    self: Type.String({
      format: 'uri-reference',
      maxLength: 300,
      description: 'The path of this operation.',
      examples: ['/operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5'],
    }),
    kind: Kind,
    vm_id: VmId,
    snapshot: nullableName('The name of the snapshot, where the operation is about one.'),
    snapshot_type: nullableName('The type of the snapshot, where the operation is about snapshots.'),
    status: Status,
    created_at: Time,
    updated_at: Time,
    finished_at: nullable(Time, { description: 'When it ended; null while it runs.' }),
    created_by: Type.String({
      maxLength: 300,
      description: 'The name of the caller who started it.',
      examples: ['backup-scheduler'],
    }),
    result: Type.Unsafe<unknown>({
      description:
        "What it brought, once it succeeded: a SnapshotList (`snapshot.list`), Stats (`stats.load`), or for a change `{settled_by, raw}`, where `settled_by` is `callback` when HOSTKEY reported the end and `look` when the VM's snapshots proved it.",
    }),
    error: Type.Unsafe<unknown>({
      description:
        'A Problem: `operation-failed` when it failed, `outcome-unknown` when nobody can tell. Else null.',
      anyOf: [{ $ref: 'Problem#' }, { type: 'null' }],
    }),
  },
  {
    $id: 'Operation',
    description:
      'Something that takes time at HOSTKEY. It is on disk before you hear of it, and never changes again once it ended.',
    examples: [
      {
        id: 'op_01kaw3v8s0q6m2c5d7e9f1g3h5',
        self: '/operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5',
        kind: 'snapshot.create',
        vm_id: 1000,
        snapshot: 'before-upgrade',
        snapshot_type: 'snapshot',
        status: 'succeeded',
        created_at: '2026-11-24T10:15:30.123Z',
        updated_at: '2026-11-24T10:15:41.870Z',
        finished_at: '2026-11-24T10:15:41.870Z',
        created_by: 'backup-scheduler',
        result: { settled_by: 'callback', raw: 'snapshot created' },
        error: null,
      },
    ],
  },
)

export const OperationList = Type.Object(
  {
    operations: Type.Array(Type.Unsafe<Static<typeof Operation>>({ $ref: 'Operation#' }), {
      maxItems: 100,
      description: 'Newest first.',
    }),
    next_cursor: nullable(Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: 100 }), {
      description: 'Give it as `cursor` for the next page; null on the last one.',
    }),
  },
  {
    $id: 'OperationList',
    description: 'A page of operations.',
    examples: [{ operations: [], next_cursor: null }],
  },
)

export const OperationParams = Type.Object({
  // Any text: an id that cannot exist is as unknown as one that does not.
  operation_id: Type.String({
    minLength: 1,
    maxLength: 200,
    description: 'The id of the operation.',
    examples: ['op_01kaw3v8s0q6m2c5d7e9f1g3h5'],
  }),
})

export const EventHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({
      pattern: '^[ -~]*$',
      maxLength: 200,
      description: 'The `id` of the last event that arrived; an `EventSource` sends it by itself.',
      examples: ['3'],
    }),
  ),
})

export const OperationsQuery = Type.Object({
  vm_id: Type.Optional(VmId),
  kind: Type.Optional(Kind),
  status: Type.Optional(Status),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 20,
      format: 'int32',
      description: 'How many a page holds.',
      examples: [20],
    }),
  ),
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      pattern: '^[A-Za-z0-9_-]+$',
      description: 'The `next_cursor` of the page before.',
    }),
  ),
})

const iso = (ms: number): string => new Date(ms).toISOString()

export function operationPath(id: string, basePath: string): string {
  return `${basePath}/operations/${id}`
}

/** The public form of a stored operation: everything but its callback key and its bookkeeping. */
export function presentOperation(op: StoredOperation, basePath: string): Static<typeof Operation> {
  return {
    id: op.id,
    self: operationPath(op.id, basePath),
    kind: op.kind,
    vm_id: op.vmId,
    snapshot: op.snapshot,
    snapshot_type: op.snapshotType,
    status: op.status,
    created_at: iso(op.createdAtMs),
    updated_at: iso(op.updatedAtMs),
    finished_at: op.finishedAtMs === null ? null : iso(op.finishedAtMs),
    created_by: callerName(op.createdBy),
    result: op.result,
    error: errorOf(op, basePath),
  }
}

function errorOf(op: StoredOperation, basePath: string): Static<typeof Problem> | null {
  if (!op.failure) return null
  const code = op.status === 'unknown' ? 'outcome-unknown' : 'operation-failed'
  return problemBody(
    code,
    op.failure.detail,
    op.id,
    basePath,
    op.failure.upstream ? { upstream: op.failure.upstream } : {},
  )
}
