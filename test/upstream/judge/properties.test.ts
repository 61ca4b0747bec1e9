import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ActionName } from '../../../src/operations/hostkey.ts'
import { judgeCall } from '../../../src/upstream/judge/call.ts'
import { judgeCheck } from '../../../src/upstream/judge/check.ts'
import { judgeLogin } from '../../../src/upstream/judge/login.ts'
import type { Answer } from '../../../src/upstream/judge/text.ts'

/** `FC_RUNS=100000` looks longer. */
const RUNS = { numRuns: Number(process.env.FC_RUNS ?? 400) }
const TIMEOUT_MS = 3_600_000

const CHANGES: readonly ActionName[] = ['create_snapshot', 'remove_snapshot', 'restore_snapshot']
const READS: readonly ActionName[] = ['get_snapshot', 'load_stats']
const action = fc.constantFrom(...CHANGES, ...READS)
const change = fc.constantFrom(...CHANGES)
const read = fc.constantFrom(...READS)
const asked = fc.record({ name: fc.constantFrom(undefined, 'nightly', 'pre-lock', 'failed', 'OK') })

/** Words that the judge knows, in places where it looks, mixed with anything. */
const WORDS = `OK|ok|Success|Done|Fail|Error|Failed|Cancelled|Not ready|Pending|Queued|In progress|AsyncKey not found|invalid token||0|1|-2
  |true|false|null|none|undefined|[{"a":1}]|{"error":"x"}|{"callback":"k7d0q2m5x9v1"}|Error: disk|snapshot nightly created|no errors`
const word = fc.constantFrom(...WORDS.split(/\|\s*|\s*\|/))
const key = fc.stringMatching(/^[a-z0-9]{32}$/)
const value = fc.oneof(
  word,
  key,
  fc.constantFrom<unknown>(-1, -2, 0, 1, 200, null, true, false, [], {}, { toString: 'OK', valueOf: 0 }),
  fc.jsonValue({ maxDepth: 4 }),
)
const MEMBERS = `result status state success code callback scope context stage message msg error errors token token_expire key data
  snapshots stats debug name snapshot_id date invapi servers __proto__ constructor toString rawJSON`
const memberName = fc.constantFrom(...MEMBERS.split(/\s+/))
const objectText = (inner: fc.Arbitrary<unknown>) =>
  fc
    .array(fc.tuple(memberName, inner), { maxLength: 6 })
    .map(
      members => `{${members.map(([name, v]) => `${JSON.stringify(name)}:${JSON.stringify(v)}`).join(',')}}`,
    )
const answerText = fc.oneof(
  objectText(value),
  objectText(
    fc.oneof(
      value,
      objectText(value).map(text => JSON.parse(text) as unknown),
    ),
  ),
)
const scraps = fc.constantFrom(
  '{',
  '}',
  '"',
  '{"',
  '"}',
  ':',
  ',',
  '[',
  '\\',
  '<b>',
  '\uFEFF',
  '{"result":',
  '&quot;',
)
const CHARSETS = ['utf-8', 'windows-1251', 'utf-16', 'klingon', '']
const answer: fc.Arbitrary<Answer> = fc.record({
  status: fc.oneof(fc.constant(200), fc.integer({ min: 200, max: 599 })),
  headers: fc.constantFrom(...CHARSETS).map(charset => ({ 'content-type': `text/html; charset=${charset}` })),
  body: fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    answerText.map(text => Buffer.from(text)),
    answerText.map(text => Buffer.from(text, 'utf16le')),
    fc.array(fc.oneof(scraps, answerText), { maxLength: 12 }).map(parts => Buffer.from(parts.join(''))),
  ),
})

