import type { Dress } from './dresses/dress.ts'
import { DRESSES, canWear } from './dresses/dresses.ts'
import type { DressName } from './dresses/dresses.ts'

/**
 * Every kind of fault, and whether the call is carried out all the same (`acts` of a fault says otherwise). What a test
 * wants to know after a fault is "did it happen upstream?", so this is said here once and not implied by the code below.
 */
const ACTS = {
  'drop-before': false, // the socket is destroyed
  'drop-after': true, // the socket is destroyed without an answer
  'drop-body': true, // the socket is destroyed in the middle of the body
  hang: false, // no answer ever comes
  'hang-after': true, // no answer ever comes
  'hang-body': true, // headers and a few bytes come, then nothing
  late: true, // at once, but the answer comes `delayMs` later
  'lose-key': true, // answered, but the callback key is unknown from the start
  burn: true, // for `check`: the key is deleted, the task done or not, and the socket destroyed
  respond: false, // the answer is `status`, `headers` and `body`
  'respond-after': true, // the answer is `status`, `headers` and `body`
  refuse: false, // refused the vendor's way with `reason`
  huge: false, // the answer is JSON of `bytes` bytes
  'task-fails': true, // accepted, the task ends failed with `reason`
  'never-done': true, // accepted, the task stays "Not ready"
  'dead-token': true, // for `login`: the token that is given out is refused from the start
  dress: true, // answered in the words of `dress`, whose table says whether it is carried out
} as const

export interface Fault {
  /** Which requests it hits: all given members must match. `check` is eq_callback.php, `login` is auth.php. */
  action?: string
  /** For `check` it is the VM of the task behind the key. */
  vmId?: number
  /**
   * How many requests it hits, 1 when not given. A request is hit by one fault: the first in the queue that matches,
   * and one that always hits only where no other does.
   */
  times?: number | 'always'
  kind: keyof typeof ACTS
  /** Whether the call is carried out all the same, where not as usual for the kind. */
  acts?: boolean
  /**
   * For the kind `dress`: what the answer to the call wears and, from then on, the checks and the list of its task.
   * Of several, one gives the words and the others belong to the way.
   */
  dress?: DressName | DressName[]
  delayMs?: number
  status?: number
  headers?: Record<string, string>
  body?: string
  reason?: string
  bytes?: number
}

const ORDER = Object.values(DRESSES)

/** The dresses of a fault, in the order in which they are put on. */
export function dressesOf(fault: Fault | undefined): readonly Dress[] {
  const dresses = [fault?.dress ?? []].flat().map(name => DRESSES[name])
  return dresses.toSorted((one, other) => ORDER.indexOf(one) - ORDER.indexOf(other))
}

/** Whether the call reaches HOSTKEY's own code despite the fault. */
export function acts(fault: Fault | undefined): boolean {
  // A dress of a task says how the task ends: it has to be accepted before.
  if (fault?.kind === 'dress') return carriesOut(fault) || !dressesOf(fault).some(isOfTheCall)
  return fault === undefined || (fault.acts ?? ACTS[fault.kind])
}

/** Whether the action itself is carried out, as far as its dress decides that. */
export function carriesOut(fault: Fault | undefined): boolean {
  if (fault?.kind !== 'dress') return true
  return fault.acts ?? dressesOf(fault).every(dress => dress.acts[0])
}

const isOfTheCall = ({ on }: Dress) => on === 'call' || on === 'login'

const matches = (wanted: unknown, given: unknown) => wanted === undefined || wanted === given

export class FaultQueue {
  #queue: { fault: Fault; left: number }[] = []

  /** Throws a TypeError for a fault that makes no sense. */
  add(fault: Fault): void {
    // Faults also come as JSON from other processes, where a mistyped kind would quietly test nothing.
    if (!Object.hasOwn(ACTS, fault.kind)) throw new TypeError(`unknown fault kind: ${fault.kind}`)
    if (fault.kind === 'dress') checkDresses(fault)
    this.#queue.push({ fault, left: fault.times === 'always' ? Infinity : (fault.times ?? 1) })
  }

  /** The fault this request meets, if any; it counts as hit even when the call would have been refused anyway. */
  take(action: string, vmId: number | undefined): Fault | undefined {
    const fitting = this.#queue.filter(
      ({ fault }) =>
        matches(fault.action, action) &&
        matches(fault.vmId, vmId) &&
        dressesOf(fault).every(dress => canWear(dress, action)),
    )
    const hit = fitting.find(({ left }) => left !== Infinity) ?? fitting[0]
    if (hit && --hit.left <= 0) this.#queue = this.#queue.filter(other => other !== hit)
    return hit?.fault
  }

  clear(): void {
    this.#queue = []
  }
}

/** A dress has a name of the table, and no other truth behind it than the table knows. */
function checkDresses(fault: Fault): void {
  const names = [fault.dress ?? []].flat()
  if (names.length === 0) throw new TypeError('a fault of the kind dress needs a dress')
  for (const name of names) {
    if (!Object.hasOwn(DRESSES, name)) throw new TypeError(`unknown dress: ${name}`)
    const dress = DRESSES[name]
    if (fault.acts !== undefined && dress.on !== 'any' && !dress.acts.includes(fault.acts))
      throw new TypeError(`the dress ${name} cannot stand before acts: ${fault.acts}`)
  }
}
