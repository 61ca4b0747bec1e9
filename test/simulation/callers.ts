/** What callers do with their wishes: ask, wait, ask again with the same idempotency key, read, and leave. */

import { hasEnded, type Operation, type Status } from '../../src/operations/operation.ts'
import type { Operations } from '../../src/operations/operations.ts'
import type { ChangeRequest, Start } from '../../src/operations/start.ts'
import { StoreUnavailable } from '../../src/operations/store.ts'
import type { Chance } from './chance.ts'
import { BROKEN, CALLER, type SimulatedGateway } from './gateway.ts'
import type { Wish } from './plan.ts'
import type { Schedule } from './schedule.ts'
import type { Trace } from './trace.ts'

const MAX_TRIES = 12

/** What callers were told, for the judge to hold against the truth. */
export interface Told {
  /** The operations that a wish was given. */
  readonly ids: Map<string, Set<string>>
  /** The end that somebody saw of an operation. */
  readonly ends: Map<string, Status>
  /** What nobody may ever be told. */
  readonly wrong: string[]
}

export interface CallersParts {
  schedule: Schedule
  chance: Chance
  trace: Trace
  gateways: readonly SimulatedGateway[]
  told: Told
}

type Outcome = Start | typeof BROKEN | 'left'

export class Callers {
  readonly #parts: CallersParts
  /** Wishes that somebody still works on. */
  busy = 0

  constructor(parts: CallersParts) {
    this.#parts = parts
  }

  /** Follows a wish to its end, or until the caller gives it up. */
  async follow(wish: Wish): Promise<void> {
    this.busy += 1
    try {
      if (wish.kind === 'snapshot.list' || wish.kind === 'stats.load') await this.#read(wish, wish.kind)
      else await this.#change(wish, wish.kind)
    } finally {
      this.busy -= 1
    }
  }

  async #change(wish: Wish, kind: ChangeRequest['kind']): Promise<void> {
    const { schedule, chance, trace } = this.#parts
    const isRestore = kind === 'snapshot.restore'
    const request: ChangeRequest = {
      kind,
      vmId: wish.vmId,
      snapshot: wish.snapshot,
      snapshotType: 'snapshot',
      // What HOSTKEY is sent with a restore tells whose it is.
      backupId: isRestore ? wish.name : null,
      caller: CALLER,
      idempotencyKey: wish.hasKey ? { key: wish.name, fingerprint: wish.name } : null,
      ...(wish.refusesIfNewer && { refusesIfNewer: true }),
    }
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const gateway = this.#gateway(tries === 1 ? wish.gateway : chance.below(64))
      const outcome = gateway ? await this.#start(gateway, request, wish) : BROKEN
      trace.tell('caller', `${wish.name} ${kind} of ${wish.vmId}: ${wordsOf(outcome)}`)
      if (outcome === 'left') return
      const again = this.#settle(wish, outcome)
      if (again === 'done') return this.#watch(wish)
      // Without a key nobody knows whether it was done: asking again may do it twice.
      if (again === 'unsure' && !wish.hasKey) return
      await schedule.pause(chance.between(100, 4_000))
    }
  }

  /** What a caller has to do next, who was told this. */
  #settle(wish: Wish, outcome: Exclude<Outcome, 'left'>): 'done' | 'again' | 'unsure' {
    if (outcome === BROKEN) return 'unsure'
    switch (outcome.kind) {
      case 'started':
      case 'replayed':
        this.#note(wish, outcome.operation)
        return 'done'
      case 'unsettled':
        this.#note(wish, outcome.operation)
        return 'done'
      case 'refused':
        if (outcome.operation) this.#note(wish, outcome.operation)
        return outcome.operation ? 'done' : 'again'
      case 'busy':
        return 'again'
      case 'in-progress':
      case 'lost':
        return 'unsure'
      case 'newer':
        return 'done'
      case 'reused':
        this.#parts.told.wrong.push(`the idempotency key of ${wish.name} belongs to another request`)
        return 'done'
    }
  }

  async #start(gateway: SimulatedGateway, request: ChangeRequest, wish: Wish): Promise<Outcome> {
    const { schedule } = this.#parts
    const gone = new AbortController()
    const never = new AbortController()
    const leaving =
      wish.leavesMs === null ? undefined : schedule.after(wish.leavesMs, () => gone.abort(new Error('left')))
    try {
      const told = await gateway.ask(async operations => {
        const start = await operations.start(request, wish.waitMs, gone.signal)
        if (start.kind !== 'started' && start.kind !== 'replayed') return start
        const operation = await operations.wait(start.operation, wish.waitMs, never.signal, () => gone.signal)
        return { ...start, operation }
      })
      return gone.signal.aborted ? 'left' : told
    } catch (error) {
      return asBroken(error)
    } finally {
      if (leaving) leaving.isCancelled = true
    }
  }

  async #read(wish: Wish, kind: 'snapshot.list' | 'stats.load'): Promise<void> {
    const { trace } = this.#parts
    const gateway = this.#gateway(wish.gateway)
    const gone = new AbortController()
    const type = kind === 'stats.load' ? null : 'snapshot'
    const told = await gateway
      ?.ask(operations =>
        operations.read({
          kind,
          vmId: wish.vmId,
          type,
          caller: CALLER,
          waitMs: wish.waitMs,
          fresh: wish.hasKey,
          gone: () => gone.signal,
        }),
      )
      .catch(asBroken)
    if (told === undefined || told === BROKEN) return
    trace.tell('caller', `${wish.name} ${kind} of ${wish.vmId}: ${told.operation.status}`)
    // A read that was answered in time leaves nothing behind.
    if (told.operation.status === 'running') this.#note(wish, told.operation)
  }

  /** Looks at its operation some more, perhaps over another gateway. */
  async #watch(wish: Wish): Promise<void> {
    const { schedule, chance, told } = this.#parts
    const [id] = told.ids.get(wish.name) ?? []
    if (id === undefined) return
    for (let looks = chance.between(0, 3); looks > 0; looks -= 1) {
      await schedule.pause(chance.between(50, 5_000))
      const look = async (operations: Operations): Promise<Operation | undefined> => {
        const operation = await operations.get(id)
        const never = new AbortController().signal
        return operation && operations.wait(operation, wish.waitMs, never, () => never)
      }
      const seen = await this.#gateway(chance.below(64))?.ask(look).catch(asBroken)
      if (seen === BROKEN) continue
      if (seen) this.#note(wish, seen)
    }
  }

  #gateway(nth: number): SimulatedGateway | undefined {
    const serving = this.#parts.gateways.filter(({ isServing }) => isServing)
    return serving[nth % serving.length]
  }

  #note(wish: Wish, operation: Operation): void {
    const { told } = this.#parts
    const ids = told.ids.get(wish.name) ?? new Set()
    told.ids.set(wish.name, ids.add(operation.id))
    const before = told.ends.get(operation.id)
    if (before !== undefined && before !== operation.status)
      told.wrong.push(`${operation.id} (${wish.name}) was ${before} and is ${operation.status}`)
    if (hasEnded(operation)) told.ends.set(operation.id, operation.status)
  }
}

/** A caller that is told to come back knows as little as one whose connection broke. */
function asBroken(error: unknown): typeof BROKEN {
  if (!(error instanceof StoreUnavailable)) throw error
  return BROKEN
}

function wordsOf(outcome: Outcome): string {
  if (outcome === 'left') return 'left'
  if (outcome === BROKEN) return 'was told nothing'
  if ('operation' in outcome && outcome.operation)
    return `${outcome.kind}, ${outcome.operation.id.slice(-6)} ${outcome.operation.status}`
  return outcome.kind
}