test('the judge is total over bytes, scraps and JSON of any shape', { timeout: TIMEOUT_MS }, () => {
  const CALL = ['accepted', 'ambiguous', 'done', 'refused', 'unauthorized']
  const CHECK = ['done', 'failed', 'gone', 'pending', 'unintelligible']
  const LOGIN = ['refused', 'token', 'unauthorized', 'unintelligible']
  fc.assert(
    fc.property(answer, action, asked, (bytes, of, about) => {
      const verdicts = [judgeCall(of, bytes, about), judgeCheck(of, bytes, about), judgeLogin(bytes)]
      expect(CALL).toContain(verdicts[0]!.kind)
      expect(CHECK).toContain(verdicts[1]!.kind)
      expect(LOGIN).toContain(verdicts[2]!.kind)
      // Whatever is handed on has to survive the store, and its texts are well-formed.
      for (const verdict of verdicts) {
        expect(JSON.parse(JSON.stringify(verdict))).toHaveProperty('kind', verdict.kind)
        if ('message' in verdict)
          expect(verdict.message.isWellFormed() && verdict.message.length <= 1_000).toBe(true)
      }
    }),
    RUNS,
  )
})

test(
  'no byte string makes a change done by the answer to its call, nor accepted without a usable key',
  { timeout: TIMEOUT_MS },
  () => {
    fc.assert(
      fc.property(answer, change, asked, (bytes, of, about) => {
        const verdict = judgeCall(of, bytes, about)
        expect(verdict.kind).not.toBe('done')
        if (verdict.kind === 'accepted') expect(verdict.callback).toMatch(/^[\w-]{8,128}$/)
      }),
      RUNS,
    )
  },
)

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
type JsonMembers = Record<string, Json>

const FAILURES = [
  'Error',
  'error',
  'FAILED',
  'Fail',
  'failure',
  'Cancelled',
  'canceled',
  'Aborted',
  'Rejected',
]
const failure = fc.constantFrom(...FAILURES)
const plainText = fc.constantFrom('fine', 'snapshot nightly created', 'done', 'task 7 is at its end', '')
const plain: fc.Arbitrary<Json> = fc.letrec<{ json: Json; object: JsonMembers }>(tie => ({
  json: fc.oneof(
    { maxDepth: 3 },
    plainText,
    fc.integer({ min: 0 }),
    fc.array(tie('json'), { maxLength: 3 }),
    tie('object'),
    tie('object').map(value => JSON.stringify(value)),
  ),
  object: fc.dictionary(fc.constantFrom('vm', 'disk', 'info', 'node', 'size', 'task'), tie('json'), {
    maxKeys: 3,
  }),
})).json
const successWord = fc.constantFrom<Json>('OK', 'ok', 'Success', 'Done', 1, '1', true, 'true')
/** Answers at the key that tell of a success, and of nothing else. */
const success = fc.record<JsonMembers>(
  {
    result: successWord,
    scope: plain,
    context: fc.record({ action: fc.constant('create_snapshot'), id: fc.nat(), more: plain }),
  },
  { requiredKeys: ['result'] },
)

