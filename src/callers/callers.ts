/** Who calls: every credential, whether a key of the callers file or a signed token, is looked up through `Callers`. */

import type { Config } from '../config/config.ts'
import type { Caller } from './caller.ts'
import { openCallersFile, type CallersFile } from './file.ts'

/** Why a credential is refused. `http/auth.ts` puts each reason into words. */
export type Refusal =
  | 'unknown-key'
  /** The key was good until its `not_after`. */
  | 'key-ended'
  | 'token-too-long'
  | 'token-invalid'
  | 'token-expired'
  | 'token-claims-malformed'
  /** The keys to verify a token with cannot be fetched now. This says nothing about the token. */
  | 'token-unverifiable'

/** One way to know callers. The callers file and signed tokens are two of them, and `openCallers` joins these. */
export interface Callers {
  /** Resolves with the caller who has this credential, or with the reason why it is refused. It never rejects. */
  find(credential: string): Promise<Caller | Refusal>
  /** Ends the watching of files. */
  close(): void
}

export interface CallersLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * Opens the callers that the configuration names: those of the callers file and, when `JWT_JWKS_URL` is set, those of
 * signed tokens.
 * @throws CallersFileError when the callers file cannot be used.
 */
export async function openCallers(
  { callersFile, jwt }: Pick<Config, 'callersFile' | 'jwt'>,
  { now, log }: { now: () => number; log: CallersLog },
): Promise<CallersFile> {
  const file = openCallersFile(callersFile, { log, now })
  if (!jwt) return file
  // The library for tokens is loaded only by a gateway that takes them.
  const { tokenCallers } = await import('./tokens.ts')
  const tokens = tokenCallers(jwt, { now, log })
  return {
    ...file,
    find: credential => (looksLikeToken(credential) ? tokens : file).find(credential),
    close() {
      tokens.close()
      file.close()
    },
  }
}

/** A signed token has three base64url parts (RFC 7515, section 3.1), of which the last is empty when it is unsigned. */
const TOKEN_SHAPE = /^[\w-]+\.[\w-]+\.[\w-]*$/

/** Tells whether a credential has the form of a signed token; keys of the callers file have no dots. */
export function looksLikeToken(credential: string): boolean {
  return TOKEN_SHAPE.test(credential)
}
