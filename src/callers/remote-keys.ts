/**
 * The public keys of an identity provider, fetched from its JWKS (RFC 7517). They are kept: while they cannot be fetched
 * anew, tokens of known keys go on being accepted, and no token makes us fetch more often than `KeyTimes` says. Unlike
 * jose's own remote set, this one bounds the answer, pauses after failures too, and keeps old keys when it gets no new ones.
 */

import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import type { CallersLog } from './callers.ts'

export interface KeyTimes {
  /** How long a fetch may take. */
  timeoutMs: number
  /** Keys older than this are fetched again, so that a withdrawn key goes. */
  maxAgeMs: number
  /** Keys that could not be fetched again for so long are not believed any more. */
  maxStaleMs: number
  /** An unknown key id makes us fetch again, but not sooner than this after the last fetch. */
  cooldownMs: number
  /** The same after a fetch that failed. */
  retryMs: number
}

const DEFAULT_TIMES: KeyTimes = {
  timeoutMs: 3_000,
  maxAgeMs: 600_000,
  maxStaleMs: 86_400_000,
  cooldownMs: 30_000,
  retryMs: 5_000,
}

const MAX_JWKS_BYTES = 256 * 1024

export interface RemoteKeysOptions {
  url: string
  now: () => number
  log: Pick<CallersLog, 'warn'>
  /** This is called each time that keys were fetched: some may have been withdrawn. */
  onFetched: () => void
  times?: Partial<KeyTimes>
}

/** The keys to verify a token with cannot be had now. It says nothing about the token. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

export class RemoteKeys {
  readonly #options: RemoteKeysOptions
  readonly #times: KeyTimes
  #keys: JWTVerifyGetKey | null = null
  #fetchedAtMs = -Infinity
  #triedAtMs = -Infinity
  #failed = false
  #fetching: Promise<void> | null = null

  constructor(options: RemoteKeysOptions) {
    this.#options = options
    this.#times = { ...DEFAULT_TIMES, ...options.times }
  }

  /**
   * Finds the key that a token names. A token without a key id needs a set with one key of its kind.
   * @throws KeysUnavailable, or the errors of jose when there is no such key.
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (this.#ageMs() >= this.#times.maxAgeMs) await this.#fetchAgain()
    try {
      return await this.#usableKeys()(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      await this.#fetchAgain()
      try {
        return await this.#usableKeys()(header, token)
      } catch (stillUnknown) {
        throw this.#failed ? new KeysUnavailable() : stillUnknown
      }
    }
  }

  #ageMs(): number {
    return this.#options.now() - this.#fetchedAtMs
  }

  #usableKeys(): JWTVerifyGetKey {
    if (this.#keys && this.#ageMs() < this.#times.maxStaleMs) return this.#keys
    throw new KeysUnavailable()
  }

  /** Fetches the keys, unless that was tried lately. Those who come meanwhile share the fetch. It never rejects. */
  async #fetchAgain(): Promise<void> {
    const pauseMs = this.#failed ? this.#times.retryMs : this.#times.cooldownMs
    if (!this.#fetching && this.#options.now() - this.#triedAtMs < pauseMs) return
    this.#fetching ??= this.#fetch().finally(() => (this.#fetching = null))
    await this.#fetching
  }

  async #fetch(): Promise<void> {
    const { url, now, log, onFetched } = this.#options
    this.#triedAtMs = now()
    try {
      this.#keys = createLocalJWKSet(await fetchKeySet(url, this.#times.timeoutMs))
      this.#fetchedAtMs = now()
      this.#failed = false
      onFetched()
    } catch (error) {
      this.#failed = true
      // Fetches are rare, and so are these lines.
      log.warn({ reason: reasonOf(error) }, 'JWKS cannot be fetched; the keys known so far stay')
    }
  }
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return code === undefined ? message : `${message} (${code})`
}

async function fetchKeySet(url: string, timeoutMs: number): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    // The configuration alone says where the keys are.
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
    // The parser's own message would quote what was read.
    throw new Error('the answer is not JSON')
  }
}
