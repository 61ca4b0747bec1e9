/**
 * The token of the account: fixed (`HOSTKEY_TOKEN`), or got by `auth.php` login with an API key, renewed before it
 * ends and when it is refused. However many calls wait for a token, there is one login at a time, and not one after the
 * other where they do not help.
 */

import { isIP } from 'node:net'
import type { Secret } from '../config/secret.ts'
import { LoginPace } from './login-pace.ts'
import { judgeLogin, type LoginVerdict } from './judge/login.ts'
import { redact } from './redact.ts'
import { isThrottled } from './throttle.ts'
import type { Exchange } from './transport.ts'
import type { World } from '../world.ts'

export type TokenOutcome =
  | { kind: 'token'; token: string }
  /** HOSTKEY refuses the credentials; `message` says why, without secrets. */
  | { kind: 'unauthorized'; message: string }
  /** There is none now. `shedMs`: HOSTKEY asked to be left alone for so long. */
  | { kind: 'unsent'; reason: string; shedMs?: number }

export interface Session {
  /** A token to call with. */
  token(): Promise<TokenOutcome>
  /** Tells that HOSTKEY refused this token. Returns whether another one may be had: then the call is worth one more try. */
  refused(token: string): boolean
  /**
   * Tells that HOSTKEY does not know this VM. A session knows the VMs that there were at its login. Resolves to whether
   * there is a newer session that may know it: then the call is worth one more try.
   */
  renewedFor(vmId: number, token: string): Promise<boolean>
  /** Secrets in use, to be blotted out of upstream texts. */
  secrets(): string[]
  /** Ends what was begun at HOSTKEY, within a second. Never rejects: sessions end by themselves too. */
  close(): Promise<void>
}

/** A token that the operator provides and rotates. */
export function fixedSession(secret: Secret): Session {
  // The file may have been rotated since the call began.
  const isOld = (token: string): boolean => token !== secret.current()
  return {
    token: () => Promise.resolve({ kind: 'token', token: secret.current() }),
    refused: isOld,
    renewedFor: (_vmId, token) => Promise.resolve(isOld(token)),
    secrets: () => secret.recent(),
    close: () => Promise.resolve(),
  }
}

/** Sends a form to auth.php. */
export type Send = (fields: Record<string, string | number>, signal?: AbortSignal) => Promise<Exchange>

export interface LoginSessionOptions {
  apiKey: Secret
  send: Send
  /** Sends a logout, within the time that the signal gives. */
  sendLogout: Send
  /** The host of `HOSTKEY_BASE_URL`. */
  host: string
  world: Pick<World, 'now' | 'timeout'>
  log: {
    info: (fields: object, message: string) => void
    warn: (fields: object, message: string) => void
  }
}

/** What we ask for: tokens live 2–3 hours at the vendor. */
const TTL_S = 7_200
/** Renewed this long before the end, or at half of a shorter life. */
const RENEW_BEFORE_MS = 60_000
const LOGOUT_MS = 1_000
/** A session is not replaced for its list of VMs before it is this old; twice as old each time that it did not help. */
const LIST_MS = 5_000
const LONGEST_LIST_MS = 300_000

/** A token by login. */
export function loginSession(options: LoginSessionOptions): Session {
  return new LoginSession(options)
}

interface Login {
  token: string
  atMs: number
  renewAtMs: number
  /** The VMs that it knows, or null where HOSTKEY does not tell. */
  servers: ReadonlySet<number> | null
}

class LoginSession implements Session {
  readonly #options: LoginSessionOptions
  readonly #pace = new LoginPace()
  #current: Login | undefined
  #pending: Promise<TokenOutcome> | undefined
  /** What stands while no login may be made. */
  #trouble: TokenOutcome = { kind: 'unsent', reason: 'login: none was made yet' }
  /** The API key that was used last. */
  #key: string | undefined
  /** How old a session has to be to be replaced for its list of VMs. */
  #listMs = LIST_MS
  /** Tokens that ended may still stand in late upstream texts. */
  #recent: string[] = []
  /** Those that HOSTKEY still has, as far as is known. */
  readonly #open = new Set<string>()
  #toldHost: string | undefined

  constructor(options: LoginSessionOptions) {
    this.#options = options
  }

