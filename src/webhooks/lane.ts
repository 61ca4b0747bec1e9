/**
 * The lane of one receiver: its messages are on their way in it, and in no other, so that a slow receiver holds up nobody but
 * itself. A receiver that failed gets one message at a time until it takes one again.
 */

/** So many messages may be on their way to one receiver at once. */
const PLACES = 4
/** So many attempts are begun within a second, also after an outage that left many messages behind. */
const PER_SECOND = 20
const SECOND_MS = 1_000

export class Lane {
  #underWay = 0
  #isFailing = false
  /** When the last attempts began, by a clock that is never set. */
  #beganMs: number[] = []

  get underWay(): number {
    return this.#underWay
  }

  /** How many more may begin now, by a clock that is never set. */
  free(nowMs: number): number {
    const places = (this.#isFailing ? 1 : PLACES) - this.#underWay
    return Math.max(0, Math.min(places, PER_SECOND - this.#recent(nowMs).length))
  }

  /** For how long nothing may begin only because so many did just now. */
  pausedMs(nowMs: number): number {
    const recent = this.#recent(nowMs)
    return recent.length < PER_SECOND ? 0 : recent[0]! + SECOND_MS - nowMs
  }

  begin(nowMs: number): void {
    this.#underWay += 1
    this.#beganMs = [...this.#recent(nowMs), nowMs]
  }

  /** Returns whether it is news that this receiver fails, or that it does no longer; an attempt that tells nothing has no outcome. */
  end(outcome: 'taken' | 'failed' | null): boolean {
    this.#underWay -= 1
    if (outcome === null) return false
    const wasFailing = this.#isFailing
    this.#isFailing = outcome === 'failed'
    return wasFailing !== this.#isFailing
  }

  #recent(nowMs: number): number[] {
    return this.#beganMs.filter(beganMs => nowMs - beganMs < SECOND_MS)
  }
}
