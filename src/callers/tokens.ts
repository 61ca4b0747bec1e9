/** Callers by signed token (JWT, RFC 7519) of an identity provider, whose keys are at `JWT_JWKS_URL`. */

import { errors, jwtVerify, type JWTHeaderParameters, type JWTPayload } from 'jose'
import type { Config } from '../config/config.ts'
import { digestOf, MAX_VM_ID, SCOPES, TOKEN_CALLER, type Caller } from './caller.ts'
import type { Callers, CallersLog, Refusal } from './callers.ts'
import { KeysUnavailable, RemoteKeys, type KeyTimes } from './remote-keys.ts'

/** Only the identity provider can make these signatures; `none` and secrets shared with us (HS*) are not among them. */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA']
/** The clocks of the provider and of the gateway may differ by so much. */
const LEEWAY_S = 30
const MAX_TOKEN_LENGTH = 8_192
/**
 * The types of tokens that speak for a caller: access tokens (RFC 9068, section 4), and those of providers that name no type
 * of their own. Another type was made for another use, such as to log somebody out (RFC 8725, section 3.11).
 */
const TYPES = /^(?:application\/)?(?:at\+jwt|jwt)$/i
/** A verified token is believed for so long without being verified again. */
const REMEMBERED_MS = 30_000
const MAX_REMEMBERED = 1_000
const MAX_TIMER_MS = 2_147_483_647

export interface TokenOptions {
  now: () => number
  log: Pick<CallersLog, 'warn' | 'debug'>
  /** Tests give other times. */
  times?: Partial<KeyTimes>
}

/** Returns the callers who are known by the tokens of this issuer for this audience. */
export function tokenCallers(
  { jwksUrl, issuer, audience }: NonNullable<Config['jwt']>,
  { now, log, times = {} }: TokenOptions,
): Callers {
  const remembered = new Map<string, { caller: Caller; untilMs: number }>()
  const keys = new RemoteKeys({ url: jwksUrl, now, log, times, onFetched: () => remembered.clear() })

  const verify = async (token: string): Promise<JWTPayload> => {
    const { payload, protectedHeader } = await jwtVerify(token, keys.find, {
      algorithms: ALGORITHMS,
      issuer,
      audience,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: LEEWAY_S,
      currentDate: new Date(now()),
    })
    if (!isAccessToken(protectedHeader, payload))
      throw new errors.JWTClaimValidationFailed('no access token', payload)
    return payload
  }

  return {
    async find(token) {
      if (token.length > MAX_TOKEN_LENGTH) return 'token-too-long'
      const digest = digestOf(token)
      const known = remembered.get(digest)
      if (known && now() < known.untilMs) return known.caller
      remembered.delete(digest)
      let payload: JWTPayload
      try {
        payload = await verify(token)
      } catch (error) {
        log.debug({ reason: (error as { code?: string }).code ?? (error as Error).name }, 'token refused')
        return refusalOf(error)
      }
      const caller = callerOf(payload, now())
      if (!caller) return 'token-claims-malformed'
      if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value!)
      remembered.set(digest, { caller, untilMs: Math.min(now() + REMEMBERED_MS, payload.exp! * 1000) })
      return caller
    },
    close() {},
  }
}

/** What tells of events (RFC 8417) is none either, whatever its type: older providers log people out with a plain `JWT`. */
function isAccessToken({ typ }: JWTHeaderParameters, payload: JWTPayload): boolean {
  return (typ === undefined || (typeof typ === 'string' && TYPES.test(typ))) && payload.events === undefined
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof KeysUnavailable) return 'token-unverifiable'
  // The library finds this out only after the signature was found good, so that nobody can probe with forged tokens.
  if (error instanceof errors.JWTExpired) return 'token-expired'
  return 'token-invalid'
}

/** Returns the caller in the claims of a verified token, or null when a claim is malformed. No `vms` means no VM. */
function callerOf({ sub, exp, scope = '', vms = [] }: JWTPayload, nowMs: number): Caller | null {
  // A list of one text reads like the text, and is another caller's name.
  if (typeof sub !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(sub)) return null
  const words = typeof scope === 'string' ? scope.split(' ') : scope
  if (!Array.isArray(words) || words.some(word => typeof word !== 'string')) return null
  if (vms !== '*' && !(Array.isArray(vms) && vms.every(isVmId))) return null
  return {
    id: `${TOKEN_CALLER}${sub}`,
    name: sub,
    scopes: new Set(SCOPES.filter(known => words.includes(known))),
    vms: vms === '*' ? '*' : new Set(vms as number[]),
    rateLimit: null,
    until: AbortSignal.timeout(Math.min(lastsMs(exp!, nowMs), MAX_TIMER_MS)),
  }
}

/** A token lasts until its expiry; one that was taken by the leeway alone lasts as long as that. */
function lastsMs(exp: number, nowMs: number): number {
  const leftMs = exp * 1000 - nowMs
  return Math.max(0, leftMs > 0 ? leftMs : leftMs + LEEWAY_S * 1000)
}

function isVmId(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_VM_ID
}
