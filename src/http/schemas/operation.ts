import { Type, type Static, type TSchema } from 'typebox'
import { callerName } from '../../callers/caller.ts'
import { OPERATION_ID } from '../../operations/id.ts'
import type { Kind as KindName, SnapshotList as StoredList } from '../../operations/kinds/kind.ts'
import { KIND_NAMES } from '../../operations/kinds/kinds.ts'
import type {
  Operation as StoredOperation,
  Status as StatusName,
  Webhook as StoredWebhook,
} from '../../operations/operation.ts'
import { problemBody } from '../problem.ts'
import { AnyJson, DEFAULT_TYPE, nullable, nullableRef, ref, Time, VmId } from './common.ts'
import { Problem } from './problem.ts'
import { presentList, SnapshotList } from './snapshot.ts'
import { Stats } from './stats.ts'

const MESSAGE_STATES: StoredWebhook['state'][] = ['pending', 'delivered', 'stopped', 'given-up']

const STATUSES: StatusName[] = ['running', 'succeeded', 'failed', 'unknown']

export const Kind = Type.Unsafe<KindName>({
  $id: 'Kind',
  type: 'string',
  enum: KIND_NAMES,
  description: 'What an operation does.',
  examples: ['snapshot.create'],
})
export const Status = Type.Unsafe<StatusName>({
  $id: 'Status',
  type: 'string',
  enum: STATUSES,
  description:
    '`running`, then one of the others for good. `unknown` means: it may have happened, and neither HOSTKEY nor a look at the VM could tell.',
  examples: ['succeeded'],
})
export const OperationId = Type.String({
  pattern: OPERATION_ID.source,
  maxLength: 29,
  description: 'Opaque, and larger than the id of every older operation.',
  examples: ['op_01kaw3v8s0q6m2c5d7e9f1g3h5'],
})

export const SelfPath = Type.String({
  format: 'uri-reference',
  maxLength: 300,
  description: 'The path of this operation.',
  examples: ['/operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5'],
})
export const ResourcePath = Type.String({
  format: 'uri-reference',
  maxLength: 1000,
  description: 'The path of what the operation is about.',
  examples: ['/vms/1000/snapshots/before-upgrade'],
})

export const CallerName = Type.String({
  $id: 'CallerName',
  maxLength: 300,
  description: 'The name of a caller, as the operator gave it.',
  examples: ['backup-scheduler'],
})

const nullableName = (description: string): ReturnType<typeof nullable> =>
  nullable(Type.String({ pattern: '^[A-Za-z0-9_.-]+$', maxLength: 255 }), { description })

export const Webhook = Type.Object(
  {
    state: Type.Unsafe<StoredWebhook['state']>({
      type: 'string',
      enum: MESSAGE_STATES,
      description:
        '`pending` until the receiver answered with 2xx (`delivered`) or 410 (`stopped`), or it was tried for a day (`given-up`).',
    }),
    attempts: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      format: 'int32',
      description: 'How often it was sent; an attempt under way is not counted yet.',
    }),
    last_at: nullable(Time, { description: 'When the last attempt ended; null before the first one.' }),
  },
  {
    $id: 'Webhook',
    description:
      'The message that tells of the end. Only an operation that has ended shows it, and only when its caller is told of ends.',
    examples: [{ state: 'delivered', attempts: 1, last_at: '2026-11-24T10:15:41.990Z' }],
  },
)

export const ChangeResult = Type.Object(
  {
    settled_by: Type.Unsafe<'callback' | 'look'>({
      type: 'string',
      enum: ['callback', 'look'],
      description: "`callback`: HOSTKEY reported the end. `look`: the VM's snapshots proved it.",
    }),
    discarded: Type.Optional(
      Type.Array(Type.String({ maxLength: 1000 }), {
        maxItems: 100_000,
        description: 'Names of snapshots that are known to be lost by it.',
      }),
    ),
    raw: Type.Unsafe<unknown>({
      ...AnyJson,
      description: 'What HOSTKEY said, as it came; members named like secrets are left out.',
    }),
  },
  {
    $id: 'ChangeResult',
    description: 'What a change brings once it succeeded.',
    examples: [{ settled_by: 'callback', raw: 'snapshot created' }],
  },
)

/** What the schema of the operations of one kind has of its own: its name, what they bring, and what they are. */
type OfKind = readonly [$id: string, result: TSchema & { $id?: string }, what: string]

/** The schema of the operations of one kind; clients find the type of `result` by it. */
function operationOf(kind: KindName, [$id, result, what]: OfKind) {
  return Type.Object(
    {
      id: OperationId,
      self: SelfPath,
      resource: ResourcePath,
      kind: Type.Unsafe<KindName>({ type: 'string', enum: [kind], description: 'What the operation does.' }),
      vm_id: VmId,
      snapshot: nullableName('The name of the snapshot, where the operation is about one.'),
      snapshot_type: nullableName('The type of the snapshot, where the operation is about snapshots.'),
      status: ref(Status),
      created_at: Time,
      updated_at: Time,
      finished_at: nullable(Time, { description: 'When it ended; null while it runs.' }),
      created_by: ref(CallerName),
      result: nullableRef(result, 'What it brought, once it succeeded; else null.'),
      error: nullableRef(
        Problem,
        '`operation-failed` when it failed, `outcome-unknown` when nobody can tell; else null.',
      ),
      webhook: Type.Optional(ref(Webhook)),
    },
    { $id, description: what },
  )
}

/** The same in a list. */
function listedOf(kind: KindName, [$id, ...own]: OfKind) {
  const { result, ...properties } = operationOf(kind, [$id, ...own]).properties
  return Type.Object(
    { ...properties, result: Type.Optional(result) },
    {
      $id: `Listed${$id}`,
      description: `${own[1]} In a list: with \`include=result\` alone it has its result.`,
    },
  )
}

