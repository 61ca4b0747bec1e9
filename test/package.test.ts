/** What `npm pack` makes, put where npm puts packages and run from there as a user would; and the licences of what it needs. */

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { SCOPES } from '../src/callers/caller.ts'
import { newEntry } from '../src/callers/key.ts'
import { startSimulator } from '../src/simulator/simulator.ts'
import { call, closedAfterAll, KEY, temporaryDirectory, TOKEN } from './helper.ts'
import { findOldNode, runProgram, tellSkipped, type Program, type RunOptions } from './programs.ts'

const ROOT = resolve(import.meta.dirname, '..')
const NAME = 'hostkey-vm-gateway'

const { version, dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string
  dependencies: Record<string, string>
}

/** The folder of a project that has the package as its only dependency. */
let project: string
/** The package in it, and its files. */
let installed: string
let files: string[]

const end = closedAfterAll()
beforeAll(async () => {
  project = temporaryDirectory(end)
  const modules = join(project, 'node_modules')
  installed = join(modules, NAME)
  mkdirSync(installed, { recursive: true })
  const pack = runProgram('npm', {
    args: ['pack', '--pack-destination', project],
    cwd: ROOT,
    onFinished: end,
  })
  // Under what the prepack script says comes the file's name.
  expect([await pack.ended, pack.stdout.at(-1)]).toEqual([0, `${NAME}-${version}.tgz`])
  const archive = join(project, `${NAME}-${version}.tgz`)
  files = execFileSync('tar', ['-xvzf', archive, '-C', installed, '--strip-components=1'], {
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .map(file => file.replace(/^package\//, ''))
  // Only what it declares: what the sources take from the tools of development is not there.
  for (const dependency of Object.keys(dependencies)) {
    const link = join(modules, dependency)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', dependency), link)
  }
  const { bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    bin: Record<string, string>
  }
  mkdirSync(join(modules, '.bin'))
  for (const [name, file] of Object.entries(bin))
    symlinkSync(join('..', NAME, file), join(modules, '.bin', name))
})

/** The command as a shell in the project finds it; its first line asks the PATH for a Node. */
function run(
  args: string[] = [],
  { env = {}, ...options }: RunOptions = {},
  node = process.execPath,
): Program {
  return runProgram(join(project, 'node_modules/.bin', NAME), {
    ...options,
    args,
    cwd: project,
    env: { ...env, PATH: [dirname(node), process.env.PATH].join(delimiter) },
  })
}

test('it has what runs, and nothing else', () => {
  const others = files.filter(file => !/^dist\/.*\.js$/.test(file)).toSorted()
  expect(others).toEqual([
    '.env.example',
    'LICENSE',
    'README.md',
    `bin/${NAME}.mjs`,
    'package.json',
    'scripts/node-guard.mjs',
  ])

  // Everything that its files import is there or declared; some of it is imported only where a setting asks for it.
  const imports = files.flatMap(file =>
    [...readFileSync(join(installed, file), 'utf8').matchAll(/\b(?:from |import |import\()'([^']+)'/g)].map(
      ([, specifier = '']) =>
        specifier.startsWith('.')
          ? join(dirname(file), specifier)
          : /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0],
    ),
  )
  expect(imports).toEqual(
    expect.arrayContaining(['dist/store/redis/redis.js', '@fastify/cors', 'ioredis', 'yaml']),
  )
  const there = new Set([...files, ...Object.keys(dependencies)])
  expect(imports.filter(one => !there.has(one) && !one.startsWith('node:'))).toEqual([])
})

test('its version is semantic, and the changelog is about it or what comes after it', () => {
  expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.-]+)?$/)
  const [, newest] = /^## (.*)$/m.exec(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8')) ?? []
  expect(['Unreleased', version]).toContain(newest?.split(' - ')[0])
})

