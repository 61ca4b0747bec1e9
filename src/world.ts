/**
 * Time and chance: all that a process cannot know beforehand, besides what it is sent. Every part that waits, asks for the
 * time or draws a number takes them from here, so that a simulation can give it a clock and numbers of its own.
 */

import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Timer {
  /** The process need not stay for it. */
  unref(): this
}

export interface World {
  /** Milliseconds since the epoch, by a clock that may be set, also backwards. */
  now: () => number
  /** Milliseconds since some moment, by a clock that is never set. It may stand still while the machine sleeps. */
  monotonic: () => number
  /** Calls once, `delayMs` from now. */
  after: (delayMs: number, call: () => void) => Timer
  /** Calls every `periodMs`. */
  every: (periodMs: number, call: () => void) => Timer
  /** After this the timer never goes off; without effect when there is none, or it already did. */
  cancel: (timer: Timer | undefined) => void
  /** Calls once this turn of the event loop, and whatever it was sent meanwhile, is done with. */
  soon: (call: () => void) => void
  /** Resolves `delayMs` from now. The process need not stay for it when there is a signal. @throws the signal's reason once that aborts */
  sleep: (delayMs: number, signal?: AbortSignal) => Promise<void>
  /** A signal that aborts `delayMs` from now with a `TimeoutError`. The process need not stay for it. */
  timeout: (delayMs: number) => AbortSignal
  /** A number in [0, 1), for paces and jitter. */
  random: () => number
  /** A whole number in [0, limit) that nobody can guess; `limit` is at most 2^48. */
  randomInt: (limit: number) => number
  /** Bytes that nobody can guess. */
  randomBytes: (size: number) => Buffer
}

/** The clocks and timers of the machine, and its numbers. Looked up at each call: tests put others in their place. */
export const realWorld: World = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, call) => setTimeout(call, delayMs),
  every: (periodMs, call) => setInterval(call, periodMs),
  cancel: timer => clearTimeout(timer as NodeJS.Timeout | undefined),
  soon: call => void setImmediate(call),
  sleep: (delayMs, signal) => sleep(delayMs, undefined, signal && { signal, ref: false }),
  timeout: delayMs => AbortSignal.timeout(delayMs),
  random: () => Math.random(),
  randomInt: limit => randomInt(limit),
  randomBytes: size => randomBytes(size),
}
