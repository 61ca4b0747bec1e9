/** What an answer says for and against itself in its frame: its words, its key, its errors, and where its result is. */

import { isHolder, isObject, member, opened, type JsonObject } from './json.ts'
import { textOf } from './reason.ts'
import type { ListAsked } from './snapshots.ts'
import { isFailureCode, meaningOf, numberOf, tellsOfError, type Meaning } from './words.ts'

/** What was asked, as far as it helps to read the answer: refusals and results quote the name. */
export interface Asked extends ListAsked {
  name?: string | undefined
}

export const STATE_NAMES = ['result', 'state', 'status', 'success', 'ok']
export const ERROR_NAMES = ['error', 'errors', 'err', 'error_message', 'error_msg', 'errormsg', 'exception']
/** Members that frame a result and are no part of it. */
const FRAME_NAMES = new Set([
  ...STATE_NAMES,
  ...ERROR_NAMES,
  'code',
  'message',
  'msg',
  'module',
  'action',
  'debug',
  'callback',
  'context',
  'key',
  'stage',
])
const INNER_NAMES = ['data', 'result']
const KEY = /^[\w-]{8,128}$/

/** The object of an answer and, where `data` or `result` hold one more, that too: an answer may stand one level down. */
export function framesOf(answer: JsonObject): JsonObject[] {
  return [answer, ...INNER_NAMES.map(name => opened(member(answer, name))).filter(isObject)]
}

/** The frame that the result stands in: the innermost that has a scope or a result word, else the outer one. */
export function resultFrameOf(frames: readonly JsonObject[]): JsonObject | undefined {
  const holdsResult = (frame: JsonObject) =>
    member(frame, 'scope') !== undefined || meaningOf(member(frame, 'result')) !== 'nothing'
  return frames.findLast(holdsResult) ?? frames[0]
}

/** Whether an object looks like one of HOSTKEY's answers, and not like what a warning quotes. */
export function looksLikeAnswer(value: JsonObject): boolean {
  return ANSWER_NAMES.some(name => Object.hasOwn(value, name))
}

const ANSWER_NAMES = [
  'result',
  'code',
  'callback',
  'error',
  'status',
  'data',
  'scope',
  'snapshots',
  'stats',
  'token',
]

/** The words of `result`, `state` and so on. */
export function statesOf(frame: JsonObject): unknown[] {
  return STATE_NAMES.map(name => member(frame, name)).filter(value => meaningOf(value) !== 'nothing')
}

export function saysSuccess(frame: JsonObject): boolean {
  return statesOf(frame).some(state => meaningOf(state) === 'success')
}

export function saysFailure(frame: JsonObject): boolean {
  return statesOf(frame).some(state => isFailureState(meaningOf(state)))
}

export function isFailureState(meaning: Meaning): boolean {
  return meaning === 'failure' || meaning === 'negative' || meaning === 'false'
}

/** A usable callback key, in the first of the frames that has one. */
export function callbackOf(frames: readonly JsonObject[]): string | undefined {
  const keys = frames.map(frame => member(frame, 'callback'))
  return keys.find((key): key is string => typeof key === 'string' && KEY.test(key))
}

/** The error that a frame tells of, or undefined. */
export function errorOf(frame: JsonObject): unknown {
  return ERROR_NAMES.map(name => opened(member(frame, name))).find(tellsOfError)
}

export interface Failure {
  code: string
  /** Whether it is told as vm.php tells it (`code`, `result`), and not only by a text that a proxy may have written. */
  isOfDialect: boolean
}

/** What in a frame says that the call was refused. */
export function refusalIn(frame: JsonObject): Failure | undefined {
  const code = member(frame, 'code')
  if (isFailureCode(code)) return { code: textOf(code), isOfDialect: isOwnCode(code) }
  for (const name of STATE_NAMES) {
    const state = member(frame, name)
    if (isFailureState(meaningOf(state))) return { code: textOf(state), isOfDialect: name === 'result' }
  }
  return errorOf(frame) === undefined ? undefined : { code: 'error', isOfDialect: false }
}

/** Negative, or a word: a positive number may be the HTTP status that a proxy repeats. */
function isOwnCode(code: unknown): boolean {
  const number = numberOf(code)
  return number === null || number < 0
}

/** The result in a frame: its scope, its data, or what is left beside the frame; undefined where there is none. */
export function payloadOf(frame: JsonObject, isList: boolean): unknown {
  const rest = Object.entries(frame).filter(([name, value]) =>
    // A newer page lets `result` itself be the result.
    name === 'result' ? isHolder(opened(value)) : !FRAME_NAMES.has(name),
  )
  if (rest.length === 0) return undefined
  // A list may have settings beside it, which stay in what is shown raw.
  if (isList && rest.length > 1) return Object.fromEntries(rest)
  const named = PAYLOAD_NAMES.map(name => rest.find(one => one[0] === name)).find(Boolean)
  return named ? opened(named[1]) : Object.fromEntries(rest)
}

const PAYLOAD_NAMES = ['scope', 'data', 'snapshots', 'stats', 'result']
