/**
 * Signed tokens of an identity provider (`JWT_JWKS_URL`), beside the callers file. Keys come from its JWKS and are kept:
 * while it cannot be fetched, tokens of known keys go on being accepted, and no token makes us fetch more often than
 * the pauses below say.
 */

import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose'
import { digestOf, MAX_VM_ID, SCOPES, TOKEN_CALLER, type Caller, type Scope } from './callers.ts'
import type { Config } from '../config/config.ts'

export interface TokenVerifier {
  /** The caller a token speaks for, or why it is refused, in words for who sent it. */
  verify(token: string): Promise<Caller | string>
}

export interface TokenParts {
  now: () => number
  log: {
    warn: (fields: object, message: string) => void
    debug: (fields: object, message: string) => void
  }
}

/** Signatures that only the identity provider can make; `none` and secrets shared with us (HS*) are not among them. */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA']
const LEEWAY_S = 30
const MAX_TOKEN_LENGTH = 8_192
const MAX_JWKS_BYTES = 256 * 1024

const DEFAULT_PAUSES = {
  /** How long a fetch may take. */
  timeoutMs: 3_000,
  /** Older keys are fetched again, so that a withdrawn one goes. */
  maxAgeMs: 600_000,
  /** Keys that could not be fetched again for so long are not believed any more. */
  maxStaleMs: 86_400_000,
  /** An unknown key id makes us look for new keys, but not sooner than this after the last look. */
  cooldownMs: 30_000,
  /** The same after a look that failed. */
  retryMs: 5_000,
  /** For how long a verified token is believed without verifying it again. */
  verifiedMs: 30_000,
}
export type TokenPauses = typeof DEFAULT_PAUSES

const MAX_VERIFIED = 1_000

export function createTokenVerifier(
  { jwksUrl, issuer, audience }: NonNullable<Config['jwt']>,
  { now, log }: TokenParts,
  pauses: Partial<TokenPauses> = {},
): TokenVerifier {
  const times = { ...DEFAULT_PAUSES, ...pauses }
  const verified = new Map<string, { caller: Caller; untilMs: number }>()
  const keys = new RemoteKeys(jwksUrl, times, { now, log }, () => verified.clear())

  return {
    async verify(token) {
      if (token.length > MAX_TOKEN_LENGTH) return 'The token is too long.'
      const digest = digestOf(token)
      const known = verified.get(digest)
      if (known && now() < known.untilMs) return known.caller
      verified.delete(digest)
      let payload: JWTPayload
      try {
        ;({ payload } = await jwtVerify(token, keys.find, {
          algorithms: ALGORITHMS,
          issuer,
          audience,
          requiredClaims: ['exp', 'sub'],
          clockTolerance: LEEWAY_S,
          currentDate: new Date(now()),
        }))
      } catch (error) {
        log.debug({ reason: (error as { code?: string }).code ?? (error as Error).name }, 'token refused')
        return wordsFor(error)
      }
      const caller = callerOf(payload)
      if (!caller) return 'The token has a claim (sub, scope or vms) of a wrong form.'
      if (verified.size >= MAX_VERIFIED) verified.delete(verified.keys().next().value!)
      verified.set(digest, { caller, untilMs: Math.min(now() + times.verifiedMs, payload.exp! * 1000) })
      return caller
    },
  }
}

function wordsFor(error: unknown): string {
  if (error instanceof KeysUnavailable)
    return 'The token cannot be verified now; send this again in a moment.'
  // Told after the signature was found good only.
  if (error instanceof errors.JWTExpired) return 'The token has expired.'
  return 'The token is not valid for this gateway.'
}

/** The keys to verify with cannot be had. It says nothing about the token. */
class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

type FindKey = Extract<Parameters<typeof jwtVerify>[1], (...args: never[]) => unknown>

/** Unlike jose's own remote set, it bounds the answer, pauses after failures too, and keeps old keys when there are no new ones. */
class RemoteKeys {
  readonly #url: string
  readonly #times: TokenPauses
  readonly #parts: TokenParts
  readonly #onChange: () => void
  #local: ReturnType<typeof createLocalJWKSet> | null = null
  #fetchedAtMs = -Infinity
  #triedAtMs = -Infinity
  #failed = false
  #pending: Promise<void> | null = null

  constructor(url: string, times: TokenPauses, parts: TokenParts, onChange: () => void) {
    this.#url = url
    this.#times = times
    this.#parts = parts
    this.#onChange = onChange
  }

  /** The key a token names. A token without a key id needs a set with one key of its kind. */
  readonly find: FindKey = async (header, token) => {
    if (this.#ageMs() >= this.#times.maxAgeMs) await this.#refresh()
    try {
      return await this.#usable()(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      await this.#refresh()
      try {
        return await this.#usable()(header, token)
      } catch (stillUnknown) {
        throw this.#failed ? new KeysUnavailable() : stillUnknown
      }
    }
  }

  #ageMs(): number {
    return this.#parts.now() - this.#fetchedAtMs
  }

  #usable(): FindKey {
    if (this.#local && this.#ageMs() < this.#times.maxStaleMs) return this.#local
    throw new KeysUnavailable()
  }

  /** Looks for new keys, unless that was done lately. Never rejects. */
  async #refresh(): Promise<void> {
    const pauseMs = this.#failed ? this.#times.retryMs : this.#times.cooldownMs
    if (!this.#pending && this.#parts.now() - this.#triedAtMs < pauseMs) return
    this.#pending ??= this.#fetch().finally(() => (this.#pending = null))
    await this.#pending
  }

  async #fetch(): Promise<void> {
    this.#triedAtMs = this.#parts.now()
    try {
      this.#local = createLocalJWKSet(await fetchJwks(this.#url, this.#times.timeoutMs))
      this.#fetchedAtMs = this.#parts.now()
      this.#failed = false
      this.#onChange()
    } catch (error) {
      this.#failed = true
      // As rare as fetches are.
      this.#parts.log.warn({ reason: reasonOf(error) }, 'JWKS cannot be fetched; the keys known so far stay')
    }
  }
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return code === undefined ? message : `${message} (${code})`
}

async function fetchJwks(url: string, timeoutMs: number): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    // Where the keys are is for the configuration alone to say.
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
    headers: { accept: 'application/jwk-set+json, application/json' },
  })
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_JWKS_BYTES) throw new Error('the answer is too large')
    chunks.push(chunk)
  }
  if (response.status !== 200) throw new Error(`the answer has the status ${response.status}`)
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as JSONWebKeySet
  } catch {
    // Without what was read: `JSON.parse` would quote it.
    throw new Error('the answer is not JSON')
  }
}

/** The caller in the claims of a verified token; null when a claim is not of its form. No `vms` means no VM. */
function callerOf({ sub, scope = '', vms = [] }: JWTPayload): Caller | null {
  if (!/^[\x21-\x7e]{1,255}$/.test(sub ?? '')) return null
  const words = typeof scope === 'string' ? scope.split(' ') : scope
  if (!Array.isArray(words) || words.some(word => typeof word !== 'string')) return null
  if (vms !== '*' && !(Array.isArray(vms) && vms.every(isVmId))) return null
  return {
    id: `${TOKEN_CALLER}${sub}`,
    name: sub!,
    scopes: new Set(SCOPES.filter((known: Scope) => words.includes(known))),
    vms: vms === '*' ? '*' : new Set(vms as number[]),
    rateLimit: null,
  }
}

function isVmId(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_VM_ID
}
