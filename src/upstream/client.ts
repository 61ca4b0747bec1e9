/**
 * HOSTKEY as five actions and a check. The one place that states the order of a call: token → send → parse → once more
 * with a newer token, if that one was refused or is of a session too old to know the VM. Outcomes are values; an exception from here is a bug.
 */

import type { Breaker } from './breaker.ts'
import type { Bulkhead } from './bulkhead.ts'
import { ACTIONS, actionFields, type ActionName, type ActionParams } from './actions.ts'
import { BUSY_MS, Gate } from './gate.ts'
import { parseCall, parseCheck, type RawAnswer } from './parse.ts'
import { redact } from './redact.ts'
import { problemOfRefusal } from './refusals.ts'
import type { Session } from './session.ts'
import { askedToWaitMs, isThrottled, type Throttle } from './throttle.ts'
import type { Exchange, LostCause, Transport } from './transport.ts'

/** The call left and nobody can tell what became of it, or (a check) whether the key was burned. */
export interface Lost {
  kind: 'lost'
  reason: string
  cause: LostCause
  /** What HOSTKEY asked for by `Retry-After`, in milliseconds. */
  retryAfterMs?: number
}
/** The call certainly did not leave the gateway. */
export interface Unsent {
  kind: 'unsent'
  reason: string
  /** The gateway itself held it back: HOSTKEY fails too often, or too many calls wait. Then when to come back. */
  shedMs?: number
}

export type CallOutcome =
  | { kind: 'accepted'; callback: string }
  /** Done at once; `scope` has no secrets in it. */
  | { kind: 'done'; scope: unknown }
  /** `throttled`: for HOSTKEY's own sake (HTTP 429 or 503), and not for what was asked: it may be repeated later. */
  | { kind: 'refused'; reason?: 'throttled'; code: string; message: string; retryAfterMs?: number }
  /** HOSTKEY refuses the gateway's own credentials, also after one renewal. */
  | { kind: 'unauthorized'; message: string }
  | Lost
  | Unsent

export type CheckOutcome =
  | { kind: 'pending' }
  | { kind: 'done'; scope: unknown }
  | { kind: 'failed'; code: string; message: string }
  | { kind: 'gone' }
  | Lost
  | Unsent

export interface Upstream {
  call(action: ActionName, params: ActionParams, signal?: AbortSignal): Promise<CallOutcome>
  /** Reads (and burns) the result of a callback key; `vmId` is the VM of its task. */
  check(callback: string, signal?: AbortSignal, vmId?: number): Promise<CheckOutcome>
  /** For how long calls are held back because HOSTKEY fails, in milliseconds; 0 when they may be made. */
  pausedMs(): number
  close(): Promise<void>
}

export interface UpstreamOptions {
  transport: Transport
  session: Session
  /** `GET` sends `get_snapshot` as the vendor's page shows it. */
  readMethod: 'POST' | 'GET'
  bulkhead: Bulkhead
  breaker: Breaker
  /** Of all checks together. */
  checks: Throttle
  log: { warn: (fields: object, message: string) => void }
}

