/**
 * The dialect of vm.php, eq_callback.php and auth.php: from the bytes of an answer to what they mean. Pure, total
 * (never throws) and lenient, since an accepted mutation whose answer cannot be read is a lost operation.
 * The shapes and their sources are listed in contract §1.
 */

import { redact } from './redact.ts'

/** An HTTP answer as it came from the wire. */
export interface RawAnswer {
  status: number
  /** Names in lower case. What says how the body was coded on its way is not among them: `body` is as it was meant. */
  headers?: Readonly<Record<string, string>>
  body: Buffer
}

/** The meaning of an answer to one of the five actions. */
export type CallAnswer =
  /** Taken; the result will be at the callback key. */
  | { kind: 'accepted'; callback: string; lenient: boolean }
  /** Taken and done: an accepted answer without a callback is the result. */
  | { kind: 'done'; scope: unknown; lenient: boolean }
  | Refused
  | Unauthorized
  | Unintelligible

/** The meaning of an answer to `eq_callback.php`. */
export type CheckAnswer =
  | { kind: 'pending' }
  /** The result; the key is burned. */
  | { kind: 'done'; scope: unknown; lenient: boolean }
  /** The task failed; the key is burned. */
  | { kind: 'failed'; message: string; code: string }
  /** The key is unknown: never issued, already read, or lost. */
  | { kind: 'gone' }
  | Unintelligible

export type LoginAnswer =
  | {
      kind: 'token'
      token: string
      expiresAtMs: number | null
      /** The VMs that the session knows, or null where they are not told. */
      servers: number[] | null
      /** The host that the account belongs to (`invapi`), or null. */
      host: string | null
    }
  | Refused
  | Unauthorized
  | Unintelligible

export interface Refused {
  kind: 'refused'
  code: string
  message: string
}
export interface Unauthorized {
  kind: 'unauthorized'
  message: string
}
export interface Unintelligible {
  kind: 'unintelligible'
  /** A short account for the log and the problem's detail; never the body itself. */
  reason: string
}

type JsonObject = Record<string, unknown>

const BAD_TOKEN = /invalid[ _-]*(token|hash)|token[^.]*(expired|invalid)|expired[ _-]*token/i
const KEY_NOT_FOUND = /async\s*key not found/i
/** 32 characters `a-z0-9` on the page; taken wider, as it is only carried back. */
const CALLBACK_KEY = /^[\x21-\x7e]{1,256}$/
/** How deep an answer may nest; deeper is refused, as recursion over it would end the process. */
export const MAX_DEPTH = 64

/** Meaning of an answer to an action of vm.php. `name` is the snapshot the call named: refusals quote it. */
export function parseCall(answer: RawAnswer, name?: string): CallAnswer {
  const found = findObject(answer)
  if (found.kind !== 'object') return withoutJson(answer, found.reason)
  const { object, lenient } = found
  // Before anything else: an acceptance counts whatever HTTP status a proxy put on it.
  if (isOk(object.result) && isTruthy(object.callback)) {
    const { callback } = object
    if (typeof callback === 'string' && CALLBACK_KEY.test(callback))
      return { kind: 'accepted', callback, lenient }
    return { kind: 'unintelligible', reason: 'a callback that cannot be a key' }
  }
  const refusal = refusalOf(object, answer.status, name)
  if (refusal) return refusal
  if (isOk(object.result)) return { kind: 'done', scope: immediateResult(object), lenient }
  // A newer page lets `result` itself be the result.
  if (typeof object.result === 'object' && object.result !== null) {
    return { kind: 'done', scope: object.result, lenient }
  }
  return { kind: 'unintelligible', reason: 'JSON without a known result, code or callback' }
}

/** Meaning of an answer to `eq_callback.php?action=check`. */
export function parseCheck(answer: RawAnswer): CheckAnswer {
  const found = findObject(answer)
  if (found.kind !== 'object') return { kind: 'unintelligible', reason: found.reason }
  const { object, lenient } = found
  const message = messageOf(object)
  if (KEY_NOT_FOUND.test(message)) return { kind: 'gone' }
  if (typeof object.result === 'string' && /^not[ _-]?ready$/i.test(object.result)) return { kind: 'pending' }
  if (isOk(object.result)) {
    const error = asObject(object.context)?.error
    if (isTruthy(error)) return { kind: 'failed', code: 'context.error', message: textOf(error) }
    return { kind: 'done', scope: embeddedJson(object.scope), lenient }
  }
  // Under an HTTP error it may be a proxy's own JSON: whether the task failed is asked again.
  if (typeof object.result === 'string' && object.result !== '' && answer.status < 400) {
    const scope = typeof object.scope === 'string' ? object.scope : ''
    return {
      kind: 'failed',
      code: object.result,
      message: scope || message || `the task ended as ${object.result}`,
    }
  }
  // A refusal of the check itself (a module error, an HTTP error with JSON) says nothing about the task.
  return { kind: 'unintelligible', reason: `HTTP ${answer.status}, a check answer without a known result` }
}