  async token(): Promise<TokenOutcome> {
    const { world } = this.#options
    if (this.#current && world.now() < this.#current.renewAtMs)
      return { kind: 'token', token: this.#current.token }
    return this.#login()
  }

  refused(token: string): boolean {
    const { world, log } = this.#options
    this.#open.delete(token)
    if (this.#current?.token === token) {
      const ageMs = world.now() - this.#current.atMs
      this.#current = undefined
      this.#pace.refusedToken(world.now())
      const nextLoginMs = this.#waitMs()
      if (nextLoginMs > 0) {
        this.#trouble = { kind: 'unauthorized', message: 'HOSTKEY refused a token that it had just given' }
        log.warn(
          { age_ms: ageMs, next_login_ms: nextLoginMs },
          'HOSTKEY refused a token that it had just given; the next login waits',
        )
      }
    }
    return this.#current !== undefined || this.#pending !== undefined || this.#waitMs() === 0
  }

  async renewedFor(vmId: number, token: string): Promise<boolean> {
    const knows = (): boolean => this.#current?.servers?.has(vmId) ?? true
    const before = this.#current
    if (!before) return false
    if (before.token !== token) return knows()
    const ageMs = this.#options.world.now() - before.atMs
    if (before.servers?.has(vmId) || ageMs < this.#listMs || this.#waitMs() > 0) return false
    const outcome = await this.#login()
    const isNew = outcome.kind === 'token' && this.#current !== before
    const helped = isNew && this.#current?.servers?.has(vmId) === true
    this.#listMs = helped ? LIST_MS : Math.min(this.#listMs * 2, LONGEST_LIST_MS)
    return isNew && knows()
  }

  secrets(): string[] {
    return [...this.#recent, ...this.#options.apiKey.recent()]
  }

  async close(): Promise<void> {
    const { sendLogout, world } = this.#options
    const signal = world.timeout(LOGOUT_MS)
    const tokens = [...this.#open]
    this.#open.clear()
    await Promise.allSettled(tokens.map(token => sendLogout({ action: 'logout', token }, signal)))
  }

  /** One login for all who ask while it is under way. */
  #login(): Promise<TokenOutcome> {
    this.#pending ??= this.#loginOnce().finally(() => {
      this.#pending = undefined
    })
    return this.#pending
  }

  async #loginOnce(): Promise<TokenOutcome> {
    const { apiKey, send, world } = this.#options
    if (this.#waitMs() > 0) return this.#trouble
    const startedAtMs = world.now()
    const key = (this.#key = apiKey.current())
    const exchange = await send({ action: 'login', key, ttl: TTL_S, fix_ip: 0 })
    if (exchange.kind !== 'answer') return { kind: 'unsent', reason: `login: ${exchange.reason}` }
    const { status } = exchange.answer
    const answer = judgeLogin({ ...exchange.answer, retryAfterMs: exchange.retryAfterMs })
    if (answer.kind === 'unintelligible') return { kind: 'unsent', reason: `login: ${answer.why}` }
    // What gets no answer is the circuit breaker's business: it is soon well again, or left alone.
    this.#pace.answered(world.now())
    if (answer.kind === 'token') return this.#take(answer, startedAtMs)
    if (isThrottled({ status })) return this.#throttled(status, exchange.retryAfterMs ?? 0)
    return this.#refuse(answer.message)
  }

  /** How long no login may be made. A new secret may be tried at once. */
  #waitMs(): number {
    if (this.#options.apiKey.current() !== this.#key) this.#pace.reset()
    return this.#pace.waitMs(this.#options.world.now())
  }

  #take(answer: LoginVerdict & { kind: 'token' }, atMs: number): TokenOutcome {
    const { token, expiresAtMs, servers, host } = answer
    const toldMs = (expiresAtMs ?? 0) - atMs
    // An end that is past already tells of another clock or unit, and not that every call has to log in.
    const lifeMs = toldMs > 0 ? toldMs : TTL_S * 1000
    this.#current = {
      token,
      atMs,
      renewAtMs: atMs + Math.max(lifeMs - RENEW_BEFORE_MS, lifeMs / 2),
      servers: servers ? new Set(servers) : null,
    }
    this.#recent = [token, ...this.#recent.filter(other => other !== token)].slice(0, 4)
    for (const other of this.#open) if (!this.#recent.includes(other)) this.#open.delete(other)
    this.#open.add(token)
    if (host) this.#tellHost(host)
    return { kind: 'token', token }
  }

  #refuse(why: string): TokenOutcome {
    const message = String(redact(why, this.secrets()))
    this.#pace.refusedLogin()
    this.#options.log.warn(
      { reason: message, next_login_ms: this.#waitMs() },
      'HOSTKEY refused the login with HOSTKEY_API_KEY',
    )
    return (this.#trouble = { kind: 'unauthorized', message })
  }

  #throttled(status: number, retryAfterMs: number): TokenOutcome {
    this.#pace.asked(retryAfterMs)
    const reason = `login: HTTP ${status}`
    this.#trouble = { kind: 'unsent', reason, shedMs: this.#waitMs() }
    return this.#trouble
  }

  /** An account of another site of HOSTKEY does not find its VMs here. The name is told and never called. */
  #tellHost(named: string): void {
    const { host, log } = this.#options
    if (named === host || named === this.#toldHost) return
    this.#toldHost = named
    const fields = { host: named, base_url_host: host }
    if (siteOf(named) === siteOf(host)) log.info(fields, 'the login names another host of the same site')
    else log.warn(fields, 'the login names another host than HOSTKEY_BASE_URL: its VMs may not be found here')
  }
}

/** `hostkey.com` of `api.hostkey.com`. */
function siteOf(host: string): string {
  return isIP(host) ? host : host.split('.').slice(-2).join('.')
}
