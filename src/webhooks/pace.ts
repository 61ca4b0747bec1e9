/** When a message that was not taken is sent again: after pauses that grow from 5 s to an hour, for a day. */

export const FIRST_PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = 3_600_000
/** For so long after the end of its operation a message is tried. */
export const TRIED_FOR_MS = 86_400_000

export interface Failure {
  /** How often it was sent so far; at least once. */
  attempts: number
  endedAtMs: number
  nowMs: number
  /** The receiver asked for a pause as long as this. */
  retryAfterMs?: number | undefined
  /** The pause after the first attempt. */
  firstPauseMs: number
  /** In [0, 1): pauses are jittered by a fifth, so that what failed together does not come together again. */
  random: number
}

/** Returns when the next attempt is due, or null when the message is given up. */
export function nextAttemptAtMs({
  attempts,
  endedAtMs,
  nowMs,
  retryAfterMs = 0,
  firstPauseMs,
  random,
}: Failure): number | null {
  const pauseMs = Math.min(LONGEST_PAUSE_MS, firstPauseMs * 2 ** (attempts - 1))
  const atMs = nowMs + Math.max(pauseMs * (0.8 + 0.4 * random), retryAfterMs)
  return atMs - endedAtMs > TRIED_FOR_MS ? null : atMs
}