/** Meaning of an answer to `auth.php?action=login`. */
export function parseLogin(answer: RawAnswer): LoginAnswer {
  const found = findObject(answer)
  if (found.kind !== 'object') return withoutJson(answer, found.reason)
  const nested = asObject(found.object.result)
  const holder = typeof nested?.token === 'string' ? nested : found.object
  if (typeof holder.token === 'string' && holder.token !== '') {
    const expire = numberOf(holder.token_expire)
    return {
      kind: 'token',
      token: holder.token,
      expiresAtMs: expire > 0 ? expire * 1000 : null,
      servers: Array.isArray(holder.servers)
        ? holder.servers.map(numberOf).filter(Number.isSafeInteger)
        : null,
      host: hostOf(holder.invapi),
    }
  }
  return (
    refusalOf(found.object, answer.status) ?? {
      kind: 'unintelligible',
      reason: 'a login answer without a token',
    }
  )
}

/** The host in a URL or a bare host name. */
function hostOf(invapi: unknown): string | null {
  if (typeof invapi !== 'string' || invapi.length > 2_000) return null
  const url = /^https?:\/\//i.test(invapi) ? invapi : `https://${invapi}`
  const { hostname } = URL.parse(url) ?? {}
  return hostname?.includes('.') ? hostname : null
}

/** A refusal told in JSON: `code` (negative, or text), `result: -1`, `result: "Fail"`, or an HTTP error status. */
function refusalOf(object: JsonObject, status: number, name = ''): Refused | Unauthorized | undefined {
  const { code, result } = object
  const refusedByCode =
    (typeof code === 'number' && code < 0) || (typeof code === 'string' && isErrorCode(code))
  const refusedByResult =
    (typeof result === 'number' && result < 0) || (typeof result === 'string' && isFailure(result))
  if (!refusedByCode && !refusedByResult && status < 400) return undefined
  const message = messageOf(object) || `HTTP ${status}`
  // A snapshot may be called `token-expired`: its name in a message says nothing about our token.
  const words = BAD_TOKEN.test(name) ? message.replaceAll(name, '') : message
  if (status === 401 || numberOf(code) === -2 || numberOf(result) === -2 || BAD_TOKEN.test(words)) {
    return { kind: 'unauthorized', message }
  }
  // JSON that does not itself speak of a refusal may come from a proxy: it proves no more than the status.
  if (!refusedByCode && !refusedByResult && !refusesByStatus(status)) return undefined
  return { kind: 'refused', code: textOf(code ?? result ?? status), message }
}

/** What an answer without usable JSON means: a 4xx refuses, anything else leaves it open. */
function withoutJson(answer: RawAnswer, reason: string): Refused | Unauthorized | Unintelligible {
  const { status } = answer
  if (status === 401) return { kind: 'unauthorized', message: 'HTTP 401' }
  if (refusesByStatus(status)) {
    return { kind: 'refused', code: String(status), message: `HTTP ${status} without a message` }
  }
  return { kind: 'unintelligible', reason: `HTTP ${status}, ${reason}` }
}

/** 408 and 425 speak of this very delivery and not of the request: no proof that it was refused. */
function refusesByStatus(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 425
}

type Found = { kind: 'object'; object: JsonObject; lenient: boolean } | { kind: 'none'; reason: string }

/** The JSON object of an answer: plain, behind a BOM, or behind (or before) HTML that PHP printed around it. */
function findObject(answer: RawAnswer): Found {
  // A BOM counts as white space here.
  const text = answer.body.toString('utf8').trim()
  if (text === '') return { kind: 'none', reason: 'an empty body' }
  const plain = parseJson(text)
  if (plain) {
    const object = asObject(plain.value)
    return object ? accept(object, false) : { kind: 'none', reason: 'JSON that is no object' }
  }
  const answers = objectsIn(text).filter(looksLikeAnswer)
  // Where PHP printed several, an acceptance counts whatever came after it; else the last is the answer.
  const found = answers.find(object => isTruthy(object.callback)) ?? answers.at(-1)
  if (found) return accept(found, true)
  return { kind: 'none', reason: text.startsWith('<') ? 'HTML instead of JSON' : 'no readable JSON' }
}

