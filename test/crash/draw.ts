/** What HOSTKEY does wrong in a run of chaos: faults of the connection, and every dress of its answers. */

import { DRESSES, dressesOn, type DressName } from '../../src/simulator/dresses/dresses.ts'
import type { Fault } from '../../src/simulator/simulator.ts'

const KINDS: Fault['kind'][] = [
  'drop-before',
  'drop-after',
  'drop-body',
  'lose-key',
  'task-fails',
  'refuse',
  'burn',
]
/**
 * A refusal that asks to be repeated, or that is for the token, may rightly be followed by the same change once more,
 * which the judge could not tell from one that was doubled.
 */
const asksAgain = (name: DressName) =>
  DRESSES[name].told === 'unauthorized' || /^(refused-under-http|html)-(429|503)/.test(name)

const WORDS = dressesOn('call', 'wait', 'end').filter(name => !asksAgain(name))
const LISTS = dressesOn('list')
const WIRE = dressesOn('any')

/** Draws one for a change by this action on this VM; `random` gives numbers in [0, 1). */
export function drawFault(random: () => number, vmId: number, action: string): Fault {
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!
  const chance = random()
  if (chance < 0.35) {
    const kind = one(KINDS)
    return { kind, vmId, ...(kind === 'burn' ? { action: 'check' } : {}) }
  }
  // A list is asked for when a change has to be looked at, so it wears its dress beside another fault.
  if (chance < 0.45) return { kind: 'dress', dress: one(LISTS), vmId, action: 'get_snapshot' }
  if (chance < 0.55) return { kind: 'dress', dress: one(WIRE), vmId, action: 'check' }
  const words = one(WORDS)
  const dress = random() < 0.5 ? [words] : [words, one(WIRE)]
  return { kind: 'dress', dress, vmId, action, acts: one(DRESSES[words].acts) }
}
