/** An identity provider that signs tokens, and the callers who are known by them. */

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose'
import { onTestFinished } from 'vitest'
import type { Caller } from '../../src/callers/caller.ts'
import type { KeyTimes } from '../../src/callers/remote-keys.ts'
import { tokenCallers } from '../../src/callers/tokens.ts'
import { REFUSALS } from '../../src/http/auth.ts'

export const ISSUER = 'https://id.example.com/'
export const AUDIENCE = 'hostkey-gateway'
export const START_MS = Date.parse('2026-11-24T10:00:00Z')
export const INVALID = 'The token is not valid for this gateway.'
export const UNAVAILABLE = 'The token cannot be verified now; send this again in a moment.'

export interface Key {
  kid: string
  alg: string
  privateKey: CryptoKey
  jwk: JWK
}

export async function newKey(kid: string, alg = 'ES256'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** One of each kind: making an RSA key takes a while. */
export const KEYS = await Promise.all([newKey('es'), newKey('rs', 'RS256'), newKey('ed', 'EdDSA')])
export const [ES, RS, ED] = KEYS
// A key may leave open for which algorithm it is: then ours alone keep others out.
delete RS.jwk.alg

export interface Provider {
  url: string
  keys: Key[]
  fetches: number
  /** Answers in place of the keys. */
  answer: RequestListener | null
}

export async function startProvider(...keys: Key[]): Promise<Provider> {
  const provider: Provider = { url: '', keys, fetches: 0, answer: null }
  const server = createServer((request, response) => {
    provider.fetches += 1
    if (provider.answer) provider.answer(request, response)
    else response.end(JSON.stringify({ keys: provider.keys.map(({ jwk }) => jwk) }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return provider
}

export type Claims = { [K in keyof JWTPayload]?: JWTPayload[K] | undefined }

interface TokenChanges {
  key?: Key
  header?: Record<string, unknown>
  claims?: Claims
  nowMs?: number
}

/** A good token, unless told otherwise; a claim that is undefined is left out. */
export function sign({
  key = ES,
  header = {},
  claims = {},
  nowMs = START_MS,
}: TokenChanges = {}): Promise<string> {
  const seconds = Math.floor(nowMs / 1000)
  return new SignJWT({
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'robot',
    exp: seconds + 600,
    scope: 'stats:read',
    vms: [1000],
    ...claims,
  } as JWTPayload)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
    .sign(key.privateKey)
}

interface Bench {
  provider: Provider
  clock: { nowMs: number }
  warnings: string[]
  /** The caller with this token, or what one is told who is refused. */
  verify: (token: string) => Promise<Caller | string>
}

export async function startBench(keys: Key[] = [ES], times: Partial<KeyTimes> = {}): Promise<Bench> {
  const provider = await startProvider(...keys)
  const clock = { nowMs: START_MS }
  const warnings: string[] = []
  const callers = tokenCallers(
    { jwksUrl: provider.url, issuer: ISSUER, audience: AUDIENCE },
    {
      now: () => clock.nowMs,
      log: { warn: fields => void warnings.push(JSON.stringify(fields)), debug: () => {} },
      times,
    },
  )
  const verify = async (token: string): Promise<Caller | string> => {
    const found = await callers.find(token)
    return typeof found === 'string' ? REFUSALS[found] : found
  }
  return { provider, clock, warnings, verify }
}
