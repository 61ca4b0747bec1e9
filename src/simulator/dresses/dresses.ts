import { ACCEPTANCES } from './acceptances.ts'
import type { Dress } from './dress.ts'
import { ENDS } from './ends.ts'
import { LISTS } from './lists.ts'
import { LOGINS } from './logins.ts'
import { REFUSALS } from './refusals.ts'
import { UNPROVEN_ANSWERS } from './unproven.ts'
import { WAITS } from './waits.ts'
import { WIRE } from './wire.ts'

const TABLE = {
  ...ACCEPTANCES,
  ...UNPROVEN_ANSWERS,
  ...REFUSALS,
  ...WAITS,
  ...ENDS,
  ...LISTS,
  ...LOGINS,
  ...WIRE,
}
export type DressName = keyof typeof TABLE

/** Every dress of HOSTKEY's answers by its name. Tests draw from it, and judge by `told` and `acts`. */
export const DRESSES: Readonly<Record<DressName, Dress>> = TABLE

/** The names of the dresses worn `on` one of these, in the order of the table. */
export function dressesOn(...on: Dress['on'][]): DressName[] {
  return (Object.keys(DRESSES) as DressName[]).filter(name => on.includes(DRESSES[name].on))
}

/**
 * Whether an answer to this action can wear it: the name of a vm.php action, `check`, `login` or `logout`. The checks of
 * a task wear what was put on with the call that began it.
 */
export function canWear({ on, ofChanges }: Dress, action: string): boolean {
  if (on === 'any') return true
  if (ofChanges && (action === 'get_snapshot' || action === 'load_stats')) return false
  if (action === 'check' || action === 'login' || action === 'logout') return on === action
  return on === 'list' ? action === 'get_snapshot' : on !== 'login'
}

/**
 * Whether somebody who sees nothing but answers and lists of snapshots can prove how a change ended: by the answers
 * where they tell, else by a look at the VM, which proves what is there after a create and what is gone after a delete.
 * `acted` is the truth. Where this is false, an honest client says that it does not know.
 */
export function isProvable({ told }: Dress, action: string, acted: boolean): boolean {
  if (told !== 'ambiguous') return true
  return acted && (action === 'create_snapshot' || action === 'remove_snapshot')
}
