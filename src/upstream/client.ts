/**
 * HOSTKEY as five actions and a check. The one place that states the order of a call: token → send → parse → once more
 * with a newer token, if that one was refused or is of a session too old to know the VM. Outcomes are values; an exception from here is a bug.
 */

import type { Breaker, Verdict } from './breaker.ts'
import type { Bulkhead } from './bulkhead.ts'
import { ACTIONS, actionFields, type ActionName, type ActionParams } from './actions.ts'
import { parseCall, parseCheck, type RawAnswer } from './parse.ts'
import { redact } from './redact.ts'
import { problemOfRefusal } from './refusals.ts'
import type { Session } from './session.ts'
import type { Throttle } from './throttle.ts'
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
  /** VMs of which the last call got no answer that makes sense. */
  const failedLast = new Set<number>()

  /** Makes a call where there is a place for it and HOSTKEY is not left alone. */
  async function pass<T extends CallOutcome | CheckOutcome>(
    call: () => Promise<T>,
    vmId: number | undefined,
    signal: AbortSignal | undefined,
    isBegun: boolean,
  ): Promise<T | Unsent> {
    if (breaker.heldMs(vmId) > 0) return shed(vmId)
    const judge = (outcome: T): Verdict => {
      const verdict = verdictOn(outcome, signal)
      if (vmId !== undefined) remember(vmId, verdict)
      return verdict
    }
    const run = (): Promise<T | undefined> => breaker.run(call, judge, vmId)
    const isDoubtful = vmId !== undefined && failedLast.has(vmId)
    const outcome = isDoubtful
      ? await bulkhead.runDoubtful(run, signal, isBegun)
      : await bulkhead.run(run, signal, isBegun)
    return outcome ?? shed(vmId)
  }

  /** Calls about VMs that hang must not take all the places from the others. */
  function remember(vmId: number, verdict: Verdict): void {
    if (verdict === 'good') failedLast.delete(vmId)
    else if (verdict === 'bad' && failedLast.size < MAX_VMS) failedLast.add(vmId)
  }

  function shed(vmId: number | undefined): Unsent {
    const heldMs = breaker.heldMs(vmId)
    return heldMs > 0
      ? { kind: 'unsent', reason: 'it failed too often just now', shedMs: heldMs }
      : { kind: 'unsent', reason: 'too many calls wait for it', shedMs: BUSY_MS }
  }

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
        const reason = isThrottled(exchange) ? ({ reason: 'throttled' } as const) : {}
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
      pass(() => callWithToken(action, params, signal), params.id, signal, false),
    check: (callback, signal, vmId) => pass(() => checkOnce(callback, signal), vmId, signal, true),
    pausedMs: () => breaker.pausedMs,
    close: () => transport.close(),
  }
}

/** How many VMs are remembered. */
const MAX_VMS = 10_000
/** When to come back after there was no place. */
const BUSY_MS = 1_000

/**
 * HOSTKEY is well when it gives any answer that makes sense, a refusal too. An answer without sense, or none in time, may be
 * due to the VM; what could not be reached, or broke off, is HOSTKEY's. What was given up, or held back here, tells nothing.
 */
function verdictOn(outcome: CallOutcome | CheckOutcome, signal: AbortSignal | undefined): Verdict {
  if (outcome.kind !== 'lost' && outcome.kind !== 'unsent') return 'good'
  if (signal?.aborted || (outcome.kind === 'unsent' && outcome.shedMs !== undefined)) return 'nothing'
  return outcome.kind === 'unsent' || outcome.cause === 'connection' ? 'away' : 'bad'
}

function isVmMissing(outcome: CallOutcome, { name }: ActionParams): boolean {
  return (
    outcome.kind === 'refused' && problemOfRefusal(outcome.message, name !== undefined) === 'vm-not-found'
  )
}

type Answered = Exchange & { kind: 'answer' }

/** HTTP 429 (RFC 6585, section 4) and 503 (RFC 9110, section 15.6.4) speak of HOSTKEY and not of what was asked. */
function isThrottled({ answer }: Answered): boolean {
  return answer.status === 429 || answer.status === 503
}

/** An answer that cannot be understood. */
function lostAnswer(exchange: Answered, reason: string): Lost {
  const { retryAfterMs } = exchange
  return {
    kind: 'lost',
    reason,
    cause: isThrottled(exchange) ? 'unavailable' : 'invalid',
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  }
}

/** How long HOSTKEY asks to be left alone, whatever else it answers: null for not at all, 0 when it does not say. */
function askedToWaitMs(exchange: Exchange): number | null {
  if (exchange.kind !== 'answer') return null
  const ms = exchange.retryAfterMs ?? 0
  return ms > 0 || exchange.answer.status === 429 ? ms : null
}

const MAX_MESSAGE_LENGTH = 1_000
