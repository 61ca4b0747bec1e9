/** The arrows between the rooms of `src/` (ARCHITECTURE.md) are held by the linter: each that is not allowed is refused. */

import { spawnSync } from 'node:child_process'
import { copyFileSync, globSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from './helper.ts'

const ROOT = resolve(import.meta.dirname, '..')

/** Whom each room may know: whole rooms, or single files of one. */
const ARROWS: Record<string, string[]> = {
  operations: [],
  config: [],
  simulator: [],
  json: [],
  callers: ['config', 'webhooks/receiver.ts'],
  webhooks: ['operations', 'config'],
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
  ],
}

/** What every room may know. */
const FOR_ALL = ['world.ts']

const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(entry => entry.name)

test('every room has its arrows', () => {
  expect(rooms.toSorted()).toEqual(Object.keys(ARROWS).toSorted())
})

test('the linter refuses every arrow but these', () => {
  const directory = temporaryDirectory()
  copyFileSync(join(ROOT, '.oxlintrc.json'), join(directory, '.oxlintrc.json'))
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
  const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/oxlint'), ['--format', 'unix', 'src'], {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
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
