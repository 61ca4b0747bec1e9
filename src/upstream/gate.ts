/**
 * Which calls go to HOSTKEY now: those for which the bulkhead has a place and the circuit breaker lets through. What came
 * of a call is judged here, from its outcome and not from its HTTP status, since failures hide behind HTTP 200.
 */

import type { Breaker, Verdict } from './breaker.ts'
import type { Bulkhead, Visitor } from './bulkhead.ts'
import type { CallOutcome, CheckOutcome, Unsent } from '../operations/hostkey.ts'

/** A call that wants to go to HOSTKEY. */
export interface Departure extends Omit<Visitor, 'isDoubtful'> {
  /** The VM that it is about; undefined where that is not known. */
  vmId: number | undefined
}

/** When to come back after there was no place. */
export const BUSY_MS = 1_000
/** How many VMs are remembered. */
const MAX_VMS = 10_000

export class Gate {
  readonly #breaker: Breaker
  readonly #bulkhead: Bulkhead
  /** VMs of which the last call got no answer that makes sense: they must not take all the places from the others. */
  readonly #failedLast = new Set<number>()

  constructor(breaker: Breaker, bulkhead: Bulkhead) {
    this.#breaker = breaker
    this.#bulkhead = bulkhead
  }

  /** For how long no call at all will be made, in milliseconds. */
  get pausedMs(): number {
    return this.#breaker.pausedMs
  }

  /** Whether a caller has all the places that one may have. */
  isAtLimit(caller: string): boolean {
    return this.#bulkhead.isAtLimit(caller)
  }

  /** What `call` gives; or that it was held back, and for how long: then it was not called. */
  async pass<T extends CallOutcome | CheckOutcome>(
    call: () => Promise<T>,
    departure: Departure,
  ): Promise<T | Unsent> {
    const { vmId } = departure
    if (this.#breaker.heldMs(vmId) > 0) return this.#held(vmId)
    const judge = (outcome: T): Verdict => this.#judge(outcome, departure)
    const run = (): Promise<T | undefined> => this.#breaker.run(call, judge, vmId)
    const isDoubtful = vmId !== undefined && this.#failedLast.has(vmId)
    const outcome = await this.#bulkhead.run(run, { ...departure, isDoubtful })
    return outcome ?? this.#held(vmId)
  }

  #held(vmId: number | undefined): Unsent {
    const heldMs = this.#breaker.heldMs(vmId)
    return heldMs > 0
      ? { kind: 'unsent', reason: 'it failed too often just now', shedMs: heldMs }
      : { kind: 'unsent', reason: 'too many calls wait for it', shedMs: BUSY_MS }
  }

  #judge(outcome: CallOutcome | CheckOutcome, { vmId, signal }: Departure): Verdict {
    const verdict = verdictOn(outcome, signal)
    if (vmId !== undefined) {
      if (verdict === 'good') this.#failedLast.delete(vmId)
      else if (verdict === 'bad' && this.#failedLast.size < MAX_VMS) this.#failedLast.add(vmId)
    }
    return verdict
  }
}

/**
 * HOSTKEY is well when it gives any answer that makes sense, a refusal too. An answer without sense, or none in time, may be
 * due to the VM; what could not be reached, or broke off, is HOSTKEY's. What was given up, or held back here, tells nothing.
 */
function verdictOn(outcome: CallOutcome | CheckOutcome, signal: AbortSignal | undefined): Verdict {
  if (outcome.kind !== 'lost' && outcome.kind !== 'unsent') return 'good'
  if (signal?.aborted) return 'nothing'
  if (outcome.kind === 'unsent' && (outcome.shedMs !== undefined || outcome.isLate)) return 'nothing'
  return outcome.kind === 'unsent' || outcome.cause === 'connection' ? 'away' : 'bad'
}
