/** What a simulated process runs on: a clock that can be set, timers that end with it, and numbers from the seed. */

import type { Timer, World } from '../../src/world.ts'
import type { Chance } from './chance.ts'
import type { Happening, Schedule, Sleeper } from './schedule.ts'

class MachineTimer implements Timer {
  happening: Happening

  constructor(happening: Happening) {
    this.happening = happening
  }

  unref(): this {
    return this
  }
}

export class Machine implements Sleeper {
  isDead = false
  asleepUntilMs = 0
  /** How far its clock is from the true time. */
  aheadMs: number
  /** For how long it was suspended, which its monotonic clock does not know. */
  suspendedMs = 0
  readonly world: World
  readonly #schedule: Schedule
  readonly #onFailure: (error: unknown) => void

  constructor(schedule: Schedule, chance: Chance, aheadMs: number, onFailure: (error: unknown) => void) {
    this.#schedule = schedule
    this.aheadMs = aheadMs
    this.#onFailure = onFailure
    this.world = this.#makeWorld(chance)
  }

  failed(error: unknown): void {
    this.#onFailure(error)
  }

  /** It makes no step for so long. When `isSuspended`, its monotonic clock stands still. */
  sleep(ms: number, isSuspended: boolean): void {
    this.asleepUntilMs = Math.max(this.asleepUntilMs, this.#schedule.nowMs + ms)
    if (isSuspended) this.suspendedMs += ms
  }

  /** Something happens to this process, as long as it lives and when it is awake. */
  after(delayMs: number, call: () => void): Happening {
    return this.#schedule.after(delayMs, call, this)
  }

  #makeWorld(chance: Chance): World {
    const after = (delayMs: number, call: () => void): Timer => new MachineTimer(this.after(delayMs, call))
    return {
      now: () => Math.floor(this.#schedule.nowMs + this.aheadMs),
      monotonic: () => this.#schedule.nowMs - this.suspendedMs,
      after,
      every: (periodMs, call) => {
        const again = (): void => {
          timer.happening = this.after(periodMs, again)
          call()
        }
        const timer = new MachineTimer(this.after(periodMs, again))
        return timer
      },
      cancel: timer => {
        if (timer) (timer as MachineTimer).happening.isCancelled = true
      },
      soon: call => void this.after(0, call),
      sleep: (delayMs, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason as Error)
          const happening = this.after(delayMs, resolve)
          signal?.addEventListener(
            'abort',
            () => {
              happening.isCancelled = true
              reject(signal.reason as Error)
            },
            { once: true },
          )
        }),
      timeout: delayMs => {
        const controller = new AbortController()
        after(delayMs, () => controller.abort(new DOMException('it took too long', 'TimeoutError')))
        return controller.signal
      },
      random: () => chance.number(),
      randomInt: limit => chance.below(limit),
      randomBytes: size => Buffer.from(Array.from({ length: size }, () => chance.below(256))),
    }
  }
}
