/** What one caller holds at once: streams, waits and answers that are not read to their end. Each costs a connection. */

import type { FastifyReply } from 'fastify'
import type { Caller } from '../callers/caller.ts'
import { ApiProblem } from './problem.ts'

/** Something of a caller's may end at any moment. */
const RETRY_AFTER_S = 1

/** Counts the requests of each caller whose answers are not finished, and refuses those past a bound. */
export class OpenRequests {
  readonly #max: number
  readonly #onRefused: (caller: Caller) => void
  readonly #open = new Map<string, number>()

  /** @param max how many one caller may have (`MAX_OPEN_PER_CALLER`) */
  constructor(max: number, onRefused: (caller: Caller) => void) {
    this.#max = max
    this.#onRefused = onRefused
  }

  /** Counts a request until its answer is sent or its caller is gone. @throws ApiProblem `rate-limited` */
  enter(caller: Caller, reply: FastifyReply): void {
    const { id } = caller
    const open = this.#open.get(id) ?? 0
    if (open >= this.#max) {
      this.#onRefused(caller)
      throw new ApiProblem(
        'rate-limited',
        `${open} requests of yours are not answered in full yet; ${this.#max} may be open at once.`,
        { retryAfterS: RETRY_AFTER_S },
      )
    }
    this.#open.set(id, open + 1)
    reply.raw.once('close', () => this.#leave(id))
  }

  #leave(id: string): void {
    const left = this.#open.get(id)! - 1
    if (left === 0) this.#open.delete(id)
    else this.#open.set(id, left)
  }
}