test('its command starts the gateway, with its pages and its version', async () => {
  const simulator = await startSimulator({ token: TOKEN })
  onTestFinished(() => simulator.close())
  writeFileSync(
    join(project, 'callers.json'),
    JSON.stringify({ callers: [newEntry('tester', KEY, SCOPES, '*')] }),
  )
  // Settings of a user: some in the file of the folder it is started in.
  writeFileSync(join(project, '.env'), 'CALLERS_FILE=callers.json\nPORT=0\n')
  const server = run([], { env: { HOSTKEY_BASE_URL: simulator.baseUrl, HOSTKEY_TOKEN: TOKEN } })
  const [line] = await server.line(/^.*"msg":"listening".*$/)
  const { address } = JSON.parse(line) as { address: string }
  const get = (path: string, key: string | null = null): ReturnType<typeof call> =>
    call(address, 'GET', path, { key })
  expect((await get('/livez')).status).toBe(200)
  expect((await get('/openapi.json')).body).toMatchObject({ info: { version } })
  // Of another package, found by its path.
  const page = await get('/docs/')
  const [, script = ''] = /src="([^"]*swagger-ui-bundle\.js)"/.exec(page.text) ?? []
  expect(page.status).toBe(200)
  expect((await get(new URL(script, `${address}/docs/`).pathname)).status).toBe(200)
  expect((await get('/vms/1000/stats', KEY)).body).toMatchObject({ vm_id: 1000 })

  server.child.kill('SIGINT')
  expect(await server.ended).toBe(0)
  expect(server.stderr).toEqual([])
  // Where the user started it, and not where npm put the package.
  expect(existsSync(join(project, 'data'))).toBe(true)
  // The next start is quicker.
  expect(existsSync(join(installed, 'node_modules/.cache/node-compile'))).toBe(true)
})

test('`demo` and `key` are the other programs; anything else is told what there is', async () => {
  const demo = run(['demo'], { env: { PORT: '0', TMPDIR: project } })
  const key = run(['key', '--name', 'nightly', '--scope', 'stats:read', '--vms', '1000'])
  const other = run(['dmeo'])
  const help = run(['--help'])
  expect(await key.ended).toBe(0)
  expect(key.stdout.join('\n')).toMatch(/^key .*: hkgw_[\s\S]*"name": "nightly"/)
  expect([await other.ended, other.stdout, other.stderr[0]]).toEqual([
    64,
    [],
    expect.stringMatching(/^hostkey-vm-gateway +the gateway/) as string,
  ])
  expect([await help.ended, help.stdout, help.stderr]).toEqual([0, other.stderr, []])
  const [, address = ''] = await demo.line(/the gateway over it at (\S+)$/)
  expect((await call(address, 'GET', '/livez', { key: null })).status).toBe(200)
  demo.child.kill('SIGINT')
  expect([await demo.ended, ...demo.stderr]).toEqual([0])
})

const old = findOldNode()
const none = !old && tellSkipped('the package under an old Node: there is none on the PATH')

test.skipIf(none)('under an old Node it is one line that says what to do', async () => {
  const { ended, stdout, stderr } = run([], {}, old!.node)
  expect([await ended, stdout, stderr]).toEqual([
    1,
    [],
    [expect.stringMatching(/Node 24\.15 or newer, this is Node .*`npx hostkey-vm-gateway`/) as string],
  ])
})

test('it is a command and no library: nothing can be imported from it', async () => {
  const code = `import('${NAME}/dist/server.js').catch(error => console.log(error.code))`
  const { ended, stdout } = runProgram(process.execPath, { args: ['-e', code], cwd: project })
  expect([await ended, ...stdout]).toEqual([0, 'ERR_PACKAGE_PATH_NOT_EXPORTED'])
})

test('every package it needs has a permissive licence, and the command that tells so can fail', async () => {
  const licences = (...args: string[]): Program =>
    runProgram('npm', { args: ['run', '-s', 'licences', '--', ...args], cwd: ROOT })
  const lock = join(project, 'lock.json')
  const packages = {
    '': { name: 'it', version: '1.0.0', license: 'UNLICENSED' },
    'node_modules/a': { version: '1.0.0', license: 'MIT' },
    'node_modules/b': { version: '2.0.0', license: 'GPL-3.0-only' },
    'node_modules/a/node_modules/@c/d': { version: '3.0.0' },
    'node_modules/tool': { version: '4.0.0', license: 'GPL-3.0-only', dev: true },
  }
  writeFileSync(lock, JSON.stringify({ packages }))
  const [real, bad] = [licences(), licences(lock)]
  expect([await real.ended, ...real.stderr]).toEqual([0])
  for (const dependency of Object.keys(dependencies))
    expect(real.stdout).toContainEqual(expect.stringMatching(new RegExp(`^${dependency}@\\S+ \\S+$`)))
  expect(await bad.ended).toBe(1)
  expect(bad.stdout).toEqual(['@c/d@3.0.0 (no licence)', 'a@1.0.0 MIT', 'b@2.0.0 GPL-3.0-only'])
  expect(bad.stderr.slice(1)).toEqual(['b@2.0.0 GPL-3.0-only', '@c/d@3.0.0 (no licence)'])
})
