import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { digestOf, SCOPES, type Caller } from '../../src/callers/caller.ts'
import { openCallersFile, parseCallers, type CallerEntry } from '../../src/callers/file.ts'
import { newEntry } from '../../src/callers/key.ts'
import { ended, KEY, startWorld, temporaryDirectory, type World } from '../helper.ts'

const FOREVER = { timeout: 5_000, interval: 50 }

function write(world: World, callers: CallerEntry[]): void {
  writeFileSync(world.callersFile, JSON.stringify({ callers }))
}

function statusWith(world: World, key: string, path = '/operations'): Promise<number> {
  return world.call('GET', path, { key }).then(({ status }) => status)
}

test('the file is read again when it changes; who started an operation can still read it', async () => {
  const world = await startWorld()
  const { body } = await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' } })
  await ended(world, body.id)
  write(world, [
    newEntry('tester', 'a-new-key', ['stats:read'], '*'),
    newEntry('other', 'key-other', ['stats:read'], '*'),
  ])
  await vi.waitFor(async () => expect(await statusWith(world, 'a-new-key')).toBe(200), FOREVER)
  expect(await statusWith(world, KEY)).toBe(401)
  expect(await statusWith(world, 'a-new-key', '/vms/1000/snapshots')).toBe(403)
  for (const [key, status] of [
    ['a-new-key', 200],
    ['key-other', 404],
  ] as const) {
    expect(await statusWith(world, key, body.self)).toBe(status)
    const { operations } = (await world.call('GET', '/operations', { key })).body
    expect(operations).toHaveLength(status === 200 ? 1 : 0)
  }
  // But only while its VM is in their list.
  write(world, [newEntry('tester', KEY, ['stats:read'], [1001])])
  await vi.waitFor(async () => expect(await statusWith(world, KEY)).toBe(200), FOREVER)
  expect(await statusWith(world, KEY, body.self)).toBe(404)
})

test('a caller ends when the file takes it away or changes it, and goes on when others change', async () => {
  const path = join(temporaryDirectory(), 'callers.json')
  const entry = (name: string, changes = {}): CallerEntry => ({
    ...newEntry(name, `key-${name}`, ['stats:read'], [1]),
    ...changes,
  })
  const writeFile = (...callers: CallerEntry[]): void => writeFileSync(path, JSON.stringify({ callers }))
  writeFile(entry('gone'), entry('changed'), entry('stays'))
  const log = { info: vi.fn<() => void>(), warn: vi.fn<() => void>(), error: vi.fn<() => void>() }
  const callers = openCallersFile(path, { log })
  const find = async (name: string): Promise<Caller> => (await callers.find(`key-${name}`)) as Caller
  const [gone, changed, stays] = await Promise.all(['gone', 'changed', 'stays'].map(find))
  expect([gone, changed, stays].map(caller => caller!.until.aborted)).toEqual([false, false, false])

  writeFile(entry('changed', { vms: '*' }), entry('stays'), entry('new'))
  await vi.waitFor(() => expect(log.info).toHaveBeenCalledTimes(1), FOREVER)
  expect([gone, changed, stays].map(caller => caller!.until.aborted)).toEqual([true, true, false])
  expect((await find('changed')).until.aborted).toBe(false)
  expect(await find('stays')).toBe(stays)

  writeFileSync(path, 'broken')
  await vi.waitFor(() => expect(log.error).toHaveBeenCalledTimes(1), FOREVER)
  expect(stays!.until.aborted).toBe(false)
  writeFile(entry('new'))
  await vi.waitFor(() => expect(stays!.until.aborted).toBe(true), FOREVER)
  callers.close()
})

test('a broken file, or none, keeps the callers of the last good one and is told in the log', async () => {
  const world = await startWorld()
  const errors = (): string[] => world.log.filter(line => line.includes('callers file is broken'))
  const secretEntry = { ...newEntry('x', 'x', ['stats:read'], '*'), key_sha256: 'canary-in-the-file' }
  for (const [i, content] of ['{"callers": [', JSON.stringify({ callers: [secretEntry] }), null].entries()) {
    if (content === null) rmSync(world.callersFile)
    else writeFileSync(world.callersFile, content)
    await vi.waitFor(() => expect(errors()).toHaveLength(i + 1), FOREVER)
    expect(await statusWith(world, KEY)).toBe(200)
  }
  expect(world.log.join('')).not.toContain('canary')
  write(world, [newEntry('tester', 'key-mended', SCOPES, '*')])
  await vi.waitFor(async () => expect(await statusWith(world, 'key-mended')).toBe(200), FOREVER)
})

test('a broken file at the start says what is wrong, without its content', () => {
  const path = join(temporaryDirectory(), 'callers.json')
  const log = pino({ level: 'silent' })
  expect(() => openCallersFile(path, { log })).toThrow(`callers file ${path} cannot be read (ENOENT)`)
  writeFileSync(path, '{]')
  expect(() => openCallersFile(path, { log })).toThrow(`${path}:1:2: the name of a member in double quotes`)
})

