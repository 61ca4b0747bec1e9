/**
 * How often the gateway logs in (contract §3.8). Where HOSTKEY refuses logins, or the tokens that it has just given, one
 * in 5 s is made at first, and one in 5 min in the end, however many callers wait for a token. The first token may be
 * replaced at once, since tokens do end.
 */

/** The pause after which the next one is twice as long. */
const FIRST_MS = 5_000
const LONGEST_MS = 300_000

export class LoginPace {
  #failures = 0
  #lastMs = -Infinity
  /** What HOSTKEY asked for by `Retry-After` when it was asked last. */
  #askedMs = 0

  /** How long no login may be made, in milliseconds; 0 when one may. `nowMs` is of a clock that may be set back. */
  waitMs(nowMs: number): number {
    const pauseMs = Math.max(this.#pauseMs(), this.#askedMs)
    const leftMs = this.#lastMs + pauseMs - nowMs
    // More than all of it is left: the clock was set back.
    return leftMs > pauseMs ? 0 : Math.max(0, leftMs)
  }

  /** A login was answered just now. */
  answered(nowMs: number): void {
    this.#lastMs = nowMs
    this.#askedMs = 0
  }

  /** HOSTKEY asked to be left alone, in milliseconds from the last login on. */
  asked(ms: number): void {
    this.#askedMs = Math.min(Math.max(ms, FIRST_MS), LONGEST_MS)
  }

  refusedLogin(): void {
    this.#failures = Math.max(this.#failures, 1) + 1
  }

  /** A token was refused. One that served for longer than the longest pause ends a row of failures. */
  refusedToken(nowMs: number): void {
    this.#failures = nowMs - this.#lastMs >= LONGEST_MS ? 1 : this.#failures + 1
  }

  /** The secret changed: whatever was refused has nothing to do with it. */
  reset(): void {
    this.#failures = 0
    this.#askedMs = 0
  }

  #pauseMs(): number {
    return this.#failures < 2 ? 0 : Math.min(FIRST_MS * 2 ** (this.#failures - 2), LONGEST_MS)
  }
}
