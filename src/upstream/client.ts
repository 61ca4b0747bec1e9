/**
 * HOSTKEY as five actions and a check. The one place that states the order of a call: token → send → parse →
 * renew the token once if it was refused. Outcomes are values; an exception from here is a bug.
 */

import { ACTIONS, actionFields, type ActionName, type ActionParams } from './actions.ts'
import { parseCall, parseCheck, type RawAnswer } from './parse.ts'
import { redact } from './redact.ts'
import type { Session } from './session.ts'
import type { Transport } from './transport.ts'

/** The call left and nobody can tell what became of it, or (a check) whether the key was burned. */
export interface Lost {
  kind: 'lost'
  reason: string
  /** `timeout`: no answer in time; `connection`: it broke; `invalid`: an answer that makes no sense. */
  cause: 'timeout' | 'connection' | 'invalid'
}
/** The call certainly did not leave the gateway. */
export interface Unsent {
  kind: 'unsent'
  reason: string
}

export type CallOutcome =
  | { kind: 'accepted'; callback: string }
  /** Done at once; `scope` has no secrets in it. */
  | { kind: 'done'; scope: unknown }
  | { kind: 'refused'; code: string; message: string }
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
  /** Reads (and burns) the result of a callback key. */
  check(callback: string, signal?: AbortSignal): Promise<CheckOutcome>
  close(): Promise<void>
}

export interface UpstreamOptions {
  transport: Transport
  session: Session
  /** `GET` sends `get_snapshot` as the vendor's page shows it. */
  readMethod: 'POST' | 'GET'
  log: { warn: (fields: object, message: string) => void }
}

/** The client over a transport and a session; both are closed by their owner, but the transport with `close`. */
export function createUpstream({ transport, session, readMethod, log }: UpstreamOptions): Upstream {
  async function callOnce(
    action: ActionName,
    params: ActionParams,
    token: string,
    signal?: AbortSignal,
  ): Promise<CallOutcome> {
    const method = ACTIONS[action].getOnPage ? readMethod : 'POST'
    const exchange = await transport.send('vm.php', method, actionFields(action, params, token), signal)
    if (exchange.kind === 'unsent') return exchange
    if (exchange.kind === 'lost')
      return { kind: 'lost', reason: exchange.reason, cause: exchange.timedOut ? 'timeout' : 'connection' }
    const answer = parseCall(exchange.answer, params.name)
    switch (answer.kind) {
      case 'accepted':
        if (answer.lenient) warnLenient(action, exchange.answer)
        return { kind: 'accepted', callback: answer.callback }
      case 'done':
        if (answer.lenient) warnLenient(action, exchange.answer)
        return { kind: 'done', scope: redact(answer.scope, session.secrets()) }
      case 'unintelligible':
        return { kind: 'lost', reason: answer.reason, cause: 'invalid' }
      case 'refused':
        return { kind: 'refused', code: clean(answer.code), message: clean(answer.message) }
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

  return {
    async call(action, params, signal) {
      for (let tries = 0; ; tries += 1) {
        const got = await session.token()
        if (got.kind === 'unauthorized') return { kind: 'unauthorized', message: clean(got.message) }
        if (got.kind === 'unsent') return got
        const outcome = await callOnce(action, params, got.token, signal)
        if (outcome.kind !== 'unauthorized') return outcome
        if (!session.refused(got.token) || tries > 0) return outcome
      }
    },

    async check(callback, signal) {
      const exchange = await transport.send(
        'eq_callback.php',
        'POST',
        { action: 'check', key: callback },
        signal,
      )
      if (exchange.kind === 'unsent') return exchange
      if (exchange.kind === 'lost')
        return { kind: 'lost', reason: exchange.reason, cause: exchange.timedOut ? 'timeout' : 'connection' }
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
          return { kind: 'lost', reason: answer.reason, cause: 'invalid' }
      }
    },

    close: () => transport.close(),
  }
}

const MAX_MESSAGE_LENGTH = 1_000
