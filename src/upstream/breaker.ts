/**
 * The circuit breaker: after many failures in a row HOSTKEY is left alone for a moment, then one call probes. Failures
 * of the infrastructure count, refusals do not; a call that its caller gave up tells nothing and counts as neither,
 * which is why this is not cockatiel's: there it would be a success, and close a circuit that is open.
 */

export interface BreakerOptions {
  /** This many failures in a row open it. */
  failures: number
  /** How long it stays open before a call may probe, in milliseconds. */
  openMs: number
  /** Milliseconds of a clock that is never set. */
  now: () => number
}

export type Verdict = 'good' | 'bad' | 'nothing'

/** `probing`: one call may tell, or tells just now, whether it closes. */
export const BREAKER_STATES = ['closed', 'open', 'probing'] as const

export class Breaker {
  readonly #options: BreakerOptions
  #failures = 0
  /** Null while closed. */
  #openUntilMs: number | null = null
  #probing = false

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  /** For how long no call will be made, in milliseconds: 0 when one may be tried. */
  get pausedMs(): number {
    return this.#openUntilMs === null ? 0 : Math.max(0, this.#openUntilMs - this.#options.now())
  }

  get state(): (typeof BREAKER_STATES)[number] {
    return this.#openUntilMs === null ? 'closed' : this.pausedMs > 0 ? 'open' : 'probing'
  }

  /** What `call` gives, or undefined when the circuit is open: then it was not called. */
  async run<T>(call: () => Promise<T>, judge: (result: T) => Verdict): Promise<T | undefined> {
    const probes = this.#openUntilMs !== null
    if (probes && (this.#probing || this.pausedMs > 0)) return undefined
    this.#probing ||= probes
    try {
      const result = await call()
      this.#count(judge(result), probes)
      return result
    } finally {
      if (probes) this.#probing = false
    }
  }

  #count(verdict: Verdict, probed: boolean): void {
    if (verdict === 'good') {
      this.#failures = 0
      this.#openUntilMs = null
    } else if (verdict === 'bad') {
      this.#failures += 1
      // What was under way when it opened does not keep it open for longer.
      if (probed || (this.#openUntilMs === null && this.#failures >= this.#options.failures))
        this.#openUntilMs = this.#options.now() + this.#options.openMs
    }
  }
}
