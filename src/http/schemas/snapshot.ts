import { Type, type Static } from 'typebox'
import type { ListedSnapshot } from '../../operations/hostkey.ts'
import type { SnapshotList as StoredList } from '../../operations/kinds/kind.ts'
import { AnyJson, nullable, SnapshotName, SnapshotType, Time, VmId } from './common.ts'

const raw = Type.Unsafe<unknown>({
  ...AnyJson,
  description: 'What HOSTKEY said, as it came; members named like secrets are left out.',
})

export const Snapshot = Type.Object(
  {
    name: Type.String({
      maxLength: 1000,
      description: 'The name of the snapshot.',
      examples: ['before-upgrade'],
    }),
    id: nullable(Type.String({ maxLength: 1000 }), {
      description: "HOSTKEY's own id of it, where it gave one.",
    }),
    type: Type.String({ maxLength: 1000, description: 'The type of the snapshot.', examples: ['snapshot'] }),
    created_at: nullable(Time, {
      description:
        'When it was taken; null when HOSTKEY gave no date that could be read. A date without a time zone is taken for UTC.',
    }),
    raw,
  },
  {
    $id: 'Snapshot',
    description: 'A snapshot of a VM.',
    examples: [
      {
        name: 'before-upgrade',
        id: '17',
        type: 'snapshot',
        created_at: '2026-11-24T10:15:41.000Z',
        raw: { name: 'before-upgrade', snapshot_id: 17, date: '2026-11-24 10:15:41' },
      },
    ],
  },
)

export const SnapshotList = Type.Object(
  {
    vm_id: VmId,
    type: Type.String({
      pattern: '^[A-Za-z0-9_.-]+$',
      maxLength: 64,
      description: 'The type that was asked for.',
      examples: ['snapshot'],
    }),
    observed_at: Time,
    snapshots: Type.Unsafe<unknown>({
      type: ['array', 'null'],
      items: { $ref: 'Snapshot#' },
      maxItems: 100_000,
      description: 'Null when the shape of the answer was not recognised: then see `raw`.',
    }),
    raw,
  },
  {
    $id: 'SnapshotList',
    description: 'The snapshots of a VM.',
    examples: [
      {
        vm_id: 1000,
        type: 'snapshot',
        observed_at: '2026-11-24T10:16:00.000Z',
        snapshots: [
          {
            name: 'before-upgrade',
            id: '17',
            type: 'snapshot',
            created_at: '2026-11-24T10:15:41.000Z',
            raw: { name: 'before-upgrade', snapshot_id: 17, date: '2026-11-24 10:15:41' },
          },
        ],
        raw: [{ name: 'before-upgrade', snapshot_id: 17, date: '2026-11-24 10:15:41' }],
      },
    ],
  },
)

export const SnapshotCreate = Type.Object(
  { name: SnapshotName, type: Type.Optional(SnapshotType) },
  {
    $id: 'SnapshotCreate',
    additionalProperties: false,
    description: 'The snapshot to take.',
    examples: [{ name: 'before-upgrade' }],
  },
)

export const SnapshotRestore = Type.Object(
  {
    type: Type.Optional(SnapshotType),
    backup_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        // No control characters.
        pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]+$',
        description: 'The id of a backup, for types that have one.',
        examples: ['2026-11-24_01'],
      }),
    ),
    if_newer: Type.Optional(
      Type.Unsafe<'discard' | 'refuse'>({
        type: 'string',
        enum: ['discard', 'refuse'],
        default: 'discard',
        description:
          'What to do when the VM has newer snapshots, which a restore deletes for good: `discard` them, or `refuse` to restore; then the snapshots are listed first, and the answer is 409 `newer-snapshots` when any would be lost or when their order cannot be told.',
        examples: ['refuse'],
      }),
    ),
  },
  {
    $id: 'SnapshotRestore',
    additionalProperties: false,
    description: 'How to restore. May be empty, or left out.',
    examples: [{}],
  },
)

/** A snapshot as callers see it, without what only a look needs to know. */
export function presentSnapshot({
  name,
  id,
  type,
  created_at,
  raw: entry,
}: ListedSnapshot): Static<typeof Snapshot> {
  return { name, id, type, created_at, raw: entry }
}

/** A list of snapshots as callers see it. */
export function presentList(list: StoredList): Static<typeof SnapshotList> {
  return { ...list, snapshots: list.snapshots?.map(presentSnapshot) ?? null }
}