/** Every place inside a value that can take one more member or text, as functions that put it there. */
function places(json: Json, put: (json: Json) => Json, found: ((said: string, name: string) => Json)[] = []) {
  if (typeof json === 'string') {
    const inner = /^[[{]/.test(json) ? (JSON.parse(json) as Json) : undefined
    if (inner === undefined) found.push(said => put(`${said}: ${json}`))
    else places(inner, changed => put(JSON.stringify(changed)), found)
  } else if (Array.isArray(json)) {
    found.push(said => put([...json, `${said}: x`]))
    json.forEach((item, index) => places(item, changed => put(json.with(index, changed)), found))
  } else if (typeof json === 'object' && json !== null) {
    found.push((said, name) => put({ ...json, [name]: said }))
    for (const [name, item] of Object.entries(json))
      if (name !== 'result' && name !== 'action')
        places(item, changed => put({ ...json, [name]: changed }), found)
  }
  return found
}

const asAnswer = (json: unknown, status = 200): Answer => ({
  status,
  body: Buffer.from(JSON.stringify(json)),
})

describe('at the key', () => {
  test('a success is one', { timeout: TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(success, change, (json, of) => {
        expect(judgeCheck(of, asAnswer(json)).kind).toBe('done')
      }),
      RUNS,
    )
  })

  test('a failure word anywhere in a success leaves none of it', { timeout: TIMEOUT_MS }, () => {
    const name = fc.constantFrom('error', 'status', 'state', 'errors', 'message')
    fc.assert(
      fc.property(success, change, failure, name, fc.nat(), (json, of, said, member, at) => {
        const all = places(json, changed => changed)
        const changed = all[at % all.length]!(said, member)
        expect(judgeCheck(of, asAnswer(changed)).kind).not.toBe('done')
      }),
      RUNS,
    )
  })

  test('nor does one anywhere in the words of its scope', { timeout: TIMEOUT_MS }, () => {
    const words: fc.Arbitrary<string[]> = fc.array(
      fc.constantFrom<string[]>('snapshot', 'nightly', 'of', 'vm', '7', 'created'),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
    fc.assert(
      fc.property(words, failure, fc.nat(), (scope, said, at) => {
        const text = scope.toSpliced(at % (scope.length + 1), 0, said).join(' ')
        expect(judgeCheck('create_snapshot', asAnswer({ result: 'OK', scope: text })).kind).not.toBe('done')
      }),
      RUNS,
    )
  })

  test('what its debug says changes nothing', { timeout: TIMEOUT_MS }, () => {
    fc.assert(
      fc.property(success, change, fc.oneof(word, failure, fc.string()), (json, of, debug) => {
        expect(judgeCheck(of, asAnswer({ ...json, debug })).kind).toBe('done')
      }),
      RUNS,
    )
  })

  test('at any stage but "done" the task goes on', { timeout: TIMEOUT_MS }, () => {
    const stage = fc.oneof(
      fc.constantFrom<Json>('copying', 'prepare', 'complete', 'OK', 'true', 'stage 2 of 3', true, false),
      fc.integer(),
    )
    fc.assert(
      fc.property(success, action, stage, fc.boolean(), (json, of, at, isInContext) => {
        const changed = isInContext ? { ...json, context: { stage: at } } : { ...json, stage: at }
        expect(judgeCheck(of, asAnswer(changed)).kind).toBe('pending')
      }),
      RUNS,
    )
  })

  test('any word that is not known for an end means that the task goes on', { timeout: TIMEOUT_MS }, () => {
    const END =
      /^\W*(ok|okay|succe|done|complete|finish|true|false|null|none|fail|err|exc|fatal|cancel|abort|reject|refus|den|forbid|inval|unsuc|crash|unab|can|could|no|did|was|async)/i
    const going = fc.oneof(
      fc.constantFrom('Not ready', 'not_ready', 'Pending', 'Queued', 'In progress', 'Working', 'Timeout'),
      fc.stringMatching(/^[A-Za-z][A-Za-z _-]{2,20}$/).filter(text => !END.test(text)),
    )
    fc.assert(
      fc.property(going, plain, action, (result, scope, of) => {
        expect(judgeCheck(of, asAnswer({ result, scope })).kind).toBe('pending')
      }),
      RUNS,
    )
  })
})

test(
  'a failure word in the frame or the payload of a read leaves no success of it',
  { timeout: TIMEOUT_MS },
  () => {
    const list = fc.record({
      result: successWord,
      scope: fc.record({ snapshots: fc.constant([{ name: 'a' }]) }),
    })
    const name = fc.constantFrom('error', 'status', 'state', 'errors')
    fc.assert(
      fc.property(list, read, failure, name, fc.boolean(), (json, of, said, member, isInside) => {
        expect(judgeCall(of, asAnswer(json)).kind).toBe('done')
        const changed = isInside
          ? { ...json, scope: { ...json.scope, [member]: said } }
          : { ...json, [member]: said }
        expect(judgeCall(of, asAnswer(changed)).kind).not.toBe('done')
        expect(judgeCheck(of, asAnswer(changed)).kind).not.toBe('done')
      }),
      RUNS,
    )
  },
)

test('numbers of HOSTKEY keep their digits', { timeout: TIMEOUT_MS }, () => {
  const digits = fc.oneof(fc.bigInt().map(String), fc.bigInt({ min: 2n ** 53n, max: 2n ** 200n }).map(String))
  fc.assert(
    fc.property(digits, source => {
      const body = Buffer.from(
        `{"result":"OK","scope":[{"name":${source},"snapshot_id":${source},"size":${source}}]}`,
      )
      const verdict = judgeCheck('get_snapshot', { status: 200, body })
      expect(verdict).toMatchObject({ kind: 'done', snapshots: [{ name: source, id: source }] })
      expect(JSON.stringify(verdict)).toContain(`"size":${source}`)
    }),
    RUNS,
  )
})
