/**
 * The token of the account: fixed (`HOSTKEY_TOKEN`), or got by `auth.php` login with an API key, renewed before it
 * ends and when it is refused. However many calls wait for a token, there is one login at a time.
 */

import type { Secret } from '../config/secret.ts'
import { judgeLogin } from './judge/login.ts'
import type { Exchange } from './transport.ts'

export type TokenOutcome =
  | { kind: 'token'; token: string }
  | { kind: 'unauthorized'; message: string }
  | { kind: 'unsent'; reason: string }

export interface Session {
  /** A token to call with. */
  token(): Promise<TokenOutcome>
  /** Tells that HOSTKEY refused this token. Returns whether another one may be had: then the call is worth one more try. */
  refused(token: string): boolean
  /** Secrets in use, to be blotted out of upstream texts. */
  secrets(): string[]
}

/** A token that the operator provides and rotates. */
export function fixedSession(secret: Secret): Session {
  return {
    token: () => Promise.resolve({ kind: 'token', token: secret.current() }),
    // The file may have been rotated since the call began.
    refused: token => token !== secret.current(),
    secrets: () => secret.recent(),
  }
}

/** Sends a login. */
export type Send = (fields: Record<string, string | number>) => Promise<Exchange>

export interface LoginSessionOptions {
  apiKey: Secret
  send: Send
  now: () => number
}

/** What we ask for: tokens live 2–3 hours at the vendor. */
const TTL_S = 7_200
/** Renewed this long before the end, or at half of a shorter life. */
const RENEW_BEFORE_MS = 60_000
/** How long a refused login stands, unless the key is rotated before. */
const REFUSED_MS = 5_000

/** A token by login. A refused login is not repeated for a moment, so that a wrong key does not hammer the vendor. */
export function loginSession({ apiKey, send, now }: LoginSessionOptions): Session {
  let current: { token: string; renewAtMs: number } | undefined
  let pending: Promise<TokenOutcome> | undefined
  let refusal: { outcome: TokenOutcome; apiKey: string; untilMs: number } | undefined
  // Tokens that ended may still stand in late upstream texts.
  let recent: string[] = []

  async function login(): Promise<TokenOutcome> {
    const startedAtMs = now()
    const key = apiKey.current()
    if (refusal && refusal.apiKey === key && startedAtMs < refusal.untilMs) return refusal.outcome
    const exchange = await send({ action: 'login', key, ttl: TTL_S, fix_ip: 0 })
    if (exchange.kind !== 'answer') return { kind: 'unsent', reason: `login: ${exchange.reason}` }
    const answer = judgeLogin(exchange.answer)
    if (answer.kind === 'token') {
      const toldMs = (answer.expiresAtMs ?? 0) - startedAtMs
      // An end that is past already tells of another clock or unit, and not that every call has to log in.
      const lifeMs = toldMs > 0 ? toldMs : TTL_S * 1000
      current = {
        token: answer.token,
        renewAtMs: startedAtMs + Math.max(lifeMs - RENEW_BEFORE_MS, lifeMs / 2),
      }
      recent = [answer.token, ...recent].slice(0, 4)
      return { kind: 'token', token: answer.token }
    }
    if (answer.kind === 'unintelligible') return { kind: 'unsent', reason: `login: ${answer.why}` }
    const outcome: TokenOutcome = { kind: 'unauthorized', message: answer.message }
    refusal = { outcome, apiKey: key, untilMs: now() + REFUSED_MS }
    return outcome
  }

  return {
    async token() {
      if (current && now() < current.renewAtMs) return { kind: 'token', token: current.token }
      pending ??= login().finally(() => {
        pending = undefined
      })
      return pending
    },
    refused(token) {
      if (current?.token === token) current = undefined
      return true
    },
    secrets: () => [...recent, ...apiKey.recent()],
  }
}
