/**
 * HOSTKEY as five actions and a check. This is the one place that states the order of a call: token → send → judge → once
 * more with a newer token, if that one was refused or is of a session too old to know the VM. Outcomes are values; an
 * exception from here is a bug.
 */

import type { CallOutcome, CheckOutcome, Done, Hostkey, Lost, MayLeave, Task } from '../operations/hostkey.ts'
import { ACTIONS, actionFields } from './actions.ts'
import { BUSY_MS, type Gate } from './gate.ts'
import { judgeCall } from './judge/call.ts'
import { judgeCheck } from './judge/check.ts'
import { areApart } from './judge/dates.ts'
import type { Asked } from './judge/evidence.ts'
import { MAX_MESSAGE_LENGTH } from './judge/reason.ts'
import type { Snapshot } from './judge/snapshots.ts'
import { cut, type Answer } from './judge/text.ts'
import { redact, redaction } from './redact.ts'
import type { Session } from './session.ts'
import { askedToWaitMs, isThrottled, type Throttle } from './throttle.ts'
import type { Exchange, Transport } from './transport.ts'
import type { World } from '../world.ts'
import { OneATurn } from './one-a-turn.ts'

const LARGE_BYTES = 64 * 1024

export interface ClientOptions {
  transport: Transport
  session: Session
  /** `GET` sends `get_snapshot` as the vendor's page shows it. */
  readMethod: 'POST' | 'GET'
  /** The IANA zone of dates that come without one (`HOSTKEY_TIME_ZONE`), or null. */
  timeZone: string | null
  gate: Gate
  world: Pick<World, 'now' | 'soon'>
  /** Slows all checks together. */
  checks: Throttle
  log: { warn: (fields: object, message: string) => void }
}

/** The client over a transport and a session; whoever opened these closes them. */
export class Client implements Hostkey {
  readonly #options: ClientOptions
  readonly #largeWork: OneATurn

  constructor(options: ClientOptions) {
    this.#options = options
    this.#largeWork = new OneATurn(options.world)
  }

