/** The receiver of a caller's webhook: it verifies each message, and fails, hangs and loses answers for a while. */

import { Webhook } from 'standardwebhooks'
import type { Receiver } from '../../src/webhooks/receiver.ts'
import type { Sender, Sent } from '../../src/webhooks/send.ts'
import { signedHeaders, type Message } from '../../src/webhooks/sign.ts'
import type { Chance } from './chance.ts'
import type { Machine } from './machine.ts'
import type { Schedule } from './schedule.ts'
import type { Trace } from './trace.ts'

const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes, ok').toString('base64')}`
const TIMEOUT_MS = 10_000

/** `fails`: it answers 503. `hangs`: no answer comes. `loses`: it takes the message, and its answer is lost. */
export type Trouble = 'fails' | 'hangs' | 'loses'

export class SimulatedReceiver {
  /** The status that was told of each operation, by its id. */
  readonly told = new Map<string, Set<string>>()
  /** What it was told and could not verify. */
  readonly wrong: string[] = []
  readonly #schedule: Schedule
  readonly #chance: Chance
  readonly #trace: Trace
  readonly #verifier = new Webhook(SECRET)
  #trouble: { kind: Trouble; untilMs: number } | undefined

  constructor(schedule: Schedule, chance: Chance, trace: Trace) {
    this.#schedule = schedule
    this.#chance = chance
    this.#trace = trace
  }

  spoil(kind: Trouble, ms: number): void {
    this.#trace.tell('receiver', `${kind} for ${ms} ms`)
    this.#trouble = { kind, untilMs: this.#schedule.nowMs + ms }
  }

  heal(): void {
    this.#trouble = undefined
  }

  /** Who the receiver of a caller is, as the callers file says it. */
  of(name: string): { receiver: (caller: string) => Receiver | undefined; receiverNames: () => string[] } {
    const receiver: Receiver = { name, url: new URL('https://receiver.example/'), secrets: () => [SECRET] }
    return { receiver: caller => (caller === name ? receiver : undefined), receiverNames: () => [name] }
  }

  /** The way from one gateway to it. */
  senderOf(machine: Machine): Pick<Sender, 'send'> {
    return {
      send: (receiver, message) =>
        new Promise<Sent>(resolve => {
          const timer = machine.after(TIMEOUT_MS, () => resolve({ kind: 'failed', reason: 'no answer' }))
          const headers = signedHeaders(message, receiver.secrets())
          this.#schedule.after(this.#chance.between(1, 30), () => {
            const sent = this.#take(message, headers)
            if (!sent) return
            machine.after(this.#chance.between(1, 30), () => {
              timer.isCancelled = true
              resolve(sent)
            })
          })
        }),
    }
  }

  /** Undefined when no answer comes. */
  #take(message: Message, headers: Record<string, string>): Sent | undefined {
    const { nowMs } = this.#schedule
    const trouble = this.#trouble && nowMs < this.#trouble.untilMs ? this.#trouble.kind : undefined
    if (trouble === 'hangs') return undefined
    if (trouble === 'fails') return { kind: 'failed', reason: 'HTTP 503' }
    const signature = this.#verifier.sign(message.id, new Date(message.atMs), message.body)
    const { data } = JSON.parse(message.body) as { data: { id: string; status: string } }
    if (headers['webhook-signature'] !== signature) this.wrong.push(`${data.id} was told without a signature`)
    const told = this.told.get(data.id) ?? new Set()
    this.told.set(data.id, told.add(data.status))
    this.#trace.tell('receiver', `is told that ${data.id} ${data.status}`)
    return trouble === 'loses' ? undefined : { kind: 'delivered' }
  }
}
