/** From the words of a refusal to its reason: a small table, and `rejected` for all that it does not know. */

import type { RefusalReason } from '../../operations/hostkey.ts'
import type { Asked } from './evidence.ts'
import { withoutName } from './hidden.ts'
import { cut } from './text.ts'
import { numberOf } from './words.ts'

/** Each failure message begins with the action and the VM (`failed to request … for <id> - <reason>`): not the reason. */
const PREFIX = /^failed to request [^\d]{0,60}?for \d+(\s*-\s*)?/i

const THROTTLED = /too many requests|rate limit|^HTTP (429|503)\b|throttl/i
const EXISTS = /already exists|exists already|duplicate|name is (in use|taken)|already (in use|taken)/i
const SNAPSHOT = /\b(snapshot|backup|restore point)s?\b/i
const VM = /\b(server|vm|vps|machine|instance|equipment|host|id)\b/i
const MISSING = /not found|not exist|doesn'?t exist|unknown|missing/i
const NO_SNAPSHOT = /(no such|unknown|missing) (snapshot|backup)/i
const NO_VM = /(no such|unknown|invalid) (server|vm|vps|machine|instance|id)\b/i
const STATE =
  /powered (on|off|up|down)|power(ed)? ?(state|off|on)|must be (off|on|stopped|running|shut)|(is|still|not) (running|stopped)|turned (on|off)|shut ?down|\block(ed)?\b|\bbusy\b|in progress|another (task|operation|snapshot|action)|conflict|too many snapshots/i
const LIMIT =
  /\b(limit|quota|maximum)\b[^.]{0,60}\b(reached|exceeded|is \d+)|at most \d+ snapshots|(reached|exceed(ed|s)?) (the |your )?(limit|quota|maximum)|no more than \d+/i

/** The first row whose test holds. */
const TABLE: readonly [RefusalReason, (text: string) => boolean][] = [
  ['throttled', text => THROTTLED.test(text)],
  ['conflict', text => EXISTS.test(text)],
  ['snapshot-missing', text => NO_SNAPSHOT.test(text) || follows(text, SNAPSHOT, MISSING)],
  ['vm-missing', text => NO_VM.test(text) || follows(text, VM, MISSING)],
  ['conflict', text => STATE.test(text) || LIMIT.test(text)],
]

/** Whether the second pattern stands behind the first match of the first; in linear time, as `a.*b` is not. */
function follows(text: string, first: RegExp, second: RegExp): boolean {
  const index = text.search(first)
  return index !== -1 && second.test(text.slice(index))
}

/**
 * The reason behind a refusal, from its message, its code (a word of it may be all there is) and the HTTP status. The
 * snapshot's own name decides nothing; a bare `not found` means the snapshot where the call named one.
 */
export function reasonOfRefusal(message: string, code: string, status: number, asked: Asked): RefusalReason {
  if (status === 429 || status === 503 || numberOf(code) === 429) return 'throttled'
  const text = words(message.replace(PREFIX, ''), asked)
  const row = TABLE.find(([, test]) => test(text)) ?? TABLE.find(([, test]) => test(words(code, asked)))
  if (row) return row[0]
  if (/\bnot (found|exist)/i.test(text) && !/HTTP 404/.test(text))
    return asked.name === undefined ? 'vm-missing' : 'snapshot-missing'
  return status === 409 || status === 423 ? 'conflict' : 'rejected'
}

/** A text to be looked through: not endless, without the asked name, and with `SNAPSHOT_NOT_FOUND` as words. */
function words(text: string, { name }: Asked): string {
  const own = withoutName(cut(text, MAX_LENGTH), name)
  return own.replace(/\b[A-Z]+(?:_[A-Z]+)+\b/g, code => code.replaceAll('_', ' '))
}

/** A reason stands at the beginning. */
const MAX_LENGTH = 2_000

const BAD_TOKEN = /invalid[ _-]*(token|hash)|expired[ _-]*token/i

/** Whether a refusal's message is about the gateway's own token. */
export function isAboutToken(message: string, { name }: Asked): boolean {
  const text = withoutName(cut(message, MAX_LENGTH), name)
  if (BAD_TOKEN.test(text)) return true
  return text.split('.').some(sentence => follows(sentence, /token/i, /expired|invalid/i))
}
