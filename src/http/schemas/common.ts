/** What the schemas share: references by name, and the inputs of more than one route. */

import { Type, type Static, type TSchema } from 'typebox'
import { MAX_VM_ID } from '../../callers/caller.ts'

/** A reference to a component schema, typed as what it refers to. */
export function ref<T extends TSchema & { $id?: string }>(
  schema: T,
): ReturnType<typeof Type.Unsafe<Static<T>>> {
  return Type.Unsafe<Static<T>>({ $ref: `${schema.$id}#` })
}

/** `T`, or null. */
export function nullable<T extends TSchema>(
  schema: T,
  options: object = {},
): ReturnType<typeof Type.Unsafe<Static<T> | null>> {
  const { type, ...rest } = schema as unknown as { type: string }
  return Type.Unsafe<Static<T> | null>({ ...rest, type: [type, 'null'], ...options })
}

/** What the component is, or null. */
export function nullableRef<T extends TSchema & { $id?: string }>(
  schema: T,
  description: string,
): ReturnType<typeof Type.Unsafe<Static<T> | null>> {
  return Type.Unsafe<Static<T> | null>({ description, anyOf: [ref(schema), { type: 'null' }] })
}

export const Time = Type.String({
  format: 'date-time',
  description: 'RFC 3339, UTC, with milliseconds.',
  maxLength: 24,
  examples: ['2026-11-24T10:15:30.123Z'],
})

/** Any JSON of the upstream. */
export const AnyJson = Type.Unsafe<unknown>({})

export const VmId = Type.Integer({
  minimum: 1,
  maximum: MAX_VM_ID,
  format: 'int32',
  description: 'The id of the virtual machine at HOSTKEY.',
  examples: [1000],
})

export const SnapshotName = Type.String({
  minLength: 1,
  maxLength: 255,
  // Not `.` or `..`, which no URL path can carry: three dots or more, or something that is no dot. Go and others know no lookahead.
  pattern: '^(\\.{3,}|\\.*[A-Za-z0-9_-][A-Za-z0-9_.-]*)$',
  description: 'The name of the snapshot: letters, digits, `_`, `.` and `-`, but not `.` or `..`.',
  examples: ['before-upgrade'],
})

/** The type of snapshots that HOSTKEY means when none is given. */
export const DEFAULT_TYPE = 'snapshot'

export const SnapshotType = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '^[A-Za-z0-9_.-]+$',
  default: DEFAULT_TYPE,
  description: 'The kind of snapshot at HOSTKEY.',
  examples: ['snapshot'],
})

export const VmParams = Type.Object({ vm_id: VmId })
export const SnapshotParams = Type.Object({ vm_id: VmId, name: SnapshotName })
export const TypeQuery = Type.Object({ type: Type.Optional(SnapshotType) })
export const SnapshotQuery = Type.Object({
  type: Type.Optional(SnapshotType),
  id: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[!-~]+$',
      description: "HOSTKEY's own id of the snapshot, to pick one of two that have the same name.",
      examples: ['501'],
    }),
  ),
})

const HEADER_TEXT = '^[ -~]*$'

const prefer = Type.String({
  pattern: HEADER_TEXT,
  maxLength: 200,
  description:
    '`wait=N` holds the answer until the operation ends or N seconds pass (RFC 7240; the gateway caps N); `respond-async` answers at once.',
  examples: ['wait=10'],
})

/** Headers are described for the document; the code that reads them judges them, since several must not be refused. */
const ifNoneMatch = Type.String({
  pattern: HEADER_TEXT,
  maxLength: 1000,
  description:
    'The `ETag` of an answer that you have: as long as it still holds, the answer is a 304 without a body.',
})
export const TagHeaders = Type.Object({ 'If-None-Match': Type.Optional(ifNoneMatch) })
export const OperationHeaders = Type.Object({
  Prefer: Type.Optional(prefer),
  'If-None-Match': Type.Optional(ifNoneMatch),
})
export const ReadHeaders = Type.Object({
  Prefer: Type.Optional(prefer),
  'Cache-Control': Type.Optional(
    Type.String({
      pattern: HEADER_TEXT,
      maxLength: 200,
      description: '`no-cache` asks HOSTKEY anew instead of taking a result of the last second.',
      examples: ['no-cache'],
    }),
  ),
})
export const MutationHeaders = Type.Object({
  Prefer: Type.Optional(prefer),
  // Without an example: importers would send it with every request, and the second one would be a replay.
  'Idempotency-Key': Type.Optional(
    Type.String({
      // Bare, or a string of RFC 9651.
      pattern: '^([!#-~][!-~]{0,254}|"([!#-\\[\\]-~]|\\\\["\\\\]){1,255}")$',
      minLength: 1,
      maxLength: 512,
      description:
        'Makes a retry safe: 1 to 255 visible ASCII characters, bare or quoted, kept for 24 hours for each caller. The same key with the same request answers with the first operation and calls nothing.',
    }),
  ),
})
