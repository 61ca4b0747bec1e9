/**
 * Delivers the messages that tell of ends: takes leases on what is due, a few for each receiver, makes an attempt with each,
 * and writes what came of it. An end never waits for any of this. A process that dies or stops in the middle of an attempt
 * leaves its message to the next one, which sends it again.
 */

import type { Log, Webhooks } from '../operations/engine.ts'
import { Rounds } from '../operations/rounds.ts'
import type { Delivery, Ended, Outbox, Webhook } from '../operations/store.ts'
import { within } from '../operations/within.ts'
import type { World } from '../world.ts'
import { Lane } from './lane.ts'
import { FIRST_PAUSE_MS, nextAttemptAtMs, TRIED_FOR_MS } from './pace.ts'
import type { Receiver } from './receiver.ts'
import type { Sender, Sent } from './send.ts'

export interface DeliveriesOptions {
  outbox: Outbox
  /** Who has a receiver now. */
  receivers: { receiver(caller: string): Receiver | undefined; receiverNames(): readonly string[] }
  sender: Pick<Sender, 'send'>
  /** What is sent of an end, as JSON. */
  bodyOf: (operation: Ended) => string
  world: World
  log: Log
  /** The pause after the first attempt, and how long a lease is: longer than an attempt takes. */
  firstPauseMs?: number
  leaseMs?: number
  /** Makes what is part of no request, whichever one set it off. */
  apart: <T>(make: () => T) => T
  /** Called with every attempt. */
  onAttempt: (caller: string, outcome: Sent['kind'], tookMs: number) => void
  /** Called with every message that is over. */
  onOver: (caller: string, state: Exclude<Webhook['state'], 'pending'>) => void
}

const LEASE_MS = 30_000
/** At once, over all receivers: those with the least under way come first. */
const MAX_UNDER_WAY = 256
/** The longest sleep: another process may have left something behind, and the callers file may have changed. */
const IDLE_MS = 5_000
/** How often those messages are looked for whose caller has no receiver any more, and how many of them at a time. */
const FORSAKEN_EVERY_MS = 3_600_000
const FORSAKEN_BATCH = 100

export class Deliveries implements Webhooks {
  readonly #options: Required<DeliveriesOptions>
  readonly #rounds: Rounds
  readonly #lanes = new Map<string, Lane>()
  readonly #underWay = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  /** When those without a receiver were looked for last, by a clock that is never set. */
  #lookedMs: number

