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
  const log = { info: vi.fn<() => void>(), error: vi.fn<() => void>() }
  const callers = openCallersFile(path, log)
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
  expect(() => openCallersFile(path, log)).toThrow(`callers file ${path} cannot be read (ENOENT)`)
  writeFileSync(path, '{]')
  expect(() => openCallersFile(path, log)).toThrow(`callers file ${path} is not JSON`)
})

test('what an entry may be', () => {
  const good = newEntry('a', 'key', ['stats:read'], [1])
  const parse = (...callers: unknown[]): ReturnType<typeof parseCallers> =>
    parseCallers(JSON.stringify({ callers }), 'file')
  expect(parse().size).toBe(0)
  const [[hex, known] = []] = parse({ ...good, key_sha256: good.key_sha256.toUpperCase() })
  expect(hex).toBe(digestOf('key'))
  expect(known).toMatchObject({
    id: 'a',
    name: 'a',
    scopes: new Set(['stats:read']),
    vms: new Set([1]),
    rateLimit: null,
    until: expect.any(AbortSignal),
  })

  const { name: _name, ...nameless } = good
  for (const [entry, where] of [
    [nameless, '/callers/0'],
    [{ ...good, name: '' }, '/callers/0/name'],
    [{ ...good, name: 'a b' }, '/callers/0/name'],
    [{ ...good, name: '.a' }, '/callers/0/name'],
    [{ ...good, name: 'a'.repeat(65) }, '/callers/0/name'],
    [{ ...good, key_sha256: 'key' }, '/callers/0/key_sha256'],
    [{ ...good, scopes: [] }, '/callers/0/scopes'],
    [{ ...good, scopes: ['stats:write'] }, '/callers/0/scopes/0'],
    [{ ...good, vms: 'all' }, '/callers/0/vms'],
    [{ ...good, vms: [0] }, '/callers/0/vms'],
    [{ ...good, vms: ['1000'] }, '/callers/0/vms'],
    [{ ...good, rate_limit: { max: 0, window_ms: 1_000 } }, '/callers/0/rate_limit/max'],
    [{ ...good, rate_limit: { max: 1 } }, '/callers/0/rate_limit'],
    [{ ...good, key: 'in the clear' }, '/callers/0'],
  ] as const) {
    expect(() => parse(entry), JSON.stringify(entry)).toThrow(`callers file file: ${where}`)
    expect(() => parse(entry)).not.toThrow('in the clear')
  }
  expect(() => parse(good, { ...newEntry('a', 'other', ['stats:read'], '*') })).toThrow(
    'two callers are named "a"',
  )
  expect(() => parse(good, { ...good, name: 'b' })).toThrow('"b" has the key of another caller')
  expect(() => parseCallers('[]', 'file')).toThrow('callers file file')
  expect(() => parseCallers('{"callers":[],"more":1}', 'file')).toThrow('callers file file')
})
