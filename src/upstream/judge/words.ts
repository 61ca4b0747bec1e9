/** What the words of HOSTKEY mean. A word that is in no table here proves nothing. */

import { isExactNumber } from '../../json/number.ts'
import { isObject } from './json.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.split('|').map(word => word.trim()))

const SUCCESS = words(
  `ok|okay|success|successful|successfully|succeeded|done|complete|completed|finished|true`,
)

const FAILURE =
  words(`fail|fails|failed|failure|failing|error|errors|err|errored|exception|fatal|cancel|cancelled|canceled
  |abort|aborted|reject|rejected|refused|denied|forbidden|invalid|unsuccessful|crashed|ошибка|ошибки|сбой|отказ|отказано
  |отменено|отменен|отменён|неудача`)

/** Beginnings of texts that tell of a failure without one of its words. */
const FAILURE_PHRASES =
  /^(?:unable to|can(?:no|')t|can not|could(?: not|n't)|not (?:ok|found|possible|allowed|successful|completed)|no such|did not|was not)\b/

/** Texts and values that say "nothing here", as an error does that there was not. */
const NOTHING = words(
  `|false|null|none|nil|undefined|0|no|n/a|-|[]|{}|no error|no errors|without errors|ok|success|successful`,
)

/** Whether a text holds the root of any such word: mostly it does not, and the rest need not be asked. */
export function mayTellOfFailure(text: string): boolean {
  return ROOTS.test(text)
}

const ROOTS =
  /fail|err|exc|fatal|cancel|abort|reject|refus|den|forbid|inval|unsuc|crash|unab|can|could|no|did|was|ошиб|сбо|отка|отмен|неуд/i

/** States of a snapshot that is not there yet. */
const UNDER_WAY =
  words(`creating|create|pending|queued|queue|waiting|in progress|inprogress|progress|processing|preparing
  |building|making|saving|uploading|snapshotting|starting|started|running|working|new|scheduled|requested|not ready|incomplete
  |partial|unfinished|создается|создаётся|в очереди`)

/** What a `result`, `state`, `status` or `stage` says. */
export type Meaning = 'success' | 'failure' | 'false' | 'negative' | 'nothing' | 'other'

/** The meaning of a word, whether PHP wrote it as a text, a number or a boolean. Objects and lists mean nothing. */
export function meaningOf(value: unknown): Meaning {
  if (value === true) return 'success'
  if (value === false) return 'false'
  const number = numberOf(value)
  if (number !== null) return number < 0 ? 'negative' : number <= 1 ? 'success' : 'other'
  if (typeof value !== 'string') return 'nothing'
  const word = normal(value)
  if (word === '' || word === 'null' || word === 'none') return 'nothing'
  if (word === 'false') return 'false'
  if (SUCCESS.has(word)) return 'success'
  return beginsWithFailure(value) ? 'failure' : 'other'
}

/** Whether a text begins with a word of failure, as `Error: disk full` and `DENIED_BY_POLICY` do. */
export function beginsWithFailure(text: string): boolean {
  const start = text.slice(0, 80).toLowerCase()
  const word = /\p{L}+/u.exec(start)
  // Only after signs, as in `[error] …`.
  if (word === null || /[\p{L}\d]/u.test(start.slice(0, word.index))) return false
  if (NOTHING.has(normal(start)) || COUNTS_NONE.test(start.slice(word.index))) return false
  return FAILURE.has(word[0]) || FAILURE_PHRASES.test(start.slice(word.index))
}

/** "errors: 0" tells that there was none, as "failed: no space left" does not. */
const COUNTS_NONE = /^\p{L}+\s*[:=]\s*(?:0|none|no|false|null|nil)\s*(?:$|[.,;])/u

/** Whether an identifier-like text is, as a whole first word, one of failure: `error` and `Error: x`, not `error-log`. */
export function beginsWithPlainFailure(text: string): boolean {
  const first = /^\W*([\p{L}\d_.-]+)/u.exec(text.slice(0, 80))?.[1]?.replace(/[.\-_]+$/, '')
  return first !== undefined && /^\p{L}+$/u.test(first) && beginsWithFailure(text)
}

/** Whether a text speaks of a failure anywhere, but for "no errors", "0 failed" and "failed: 0". */
export function mentionsFailure(text: string): boolean {
  let before = ''
  const lower = text.toLowerCase()
  for (const { 0: word, index } of lower.matchAll(/[\p{L}\d]+/gu)) {
    const isDenied = NEGATIONS.has(before) || COUNTS_NONE.test(lower.slice(index, index + 80))
    if (FAILURE.has(word) && !isDenied) return true
    before = word
  }
  return false
}

const NEGATIONS = words('no|not|0|zero|without|never|без|нет')

/** Whether a snapshot whose `state` says this is there. */
export function isPresentState(state: unknown): boolean {
  if (typeof state !== 'string') return state !== false
  return !UNDER_WAY.has(normal(state)) && !beginsWithFailure(state)
}

/** Whether an `error` member tells of one: not when it is empty, says "false" or "none", or holds nothing but that. */
export function tellsOfError(value: unknown): boolean {
  if (typeof value === 'string') return !NOTHING.has(value.trim().toLowerCase().replace(/\.$/, ''))
  const number = numberOf(value)
  if (number !== null) return number !== 0
  if (Array.isArray(value)) return value.some(tellsOfError)
  if (isObject(value)) return Object.values(value).some(tellsOfError)
  return value === true
}

/** Whether a `code` says neither nothing nor success: 0, "", 200 and "OK" are none of a refusal. */
export function isFailureCode(code: unknown): boolean {
  const number = numberOf(code)
  if (number !== null) return number !== 0 && !(number >= 200 && number < 300)
  if (typeof code !== 'string') return code === false
  return !NOTHING.has(code.trim().toLowerCase()) && !SUCCESS.has(normal(code))
}

/** The number that a JSON number or a text of digits is, or null. */
export function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value
  if (isExactNumber(value)) return Number(value.rawJSON)
  if (typeof value !== 'string' || !/^\s*[+-]?\d{1,30}(?:\.\d{1,30})?\s*$/.test(value)) return null
  return Number(value)
}

/** A word in lower case, with one blank for whatever stands between: `NOT_READY` and "Not ready." are the same. */
function normal(word: string): string {
  return word
    .slice(0, 80)
    .toLowerCase()
    .replace(/[^\p{L}\d]+/gu, ' ')
    .trim()
}