  constructor(options: DeliveriesOptions) {
    this.#options = { firstPauseMs: FIRST_PAUSE_MS, leaseMs: LEASE_MS, ...options }
    const { world, log } = options
    this.#lookedMs = world.monotonic()
    this.#rounds = new Rounds({
      world,
      idleMs: IDLE_MS,
      log,
      words: {
        fails: 'the messages of ends could not be read',
        goesOn: 'the messages of ends can be read again',
      },
      make: () => this.#round(),
    })
  }

  isTold(caller: string): boolean {
    return this.#options.receivers.receiver(caller) !== undefined
  }

  /** A message is due. */
  nudge(): void {
    this.#options.apart(() => this.#rounds.nudge(0))
  }

  start(): void {
    this.#rounds.start()
  }

  /** Takes no more messages; resolves when the attempts under way are over or, after `patienceMs`, given up. */
  async stop(patienceMs: number): Promise<void> {
    await this.#rounds.stop()
    const done = Promise.allSettled(this.#underWay)
    await within(this.#options.world, done, patienceMs)
    this.#stopping.abort(new Error('the gateway stops'))
    await done
  }

  async #round(): Promise<boolean> {
    const { outbox, receivers, world, leaseMs } = this.#options
    // Of whoever has no place free, the end of an attempt asks for the next round.
    const free = receivers.receiverNames().filter(name => this.#free(name) > 0)
    if (free.length > 0) {
      const due = await outbox.nextDue(free)
      const places = this.#places(due)
      if (places.length > 0)
        for (const delivery of await outbox.claim(world.now(), leaseMs, places)) this.#take(delivery)
      this.#rounds.nudge(Math.min(...due.values()))
    }
    await this.#giveUpForsaken()
    const lanes = [...this.#lanes.values()]
    const pausesMs = lanes.map(lane => lane.pausedMs(world.monotonic())).filter(ms => ms > 0)
    this.#rounds.nudge(world.now() + Math.min(IDLE_MS, ...pausesMs))
    return true
  }

  /** How many messages may be taken for whom, of those for whom one is due. */
  #places(due: ReadonlyMap<string, number>): { caller: string; limit: number }[] {
    const nowMs = this.#options.world.now()
    const callers = [...due].filter(([, dueAtMs]) => dueAtMs <= nowMs).map(([caller]) => caller)
    let left = MAX_UNDER_WAY - this.#underWay.size
    const places: { caller: string; limit: number }[] = []
    for (const caller of callers.toSorted((a, b) => this.#lane(a).underWay - this.#lane(b).underWay)) {
      const limit = Math.min(left, this.#free(caller))
      if (limit <= 0) break
      places.push({ caller, limit })
      left -= limit
    }
    return places
  }

  /** How many messages may begin now for this caller. */
  #free(caller: string): number {
    if (this.#underWay.size >= MAX_UNDER_WAY) return 0
    return this.#lane(caller).free(this.#options.world.monotonic())
  }

  #lane(caller: string): Lane {
    let lane = this.#lanes.get(caller)
    if (!lane) this.#lanes.set(caller, (lane = new Lane()))
    return lane
  }

  #take(delivery: Delivery): void {
    this.#lane(delivery.operation.createdBy).begin(this.#options.world.monotonic())
    const made = this.#deliver(delivery)
      // The lease ends, and it is sent again.
      .catch((error: unknown) =>
        this.#options.log.error({ err: error, operation: delivery.operation.id }, 'a delivery failed'),
      )
      .finally(() => {
        this.#underWay.delete(made)
        this.#rounds.nudge(0)
      })
    this.#underWay.add(made)
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { outbox, world } = this.#options
    const { operation } = delivery
    const { webhook } = operation
    const sent = await this.#send(operation)
    // An attempt that this process gave up tells nothing: the next process makes it.
    const isGivenUp = sent?.kind === 'failed' && this.#stopping.signal.aborted
    this.#tellLane(operation.createdBy, isGivenUp ? undefined : sent)
    if (!sent || isGivenUp) {
      await outbox.save(delivery, webhook, world.now())
      return
    }
    const nowMs = world.now()
    const attempts = webhook.attempts + 1
    const dueAtMs = sent.kind === 'failed' ? this.#nextAttemptAtMs(operation, attempts, nowMs, sent) : null
    const state = sent.kind !== 'failed' ? sent.kind : dueAtMs === null ? 'given-up' : 'pending'
    await this.#save(delivery, { state, attempts, lastAtMs: nowMs }, dueAtMs)
  }

  /** What came of one attempt; undefined when the caller has no receiver any more. */
  async #send(operation: Ended): Promise<Sent | undefined> {
    const { receivers, sender, bodyOf, world, onAttempt } = this.#options
    const receiver = receivers.receiver(operation.createdBy)
    if (!receiver) return undefined
    const message = { id: messageId(operation), atMs: world.now(), body: bodyOf(operation) }
    const beganMs = world.monotonic()
    const sent = await sender.send(receiver, message, this.#stopping.signal)
    onAttempt(receiver.name, sent.kind, world.monotonic() - beganMs)
    return sent
  }

  #nextAttemptAtMs(
    { finishedAtMs: endedAtMs }: Ended,
    attempts: number,
    nowMs: number,
    { retryAfterMs }: { retryAfterMs?: number },
  ): number | null {
    const { world, firstPauseMs } = this.#options
    const random = world.random()
    return nextAttemptAtMs({ attempts, endedAtMs, nowMs, retryAfterMs, firstPauseMs, random })
  }

  /** Writes what became of a message and, when it is over, who was told of what. */
  async #save(delivery: Delivery, webhook: Webhook, dueAtMs: number | null): Promise<void> {
    const { outbox, log, onOver } = this.#options
    if (!(await outbox.save(delivery, webhook, dueAtMs))) return
    const { state, attempts } = webhook
    if (state === 'pending') return
    const { id: operation, createdBy: caller } = delivery.operation
    onOver(caller, state)
    const level = state === 'given-up' ? 'warn' : 'info'
    log[level]({ audit: true, operation, caller, state, attempts }, 'webhook ended')
  }

  /** Says when a receiver begins to fail and when it answers again, and not each time in between. */
  #tellLane(caller: string, sent: Sent | undefined): void {
    const { log } = this.#options
    const hasFailed = sent?.kind === 'failed'
    const isNews = this.#lane(caller).end(sent ? (hasFailed ? 'failed' : 'taken') : null)
    if (!isNews) return
    if (hasFailed) log.warn({ caller, reason: sent.reason }, 'the receiver of a webhook fails')
    else log.info({ caller }, 'the receiver of a webhook answers again')
  }

  /** What nobody has tried for longer than a day has no receiver: the callers file names none any more. */
  async #giveUpForsaken(): Promise<void> {
    const { outbox, world, leaseMs } = this.#options
    if (world.monotonic() - this.#lookedMs < FORSAKEN_EVERY_MS) return
    this.#lookedMs = world.monotonic()
    const nowMs = world.now()
    const dueBeforeMs = nowMs - TRIED_FOR_MS
    for (let count = FORSAKEN_BATCH; count === FORSAKEN_BATCH;) {
      const forsaken = await outbox.claimForsaken(dueBeforeMs, nowMs, leaseMs, FORSAKEN_BATCH)
      count = forsaken.length
      for (const delivery of forsaken)
        await this.#save(delivery, { ...delivery.operation.webhook, state: 'given-up' }, null)
    }
  }
}

/** The same for each attempt, whichever process makes it: receivers know by it what they have seen. */
function messageId({ id }: Ended): string {
  return id.replace(/^op_/, 'msg_')
}
