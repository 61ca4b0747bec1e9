/** What an answer says for and against itself, and where: the frame of an answer, its words, its key, its failures. */

import { redact } from '../redact.ts'
import { isExactNumber } from '../../json/number.ts'
import { isObject, member, opened, type JsonObject } from './json.ts'
import { cut, decodeEntities } from './text.ts'
import {
  beginsWithFailure,
  beginsWithPlainFailure,
  isFailureCode,
  mayTellOfFailure,
  meaningOf,
  mentionsFailure,
  numberOf,
  tellsOfError,
} from './words.ts'

/** What was asked, as far as it helps to read the answer: refusals and results quote the name. */
export interface Asked {
  name?: string | undefined
  type?: string | undefined
  /** The IANA zone of dates that come without one (`HOSTKEY_TIME_ZONE`). */
  timeZone?: string | undefined
}

const STATE_NAMES = ['result', 'state', 'status', 'success', 'ok']
const ERROR_NAMES = ['error', 'errors', 'err', 'error_message', 'error_msg', 'errormsg', 'exception']
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
/** Members that say who or what it is about, in words that are nobody's verdict. */
const IDENTITY =
  /^(?:name|.*_name|snapshot|type|action|module|key|id|.*_id|callback|hostname|host|server|date|.*_at)$/
const INNER_NAMES = ['data', 'result']
const KEY = /^[\w-]{8,128}$/
export const MAX_MESSAGE_LENGTH = 1_000

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
    const meaning = meaningOf(state)
    if (meaning === 'failure' || meaning === 'negative' || meaning === 'false')
      return { code: textOf(state), isOfDialect: name === 'result' }
  }
  return errorOf(frame) === undefined ? undefined : { code: 'error', isOfDialect: false }
}

/** Negative, or a word: a positive number may be the HTTP status that a proxy repeats. */
function isOwnCode(code: unknown): boolean {
  const number = numberOf(code)
  return number === null || number < 0
}

/** A failure that a result hides: sure by its place or as the beginning of a text, or only a mention, which is a doubt. */
export interface Hidden {
  isSure: boolean
  /** What it says, or ''. */
  text: string
}

/**
 * What speaks against a success that a frame tells of, the gravest of it. The payload of a read (`isData`) is looked at by
 * its own members and no deeper: the state of a snapshot or of a disk says nothing about the read.
 */
export function hiddenFailure(
  frames: readonly JsonObject[],
  isData: boolean,
  asked: Asked,
): Hidden | undefined {
  const search = new Search(asked)
  for (const frame of frames) {
    for (const name of ERROR_NAMES) search.member(frame, name, member(frame, name))
    const scope = member(frame, 'scope')
    if (isData) search.shallow(scope)
    else search.deep(scope)
    search.deep(member(frame, 'context'))
    search.shallow(member(frame, 'message'))
    const debug = member(frame, 'debug')
    // What is written to help developers is full of errors that were none, but for one that it begins with.
    if (typeof debug === 'string' && beginsWithFailure(debug)) search.add(false, debug)
  }
  return search.found
}

class Search {
  readonly #asked: Asked
  found: Hidden | undefined

  constructor(asked: Asked) {
    this.#asked = asked
  }

  /** `said` is where the words stand; they are looked for only where they count. */
  add(isSure: boolean, said: unknown): void {
    if (this.found === undefined || (isSure && !this.found.isSure))
      this.found = { isSure, text: messageText(said) }
  }

  /** A failure in a value itself, or in its own members. */
  shallow(value: unknown): void {
    const inner = opened(value)
    if (typeof inner === 'string') this.#text(inner, '')
    else if (isObject(inner))
      for (const [name, child] of Object.entries(inner)) this.member(inner, name, child)
  }

  /** A failure anywhere inside a value, JSON in its texts included. */
  deep(value: unknown): void {
    const holders: object[] = []
    const look = (name: string, child: unknown): void => {
      if (typeof child !== 'string' && typeof child !== 'object') return
      const inner = opened(child)
      if (isHolder(inner)) holders.push(inner)
      else if (typeof inner === 'string') this.#text(inner, name)
    }
    look('', value)
    for (let holder = holders.pop(); holder && !this.found?.isSure; holder = holders.pop()) {
      if (isObject(holder)) {
        for (const [name, child] of Object.entries(holder)) {
          this.member(holder, name, child)
          look(name, child)
        }
      } else if (Array.isArray(holder)) for (const item of holder) look('', item)
    }
  }

  /** What one member says by its name: an error, a code, a state. */
  member(holder: JsonObject, name: string, value: unknown): void {
    if (ERROR_NAMES.includes(name)) {
      if (tellsOfError(opened(value))) this.add(true, value)
    } else if (name === 'code') {
      if ((numberOf(value) ?? 0) < 0) this.add(true, holder)
    } else if (STATE_NAMES.includes(name)) {
      const meaning = meaningOf(value)
      if (meaning === 'failure') this.add(true, holder)
      if (meaning === 'false' || meaning === 'negative') this.add(false, holder)
    }
  }

  /** A text says less the more it may be a name: of the snapshot itself, or of anything. */
  #text(text: string, name: string): void {
    if (!mayTellOfFailure(text) || IDENTITY.test(name)) return
    const said = withoutName(decodeEntities(cut(text, MAX_MESSAGE_LENGTH)), this.#asked.name)
    if (name === '' || MESSAGE_NAMES.includes(name)) {
      if (beginsWithFailure(said)) this.add(true, text)
      else if (mentionsFailure(said)) this.add(false, text)
    } else if (beginsWithPlainFailure(said)) this.add(true, text)
  }
}

/** A text without the asked snapshot's own name, which may be `pre-lock` or `missing-index`. */
export function withoutName(text: string, name: string | undefined): string {
  if (name === undefined || name === '') return text
  const own = name.toLowerCase()
  if (!text.toLowerCase().includes(own)) return text
  return text.replace(/[\w.-]+/g, token => {
    const lower = token.toLowerCase()
    return lower === own || lower.replace(/\.+$/, '') === own ? '…' : token
  })
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

function isHolder(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isExactNumber(value)
}

const MESSAGE_NAMES = [
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
function messageText(value: unknown, levels = 4): string {
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
