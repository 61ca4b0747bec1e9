/**
 * Keeps to what HOSTKEY asks for where it asks to be asked less often: a `Retry-After`, or HTTP 429. All checks go to
 * one script, so what one of them is told holds for all (contract §1). When the time is over one goes first, and the
 * others follow when it was not told so again.
 */

import type { Exchange } from './transport.ts'
import type { World } from '../world.ts'

/** HTTP 429 (RFC 6585, section 4) and 503 (RFC 9110, section 15.6.4) speak of HOSTKEY and not of what was asked. */
export function isThrottled({ status }: { status: number }): boolean {
  return status === 429 || status === 503
}

/** How long HOSTKEY asks to be left alone, whatever else it answers: null for not at all, 0 when it does not say. */
export function askedToWaitMs(exchange: Exchange): number | null {
  if (exchange.kind !== 'answer') return null
  const ms = exchange.retryAfterMs ?? 0
  return ms > 0 || exchange.answer.status === 429 ? ms : null
}

/** When HOSTKEY does not say how long. */
const DEFAULT_MS = 5_000
/** However long HOSTKEY says: a header that is wrong must not hold operations for hours. */
const MAX_MS = 300_000

export class Throttle {
  readonly #world: Pick<World, 'monotonic'>
  /** Null while nothing is asked for. */
  #untilMs: number | null = null
  #isTrying = false

  constructor(world: Pick<World, 'monotonic'>) {
    this.#world = world
  }

  /** For how long nothing may be asked, in milliseconds; 0 when one may be tried. */
  get pausedMs(): number {
    return this.#untilMs === null ? 0 : Math.max(0, this.#untilMs - this.#world.monotonic())
  }

  /**
   * What `call` gives, or undefined when it has to wait: then it was not called. `askedMs` finds in what came how long
   * HOSTKEY wants to be left alone: null when it says nothing of the kind, 0 when it does not say how long.
   */
  async run<T>(call: () => Promise<T>, askedMs: (result: T) => number | null): Promise<T | undefined> {
    const tries = this.#untilMs !== null
    if (tries && (this.#isTrying || this.pausedMs > 0)) return undefined
    this.#isTrying ||= tries
    try {
      const result = await call()
      const ms = askedMs(result)
      if (ms !== null) this.#wait(ms)
      else if (tries) this.#untilMs = null
      return result
    } finally {
      if (tries) this.#isTrying = false
    }
  }

  /** What comes late from before does not make it shorter. */
  #wait(ms: number): void {
    const untilMs = this.#world.monotonic() + Math.min(ms > 0 ? ms : DEFAULT_MS, MAX_MS)
    this.#untilMs = Math.max(this.#untilMs ?? 0, untilMs)
  }
}
