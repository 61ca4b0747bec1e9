/**
 * HOSTKEY as five actions and a check. The one place that states the order of a call: token → send → judge →
 * renew the token once if it was refused. Outcomes are values; an exception from here is a bug.
 */

import type { Breaker, Verdict } from './breaker.ts'
import type { Bulkhead } from './bulkhead.ts'
import type {
  CallOutcome,
  CheckOutcome,
  Done,
  Hostkey,
  ListedSnapshot,
  Task,
  Unsent,
} from '../operations/hostkey.ts'
import { ACTIONS, actionFields } from './actions.ts'
import { judgeCall } from './judge/call.ts'
import { judgeCheck } from './judge/check.ts'
import type { Asked } from './judge/evidence.ts'
import type { Snapshot as Entry } from './judge/snapshots.ts'
import { cut, type Answer } from './judge/text.ts'
import { redact } from './redact.ts'
import type { Session } from './session.ts'
import type { Exchange, Transport } from './transport.ts'

export interface UpstreamOptions {
  transport: Transport
  session: Session
  /** `GET` sends `get_snapshot` as the vendor's page shows it. */
  readMethod: 'POST' | 'GET'
  /** The IANA zone of dates that come without one (`HOSTKEY_TIME_ZONE`). */
  timeZone?: string | undefined
  bulkhead: Bulkhead
  breaker: Breaker
  log: { warn: (fields: object, message: string) => void }
}

/** The client over a transport and a session; whoever opened these closes them. */
export function createUpstream(options: UpstreamOptions): Hostkey {
  const { transport, session, readMethod, timeZone, bulkhead, breaker, log } = options

  /** Makes a call where there is a place for it and HOSTKEY is not left alone. */
  async function pass<T extends CallOutcome | CheckOutcome>(
    call: () => Promise<T>,
    signal: AbortSignal | undefined,
    isBegun: boolean,
  ): Promise<T | Unsent> {
    if (breaker.pausedMs > 0) return shed()
    const judge = (outcome: T): Verdict => verdictOn(outcome, signal)
    return (await bulkhead.run(() => breaker.run(call, judge), signal, isBegun)) ?? shed()
  }

  function shed(): Unsent {
    const { pausedMs } = breaker
    return pausedMs > 0
      ? { kind: 'unsent', reason: 'it failed too often just now', shedMs: pausedMs }
      : { kind: 'unsent', reason: 'too many calls wait for it', shedMs: BUSY_MS }
  }

  async function callOnce(task: Task, token: string, signal?: AbortSignal): Promise<CallOutcome> {
    const { action, params } = task
    const method = ACTIONS[action].getOnPage ? readMethod : 'POST'
    const exchange = await transport.send('vm.php', method, actionFields(action, params, token), signal)
    if (exchange.kind === 'unsent') return exchange
    if (exchange.kind === 'lost') return exchange
    const answer = answerOf(exchange)
    const verdict = judgeCall(action, answer, askedOf(task))
    switch (verdict.kind) {
      case 'accepted':
        if (verdict.lenient) warnLenient(action, answer)
        return { kind: 'accepted', callback: verdict.callback }
      case 'done':
        if (verdict.lenient) warnLenient(action, answer)
        return doneOf(verdict, session.secrets())
      case 'ambiguous': {
        const { why, retryAfterMs } = verdict
        return {
          kind: 'lost',
          reason: why,
          cause: 'invalid',
          ...(retryAfterMs !== undefined && { retryAfterMs }),
        }
      }
      case 'refused':
        return { ...verdict, code: clean(verdict.code), message: clean(verdict.message) }
      case 'unauthorized':
        return { kind: 'unauthorized', message: clean(verdict.message) }
    }
  }

  /** What was asked, as far as it helps to read the answer. */
  function askedOf({ params }: Task): Asked {
    return { name: params.name, type: params.type, timeZone }
  }

  /** What is shown of an upstream text: without secrets, and not endless. */
  function clean(text: string, secrets: readonly string[] = []): string {
    return cut(String(redact(text, [...session.secrets(), ...secrets])), MAX_MESSAGE_LENGTH)
  }

  function warnLenient(action: string, answer: Answer): void {
    log.warn(
      { action, http_status: answer.status, bytes: answer.body.length },
      'upstream JSON had to be dug out of other text',
    )
  }

  async function callWithToken(task: Task, signal?: AbortSignal): Promise<CallOutcome> {
    for (let tries = 0; ; tries += 1) {
      const got = await session.token()
      if (got.kind === 'unauthorized') return { kind: 'unauthorized', message: clean(got.message) }
      if (got.kind === 'unsent') return got
      const outcome = await callOnce(task, got.token, signal)
      if (outcome.kind !== 'unauthorized') return outcome
      if (!session.refused(got.token) || tries > 0) return outcome
    }
  }

  async function checkOnce(callback: string, task: Task, signal?: AbortSignal): Promise<CheckOutcome> {
    const fields = { action: 'check', key: callback }
    const exchange = await transport.send('eq_callback.php', 'POST', fields, signal)
    if (exchange.kind !== 'answer') return exchange
    const answer = answerOf(exchange)
    const verdict = judgeCheck(task.action, answer, askedOf(task))
    switch (verdict.kind) {
      case 'pending':
        return { kind: 'pending' }
      case 'gone':
        return verdict
      case 'done':
        if (verdict.lenient) warnLenient('check', answer)
        return doneOf(verdict, [callback, ...session.secrets()])
      case 'failed':
        return {
          ...verdict,
          code: clean(verdict.code, [callback]),
          message: clean(verdict.message, [callback]),
        }
      case 'unintelligible':
        return { kind: 'lost', reason: verdict.why, cause: 'invalid' }
    }
  }

  return {
    call: (task, signal) => pass(() => callWithToken(task, signal), signal, false),
    check: (callback, task, signal) => pass(() => checkOnce(callback, task, signal), signal, true),
    pausedMs: () => breaker.pausedMs,
  }
}

function answerOf({ answer, retryAfterMs }: Exchange & { kind: 'answer' }): Answer {
  return { ...answer, retryAfterMs }
}

/** What was done, without secrets. The list is redacted entry by entry: a snapshot may be called `before-key-rotation`. */
function doneOf(
  { scope, snapshots }: { scope: unknown; snapshots?: Entry[] | null },
  secrets: readonly string[],
): Done {
  const listed = snapshots?.map(snapshot => listedOf(snapshot, secrets)) ?? null
  return { kind: 'done', scope: redact(scope, secrets), snapshots: listed }
}

/** The port's form of an entry; its secrets are left out. */
function listedOf({ state, raw, ...entry }: Entry, secrets: readonly string[]): ListedSnapshot {
  return { ...entry, isPresent: state === 'present', raw: redact(raw, secrets) }
}

/** When to come back after there was no place. */
const BUSY_MS = 1_000

/** HOSTKEY is well when it gives any answer that makes sense, a refusal too. What was given up tells nothing. */
function verdictOn({ kind }: CallOutcome | CheckOutcome, signal: AbortSignal | undefined): Verdict {
  if (kind !== 'lost' && kind !== 'unsent') return 'good'
  return signal?.aborted ? 'nothing' : 'bad'
}

const MAX_MESSAGE_LENGTH = 1_000
