import { randomInt } from 'node:crypto'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** The vendor's shape of callback keys and tokens: 32 characters a-z0-9. */
export function randomKey(): string {
  return Array.from({ length: 32 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}

interface TokenOptions {
  token?: string
  apiKey?: string
  tokenTtlMs?: number
}

/** auth.php and the tokens it gave out. */
export class Tokens {
  #fixed: string | undefined
  #apiKey: string | undefined
  #ttlMs: number
  #now: () => number
  #issued = new Map<string, number>()

  constructor(options: TokenOptions, now: () => number) {
    this.#fixed = options.token
    this.#apiKey = options.apiKey
    this.#ttlMs = options.tokenTtlMs ?? 7_200_000
    this.#now = now
  }

  setFixed(token: string): void {
    this.#fixed = token
  }

  expire(options: { fixed?: boolean } = {}): void {
    this.#issued.clear()
    if (options.fixed) this.#fixed = undefined
  }

  accepts(token: string | undefined): boolean {
    if (token === undefined) return false
    return token === this.#fixed || this.#now() < (this.#issued.get(token) ?? 0)
  }

  /** The life of a token is the simulator's setting and not the caller's `ttl`, so that tests decide it in one place. */
  login(fields: Record<string, string>, servers: number[]): object {
    if (fields.action !== 'login') return { code: -1, message: 'invalid action' }
    if (this.#apiKey === undefined || fields.key !== this.#apiKey)
      return { code: -1, message: 'invalid api key' }
    const token = randomKey()
    const expiresAt = this.#now() + this.#ttlMs
    this.#issued.set(token, expiresAt)
    return { result: { token, token_expire: Math.floor(expiresAt / 1000), servers } }
  }
}
