/** What is told of a database that cannot be reached: once why, and once that it is back. */

import { Refused, Unusable } from './errors.ts'
import type { PostgresLog } from './options.ts'

export class Away {
  readonly #log: PostgresLog
  /** Why it cannot be used, as of the last attempt. */
  #reason: Error | undefined
  #isOpening = true
  #isTold = false

  constructor(log: PostgresLog) {
    this.#log = log
  }

  /** An attempt to connect failed; `isFirst` when the one before went well. */
  failed(reason: Error, isFirst: boolean): void {
    const isNews = reason instanceof Unusable && !(this.#reason instanceof Unusable)
    this.#reason = reason
    // Until it is open only the last reason is told, since it may be the one that ends the process.
    if (!this.#isOpening && (isFirst || isNews)) this.#tell(reason)
  }

  back(): void {
    this.#reason = undefined
    if (this.#isTold) this.#log.info({}, 'PostgreSQL is back')
    this.#isTold = false
  }

  /** @throws Unusable when that is what it is: no waiting makes it better. */
  refuseUnusable(): void {
    if (this.#reason instanceof Unusable) throw this.#reason
  }

  /** No longer is waited for it at the start. @throws Refused when it is there and lets nobody in */
  endOpening(): void {
    this.#isOpening = false
    if (this.#reason instanceof Refused) throw new Refused(`PostgreSQL: ${this.#reason.message}`)
    if (this.#reason) this.#tell(this.#reason)
  }

  #tell(reason: Error): void {
    this.#isTold = true
    this.#log.warn({ reason: reason.message }, 'PostgreSQL is away')
  }
}
