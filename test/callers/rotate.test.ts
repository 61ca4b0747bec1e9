/** Keys that overlap: how they get into the callers file, and what each is good for. */

import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { digestOf, SCOPES } from '../../src/callers/caller.ts'
import { keysOf, readEntries } from '../../src/callers/entries.ts'
import { newEntry } from '../../src/callers/key.ts'
import { rotateInText } from '../../src/callers/rotate.ts'
import { KEY, startWorld, temporaryDirectory } from '../helper.ts'
import { runScript } from '../programs.ts'
import { realWorld } from '../../src/world.ts'

const NOW = Date.parse('2026-11-25T12:00:00Z')
const HOUR_MS = 3_600_000

const TEXT = `\uFEFF{ "callers": [
    { "name": "first",   "vms": "*", "scopes": ["stats:read"],
      "key_sha256": "${digestOf('first')}" },
  {
    "name": "backup", "key_sha256": "${digestOf('old')}",
    "scopes": ["stats:read"], "vms": [1000, 1001],   "rate_limit": { "max": 5, "window_ms": 1000 }
  }
] }
`

test('only the entry of the caller changes: its old key ends with the overlap, and the new one has no end', () => {
  const rotated = rotateInText(TEXT, 'file', {
    name: 'backup',
    newKey: 'new',
    overlapMs: 24 * HOUR_MS,
    nowMs: NOW,
  })
  const [before, after] = [TEXT.indexOf('  {\n    "name": "backup"'), '\n] }\n']
  expect(rotated.slice(0, before)).toBe(TEXT.slice(0, before))
  expect(rotated.endsWith(after)).toBe(true)
  const { entries } = readEntries(rotated.slice(1))
  expect(entries[1]).toEqual({
    name: 'backup',
    keys: [
      { key_sha256: digestOf('old'), not_after: '2026-11-26T12:00:00.000Z' },
      { key_sha256: digestOf('new') },
    ],
    scopes: ['stats:read'],
    vms: [1000, 1001],
    rate_limit: { max: 5, window_ms: 1000 },
  })
  // It stands where the other one stood.
  expect(rotated).toContain('\n  {\n    "name": "backup",\n    "keys": [\n      {\n')
})

test('without an overlap the old keys go, and the entry is as simple as before', () => {
  const rotated = rotateInText(TEXT, 'file', { name: 'first', newKey: 'new', overlapMs: 0, nowMs: NOW })
  expect(readEntries(rotated.slice(1)).entries[0]).toMatchObject({
    name: 'first',
    key_sha256: digestOf('new'),
  })
})

test('whatever is rotated: the new key is the current one, no old one is good for longer, and at most four are there', () => {
  const rotations = fc.array(
    fc.record({
      afterMs: fc.nat(3 * HOUR_MS),
      overlapMs: fc.nat(2 * HOUR_MS),
      name: fc.constantFrom('first', 'backup'),
    }),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(rotations, steps => {
      let text = TEXT
      let nowMs = NOW
      for (const [i, { afterMs, overlapMs, name }] of steps.entries()) {
        nowMs += afterMs
        const index = name === 'first' ? 0 : 1
        const before = keysOf(readEntries(text.slice(1)).entries[index]!)
        const good = before.filter(({ not_after }) => !not_after || Date.parse(not_after) > nowMs)
        const rotate = (): string =>
          rotateInText(text, 'file', { name, newKey: `key-${i}`, overlapMs, nowMs })
        if (overlapMs > 0 && good.length === 4) {
          expect(rotate).toThrow('has 4 keys')
          continue
        }
        text = rotate()
        const keys = keysOf(readEntries(text.slice(1)).entries[index]!)
        expect(keys.at(-1)).toEqual({ key_sha256: digestOf(`key-${i}`) })
        expect(keys.slice(0, -1).map(({ key_sha256 }) => key_sha256)).toEqual(
          overlapMs > 0 ? good.map(({ key_sha256 }) => key_sha256) : [],
        )
        for (const { not_after } of keys.slice(0, -1))
          expect(Date.parse(not_after!)).toBeLessThanOrEqual(nowMs + overlapMs)
      }
    }),
  )
})

async function key(
  cwd: string,
  ...args: string[]
): Promise<{ code: unknown; stdout: string; stderr: string[] }> {
  const { ended, stdout, stderr } = runScript('src/cli/key.ts', {
    args,
    cwd,
    env: { CALLERS_FILE: 'callers.json' },
  })
  return { code: await ended, stdout: stdout.join('\n'), stderr }
}

