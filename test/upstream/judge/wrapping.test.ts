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

const ACTIONS: readonly ActionName[] = [
  'create_snapshot',
  'remove_snapshot',
  'restore_snapshot',
  'get_snapshot',
  'load_stats',
]
const action = fc.constantFrom(...ACTIONS)
const asAnswer = (json: unknown, status = 200): Answer => ({
  status,
  body: Buffer.from(JSON.stringify(json)),
})

describe('no verdict is changed by', () => {
  const CALLBACK = 'k7d0q2m5x9v1c4b8n3z6l0p2s5g8h1j4'
  const OK = { result: 'OK', module: 'vm', action: 'create_snapshot' }
  const LIST = [{ name: 'nightly', snapshot_id: 7 }]
  const CALLS: unknown[] = [
    { ...OK, callback: CALLBACK },
    { result: 1, callback: CALLBACK },
    { ...OK, callback: '' },
    { ...OK, error: 'no space left' },
    { code: -1, message: 'failed to request snapshot creation for 1000 - snapshot "первый" already exists' },
    { result: -1, error: 'сервер <b>заблокирован</b> & выключен' },
    { code: -2, message: 'access denied' },
    { code: -1, message: 'Invalid token' },
    { result: 'OK', scope: LIST },
    { result: 'OK', scope: { error: 'no such vm' } },
    { result: 'OK', snapshots: LIST, settings: { num_rotation: 3 } },
    { result: 'Queued' },
  ]
  const CHECKS: unknown[] = [
    { result: 'Not ready', key: CALLBACK },
    { result: 'OK', scope: 'готово', context: { action: 'create_snapshot', id: 7 }, key: CALLBACK },
    { result: 'OK', scope: LIST },
    { result: 'OK', scope: 'x', context: { error: 'no space left' } },
    { result: 'Error', scope: 'нет места', debug: 'trace' },
    { result: 'OK', stage: 'copying' },
    { code: -1, message: 'AsyncKey not found', key: CALLBACK },
  ]
  const LOGINS: unknown[] = [
    { result: { token: 't0ken', token_expire: 1_800_000_000, servers: [1000], invapi: 'invapi.hostkey.ru' } },
    { result: 'OK', token: 't0ken' },
    { code: -1, message: 'invalid api key' },
  ]
  type Judged = [judge: (answer: Answer) => object, json: unknown]
  const judged = fc.oneof(
    fc
      .tuple(fc.constantFrom(...CALLS), action)
      .map(([json, of]): Judged => [one => judgeCall(of, one), json]),
    fc
      .tuple(fc.constantFrom(...CHECKS), action)
      .map(([json, of]): Judged => [one => judgeCheck(of, one), json]),
    fc.constantFrom(...LOGINS).map((json): Judged => [judgeLogin, json]),
  )

  const proofOf = (verdict: object) => ({ ...verdict, lenient: undefined, why: undefined })
  const holds = (what: string, wrap: fc.Arbitrary<(json: unknown) => Answer>) =>
    test(`${what} around an answer`, { timeout: TIMEOUT_MS }, () => {
      fc.assert(
        fc.property(judged, wrap, fc.constantFrom(200, 404, 500), ([judge, json], wrapped, status) => {
          const expected = judge(asAnswer(json, status))
          expect(proofOf(judge({ ...wrapped(json), status }))).toEqual(proofOf(expected))
        }),
        RUNS,
      )
    })

  // What PHP prints quotes pieces of JSON, but no whole answer.
  const scrap = fc.constantFrom(
    '{',
    '}',
    '"',
    '{"',
    '"}',
    '{"a":1}',
    '[',
    ']',
    '\\',
    '<b>Warning</b>:',
    '<br />\n',
    'vm.php on line 3',
    '${x}',
    '\0',
  )
  const noise = fc
    .array(fc.oneof(scrap, fc.string({ unit: 'grapheme', maxLength: 20 })), { maxLength: 12 })
    .map(parts => parts.join(' '))
  holds(
    'PHP noise',
    fc.tuple(noise, noise).map(([before, after]) => json => ({
      status: 200,
      body: Buffer.from(`${before}<br />\n${JSON.stringify(json)}\n${after}`),
    })),
  )
  holds(
    'byte order marks and blanks',
    fc.array(fc.constantFrom('\uFEFF', ' ', '\r\n', '\t'), { maxLength: 5 }).map(blanks => json => ({
      status: 200,
      body: Buffer.from(blanks.join('') + JSON.stringify(json) + blanks.join('')),
    })),
  )
  const utf16 = (text: string, isBig: boolean) => {
    const bytes = Buffer.from(text, 'utf16le')
    return isBig ? bytes.swap16() : bytes
  }
  holds(
    'charsets',
    fc
      .tuple(fc.constantFrom('le', 'be', '1251', 'meta', 'wrong', 'unknown'), fc.boolean())
      .map(([charset, hasMark]) => json => {
        const text = JSON.stringify(json)
        const told = (name: string) => ({ 'content-type': `text/html; charset="${name}"` })
        if (charset === 'le' || charset === 'be')
          return { status: 200, body: utf16((hasMark ? '\uFEFF' : '') + text, charset === 'be') }
        if (charset === '1251') return { status: 200, headers: told('windows-1251'), body: cp1251(text) }
        const page = `<html><meta http-equiv="Content-Type" content="text/html; charset=windows-1251">${text}`
        if (charset === 'meta') return { status: 200, body: cp1251(page) }
        return {
          status: 200,
          headers: told(charset === 'wrong' ? 'utf-16' : 'klingon'),
          body: Buffer.from(text),
        }
      }),
  )
  holds(
    'entities',
    fc.boolean().map(isHex => json => ({
      status: 200,
      body: Buffer.from(
        JSON.stringify(json)
          .replaceAll('&', '&amp;')
          .replaceAll('<', '&lt;')
          .replaceAll('>', '&gt;')
          .replaceAll('"', isHex ? '&#x22;' : '&quot;'),
      ),
    })),
  )
  holds(
    'one more level',
    fc.tuple(fc.constantFrom('data', 'result'), fc.boolean()).map(
      ([name, isText]) =>
        json =>
          asAnswer({ [name]: isText ? JSON.stringify(json) : json }),
    ),
  )
  holds(
    'JSON in a text',
    fc.constant(json => asAnswer(JSON.stringify(json))),
  )

  /** ASCII and the Russian letters of windows-1251. */
  function cp1251(text: string): Buffer {
    return Buffer.from(
      Array.from(text, char => {
        const code = char.codePointAt(0)!
        return code < 128 ? code : code - 0x0410 + 0xc0
      }),
    )
  }
})
