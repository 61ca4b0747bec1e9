/** The answers that stand in the bytes of one HTTP answer: plain, or in what PHP printed around them. */

import { framesOf, looksLikeAnswer } from './evidence.ts'
import { isBlank, readJson } from '../../json/read.ts'
import { BOUNDS, isObject, member, opened, type JsonObject } from './json.ts'
import { textsOf, type Answer } from './text.ts'

/** The JSON of an answer: an object, or a list where HOSTKEY answers a read with nothing else. */
export type AnswerJson = JsonObject | unknown[]

export type Found =
  | { kind: 'json'; answers: AnswerJson[]; isLenient: boolean; contradicts: boolean }
  | { kind: 'none'; reason: string }

/** What stands in an answer, in the first of its readings that holds any. Never throws; linear. */
export function findAnswers(answer: Answer): Found {
  let none: Found | undefined
  for (const text of textsOf(answer)) {
    const found = findInText(text.trim())
    if (found.kind === 'json') return none === undefined ? found : { ...found, isLenient: true }
    none ??= found
  }
  return none ?? { kind: 'none', reason: 'an empty body' }
}

function findInText(text: string): Found {
  if (text === '') return { kind: 'none', reason: 'an empty body' }
  const whole = readJson(text, 0, BOUNDS)
  if (whole.kind === 'too-deep' || whole.kind === 'too-many') return TOO_MUCH[whole.kind]
  if (whole.kind === 'value' && isBlank(text, whole.end)) {
    const value = opened(whole.value)
    if (!isAnswerJson(value)) return { kind: 'none', reason: 'JSON that is no object' }
    const contradicts = isToldTwice(whole.twice)
    return { kind: 'json', answers: [value], isLenient: value !== whole.value, contradicts }
  }
  return findInNoise(text)
}

const { maxDepth, maxHolders } = BOUNDS
const TOO_MUCH = {
  'too-deep': { kind: 'none', reason: `JSON nested deeper than ${maxDepth}` },
  'too-many': { kind: 'none', reason: `JSON of more than ${maxHolders} objects and lists` },
} as const

/** Where JSON of an answer may begin. */
const START = /\{\s*"|\[\s*\{\s*"/g
/** Bounds the work on a body full of braces. */
const MAX_TRIES = 1_000

/** The answers between warnings that PHP printed, in HTML, where braces and quotes may stand as well. */
function findInNoise(text: string): Found {
  const answers: AnswerJson[] = []
  let contradicts = false
  const start = new RegExp(START)
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const index = start.exec(text)?.index
    if (index === undefined) break
    const reading = readJson(text, index, BOUNDS)
    if (reading.kind === 'too-deep' || reading.kind === 'too-many') return TOO_MUCH[reading.kind]
    start.lastIndex = reading.kind === 'value' ? reading.end : reading.resumeAt
    if (reading.kind !== 'value' || !isAnswerJson(reading.value)) continue
    if (isObject(reading.value) && !looksLikeAnswer(reading.value)) continue
    answers.push(reading.value)
    contradicts ||= isToldTwice(reading.twice)
  }
  // A warning may quote a list of objects: it is the answer only where there is no other.
  const objects = answers.filter(isObject)
  const found = objects.length > 0 ? objects : answers
  if (found.length > 0) return { kind: 'json', answers: found, isLenient: true, contradicts }
  return { kind: 'none', reason: text.startsWith('<') ? 'HTML instead of JSON' : 'no readable JSON' }
}

function isAnswerJson(value: unknown): value is AnswerJson {
  return isObject(value) || Array.isArray(value)
}

const TELLING = [
  'result',
  'state',
  'status',
  'code',
  'error',
  'callback',
  'stage',
  'scope',
  'context',
  'token',
]

/** Whether a member that decides came twice, with two values: then the answer proves nothing. */
function isToldTwice(twice: ReadonlySet<string>): boolean {
  return TELLING.some(name => twice.has(name))
}

/** The objects of the frames of an answer; none for a bare list. */
export function framesIn(answer: AnswerJson): JsonObject[] {
  return Array.isArray(answer) ? [] : framesOf(answer)
}

/** The texts of a member in all frames. */
export function membersOf(frames: readonly JsonObject[], name: string): unknown[] {
  return frames.map(frame => member(frame, name)).filter(value => value !== undefined)
}
