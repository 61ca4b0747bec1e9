import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { judgeCall } from '../../../src/upstream/judge/call.ts'
import { judgeCheck } from '../../../src/upstream/judge/check.ts'
import { judgeLogin } from '../../../src/upstream/judge/login.ts'
import { redact } from '../../../src/upstream/redact.ts'

const MEBIBYTE = 2 ** 20
const ASKED = { name: 'nightly', timeZone: 'Europe/Amsterdam' }
/** Alone, and in a process that has served a little, each takes less than 50 ms; work that grows with the square takes seconds. */
const LIMIT_MS = 400

/** The processor time of what is done with an answer, in milliseconds; of three where others kept the machine busy. */
function costMs(text: string): number {
  const answer = { status: 200, headers: {}, body: Buffer.from(text) }
  const work = [
    () => judgeCall('get_snapshot', answer, ASKED),
    () => judgeCheck('create_snapshot', answer, ASKED),
    () => judgeLogin(answer),
    () => redact(text, ['a-secret-token', 'p+q/r s=']),
  ]
  return Math.max(
    ...work.map(one => {
      let least = Infinity
      for (let tries = 0; tries < 3 && least > LIMIT_MS; tries += 1) {
        const before = process.cpuUsage()
        one()
        const { user, system } = process.cpuUsage(before)
        least = Math.min(least, (user + system) / 1000)
      }
      return least
    }),
  )
}

const filled = (scrap: string, before = '', after = '') =>
  before + scrap.repeat(Math.floor((MEBIBYTE - before.length - after.length) / scrap.length)) + after
const SCRAPS = [
  '{',
  '{"',
  '[',
  '}{"a"',
  '{"a":',
  '[{"a":[',
  '{"\\q"',
  '{ ',
  '\\',
  '&quot;{',
  '{&quot;',
  ' ',
  '\0',
  'é',
  '{"a":1} ',
]
const WORDS = [
  'token ',
  'snapshot ',
  'invalid_',
  'limit ',
  'async key ',
  'Error',
  'no ',
  '-',
  '&amp;',
  '\\ud83d',
  '\\n',
  'x.',
  '[',
]
const ITEMS = [
  '0,',
  '"x failing-y",',
  '{"name":"a"},',
  '12345678901234567890,',
  '{"error":""},',
  '"[\\"x",',
  '{"a":{"status":false}},',
  '[[[[[[0]]]]]],',
  '{"name":"a","state":"x"},',
  '"{\\"a\\":1}",',
  '"password: x",',
]

test.each([
  ...SCRAPS.map(scrap => [`nothing but ${scrap}`, filled(scrap)]),
  ...WORDS.map(word => [`a message of ${word}`, filled(word, '{"code":-1,"message":"', '"}')]),
  ...WORDS.map(word => [`a scope of ${word}`, filled(word, '{"result":"OK","scope":"', '"}')]),
  ...ITEMS.map(item => [`a list of ${item}`, filled(item, '{"result":"OK","scope":[', '{"name":"b"}]}')]),
  ...ITEMS.map(item => [
    `a failed list of ${item}`,
    filled(item, '{"result":"Error","scope":[', '{"name":"b"}]}'),
  ]),
  ['blanks in an object', filled(' ', '{"result":"OK",', '"scope":"x"}')],
  ['a long name', filled('aA', '{"result":"OK","scope":{"', '":1}}')],
  [
    'many names',
    JSON.stringify({
      result: 'OK',
      scope: Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`key${i}x`, 1])),
    }),
  ],
  ['failures in failures', '{"status":false,"a":'.repeat(60) + filled('0,', '[', '0]') + '}'.repeat(60)],
  [
    'JSON in JSON in JSON',
    JSON.stringify({ result: 'OK', scope: JSON.stringify(JSON.stringify(Array(20_000).fill('Error'))) }),
  ],
])('%s of a mebibyte takes no long time', (_what, text) => {
  expect(costMs(text)).toBeLessThan(LIMIT_MS)
})

test('any scraps, repeated to a quarter of that, take no long time', { timeout: 3_600_000 }, () => {
  const scrap = fc.oneof(
    fc.constantFrom(
      ...SCRAPS,
      ...WORDS,
      ...ITEMS,
      '"',
      ':',
      ',',
      '}',
      ']',
      '{"result":"OK"',
      'not found',
      'server',
      'token',
    ),
    fc.string({ maxLength: 5 }),
  )
  fc.assert(
    fc.property(fc.array(scrap, { minLength: 1, maxLength: 5 }), parts => {
      const text = parts.join('') || ' '
      expect(costMs(text.repeat(MEBIBYTE / 4 / text.length))).toBeLessThan(LIMIT_MS)
    }),
    { numRuns: Number(process.env.FC_TIME_RUNS ?? 15) },
  )
})
