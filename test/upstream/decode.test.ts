import * as fc from 'fast-check'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { decodeBody, isWholeJson } from '../../src/upstream/decode.ts'

const MAX = 1_000
const CODERS: [string, (body: Buffer) => Buffer][] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['Identity', body => body],
]
const bodies = fc.uint8Array({ maxLength: MAX }).map((bytes): Buffer => Buffer.from(bytes))
const jsons = fc
  .jsonValue()
  .filter(value => typeof value === 'object' && value !== null && Object.keys(value).length > 0)
  .map(value => Buffer.from(JSON.stringify(value)))

test('whatever was put on a body, up to three times, is taken off', () => {
  fc.assert(
    fc.property(bodies, fc.array(fc.constantFrom(...CODERS), { maxLength: 3 }), (body, coders) => {
      const coded = coders.reduce<Buffer>((rest, [, code]) => code(rest), body)
      const header = coders.map(([name]) => name).join(' , ')
      // A little more than the body, since what stands between two codings is longer than it.
      expect(decodeBody(coded, header, MAX + 100)).toEqual({ kind: 'body', body })
    }),
  )
})

test('of a coded body that was cut off comes what there is of it: its beginning', () => {
  fc.assert(
    fc.property(bodies, fc.constantFrom(...CODERS), fc.nat(), (body, [name, code], at) => {
      const coded = code(body)
      const length = at % (coded.length + 1)
      const decoded = decodeBody(coded.subarray(0, length), name, MAX)
      // Of the first bytes of a bare stream nobody can tell what they are.
      if (decoded.kind !== 'body') expect([decoded.kind, length < 3]).toEqual(['broken', true])
      else if (length > 2) expect(body.subarray(0, decoded.body.length).equals(decoded.body)).toBe(true)
    }),
  )
})

test.each(CODERS.slice(0, 5))('a bomb in %s is cut off', (name, code) => {
  const bomb = code(Buffer.alloc(4_000_000))
  // The best of several, in time of the processor, since other processes take their time too.
  const took = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage()
    expect(decodeBody(bomb, name, 1_048_576)).toEqual({ kind: 'too-long' })
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  })
  expect(Math.min(...took)).toBeLessThan(50)
  expect(decodeBody(code(Buffer.alloc(MAX)), name, MAX)).toMatchObject({ kind: 'body' })
  expect(decodeBody(code(Buffer.alloc(MAX + 1)), name, MAX)).toEqual({ kind: 'too-long' })
})

test('whole JSON is taken as it came, whatever its header says', () => {
  const headers = fc.constantFrom('gzip', 'br', 'deflate', 'zstd', 'compress, gzip', 'a,b,c,d')
  fc.assert(
    fc.property(jsons, headers, (body, header) => {
      expect(decodeBody(body, header, MAX)).toEqual({ kind: 'body', body })
    }),
  )
})

test.each([
  ['an unknown coding', 'zstd', '(\u00b5/\u00fd'],
  ['a member of every object', 'constructor', 'text'],
  ['bytes that are no gzip', 'gzip', 'text'],
  ['more codings than anybody needs', 'gzip, gzip, gzip, gzip', 'text'],
])('%s is told as broken', (_what, header, body) => {
  expect(decodeBody(Buffer.from(body), header, MAX)).toEqual({ kind: 'broken' })
})

test('any bytes under any codings: an end, and never more than may come out', () => {
  const headers = fc.array(fc.constantFrom('gzip', 'deflate', 'br', 'identity', ''), { maxLength: 4 })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), headers, (bytes, codings) => {
      const decoded = decodeBody(Buffer.from(bytes), codings.join(','), MAX)
      if (decoded.kind === 'body') expect(decoded.body.length).toBeLessThanOrEqual(MAX)
    }),
  )
})

test('JSON is whole when nothing is missing: no beginning of one is', () => {
  fc.assert(
    fc.property(jsons, fc.nat(), fc.constantFrom('', '\u00ef\u00bb\u00bf', '\r\n '), (body, at, before) => {
      const prefix = Buffer.from(before, 'latin1')
      expect(isWholeJson(Buffer.concat([prefix, body, Buffer.from('\n')]))).toBe(true)
      expect(isWholeJson(Buffer.concat([prefix, body.subarray(0, at % body.length)]))).toBe(false)
    }),
  )
})

test.each(['', '{}', '[]', '1', 'null', '"text"', '{"a":1}x', '<br>{"a":1}'])(
  '%j may go on, or says nothing',
  text => expect(isWholeJson(Buffer.from(text))).toBe(false),
)