/** The client over a transport and a session; both are closed by their owner, but the transport with `close`. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const { transport, session, readMethod, bulkhead, breaker, checks, log } = options
  const gate = new Gate(breaker, bulkhead)

  async function callOnce(
    action: ActionName,
    params: ActionParams,
    token: string,
    signal?: AbortSignal,
  ): Promise<CallOutcome> {
    const method = ACTIONS[action].getOnPage ? readMethod : 'POST'
    const exchange = await transport.send('vm.php', method, actionFields(action, params, token), signal)
    if (exchange.kind === 'unsent') return exchange
    if (exchange.kind === 'lost') return exchange
    const answer = parseCall(exchange.answer, params.name)
    const later = exchange.retryAfterMs === null ? {} : { retryAfterMs: exchange.retryAfterMs }
    switch (answer.kind) {
      case 'accepted':
        if (answer.lenient) warnLenient(action, exchange.answer)
        return { kind: 'accepted', callback: answer.callback }
      case 'done':
        if (answer.lenient) warnLenient(action, exchange.answer)
        return { kind: 'done', scope: redact(answer.scope, session.secrets()) }
      case 'unintelligible':
        return lostAnswer(exchange, answer.reason)
      case 'refused': {
        const reason = isThrottled(exchange.answer) ? ({ reason: 'throttled' } as const) : {}
        return {
          kind: 'refused',
          ...reason,
          code: clean(answer.code),
          message: clean(answer.message),
          ...later,
        }
      }
      case 'unauthorized':
        return { kind: 'unauthorized', message: clean(answer.message) }
    }
  }

  /** What is shown of an upstream text: without secrets, and not endless. */
  function clean(text: string, secrets: readonly string[] = []): string {
    return String(redact(text, [...session.secrets(), ...secrets])).slice(0, MAX_MESSAGE_LENGTH)
  }

  function warnLenient(action: string, answer: RawAnswer): void {
    log.warn(
      { action, http_status: answer.status, bytes: answer.body.length },
      'upstream JSON had to be dug out of other text',
    )
  }

  async function callWithToken(
    action: ActionName,
    params: ActionParams,
    signal?: AbortSignal,
  ): Promise<CallOutcome> {
    for (let tries = 0; ; tries += 1) {
      const got = await session.token()
      if (got.kind === 'unauthorized') return { kind: 'unauthorized', message: clean(got.message) }
      if (got.kind === 'unsent') return got
      const outcome = await callOnce(action, params, got.token, signal)
      // A refusal is proof that nothing happened: a change too may be sent once more.
      const isNewer =
        outcome.kind === 'unauthorized'
          ? session.refused(got.token)
          : tries === 0 && isVmMissing(outcome, params) && (await session.renewedFor(params.id, got.token))
      if (!isNewer || tries > 0) return outcome
    }
  }

  async function checkOnce(callback: string, signal?: AbortSignal): Promise<CheckOutcome> {
    const fields = { action: 'check', key: callback }
    const exchange = await checks.run(
      () => transport.send('eq_callback.php', 'POST', fields, signal),
      askedToWaitMs,
    )
    if (!exchange)
      return { kind: 'unsent', reason: 'it asks to be asked less often', shedMs: checks.pausedMs || BUSY_MS }
    if (exchange.kind !== 'answer') return exchange
    const answer = parseCheck(exchange.answer)
    switch (answer.kind) {
      case 'pending':
      case 'gone':
        return answer
      case 'done':
        if (answer.lenient) warnLenient('check', exchange.answer)
        return { kind: 'done', scope: redact(answer.scope, [callback, ...session.secrets()]) }
      case 'failed':
        return {
          kind: 'failed',
          code: clean(answer.code, [callback]),
          message: clean(answer.message, [callback]),
        }
      case 'unintelligible':
        return lostAnswer(exchange, answer.reason)
    }
  }

  return {
    call: (action, params, signal) =>
      gate.pass(() => callWithToken(action, params, signal), { vmId: params.id, signal, isBegun: false }),
    check: (callback, signal, vmId) =>
      gate.pass(() => checkOnce(callback, signal), { vmId, signal, isBegun: true }),
    pausedMs: () => gate.pausedMs,
    close: () => transport.close(),
  }
}

function isVmMissing(outcome: CallOutcome, { name }: ActionParams): boolean {
  return (
    outcome.kind === 'refused' && problemOfRefusal(outcome.message, name !== undefined) === 'vm-not-found'
  )
}

/** An answer that cannot be understood. */
function lostAnswer(exchange: Exchange & { kind: 'answer' }, reason: string): Lost {
  const { retryAfterMs } = exchange
  return {
    kind: 'lost',
    reason,
    cause: isThrottled(exchange.answer) ? 'unavailable' : 'invalid',
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  }
}

const MAX_MESSAGE_LENGTH = 1_000