test('`key --rotate` changes the file in one step, through a link, with its rights, and shows the key once', async () => {
  const directory = temporaryDirectory()
  const real = join(directory, 'real')
  mkdirSync(real)
  writeFileSync(join(real, 'callers.json'), TEXT, { mode: 0o640 })
  symlinkSync('real/callers.json', join(directory, 'callers.json'))
  const { ino } = statSync(join(real, 'callers.json'))
  const { code, stdout, stderr } = await key(directory, '--rotate', 'backup', '--overlap', '24h')
  expect({ code, stderr }).toEqual({ code: 0, stderr: [] })
  const [, made = ''] = /^key .*: (hkgw_\S{43})$/m.exec(stdout) ?? []
  const { entries } = readEntries(readFileSync(join(directory, 'callers.json'), 'utf8').slice(1))
  expect(keysOf(entries[1]!).at(-1)).toEqual({ key_sha256: digestOf(made) })
  const stat = statSync(join(real, 'callers.json'))
  // Another file under the same name: nobody can have read half of it.
  expect([stat.mode & 0o777, stat.ino === ino, readdirSync(real)]).toEqual([0o640, false, ['callers.json']])
})

test.each([
  [['--rotate', 'bakcup', '--overlap', '1h'], 1, 'callers.json has no caller "bakcup"; did you mean backup?'],
  [
    ['--rotate', 'backup', '--overlap', '1h', '--file', 'none.json'],
    1,
    'none.json cannot be changed (ENOENT)',
  ],
  [['--rotate', 'backup'], 64, '--overlap is missing'],
  [['--rotate', 'backup', '--overlap', 'soon'], 64, '--overlap must be a time such as 24h, 30m, 7d or 0'],
])('what cannot be rotated is told, and the file stays: %s', async (args, code, line) => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'callers.json'), TEXT)
  const run = await key(directory, ...args)
  expect([run.code, run.stdout, run.stderr[0]]).toEqual([code, '', line])
  expect(readFileSync(join(directory, 'callers.json'), 'utf8')).toBe(TEXT)
  expect(readdirSync(directory)).toEqual(['callers.json'])
})

test('two at once do not lose a key: the second one is told', async () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'callers.json'), TEXT)
  writeFileSync(join(directory, 'callers.json.new'), '')
  const { code, stderr } = await key(directory, '--rotate', 'backup', '--overlap', '1h')
  expect([code, stderr]).toEqual([1, [expect.stringContaining('another change of the file is under way')]])
  expect(existsSync(join(directory, 'callers.json.new'))).toBe(true)
})

test('while keys overlap they are one caller: one quota, one scope of idempotency keys; then the old one ends', async () => {
  let nowMs = Date.now()
  const old = newEntry('tester', KEY, SCOPES, '*')
  const text = rotateInText(JSON.stringify({ callers: [old] }), 'file', {
    name: 'tester',
    newKey: 'key-new',
    overlapMs: HOUR_MS,
    nowMs,
  })
  const world = await startWorld({
    callers: (JSON.parse(text) as { callers: [typeof old] }).callers,
    env: { RATE_LIMIT_MAX: '50' },
    overrides: { world: { ...realWorld, now: () => nowMs } },
  })
  const create = (as: string): ReturnType<typeof world.call> =>
    world.call('POST', '/vms/1000/snapshots', {
      key: as,
      body: { name: 'a' },
      headers: { 'idempotency-key': 'same', prefer: 'wait=10' },
    })
  const [first, second] = [await create(KEY), await create('key-new')]
  expect(second.headers.get('idempotency-replayed')).toBe('true')
  expect(second.body.id).toBe(first.body.id)
  expect(Number(second.headers.get('ratelimit-remaining'))).toBe(
    Number(first.headers.get('ratelimit-remaining')) - 1,
  )

  const uses = async (): Promise<Record<string, number>> => {
    const { text: metrics } = await world.call('GET', '/metrics', { key: null })
    const found = metrics.matchAll(/^hostkey_gateway_caller_key_last_used_timestamp_seconds\{(.*)\} (.*)$/gm)
    return Object.fromEntries([...found].map(([, labels, value]) => [labels, Number(value)]))
  }
  const usedAt = nowMs / 1000
  expect(await uses()).toEqual({
    'caller="tester",key="previous"': usedAt,
    'caller="tester",key="current"': usedAt,
  })
  nowMs += HOUR_MS
  const { status, body } = await world.call('GET', '/operations')
  expect([status, body.detail]).toEqual([401, expect.stringContaining('has ended')])
  expect((await world.call('GET', '/operations', { key: 'key-new' })).status).toBe(200)
  expect(await uses()).toEqual({
    'caller="tester",key="previous"': usedAt,
    'caller="tester",key="current"': usedAt + HOUR_MS / 1000,
  })
  // What is known of the use of a key outlives a change of the file.
  writeFileSync(world.callersFile, `${text}\n`)
  await vi.waitFor(() => expect(world.log.join('')).toContain('callers file read again'), { timeout: 10_000 })
  expect(await uses()).toHaveProperty(['caller="tester",key="previous"'], usedAt)
})