const BY_KIND: Record<KindName, OfKind> = {
  'snapshot.create': ['CreateOperation', ChangeResult, 'Takes a snapshot.'],
  'snapshot.list': ['ListOperation', SnapshotList, 'Reads the snapshots of a VM.'],
  'snapshot.delete': ['DeleteOperation', ChangeResult, 'Deletes a snapshot.'],
  'snapshot.restore': ['RestoreOperation', ChangeResult, 'Restores a VM from a snapshot.'],
  'stats.load': ['StatsOperation', Stats, 'Reads the load of a VM.'],
}

/** The schemas that `Operation` refers to. */
export const OPERATION_SCHEMAS = KIND_NAMES.map(kind => operationOf(kind, BY_KIND[kind]))
/** The schemas that `ListedOperation` refers to. */
export const LISTED_SCHEMAS = KIND_NAMES.map(kind => listedOf(kind, BY_KIND[kind]))

type PublicOperation = Static<(typeof OPERATION_SCHEMAS)[number]>
type PublicListed = Static<(typeof LISTED_SCHEMAS)[number]>

/** One of these, by its kind. */
function byKind(schemas: readonly (TSchema & { $id?: string })[]): object {
  return {
    oneOf: schemas.map(one => ref(one)),
    discriminator: {
      propertyName: 'kind',
      mapping: Object.fromEntries(
        KIND_NAMES.map((kind, at) => [kind, `#/components/schemas/${schemas[at]!.$id}`]),
      ),
    },
  }
}

export const Operation = Type.Unsafe<PublicOperation>({
  $id: 'Operation',
  description:
    'Something that takes time at HOSTKEY. It is on disk before you hear of it, and never changes again once it ended, but for its `webhook`. Its `kind` tells the type of its `result`.',
  ...byKind(OPERATION_SCHEMAS),
  examples: [
    {
      id: 'op_01kaw3v8s0q6m2c5d7e9f1g3h5',
      self: '/operations/op_01kaw3v8s0q6m2c5d7e9f1g3h5',
      resource: '/vms/1000/snapshots/before-upgrade',
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
})

export const OperationEvent = Type.Object(
  {
    event: Type.Unsafe<'operation'>({ type: 'string', enum: ['operation'], description: 'What happened.' }),
    id: Type.String({
      pattern: '^[1-9][0-9]*$',
      maxLength: 20,
      description:
        'The revision of the operation; an `EventSource` that comes back sends it as `Last-Event-ID`.',
      examples: ['3'],
    }),
    data: ref(Operation),
  },
  {
    $id: 'OperationEvent',
    description:
      'An event of the stream of an operation, as a client reads it (WHATWG HTML, section 9.2): `data`, which is JSON in one line, is the operation as it is then. Comments between events keep the stream open.',
  },
)

export const ListedOperation = Type.Unsafe<PublicListed>({
  $id: 'ListedOperation',
  description:
    'An operation in a list: `result` is there with `include=result` alone, since results may be large.',
  ...byKind(LISTED_SCHEMAS),
})

export const OperationList = Type.Object(
  {
    operations: Type.Array(ref(ListedOperation), {
      maxItems: 100,
      description: 'Newest first. There may be fewer than asked for, and none, before the last page.',
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

const Moment = (description: string) =>
  Type.String({
    format: 'date-time',
    maxLength: 40,
    description,
    examples: ['2026-11-24T10:15:30Z'],
  })

export const EventHeaders = Type.Object({
  'Last-Event-ID': Type.Optional(
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
  kind: Type.Optional(ref(Kind)),
  status: Type.Optional(ref(Status)),
  created_after: Type.Optional(Moment('Only operations that were created after this.')),
  created_before: Type.Optional(Moment('Only operations that were created before this.')),
  include: Type.Optional(
    Type.Unsafe<'result'>({
      type: 'string',
      enum: ['result'],
      description: '`result` puts the results in, too; without it see each operation for its own.',
    }),
  ),
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

/** The path of what an operation is about. A type of snapshots other than the usual one stands in its query. */
export function resourcePath(
  { kind, vmId, snapshot, snapshotType }: StoredOperation,
  basePath: string,
): string {
  const vm = `${basePath}/vms/${vmId}`
  if (kind === 'stats.load') return `${vm}/stats`
  const query = snapshotType === null || snapshotType === DEFAULT_TYPE ? '' : `?type=${snapshotType}`
  return `${vm}/snapshots${snapshot === null ? '' : `/${snapshot}`}${query}`
}

/** The public form of a stored operation: everything but its callback key and its bookkeeping. */
export function presentOperation(op: StoredOperation, basePath: string): PublicOperation {
  return {
    id: op.id,
    self: operationPath(op.id, basePath),
    resource: resourcePath(op, basePath),
    kind: op.kind,
    vm_id: op.vmId,
    snapshot: op.snapshot,
    snapshot_type: op.snapshotType,
    status: op.status,
    created_at: iso(op.createdAtMs),
    updated_at: iso(op.updatedAtMs),
    finished_at: op.finishedAtMs === null ? null : iso(op.finishedAtMs),
    created_by: callerName(op.createdBy),
    result: resultOf(op),
    error: errorOf(op, basePath),
    ...(op.webhook && { webhook: presentWebhook(op.webhook) }),
  }
}

function presentWebhook({ state, attempts, lastAtMs }: StoredWebhook): Static<typeof Webhook> {
  return { state, attempts, last_at: lastAtMs === null ? null : iso(lastAtMs) }
}

/** The result as callers see it. */
function resultOf({ kind, result }: StoredOperation): unknown {
  return kind === 'snapshot.list' && result ? presentList(result as StoredList) : result
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
