/**
 * The arrows between the rooms of `src/` (ARCHITECTURE.md) are held by the linter: each that is not allowed is refused. So
 * is every other source of time and chance than the World, in the rooms that a simulation runs.
 */

import { spawnSync } from 'node:child_process'
import { copyFileSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from './helper.ts'

const ROOT = resolve(import.meta.dirname, '..')

/** Whom each room may know: whole rooms, or single files of one. */
const ARROWS: Record<string, string[]> = {
  operations: [],
  config: [],
  simulator: [],
  client: [],
  json: [],
  callers: ['config', 'webhooks/receiver.ts', 'webhooks/secret.ts'],
  webhooks: ['operations', 'config', 'upstream/interim.ts'],
  upstream: ['operations/hostkey.ts', 'config/secret.ts', 'json'],
  store: ['operations/store.ts', 'config', 'json'],
  observability: ['operations', 'upstream', 'callers/caller.ts', 'config'],
  http: ['operations', 'callers', 'config', 'observability'],
  cli: [
    'callers',
    'config',
    'observability',
    'simulator',
    'gateway.ts',
    'server.ts',
    'store/check.ts',
    'store/move.ts',
    'store/backup.ts',
    'upstream/account.ts',
    'webhooks/receiver.ts',
  ],
}

/** What every room of the gateway may know. */
const FOR_ALL = ['world.ts']

const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(entry => entry.name)

/** A directory with the rules of this repository. */
function linted(): string {
  const directory = temporaryDirectory()
  copyFileSync(join(ROOT, '.oxlintrc.json'), join(directory, '.oxlintrc.json'))
  return directory
}

/** What the linter finds in `src/` of a directory, a line each. */
function lint(directory: string): string {
  const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/oxlint'), ['--format', 'unix', 'src'], {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}

test('every room has its arrows', () => {
  expect(rooms.toSorted()).toEqual(Object.keys(ARROWS).toSorted())
})

test('the linter refuses every arrow but these', () => {
  const directory = linted()
  const files = globSync('src/**/*.ts', { cwd: ROOT })
    .map(file => file.slice('src/'.length))
    .filter(file => !FOR_ALL.includes(file))
  for (const room of rooms) {
    // A file a target: the linter names the file, and the file the target.
    for (const target of files.filter(file => dirname(file).split('/')[0] !== room)) {
      const planted = join(directory, 'src', room, target.replaceAll('/', '+'))
      mkdirSync(dirname(planted), { recursive: true })
      writeFileSync(planted, `export * from '../${target}'\n`)
    }
  }
  const stdout = lint(directory)
  const refused = new Set(
    stdout
      .split('\n')
      .filter(line => line.includes('no-restricted-imports'))
      .map(line =>
        line
          .split(':')[0]!
          .replace(/^src\//, '')
          .replaceAll('+', '/'),
      ),
  )
  for (const room of rooms) {
    for (const target of files.filter(file => dirname(file).split('/')[0] !== room)) {
      const allowed = ARROWS[room]!.some(one => target === one || target.startsWith(`${one}/`))
      expect([room, target, !refused.has(`${room}/${target}`)]).toEqual([room, target, allowed])
    }
  }
})

/** The rooms, and single files, that a simulation runs under a clock and with numbers of its own. */
const SIMULATED = [
  'operations/one.ts',
  'upstream/one.ts',
  'store/one.ts',
  'webhooks/one.ts',
  'http/limits.ts',
  'http/limit-counts.ts',
  'http/shared-counts.ts',
]

/** Lines that take time or chance from somewhere else than the World. */
const FROM_ELSEWHERE = [
  'export const one = Date.now()',
  'export const one = performance.now()',
  'export const one = setTimeout(() => {}, 1)',
  'export const one = setInterval(() => {}, 1)',
  'export const one = setImmediate(() => {})',
  'export const one = AbortSignal.timeout(1)',
  'export const one = Math.random()',
  'export const one = crypto.randomUUID()',
  'export const one = process.hrtime()',
]
/** Those that import it, which the rule of each room refuses. */
const IMPORTED = [
  "export { setTimeout } from 'node:timers/promises'",
  "export { setImmediate } from 'node:timers'",
  "export { performance } from 'node:perf_hooks'",
  "export { randomBytes } from 'node:crypto'",
  "export { randomInt } from 'node:crypto'",
  "export { randomUUID } from 'node:crypto'",
]

test('the linter refuses every other source of time and chance than the World', () => {
  const refused = (line: string): string[] => {
    const directory = linted()
    for (const file of SIMULATED) {
      const planted = join(directory, 'src', file)
      mkdirSync(dirname(planted), { recursive: true })
      writeFileSync(planted, `${line}\n`)
    }
    const found = lint(directory)
    return SIMULATED.filter(file => found.includes(`src/${file}:`))
  }
  expect(refused("export { createHash } from 'node:crypto'")).toEqual([])
  for (const line of FROM_ELSEWHERE) expect([line, refused(line)]).toEqual([line, SIMULATED])
  const inRooms = SIMULATED.filter(file => !file.startsWith('http/'))
  for (const line of IMPORTED) expect([line, refused(line)]).toEqual([line, inRooms])
})

test('nor do those rooms read the clock by `new Date()`, which the linter has no rule for', () => {
  const files = globSync('src/{operations,upstream,store,webhooks}/**/*.ts', { cwd: ROOT })
  expect(files.filter(file => /new Date\(\)/.test(readFileSync(join(ROOT, file), 'utf8')))).toEqual([])
})
