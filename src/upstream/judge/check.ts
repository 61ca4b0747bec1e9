/**
 * The verdict on an answer at the callback key (contract §1, "At the key"). A success is believed only where nothing
 * speaks against it, a failure only by a word that is known for one; any other word means that the task goes on.
 */

import type { ActionName, RefusalReason } from '../../operations/hostkey.ts'
import { findAnswers, framesIn, membersOf } from './answers.ts'
import { isRead, later } from './call.ts'
import {
  errorOf,
  payloadOf,
  refusalIn,
  resultFrameOf,
  saysSuccess,
  statesOf,
  type Asked,
} from './evidence.ts'
import { hiddenFailure } from './hidden.ts'
import { member, opened, type JsonObject } from './json.ts'
import { reasonIn, textOf } from './reason.ts'
import { reasonOfRefusal } from './refusal.ts'
import { readSnapshots, type Snapshot } from './snapshots.ts'
import { cut, type Answer } from './text.ts'
import { meaningOf } from './words.ts'

export type CheckVerdict =
  /** Still going, or nothing that could be believed was said of its end. `why` is HOSTKEY's own word. */
  | { kind: 'pending'; why: string; retryAfterMs?: number }
  /** The result; the key is burned. `snapshots` with a list: null where its shape is not known. */
  | { kind: 'done'; scope: unknown; snapshots?: Snapshot[] | null; lenient: boolean }
  /** The task failed; the key is burned. */
  | { kind: 'failed'; reason: RefusalReason; code: string; message: string }
  /** The key is unknown: never issued, already read, lost, or not yet known. */
  | { kind: 'gone' }
  | { kind: 'unintelligible'; why: string; retryAfterMs?: number }

/** What an answer at the callback key proves of the call that `action` and `asked` were. */
export function judgeCheck(action: ActionName, answer: Answer, asked: Asked = {}): CheckVerdict {
  const found = findAnswers(answer)
  if (found.kind === 'none') return unintelligible(answer, found.reason)
  if (found.contradicts) return unintelligible(answer, 'JSON that gives a member twice')
  const verdicts = found.answers
    .map(json => judgeFrames(action, framesIn(json), answer, asked))
    .filter(({ kind }) => kind !== 'unintelligible')
  const last = verdicts.at(-1)
  if (!last) return unintelligible(answer, 'a check answer without a known result')
  if (verdicts.some(({ kind }) => kind !== last.kind))
    return unintelligible(answer, 'answers that contradict each other')
  return last.kind === 'done' ? { ...last, lenient: found.isLenient } : last
}

const KEY_NOT_FOUND = /async[ _-]?key(?: is)? not found|not found[^.]{0,20}async[ _-]?key/i

function judgeFrames(
  action: ActionName,
  frames: readonly JsonObject[],
  answer: Answer,
  asked: Asked,
): CheckVerdict {
  const texts = ['message', 'error', 'msg', 'result', 'code'].flatMap(name => membersOf(frames, name))
  if (texts.some(text => typeof text === 'string' && KEY_NOT_FOUND.test(cut(text, 200))))
    return { kind: 'gone' }
  const states = frames.flatMap(statesOf)
  const stage = stageOf(frames)
  const failed = [...states, stage].find(state => meaningOf(state) === 'failure')
  if (failed !== undefined) {
    // Under an HTTP error it may be a proxy's own JSON: whether the task failed is asked again.
    if (answer.status >= 400 && !frames.some(saysOfTask)) return unintelligible(answer, 'a failure')
    return failure(textOf(failed), reasonIn(frames), asked)
  }
  if (!saysDone(frames)) {
    const word = states.find(state => meaningOf(state) === 'other') ?? stage
    return typeof word === 'string' ? pending(answer, word) : unintelligible(answer, 'no known result')
  }
  if (stage !== undefined && !isLastStage(stage)) return pending(answer, `stage ${textOf(stage)}`)
  return endOf(action, frames, answer, asked)
}

/** A success word in `result`; in another member only of what is surely about a task. */
function saysDone(frames: readonly JsonObject[]): boolean {
  if (membersOf(frames, 'result').some(result => meaningOf(result) === 'success')) return true
  return frames.some(saysSuccess) && frames.some(saysOfTask)
}

/** Success was said: whether anything speaks against it. */
function endOf(
  action: ActionName,
  frames: readonly JsonObject[],
  answer: Answer,
  asked: Asked,
): CheckVerdict {
  const hidden = hiddenFailure(frames, isRead(action), asked)
  if (hidden?.isSure) return failure(codeOfHidden(frames), hidden.text || reasonIn(frames), asked)
  if (hidden || frames.some(refusalIn)) return pending(answer, 'a success with words of failure')
  const frame = resultFrameOf(frames)
  if (action === 'get_snapshot') {
    const scope = (frame && payloadOf(frame, true)) ?? null
    return { kind: 'done', scope, snapshots: readSnapshots(scope, asked), lenient: false }
  }
  const scope = (frame && payloadOf(frame, false)) ?? null
  return { kind: 'done', scope, lenient: false }
}

function codeOfHidden(frames: readonly JsonObject[]): string {
  const contexts = frames.map(frame => opened(member(frame, 'context')))
  const isInContext = contexts.some(
    context =>
      typeof context === 'object' && context !== null && errorOf(context as JsonObject) !== undefined,
  )
  return isInContext ? 'context.error' : 'error'
}

/** Whether a frame holds what only an answer about a task does. */
function saysOfTask(frame: JsonObject): boolean {
  return ['key', 'scope', 'context'].some(name => member(frame, name) !== undefined)
}

/** The stage of a task, the first that is not its last where several are told. */
function stageOf(frames: readonly JsonObject[]): unknown {
  const stages = frames.flatMap(frame => {
    const context = opened(member(frame, 'context'))
    const holders = [
      frame,
      ...(typeof context === 'object' && context !== null ? [context as JsonObject] : []),
    ]
    return holders.map(holder => member(holder, 'stage'))
  })
  const told = stages.filter(stage => meaningOf(stage) !== 'nothing')
  return told.find(stage => !isLastStage(stage)) ?? told[0]
}

/** Only the word itself is the last stage: a number, which elsewhere tells of success, is one that the task is at. */
function isLastStage(stage: unknown): boolean {
  return typeof stage === 'string' && /^\W*done\W*$/i.test(stage)
}

function failure(code: string, said: string, asked: Asked): CheckVerdict {
  const message = said || `the task ended as ${code}`
  return { kind: 'failed', reason: reasonOfRefusal(message, code, 200, asked), code, message }
}

function pending(answer: Answer, why: string): CheckVerdict {
  return { kind: 'pending', why: cut(why, 200), ...later(answer) }
}

function unintelligible(answer: Answer, why: string): CheckVerdict {
  return { kind: 'unintelligible', why: `HTTP ${answer.status}, ${why}`, ...later(answer) }
}
