/**
 * The verdict on an answer to one of the five actions, by evidence (contract §1), in this order: refused, accepted,
 * done (reads only), ambiguous. Nothing is concluded from what an answer lacks: an OK without a key proves no change.
 */

import type { ActionName, RefusalReason } from '../../operations/hostkey.ts'
import { findAnswers, framesIn, membersOf, type AnswerJson } from './answers.ts'
import {
  callbackOf,
  payloadOf,
  refusalIn,
  resultFrameOf,
  saysFailure,
  saysSuccess,
  type Asked,
  type Failure,
} from './evidence.ts'
import { hiddenFailure } from './hidden.ts'
import { isHolder, isObject, member, type JsonObject } from './json.ts'
import { reasonIn } from './reason.ts'
import { isAboutToken, reasonOfRefusal } from './refusal.ts'
import { readSnapshots, type Snapshot } from './snapshots.ts'
import type { Answer } from './text.ts'
import { meaningOf, numberOf } from './words.ts'

export type CallVerdict =
  /** Taken; the result will be at the callback key. */
  | { kind: 'accepted'; callback: string; lenient: boolean }
  | { kind: 'refused'; reason: RefusalReason; code: string; message: string; retryAfterMs?: number }
  /** HOSTKEY does not know the gateway's token. */
  | { kind: 'unauthorized'; message: string }
  /** A read that was answered at once. `snapshots` with a list: null where its shape is not known. */
  | { kind: 'done'; scope: unknown; snapshots?: Snapshot[] | null; lenient: boolean }
  /** It may have been taken, or not. `why` is for the log and the problem's detail, never the body itself. */
  | { kind: 'ambiguous'; why: string; retryAfterMs?: number }

/** Whether an action changes nothing. */
export function isRead(action: ActionName): boolean {
  return action === 'get_snapshot' || action === 'load_stats'
}

/** What an answer to a call proves. */
export function judgeCall(action: ActionName, answer: Answer, asked: Asked = {}): CallVerdict {
  const found = findAnswers(answer)
  if (found.kind === 'none') return withoutJson(answer, asked, found.reason)
  if (found.contradicts) return ambiguous(answer, 'JSON that gives a member twice')
  const verdicts = found.answers.map(json => judgeJson(action, json, answer, asked, found.isLenient))
  // Where PHP printed several, an acceptance counts whatever came after it; else the last one of its rank.
  for (const kind of RANKS) {
    const verdict = verdicts.findLast(one => one.kind === kind)
    if (verdict) return verdict
  }
  return ambiguous(answer, 'no answer')
}

const RANKS = ['accepted', 'unauthorized', 'refused', 'done', 'ambiguous'] as const

function judgeJson(
  action: ActionName,
  json: AnswerJson,
  answer: Answer,
  asked: Asked,
  lenient: boolean,
): CallVerdict {
  const frames = framesIn(json)
  const callback = callbackOf(frames)
  // Whatever stands beside a success word and a key, and whatever HTTP status: the key will tell.
  const isOk = frames.some(frame => saysSuccess(frame) && !saysFailure(frame))
  if (callback !== undefined && isOk) return { kind: 'accepted', callback, lenient }
  const failure = frames.map(refusalIn).find(Boolean)
  const refusal = refusalOf(frames, failure, answer, asked)
  if (refusal) return refusal
  if (failure) return ambiguous(answer, 'JSON that may be of a proxy')
  if (callback !== undefined) return { kind: 'accepted', callback, lenient }
  const hidden = hiddenFailure(frames, isRead(action), asked)
  if (hidden?.isSure && answer.status < 400) {
    const message = hidden.text || reasonIn(frames) || 'a failure inside the answer'
    return refused('error', message, answer, asked)
  }
  if (hidden) return ambiguous(answer, 'JSON with words of failure')
  const done = isRead(action) ? doneBy(action, json, answer, asked, lenient) : undefined
  return done ?? ambiguous(answer, 'JSON without a callback key')
}

function refusalOf(
  frames: readonly JsonObject[],
  failure: Failure | undefined,
  answer: Answer,
  asked: Asked,
): CallVerdict | undefined {
  const { status } = answer
  if (!failure && status < 400) return undefined
  const message = reasonIn(frames) || `HTTP ${status}`
  const numbers = ['code', 'result'].flatMap(name => membersOf(frames, name)).map(numberOf)
  if (status === 401 || numbers.includes(-2)) return { kind: 'unauthorized', message }
  const isProven = failure?.isOfDialect ?? false
  if (!isProven && !refusesByStatus(status) && (!failure || isOfDelivery(status))) return undefined
  const code = failure?.code ?? String(status)
  return refused(code, message, answer, asked)
}

function refused(code: string, message: string, answer: Answer, asked: Asked): CallVerdict {
  if (isAboutToken(message, asked)) return { kind: 'unauthorized', message }
  const reason = reasonOfRefusal(message, code, answer.status, asked)
  return { kind: 'refused', reason, code, message, ...later(answer) }
}

/** What an answer without usable JSON means: a 4xx refuses, anything else leaves it open. */
function withoutJson(answer: Answer, asked: Asked, why: string): CallVerdict {
  const { status } = answer
  if (status === 401) return { kind: 'unauthorized', message: 'HTTP 401' }
  if (!refusesByStatus(status)) return ambiguous(answer, why)
  return refused(String(status), `HTTP ${status} without a message`, answer, asked)
}

/** A 4xx speaks of the request, and says that it was not carried out. */
function refusesByStatus(status: number): boolean {
  return status >= 400 && status < 500 && !isOfDelivery(status)
}

/** 408, 425 and 5xx speak of this very delivery, mostly by a proxy: no proof that the request was refused. */
function isOfDelivery(status: number): boolean {
  return status === 408 || status === 425 || status >= 500
}

/** A read is done by data of the shape that it asks for. */
function doneBy(
  action: ActionName,
  json: AnswerJson,
  { status }: Answer,
  asked: Asked,
  lenient: boolean,
): CallVerdict | undefined {
  const isList = action === 'get_snapshot'
  // A bare `[]` or `{}` is what PHP writes for anything.
  if (Array.isArray(json) && json.length === 0) return undefined
  const frames = framesIn(json)
  if (status >= 400 && !frames.some(saysSuccess)) return undefined
  const frame = resultFrameOf(frames)
  const scope = Array.isArray(json) ? json : frame && payloadOf(frame, isList)
  if (scope === undefined) return undefined
  const isTold = frames.some(one => meaningOf(member(one, 'result')) === 'success')
  if (!isList) {
    const isStats = isObject(scope) && Object.keys(scope).length > 0
    return isStats ? { kind: 'done', scope, lenient } : undefined
  }
  const snapshots = readSnapshots(scope, asked)
  // That there are none, or a list of a shape that nobody knows, is believed beside a `result` only.
  const isProven = snapshots !== null && snapshots.length > 0
  if (!isProven && !(isTold && isHolder(scope))) return undefined
  return { kind: 'done', scope, snapshots, lenient }
}

function ambiguous(answer: Answer, why: string): CallVerdict {
  return { kind: 'ambiguous', why: `HTTP ${answer.status}, ${why}`, ...later(answer) }
}

/** What HOSTKEY asked for by `Retry-After`. */
export function later({ retryAfterMs }: Answer): { retryAfterMs?: number } {
  return retryAfterMs === undefined || retryAfterMs === null ? {} : { retryAfterMs }
}