  call(task: Task, signal?: AbortSignal, mayLeave?: MayLeave): Promise<CallOutcome> {
    const { gate } = this.#options
    return gate.pass(() => this.#call(task, signal, mayLeave), {
      caller: task.caller,
      vmId: task.params.id,
      signal,
      isBegun: false,
    })
  }

  check(callback: string, task: Task, signal?: AbortSignal, mayLeave?: MayLeave): Promise<CheckOutcome> {
    const { gate } = this.#options
    return gate.pass(() => this.#check(callback, task, signal, mayLeave), {
      caller: task.caller,
      vmId: task.params.id,
      signal,
      isBegun: true,
    })
  }

  pausedMs(): number {
    return this.#options.gate.pausedMs
  }

  isAtLimit(caller: string): boolean {
    return this.#options.gate.isAtLimit(caller)
  }

  async #call(task: Task, signal?: AbortSignal, mayLeave?: MayLeave): Promise<CallOutcome> {
    const { session } = this.#options
    for (let tries = 0; ; tries += 1) {
      const got = await session.token()
      if (got.kind === 'unauthorized') return { kind: 'unauthorized', message: this.#clean(got.message) }
      if (got.kind === 'unsent') return got
      const outcome = await this.#callOnce(task, got.token, signal, mayLeave)
      // A refusal is proof that nothing happened: a change too may be sent once more.
      const isWorthMore = tries === 0 && (await this.#hasNewerToken(outcome, task, got.token))
      if (!isWorthMore) return outcome
    }
  }

  async #hasNewerToken(outcome: CallOutcome, { params }: Task, token: string): Promise<boolean> {
    const { session } = this.#options
    if (outcome.kind === 'unauthorized') return session.refused(token)
    const isVmUnknown = outcome.kind === 'refused' && outcome.reason === 'vm-missing'
    return isVmUnknown && (await session.renewedFor(params.id, token))
  }

  async #callOnce(
    task: Task,
    token: string,
    signal?: AbortSignal,
    mayLeave?: MayLeave,
  ): Promise<CallOutcome> {
    const { transport, readMethod } = this.#options
    const { action, params } = task
    const method = ACTIONS[action].getOnPage ? readMethod : 'POST'
    const fields = actionFields(action, params, token)
    const exchange = await transport.send('vm.php', method, fields, signal, mayLeave)
    if (exchange.kind !== 'answer') return exchange
    const answer = answerOf(exchange)
    await this.#letOthers(answer.body)
    const verdict = judgeCall(action, answer, this.#asked(task, answer))
    switch (verdict.kind) {
      case 'accepted':
        if (verdict.lenient) this.#warnLenient(action, answer)
        return { kind: 'accepted', callback: verdict.callback }
      case 'done':
        if (verdict.lenient) this.#warnLenient(action, answer)
        return this.#done(verdict, answer)
      case 'ambiguous':
        return lost(answer, verdict.why, verdict.retryAfterMs)
      case 'refused':
        return { ...verdict, code: this.#clean(verdict.code), message: this.#clean(verdict.message) }
      case 'unauthorized':
        return { kind: 'unauthorized', message: this.#clean(verdict.message) }
    }
  }

  async #check(
    callback: string,
    task: Task,
    signal?: AbortSignal,
    mayLeave?: MayLeave,
  ): Promise<CheckOutcome> {
    const { transport, checks } = this.#options
    const fields = { action: 'check', key: callback }
    const send = (): Promise<Exchange> => transport.send('eq_callback.php', 'POST', fields, signal, mayLeave)
    const exchange = await checks.run(send, askedToWaitMs)
    if (!exchange)
      return { kind: 'unsent', reason: 'it asks to be asked less often', shedMs: checks.pausedMs || BUSY_MS }
    if (exchange.kind !== 'answer') return exchange
    const answer = answerOf(exchange)
    await this.#letOthers(answer.body)
    const verdict = judgeCheck(task.action, answer, this.#asked(task, answer))
    switch (verdict.kind) {
      case 'pending':
        return { kind: 'pending' }
      case 'gone':
        return verdict
      case 'done':
        if (verdict.lenient) this.#warnLenient('check', answer)
        return this.#done(verdict, answer, callback)
      case 'failed':
        return {
          ...verdict,
          code: this.#clean(verdict.code, callback),
          message: this.#clean(verdict.message, callback),
        }
      case 'unintelligible':
        return lost(answer, verdict.why, verdict.retryAfterMs)
    }
  }

  /** What was asked, as far as it helps to read the answer. */
  #asked({ params: { name, type } }: Task, { headers }: Answer): Asked {
    const { timeZone, world } = this.#options
    const clocksDiffer = areApart(headers?.date, world.now())
    return { name, type, timeZone: timeZone ?? undefined, clocksDiffer }
  }

  /** What was done, without secrets. The list is redacted entry by entry: a snapshot may be called `before-key-rotation`. */
  async #done(
    told: { scope: unknown; snapshots?: Snapshot[] | null },
    { body }: Answer,
    ...more: string[]
  ): Promise<Done> {
    const clean = redaction([...more, ...this.#options.session.secrets()])
    await this.#letOthers(body)
    const snapshots = told.snapshots?.map(({ state, raw, ...entry }) => ({
      ...entry,
      isPresent: state === 'present',
      raw: clean(raw),
    }))
    if (snapshots) await this.#letOthers(body)
    const scope = clean(told.scope)
    // Whoever waits for it makes texts of it next.
    await this.#letOthers(body)
    return {
      kind: 'done',
      scope,
      snapshots: snapshots ?? null,
      ...(body.length < LARGE_BYTES ? {} : { isLarge: true }),
    }
  }

  /** What is done with a large answer is done in turns of the event loop that no other has. */
  #letOthers({ length }: Uint8Array): Promise<void> | undefined {
    return length < LARGE_BYTES ? undefined : this.#largeWork.next()
  }

  /** What is shown of an upstream text: without secrets, and not endless. */
  #clean(text: string, ...secrets: string[]): string {
    const shown = String(redact(text, [...this.#options.session.secrets(), ...secrets]))
    return cut(shown, MAX_MESSAGE_LENGTH)
  }

  #warnLenient(action: string, answer: Answer): void {
    this.#options.log.warn(
      { action, http_status: answer.status, bytes: answer.body.length },
      'upstream JSON had to be dug out of other text',
    )
  }
}

function answerOf({ answer, retryAfterMs }: Exchange & { kind: 'answer' }): Answer {
  return { ...answer, retryAfterMs }
}

/** An answer that cannot be understood. */
function lost(answer: Answer, reason: string, retryAfterMs?: number): Lost {
  const cause = isThrottled(answer) ? 'unavailable' : 'invalid'
  return { kind: 'lost', reason, cause, ...(retryAfterMs !== undefined && { retryAfterMs }) }
}