test('what an entry may be', () => {
  const good = newEntry('a', 'key', ['stats:read'], [1])
  const { key_sha256, name: _name, ...rest } = good
  const text = (...callers: unknown[]): string => JSON.stringify({ callers }, null, 2)
  const parse = (...callers: unknown[]): ReturnType<typeof parseCallers> =>
    parseCallers(text(...callers), 'file')
  expect(parse().count).toBe(0)
  const caller = {
    id: 'a',
    name: 'a',
    scopes: new Set(['stats:read']),
    vms: new Set([1]),
    rateLimit: null,
  }
  // Some editors put a byte order mark in front.
  for (const [[digest, known] = []] of [
    parse({ ...good, key_sha256: key_sha256.toUpperCase() }).keys,
    parseCallers(`\uFEFF${text(good)}`, 'file').keys,
  ]) {
    expect(digest).toBe(digestOf('key'))
    expect(known).toMatchObject({ caller, role: 'current', notAfterMs: Infinity })
  }
  for (const [entry, where, what] of [
    [{ key_sha256, ...rest }, '3:5', 'name is missing: it must be 1 to 64 of'],
    [{ ...good, name: '' }, '4:7', 'name must be 1 to 64 of the characters'],
    [{ ...good, name: 'a b' }, '4:7', 'name must be'],
    [{ ...good, name: '.a' }, '4:7', 'caller ".a": name must be'],
    [{ ...good, name: 'a'.repeat(65) }, '4:7', 'name must be'],
    [
      { ...good, key_sha256: 'key' },
      '5:7',
      'caller "a": key_sha256 must be the SHA-256 of the key in 64 hex',
    ],
    [{ name: 'a', ...rest }, '3:5', 'caller "a": key_sha256 is missing: it must be the SHA-256'],
    [{ ...good, scopes: [] }, '6:7', 'caller "a": scopes must be a list of snapshots:read, '],
    [
      { ...good, scopes: ['stats:read', 'stats:red'] },
      '8:9',
      `caller "a": scopes must be one of ${SCOPES.join(', ')}; did you mean stats:read?`,
    ],
    [{ ...good, vms: 'all' }, '9:7', 'caller "a": vms must be a list of ids of VMs, or "*"'],
    [{ ...good, vms: [0] }, '10:9', 'caller "a": vms must be the id of a VM, a whole number from 1 to'],
    [{ ...good, vms: ['1000'] }, '10:9', 'caller "a": vms must be the id of a VM'],
    [{ ...good, rate_limit: { max: 0, window_ms: 1_000 } }, '13:9', 'max must be a whole number from 1'],
    [
      { ...good, rate_limit: { max: 1 } },
      '12:7',
      'caller "a": window_ms is missing: it must be a whole number',
    ],
    [{ ...good, key: 'in the clear' }, '12:7', 'caller "a": "key" is no known member; there may be name, '],
    [{ ...good, vm: [2] }, '12:7', '; did you mean vms?'],
    [{ ...good, hkgw_0a1b: 'in the clear' }, '12:7', 'caller "a": this is no known member'],
    [
      { ...good, keys: [{ key_sha256: digestOf('b') }] },
      '12:7',
      'only one of key_sha256 and keys may be there',
    ],
    [{ name: 'a', keys: [], ...rest }, '5:7', 'keys must be a list of 1 to 4 keys'],
    [
      { name: 'a', keys: Array.from({ length: 5 }, () => ({ key_sha256 })), ...rest },
      '5:7',
      'keys must be a list of 1 to 4 keys',
    ],
    [{ name: 'a', keys: [{ key_sha256 }, { key_sha256 }], ...rest }, '10:11', 'this key is there twice'],
    [
      { name: 'a', keys: [{ key_sha256, not_after: '2026-13-01T00:00:00Z' }], ...rest },
      '8:11',
      'caller "a": not_after must be a time with its zone such as',
    ],
  ] as const) {
    expect(() => parse(entry), JSON.stringify(entry)).toThrow(`file:${where}: `)
    expect(() => parse(entry)).toThrow(what)
    expect(() => parse(entry)).not.toThrow('in the clear')
  }
  expect(() => parse(good, newEntry('a', 'other', ['stats:read'], '*'))).toThrow(
    'file:14:7: caller "a": another caller has this name',
  )
  expect(() => parse(good, { ...good, name: 'b' })).toThrow(
    'file:15:7: caller "b": caller "a" has the same key',
  )
  expect(() => parseCallers('[]', 'file')).toThrow('file:1:1: this must be an object with the member callers')
  expect(() => parseCallers('{"callers":[],"more":1}', 'file')).toThrow(
    'file:1:15: "more" is no known member',
  )
})
