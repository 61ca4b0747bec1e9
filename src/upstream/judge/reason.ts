/** The text that tells people why: the most telling one of an answer, as it may be shown. */

import { isExactNumber } from '../../json/number.ts'
import { redact } from '../redact.ts'
import { isObject, member, opened, type JsonObject } from './json.ts'
import { cut, decodeEntities } from './text.ts'
import { meaningOf, tellsOfError } from './words.ts'

export const MAX_MESSAGE_LENGTH = 1_000
/** Members that a message may stand in. */
export const MESSAGE_NAMES = [
  'message',
  'msg',
  'error',
  'errors',
  'reason',
  'description',
  'detail',
  'error_message',
]
const REASON_NAMES = [...MESSAGE_NAMES, 'scope', 'context', 'debug']

/** The most telling text of the frames, or ''. A bare word such as "Error" tells less than any other text. */
export function reasonIn(frames: readonly JsonObject[]): string {
  const texts = REASON_NAMES.flatMap(name => frames.map(frame => messageText(member(frame, name)))).filter(
    text => text !== '',
  )
  return texts.find(isTelling) ?? texts[0] ?? ''
}

function isTelling(text: string): boolean {
  return /\p{L}/u.test(text) && (text.includes(' ') || meaningOf(text) === 'other')
}

/** The text of a message, which may be an object or JSON: its own message, else its JSON without secrets. */
export function messageText(value: unknown, levels = 4): string {
  const inner = opened(value)
  if (isObject(inner) && levels > 0) {
    const texts = MESSAGE_NAMES.map(name => messageText(member(inner, name), levels - 1))
    const text = texts.find(isTelling)
    if (text !== undefined) return text
  }
  return tellsOfError(inner) ? cut(decodeEntities(textOf(inner)).trim(), MAX_MESSAGE_LENGTH) : ''
}

/** A value as text: a string as it is, digits as they came, all else as JSON without members named like secrets. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return cut(value, 4 * MAX_MESSAGE_LENGTH)
  if (isExactNumber(value)) return value.rawJSON
  return cut(JSON.stringify(redact(value)) ?? '', 4 * MAX_MESSAGE_LENGTH)
}
