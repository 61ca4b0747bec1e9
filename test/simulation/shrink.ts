/** Makes a plan that fails as short as it gets, so that its story can be read. */

import type { Plan } from './plan.ts'
import { play, type Played } from './run.ts'

/** What is wrong with a run, a line each. */
export function faultsOf({ lost, doubled, untrue, left }: Played): string[] {
  return [...lost, ...doubled, ...untrue, ...left]
}

/** A shorter plan that fails as well, found within so many tries. */
export async function shrink(plan: Plan, tries = 300): Promise<Plan> {
  let shortest = plan
  let left = tries
  const fails = async (shorter: Plan): Promise<boolean> => {
    left -= 1
    const isFailing = await play(shorter).then(
      played => faultsOf(played).length > 0,
      () => false,
    )
    if (isFailing) shortest = shorter
    return isFailing
  }
  for (let before = Infinity; sizeOf(shortest) < before && left > 0;) {
    before = sizeOf(shortest)
    for (const list of ['mishaps', 'wishes'] as const)
      // Halves first, then smaller and smaller pieces.
      for (
        let size = Math.ceil(shortest[list].length / 2);
        size >= 1 && left > 0;
        size = Math.floor(size / 2)
      )
        for (let at = 0; at < shortest[list].length && left > 0;) {
          const rest = shortest[list].toSpliced(at, size)
          const isEmpty = list === 'wishes' && rest.length === 0
          if (isEmpty || !(await fails({ ...shortest, [list]: rest }))) at += size
        }
  }
  return shortest
}

function sizeOf({ mishaps, wishes }: Plan): number {
  return mishaps.length + wishes.length
}
