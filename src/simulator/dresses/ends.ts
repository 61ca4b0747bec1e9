import { phpJson } from '../json.ts'
import { HTML_TYPE, ofChanges, page, sending, table, without } from './dress.ts'
import type { About, Dress, Json } from './dress.ts'

const done = (says: (plain: Json) => unknown): Dress => ({ on: 'end', told: 'done', acts: [true], says })
const doneWith = (members: Json) => done(plain => ({ ...plain, ...members }))

/** The plain answer of a failed task has the reason as its scope; these say it otherwise, under a word of success too. */
const failed = (says: (about: About) => Json): Dress => ({
  on: 'end',
  told: 'failed',
  acts: [false],
  says: ({ key, context }, about) => ({ result: 'OK', scope: '', context, debug: '', key, ...says(about) }),
})
const failedByWord = (result: unknown) => failed(({ reason }) => ({ result, scope: reason }))

/** The key is deleted with the answer, and the answer cannot be read. */
const lost = (body: string, status = 200): Dress => ({
  on: 'end',
  told: 'ambiguous',
  acts: [true, false],
  sends: sending({ status, headers: HTML_TYPE, body }),
})

/** How the check that deletes the key tells the end of a task. */
export const ENDS = table({
  'done-as-1': doneWith({ result: 1 }),
  'done-as-0': doneWith({ result: 0 }),
  'done-as-true': doneWith({ result: true }),
  'done-as-text-1': doneWith({ result: '1' }),
  'done-in-lower-case': doneWith({ result: 'ok' }),
  'done-at-stage-done': doneWith({ stage: 'done' }),
  'done-with-code-0': doneWith({ code: 0, message: '' }),
  'done-with-error-empty': doneWith({ error: '' }),
  'done-with-error-false': doneWith({ error: 'false' }),
  'done-with-error-none': doneWith({ error: 'none' }),
  'done-with-error-0': doneWith({ error: '0' }),
  'done-with-error-array': doneWith({ error: [] }),
  'done-with-context-error-null': done(plain => ({
    ...plain,
    context: { ...(plain.context as Json), error: null },
  })),
  'done-with-context-array': doneWith({ context: [] }),
  'done-with-context-text': done(plain => ({ ...plain, context: phpJson(plain.context) })),
  'done-without-context': done(plain => without(plain, 'context')),
  'done-with-scope-text': done(plain => ({ ...plain, scope: phpJson(plain.scope) })),
  'done-with-a-debug-of-errors': doneWith({ debug: 'error_reporting=0; 0 failed, 0 errors' }),
  'failed-as-error': failedByWord('Error'),
  'failed-as-failed': failedByWord('Failed'),
  'failed-as-fail': failedByWord('Fail'),
  'failed-as-cancelled': failedByWord('Cancelled'),
  'failed-in-lower-case': failedByWord('error'),
  // The key is gone, and no known word of failure was said.
  'failed-as-false': { ...failedByWord(false), told: 'ambiguous' },
  'failed-as-minus-1': { ...failedByWord(-1), told: 'ambiguous' },
  'failed-in-error': failed(({ reason: error }) => ({ error })),
  'failed-in-error-object': failed(({ reason: message }) => ({ error: { message } })),
  'failed-in-context-error': failed(({ reason: error, context }) => ({ context: { ...context, error } })),
  'failed-in-context-status': failed(({ reason: message, context }) => ({
    context: { ...context, status: 'failed', message },
  })),
  'failed-in-context-text': failed(({ reason: error, context }) => ({
    context: phpJson({ ...context, error }),
  })),
  'failed-in-scope-error': failed(({ reason: error }) => ({ scope: { error } })),
  'failed-in-scope-result': failed(({ reason: message }) => ({ scope: { result: 'Error', message } })),
  'failed-in-scope-status': failed(({ reason: message }) => ({ scope: { status: 'error', message } })),
  'failed-in-scope-state': failed(({ reason: message }) => ({ scope: { state: 'Failed', message } })),
  'failed-in-scope-words': failed(({ reason }) => ({ scope: `Error: ${reason}` })),
  'failed-in-scope-text': failed(({ reason: message }) => ({ scope: phpJson({ result: 'Fail', message }) })),
  'failed-in-scope-text-in-text': ofChanges(
    failed(({ reason: error }) => ({ scope: phpJson({ answer: phpJson({ error }) }) })),
  ),
  'failed-deep-in-scope': ofChanges(
    failed(({ reason: error }) => ({ scope: { task: { steps: [{ error }] } } })),
  ),
  'failed-for-a-reason-in-debug': failed(({ reason: debug }) => ({ result: 'Error', debug })),
  'failed-for-a-reason-in-an-object': failed(({ reason: text }) => ({ result: 'Error', scope: { text } })),
  'failed-in-half-an-emoji': failed(({ reason }) => ({ result: 'Error', scope: `${reason} \u{d83d}` })),
  'end-lost-in-html': lost(page('502 Bad Gateway'), 502),
  'end-lost-in-html-200': lost(page('Maintenance')),
  'end-lost-in-a-cut': lost('{"result":"'),
  'end-lost-in-nothing': lost(''),
})
