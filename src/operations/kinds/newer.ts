/** Which snapshots of a VM are newer than one of them: a restore of that one discards these for good. */

import type { ListedSnapshot } from '../hostkey.ts'

/**
 * The names of the snapshots that are newer than the one of this name, or null when the order cannot be told: the name is
 * not there exactly once, a date is missing, two dates are the same, or only some carry their zone.
 */
export function newerThan(name: string, snapshots: readonly ListedSnapshot[]): string[] | null {
  const [one, ...twins] = snapshots.filter(snapshot => snapshot.name === name)
  if (!one || twins.length > 0) return null
  const others = snapshots.filter(snapshot => snapshot !== one)
  if (others.length === 0) return []
  if (one.created_at === null) return null
  const ofMs = Date.parse(one.created_at)
  const newer: string[] = []
  for (const other of others) {
    if (other.created_at === null || other.isDateCertain !== one.isDateCertain) return null
    const otherMs = Date.parse(other.created_at)
    if (otherMs === ofMs) return null
    if (otherMs > ofMs) newer.push(other.name)
  }
  return newer
}
