/** The messages of ended operations as a simple model: when each is due, and who has a lease on it. */

import { isDeepStrictEqual } from 'node:util'
import type { Operation, Webhook } from '../../src/operations/operation.ts'
import type { Delivery } from '../../src/operations/store.ts'

interface Message {
  caller: string
  /** It is due at some time between these; they differ after a crash alone. */
  fromMs: number
  toMs: number
  lease: number | null
}

export interface ClaimCall {
  nowMs: number
  leaseMs: number
  places: { caller: string; limit: number }[]
}

export interface SaveCall {
  delivery: Delivery
  webhook: Webhook
  dueAtMs: number | null
}

/** Never changes: each change gives another one. */
export class Messages {
  readonly #messages: ReadonlyMap<string, Message>

  constructor(messages: ReadonlyMap<string, Message> = new Map()) {
    this.#messages = messages
  }

  has(id: string): boolean {
    return this.#messages.has(id)
  }

  /** With the message of an operation that ended just now, if it has one. */
  withEnd({ id, createdBy, webhook, finishedAtMs }: Operation): Messages {
    if (!webhook || finishedAtMs === null) return this
    return this.#with(id, { caller: createdBy, fromMs: finishedAtMs, toMs: finishedAtMs, lease: null })
  }

  without(id: string): Messages {
    const messages = new Map(this.#messages)
    messages.delete(id)
    return new Messages(messages)
  }

  /** A lease may have ended with the process, or may not. */
  afterCrash(): Messages {
    return new Messages(
      new Map([...this.#messages].map(([id, message]) => [id, { ...message, fromMs: 0, lease: null }])),
    )
  }

  /** After a claim that was answered so, or null when that answer is wrong. */
  claimed(
    { nowMs, leaseMs, places }: ClaimCall,
    answer: Delivery[],
    stored: (id: string) => Operation | undefined,
  ): Messages | null {
    const mayBeDue = (id: string): boolean => (this.#messages.get(id)?.fromMs ?? Infinity) <= nowMs
    for (const { caller, limit } of places) {
      const mine = answer.filter(({ operation }) => operation.createdBy === caller).map(idOf)
      const left = [...this.#messages].filter(
        ([id, message]) => message.caller === caller && message.toMs <= nowMs && !mine.includes(id),
      )
      if (mine.length > limit || !mine.every(mayBeDue) || (mine.length < limit && left.length > 0))
        return null
      // Whatever was left is due no sooner than what was taken.
      const latestMs = Math.max(...mine.map(id => this.#messages.get(id)!.fromMs))
      if (left.some(([, { toMs }]) => toMs < latestMs)) return null
    }
    let messages: Messages = this
    const callers = new Set(places.map(({ caller }) => caller))
    for (const { operation, lease } of answer) {
      if (!callers.has(operation.createdBy)) return null
      if (!isDeepStrictEqual(operation, { ...stored(operation.id), result: null })) return null
      const untilMs = nowMs + leaseMs
      messages = messages.#with(operation.id, {
        caller: operation.createdBy,
        fromMs: untilMs,
        toMs: untilMs,
        lease,
      })
    }
    return messages
  }

  /** Whether its lease still holds. */
  mayBeSaved({ operation: { id }, lease }: Delivery): boolean {
    return this.#messages.get(id)?.lease === lease
  }

  saved({ delivery: { operation }, dueAtMs }: SaveCall): Messages {
    if (dueAtMs === null) return this.without(operation.id)
    return this.#with(operation.id, {
      caller: operation.createdBy,
      fromMs: dueAtMs,
      toMs: dueAtMs,
      lease: null,
    })
  }

  /** Whether the next message of each of these callers may be due then. */
  isNext(callers: readonly string[], due: ReadonlyMap<string, number>): boolean {
    return callers.every(one => {
      const mine = [...this.#messages.values()].filter(({ caller }) => caller === one)
      const dueAtMs = due.get(one)
      if (dueAtMs === undefined) return mine.length === 0
      const earliestMs = Math.min(...mine.map(({ fromMs }) => fromMs))
      const latestMs = Math.min(...mine.map(({ toMs }) => toMs))
      return earliestMs <= dueAtMs && dueAtMs <= latestMs
    })
  }

  #with(id: string, message: Message): Messages {
    return new Messages(new Map(this.#messages).set(id, message))
  }
}

function idOf({ operation }: Delivery): string {
  return operation.id
}
