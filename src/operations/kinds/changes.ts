/** The three kinds that change a VM: create, delete and restore a snapshot. */

import type { ListedSnapshot } from '../hostkey.ts'
import type { Subject } from '../operation.ts'
import type { Descriptor } from './descriptor.ts'
import type { ChangeResult } from './kind.ts'

/**
 * How far the clocks of HOSTKEY and the gateway may differ, in milliseconds. It is small on purpose: a snapshot of the
 * same name that is older than that must not pass for the one this operation asked for.
 */
const CLOCK_SKEW_MS = 5_000
/**
 * How long after the start of a create its snapshot may be dated, in milliseconds, for the date alone to prove it. Without
 * a bound, a replica whose clock had been set back by hours would take for its own whatever was made in those hours.
 */
const MADE_WITHIN_MS = 600_000

/** What a change brings when the callback key tells its end. */
const reported = (_subject: Subject, { scope }: { scope: unknown }): ChangeResult => ({
  settled_by: 'callback',
  raw: scope,
})

/** A create is settled by the presence of a snapshot that only this operation can have made. */
export const CREATE: Descriptor<'snapshot.create'> = {
  action: 'create_snapshot',
  family: 'snapshots',
  result: reported,
  change: {
    settledBy: {
      settle(subject, snapshots, nowMs) {
        const entries = snapshots.filter(
          ({ name, type, isPresent }) =>
            name === subject.snapshot && type === subject.snapshotType && isPresent,
        )
        if (entries.length === 0) return null
        const own = entries.find(entry => isSurelyOurs(subject, entry, nowMs))
        return own
          ? { kind: 'happened', raw: own.raw }
          : { kind: 'unknowable', detail: 'A snapshot of that name is there, but it may be an older one.' }
      },
      stillOpen: 'The snapshot is not there, but HOSTKEY may still be making it.',
    },
    advice: ({ vmId, snapshot }) =>
      `List the snapshots of VM ${vmId} and compare the date of "${snapshot}" before you create it again.`,
  },
}

/** A delete is settled by absence: of any type, since a snapshot of that name that is listed is not surely gone. */
export const DELETE: Descriptor<'snapshot.delete'> = {
  action: 'remove_snapshot',
  family: 'snapshots',
  result: reported,
  change: {
    settledBy: {
      settle: (subject, snapshots) =>
        snapshots.some(({ name }) => name === subject.snapshot) ? null : { kind: 'happened', raw: null },
      stillOpen: 'The snapshot is still there, but HOSTKEY may still be removing it.',
    },
    advice: ({ vmId, snapshot }) => `List the snapshots of VM ${vmId} before you delete "${snapshot}" again.`,
  },
}

/** A restore leaves nothing in the list of snapshots that proves it. */
export const RESTORE: Descriptor<'snapshot.restore'> = {
  action: 'restore_snapshot',
  family: 'snapshots',
  result: (subject, done) => ({
    ...reported(subject, done),
    ...(subject.evidence?.newer?.length ? { discarded: subject.evidence.newer } : {}),
  }),
  change: {
    settledBy: { nothing: 'Whether the disk was restored cannot be told' },
    advice: ({ vmId, snapshot }) => `Look at the disk of VM ${vmId} before you restore "${snapshot}" again.`,
  },
}

/**
 * Whether this entry is the snapshot that the operation asked for. With evidence, a list that was read before and did not
 * have it, it is, unless its date says that others made it between that list and the start of the operation; a date from
 * before that list comes from a clock that is wrong. Without evidence its date alone decides. A date whose zone is not
 * known proves nothing.
 */
function isSurelyOurs({ evidence, createdAtMs }: Subject, entry: ListedSnapshot, nowMs: number): boolean {
  const { created_at: date, isDateCertain } = entry
  const dateMs = date !== null && isDateCertain ? Date.parse(date) : null
  const sinceMs = createdAtMs - CLOCK_SKEW_MS
  if (evidence) {
    const isOlder = dateMs !== null && dateMs >= evidence.atMs - CLOCK_SKEW_MS && dateMs < sinceMs
    return !evidence.present && !isOlder
  }
  const untilMs = Math.min(nowMs, createdAtMs + MADE_WITHIN_MS) + CLOCK_SKEW_MS
  return dateMs !== null && dateMs >= sinceMs && dateMs <= untilMs
}