/** Bounds the work on a body full of braces. */
const MAX_TRIES = 32

/** The objects that stand in other text: PHP prints warnings in HTML around the JSON, and braces may stand in those. */
function objectsIn(text: string): JsonObject[] {
  const found: JsonObject[] = []
  const starts = /\{\s*["}]/g
  let unclosed = false
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const start = starts.exec(text)?.index
    if (start === undefined) break
    // Inside JSON that was cut off an object is a part of the answer and must not pass for the answer.
    if (unclosed && /[:,[]\s*$/.test(text.slice(Math.max(0, start - 16), start))) continue
    const end = endOfObject(text, start)
    if (end === -1) unclosed = true
    const object = end === -1 ? undefined : asObject(parseJson(text.slice(start, end))?.value)
    if (object) found.push(object)
    starts.lastIndex = object ? end : start + 1
  }
  return found
}

/** Behind the brace that closes the one at `start`, or -1. */
function endOfObject(text: string, start: number): number {
  let depth = 0
  let quoted = false
  for (let at = start; at < text.length; at += 1) {
    const char = text[at]
    if (quoted) {
      if (char === '\\') at += 1
      else if (char === '"') quoted = false
    } else if (char === '"') quoted = true
    else if (char === '{') depth += 1
    else if (char === '}' && (depth -= 1) === 0) return at + 1
  }
  return -1
}

function accept(object: JsonObject, lenient: boolean): Found {
  return depthOf(object) > MAX_DEPTH
    ? { kind: 'none', reason: `JSON nested deeper than ${MAX_DEPTH}` }
    : { kind: 'object', object, lenient }
}

function looksLikeAnswer(object: JsonObject): boolean {
  return 'result' in object || 'code' in object || 'callback' in object
}

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** Depth by iteration: the value comes from outside and must not be walked by recursion before it is known to be flat. */
function depthOf(value: unknown): number {
  let depth = 0
  let level: unknown[] = [value]
  while (level.length > 0 && depth <= MAX_DEPTH) {
    const next: unknown[] = []
    for (const item of level)
      if (typeof item === 'object' && item !== null)
        for (const member of Object.values(item)) next.push(member)
    if (next.length > 0) depth += 1
    level = next
  }
  return depth
}

function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined
}

function isOk(result: unknown): boolean {
  return typeof result === 'string' && /^(ok|success)$/i.test(result)
}

function isFailure(result: string): boolean {
  return /^(fail|failed|failure|error)$/i.test(result)
}

/** Codes as text such as `NO_APPROPRIATE_SERVERS`; a text that is a number counts as that number. */
function isErrorCode(code: string): boolean {
  const number = Number(code)
  return code !== '' && (Number.isNaN(number) ? !isOk(code) : number < 0)
}

/** Of a number or a text; `Number` itself throws on an object whose `toString` came from the upstream. */
function numberOf(value: unknown): number {
  return typeof value === 'number' || typeof value === 'string' ? Number(value) : NaN
}

/** Whether PHP would call it true, where an empty array, which may stand for "none", is not. */
function isTruthy(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value) && value !== '0'
}

function messageOf(object: JsonObject): string {
  for (const member of [object.message, object.error, object.msg]) {
    if (member !== undefined && member !== null && member !== '') return textOf(member)
  }
  return ''
}

function textOf(value: unknown): string {
  // As a text it would slip through the net of member names.
  return typeof value === 'string' ? value : (JSON.stringify(redact(value)) ?? '')
}

/** The result inside an accepted answer without a callback: its payload member, or what is left beside the frame. */
function immediateResult(object: JsonObject): unknown {
  for (const name of ['scope', 'data', 'snapshots', 'stats']) {
    if (object[name] !== undefined) return embeddedJson(object[name])
  }
  const {
    result: _result,
    module: _module,
    action: _action,
    debug: _debug,
    callback: _callback,
    ...rest
  } = object
  return Object.keys(rest).length > 0 ? rest : null
}

/** A scope may be JSON in a text: `"[{\"name\":…}]"`. Other texts stay texts. */
function embeddedJson(scope: unknown): unknown {
  const inner = typeof scope === 'string' && /^\s*[[{]/.test(scope) ? parseJson(scope) : undefined
  if (!inner) return scope ?? null
  return depthOf(inner.value) > MAX_DEPTH ? null : inner.value
}
