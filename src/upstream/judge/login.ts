/** The verdict on an answer to `auth.php?action=login`. */

import type { RefusalReason } from '../../operations/hostkey.ts'
import { findAnswers, framesIn } from './answers.ts'
import { judgeCall, later } from './call.ts'
import { framesOf, refusalIn } from './evidence.ts'
import { member, opened, type JsonObject } from './json.ts'
import type { Answer } from './text.ts'
import { numberOf } from './words.ts'

export type LoginVerdict =
  | {
      kind: 'token'
      token: string
      /** When the token ends, in milliseconds since the epoch, as HOSTKEY's clock has it; null where it is not told. */
      expiresAtMs: number | null
      /** The VMs that the session knows, or null where they are not told. */
      servers: number[] | null
      /** The host that the account belongs to (`invapi`), or null. */
      host: string | null
    }
  | { kind: 'refused'; reason: RefusalReason; code: string; message: string; retryAfterMs?: number }
  | { kind: 'unauthorized'; message: string }
  | { kind: 'unintelligible'; why: string; retryAfterMs?: number }

/** A token is carried in a form; a word such as `null` or `false` is none. */
const TOKEN = /^(?!(?:null|none|false|true|undefined)$)[\x21-\x7e]{1,4096}$/

/** What an answer to a login proves. The token may stand at the top or one level down, behind PHP noise as well. */
export function judgeLogin(answer: Answer): LoginVerdict {
  const found = findAnswers(answer)
  const answers = found.kind === 'json' && !found.contradicts ? found.answers : []
  for (const answerJson of answers) {
    // The token of an answer already stands in `result`.
    const frames = framesIn(answerJson).flatMap(framesOf)
    const holder = frames.find(frame => isToken(member(frame, 'token')))
    if (holder && !frames.some(frame => refusalIn(frame)?.isOfDialect)) return tokenOf(holder, frames)
  }
  const verdict = judgeCall('create_snapshot', answer)
  if (verdict.kind === 'refused' || verdict.kind === 'unauthorized') return verdict
  const why =
    found.kind === 'none' ? `HTTP ${answer.status}, ${found.reason}` : 'a login answer without a token'
  return { kind: 'unintelligible', why, ...later(answer) }
}

function isToken(token: unknown): token is string {
  return typeof token === 'string' && TOKEN.test(token)
}

function tokenOf(holder: JsonObject, frames: readonly JsonObject[]): LoginVerdict {
  const expire = numberOf(member(holder, 'token_expire')) ?? 0
  const first = (name: string) => frames.map(frame => opened(member(frame, name))).find(Boolean)
  return {
    kind: 'token',
    token: String(member(holder, 'token')),
    // In seconds; a number of that many digits is in milliseconds.
    expiresAtMs: expire > 0 ? expire * (expire < 1e11 ? 1000 : 1) : null,
    servers: serversOf(first('servers')),
    host: hostOf(first('invapi')),
  }
}

/** The numbers of VMs in a list, each a number, a text of digits, or an object with such an `id`. */
function serversOf(servers: unknown): number[] | null {
  if (typeof servers !== 'object' || servers === null) return null
  return Object.values(servers)
    .map(server => numberOf(server) ?? numberOf((server as JsonObject | null)?.id))
    .filter(id => id !== null && Number.isSafeInteger(id)) as number[]
}

/** The host in a URL or a bare host name. */
function hostOf(invapi: unknown): string | null {
  if (typeof invapi !== 'string' || invapi.length > 2_000) return null
  const url = /^https?:\/\//i.test(invapi) ? invapi : `https://${invapi}`
  const { hostname } = URL.parse(url) ?? {}
  return hostname?.includes('.') ? hostname : null
}
