/**
 * HOSTKEY as five actions and a check. The one place that states the order of a call: token → send → parse →
 * renew the token once if it was refused. Outcomes are values; an exception from here is a bug.
 */

import type { Breaker, Verdict } from './breaker.ts'
import type { Bulkhead } from './bulkhead.ts'
import type {
  CallOutcome,
  CheckOutcome,
  Done,
  Hostkey,
  RefusalReason,
  Task,
  Unsent,
} from '../operations/hostkey.ts'
import { ACTIONS, actionFields } from './actions.ts'
import { parseCall, parseCheck, type RawAnswer } from './parse.ts'
import { redact } from './redact.ts'
import type { Session } from './session.ts'
import { reasonOfRefusal } from './refusals.ts'
import { readSnapshots } from './snapshots.ts'
import type { Transport } from './transport.ts'

export interface UpstreamOptions {
  transport: Transport
  session: Session
  /** `GET` sends `get_snapshot` as the vendor's page shows it. */
  readMethod: 'POST' | 'GET'
  bulkhead: Bulkhead
  breaker: Breaker
  log: { warn: (fields: object, message: string) => void }
}

/** The client over a transport and a session; whoever opened these closes them. */
export function createUpstream(options: UpstreamOptions): Hostkey {
  const { transport, session, readMethod, bulkhead, breaker, log } = options

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
    const answer = parseCall(exchange.answer, params.name)
    const later = exchange.retryAfterMs === null ? {} : { retryAfterMs: exchange.retryAfterMs }
    switch (answer.kind) {
      case 'accepted':
        if (answer.lenient) warnLenient(action, exchange.answer)
        return { kind: 'accepted', callback: answer.callback }
      case 'done':
        if (answer.lenient) warnLenient(action, exchange.answer)
        return doneOf(task, redact(answer.scope, session.secrets()))
      case 'unintelligible':
        return { kind: 'lost', reason: answer.reason, cause: 'invalid', ...later }
      case 'refused': {
        const message = clean(answer.message)
        return {
          kind: 'refused',
          reason: reasonOf(task, message),
          code: clean(answer.code),
          message,
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
    const answer = parseCheck(exchange.answer)
    switch (answer.kind) {
      case 'pending':
      case 'gone':
        return answer
      case 'done':
        if (answer.lenient) warnLenient('check', exchange.answer)
        return doneOf(task, redact(answer.scope, [callback, ...session.secrets()]))
      case 'failed': {
        const message = clean(answer.message, [callback])
        return {
          kind: 'failed',
          reason: reasonOf(task, message),
          code: clean(answer.code, [callback]),
          message,
        }
      }
      case 'unintelligible':
        return { kind: 'lost', reason: answer.reason, cause: 'invalid' }
    }
  }

  return {
    call: (task, signal) => pass(() => callWithToken(task, signal), signal, false),
    check: (callback, task, signal) => pass(() => checkOnce(callback, task, signal), signal, true),
    pausedMs: () => breaker.pausedMs,
  }
}

/** What was done, with the snapshots where a list of them was asked for. `scope` has no secrets in it. */
function doneOf({ action, params }: Task, scope: unknown): Done {
  const snapshots = action === 'get_snapshot' ? readSnapshots(scope, params.type ?? DEFAULT_TYPE) : null
  return { kind: 'done', scope, snapshots }
}

function reasonOf({ params }: Task, message: string): RefusalReason {
  return reasonOfRefusal(message, params.name !== undefined)
}

/** The type of snapshots that HOSTKEY means when none is given. */
const DEFAULT_TYPE = 'snapshot'

/** When to come back after there was no place. */
const BUSY_MS = 1_000

/** HOSTKEY is well when it gives any answer that makes sense, a refusal too. What was given up tells nothing. */
function verdictOn({ kind }: CallOutcome | CheckOutcome, signal: AbortSignal | undefined): Verdict {
  if (kind !== 'lost' && kind !== 'unsent') return 'good'
  return signal?.aborted ? 'nothing' : 'bad'
}

const MAX_MESSAGE_LENGTH = 1_000
