import { randomInt } from 'node:crypto'
import type { Json } from './dresses/dress.ts'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Draws a whole number in [0, limit). */
export type Draw = (limit: number) => number

/** The vendor's shape of callback keys and tokens: 32 characters a-z0-9. */
export function randomKey(draw: Draw = randomInt): string {
  return Array.from({ length: 32 }, () => ALPHABET[draw(ALPHABET.length)]).join('')
}

export interface TokenOptions {
  /** A fixed token that is always accepted, for every VM. */
  token?: string
  /** The key that auth.php takes; without it nobody can log in. */
  apiKey?: string
  /** What keys and tokens are drawn with. */
  draw?: Draw
  /** The life of tokens from a login, 2 hours when not given. */
  tokenTtlMs?: number
  /** A VM that came after a login is unknown to its session, until the next one. */
  sessionServers?: boolean
  /** The host of the account, as a login says it: `https://invapi.hostkey.ru` for accounts of the .ru site. */
  invapi?: string
}

interface Session {
  expiresAt: number
  servers: ReadonlySet<number>
}

/** auth.php and the tokens it gave out. */
export class Tokens {
  #fixed: string | undefined
  #options: TokenOptions
  #now: () => number
  #sessions = new Map<string, Session>()

  constructor(options: TokenOptions, now: () => number) {
    this.#fixed = options.token
    this.#options = options
    this.#now = now
  }

  setFixed(token: string): void {
    this.#fixed = token
  }

  expire(options: { fixed?: boolean } = {}): void {
    this.#sessions.clear()
    if (options.fixed) this.#fixed = undefined
  }

  accepts(token: string | undefined): boolean {
    if (token === undefined) return false
    return token === this.#fixed || this.#now() < (this.#sessions.get(token)?.expiresAt ?? 0)
  }

  /** Whether the VM is one of the session's, where that counts. */
  reaches(token: string | undefined, vmId: number): boolean {
    const session = this.#sessions.get(token ?? '')
    return !this.#options.sessionServers || !session || session.servers.has(vmId)
  }

  /** auth.php; `servers` are those the account has now. With `dead` the new token is never accepted. */
  answer(fields: Record<string, string>, servers: number[], dead: boolean): Json {
    if (fields.action === 'login') return this.#login(fields, servers, dead)
    if (fields.action !== 'logout') return { code: -1, message: 'invalid action' }
    return this.#sessions.delete(fields.token ?? '')
      ? { result: 'OK' }
      : { code: -1, message: 'invalid token' }
  }

  /** The life of a token is the simulator's setting and not the caller's `ttl`, so that tests decide it in one place. */
  #login(fields: Record<string, string>, servers: number[], dead: boolean): Json {
    const { apiKey, draw, tokenTtlMs = 7_200_000, invapi } = this.#options
    if (apiKey === undefined || fields.key !== apiKey) return { code: -1, message: 'invalid api key' }
    const token = randomKey(draw)
    const expiresAt = this.#now() + tokenTtlMs
    if (!dead) this.#sessions.set(token, { expiresAt, servers: new Set(servers) })
    const result = { token, token_expire: Math.floor(expiresAt / 1000), servers }
    return { result: invapi === undefined ? result : { ...result, invapi } }
  }
}
