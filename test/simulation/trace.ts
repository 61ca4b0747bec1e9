/** What happened in a simulation, a line each, and the digest of all of it. */

import { createHash, type Hash } from 'node:crypto'
import type { Schedule } from './schedule.ts'

export class Trace {
  readonly lines: string[] = []
  readonly #schedule: Schedule
  readonly #hash: Hash = createHash('sha256')

  constructor(schedule: Schedule) {
    this.#schedule = schedule
  }

  /** `who` did or met `what`. */
  tell(who: string, what: string): void {
    const line = `${new Date(this.#schedule.nowMs).toISOString().slice(11, 23)} ${who} ${what}`
    this.lines.push(line)
    this.#hash.update(line).update('\n')
  }

  digest(): string {
    return this.#hash.digest('hex')
  }
}
