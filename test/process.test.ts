/** The process as operators and their tools meet it: how it starts, what it says when it cannot, and how it stops. */

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test, vi } from 'vitest'
import { SCOPES } from '../src/callers/caller.ts'
import { newEntry } from '../src/callers/key.ts'
import type { Environment } from '../src/config/config.ts'
import { call, KEY, temporaryDirectory, TOKEN } from './helper.ts'
import { lacks, runProgram, runScript, type Program } from './programs.ts'

/** A directory with a callers file, and the settings that a gateway needs in it. */
function setting(): { directory: string; env: Environment } {
  const directory = temporaryDirectory()
  writeFileSync(
    join(directory, 'callers.json'),
    JSON.stringify({ callers: [newEntry('one', KEY, SCOPES, '*'), newEntry('two', 'key-two', SCOPES, [])] }),
  )
  return {
    directory,
    env: {
      PORT: '0',
      HOSTKEY_TOKEN: TOKEN,
      CALLERS_FILE: 'callers.json',
      DOCS: 'false',
      SHUTDOWN_MS: '2000',
    },
  }
}

function start(directory: string, env: Environment): Program {
  return runScript('src/server.ts', { env, cwd: directory })
}

interface Line {
  level: string
  msg: string
  reason?: string
  address: string
}

async function listening(server: Program): Promise<Line> {
  const [line] = await server.line(/^.*"msg":"listening".*$/)
  return JSON.parse(line) as Line
}

test('the start line says what an operator wants to know, and shows no secret', async () => {
  const { directory, env } = setting()
  const webhook = {
    url: 'https://receiver.example.com/canary',
    secret: `whsec_${Buffer.alloc(24).toString('base64')}`,
  }
  const entries = [{ ...newEntry('one', KEY, SCOPES, '*'), webhook }, newEntry('two', 'key-two', SCOPES, '*')]
  writeFileSync(join(directory, 'callers.json'), JSON.stringify({ callers: entries }))
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  const line = await listening(
    start(directory, {
      ...env,
      HOSTKEY_BASE_URL: 'https://hostkey.example.com',
      JWT_JWKS_URL: 'https://id.example.com/keys',
      JWT_ISSUER: 'https://id.example.com',
      JWT_AUDIENCE: 'gateway',
    }),
  )
  expect(line).toMatchObject({
    level: 'info',
    address: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
    version,
    store: 'sqlite',
    hostkey: 'https://hostkey.example.com',
    credential: 'token',
    callers: 2,
    tokens: 'https://id.example.com',
    webhooks: 1,
  })
  for (const secret of [TOKEN, webhook.secret, 'canary']) expect(JSON.stringify(line)).not.toContain(secret)
})

test('settings that nobody reads are warned of with the nearest name, and so are lists that are empty', async () => {
  const { directory, env } = setting()
  writeFileSync(join(directory, '.env'), 'LOG_LEVL=debug\nDOCS=false\n')
  const server = start(directory, { ...env, HOSTKEY_TIMEOUT: '5', STORE: 'postgres://u:canary@db/gateway' })
  await listening(server)
  const warnings = server.stdout
    .map(line => JSON.parse(line) as Line)
    .filter(({ level }) => level === 'warn')
    .map(({ msg, reason }) => [msg, reason])
  expect(warnings).toEqual([
    ['a setting has no effect', '.env:1: nobody reads LOG_LEVL; did you mean LOG_LEVEL?'],
    [
      'a setting has no effect',
      'environment: nobody reads HOSTKEY_TIMEOUT; did you mean HOSTKEY_TIMEOUT_MS?',
    ],
    ['a setting has no effect', 'environment: nobody reads STORE; did you mean STORE_URL?'],
    [
      'the callers file is hardly meant so',
      expect.stringMatching(/^callers\.json:1:\d+: caller "two": vms is empty/) as string,
    ],
  ])
  expect(server.stdout.join('\n')).not.toContain('canary')
})

test.each<[string, number, RegExp, (directory: string) => Environment | void]>([
  [
    'a store within /proc',
    78,
    /^the store \/proc\/x\/gw\.db cannot be opened: ENOENT/,
    () => ({
      STORE_URL: 'sqlite:/proc/x/gw.db',
    }),
  ],
  [
    'a store below a file',
    78,
    /^the store callers\.json\/gw\.db cannot be opened: /,
    () => ({
      STORE_URL: 'sqlite:callers.json/gw.db',
    }),
  ],
  [
    'a store that is a directory',
    78,
    /^the store here cannot be opened: it is no file/,
    directory => {
      mkdirSync(join(directory, 'here'))
      return { STORE_URL: 'sqlite:here' }
    },
  ],
  [
    'a store that is a pipe',
    78,
    /^the store pipe cannot be opened: it is no file/,
    directory => {
      execFileSync('mkfifo', [join(directory, 'pipe')])
      return { STORE_URL: 'sqlite:pipe' }
    },
  ],
  [
    'a store that is damaged',
    78,
    /^the store gw\.db is damaged \(database disk image is malformed\); restore a backup/,
    directory => {
      const path = join(directory, 'gw.db')
      const db = new DatabaseSync(path)
      db.exec('CREATE TABLE operations (id TEXT); PRAGMA user_version = 1')
      db.close()
      const bytes = readFileSync(path)
      writeFileSync(path, bytes.fill('x', 105, 4_096))
      return { STORE_URL: 'sqlite:gw.db' }
    },
  ],
  [
    'a callers file that is a pipe',
    78,
    /^callers file pipe is a pipe or a device, and must be a file/,
    directory => {
      execFileSync('mkfifo', [join(directory, 'pipe')])
      return { CALLERS_FILE: 'pipe' }
    },
  ],
  [
    'a .env that sets what is required, and that nobody can read',
    78,
    /^\.env is no text in UTF-8/,
    directory => {
      writeFileSync(join(directory, '.env'), 'CALLERS_FILE=callers.json\n', 'utf16le')
      return { CALLERS_FILE: '' }
    },
  ],
  [
    'a .env that is a directory',
    78,
    /^\.env is a directory/,
    directory => mkdirSync(join(directory, '.env')),
  ],
  [
    'a .env that is a link to itself',
    78,
    /^\.env cannot be read \(ELOOP\)/,
    directory => symlinkSync('.env', join(directory, '.env')),
  ],
  [
    'a .env that is malformed',
    78,
    /^\.env:2: a line must be NAME=value/,
    directory => writeFileSync(join(directory, '.env'), 'DOCS=false\nLOG_LEVEL debug\n'),
  ],
  [
    'a callers file with a fault',
    78,
    /^callers\.json:2:1: a value is expected here/,
    directory => writeFileSync(join(directory, 'callers.json'), '{"callers": [\n,]}'),
  ],
  [
    'no such address',
    1,
    /^cannot listen on 192\.0\.2\.1:0: EADDRNOTAVAIL: HOST must be/,
    () => ({ HOST: '192.0.2.1' }),
  ],
])('%s is told in one line', async (_, code, line, plant) => {
  const { directory, env } = setting()
  const server = start(directory, { ...env, ...plant(directory) })
  expect(await server.ended).toBe(code)
  expect(server.stderr).toEqual([expect.stringMatching(line)])
  expect(server.stdout.join('\n')).not.toContain('"listening"')
})

test.each([0, 7])(
  'a database of another program, with user_version %i, is told, and not changed',
  async version => {
    const { directory, env } = setting()
    const path = join(directory, 'other.db')
    const db = new DatabaseSync(path)
    db.exec(`CREATE TABLE notes (text); PRAGMA user_version = ${version}`)
    db.close()
    const before = readFileSync(path)
    const server = start(directory, { ...env, STORE_URL: 'sqlite:other.db' })
    expect([await server.ended, server.stderr]).toEqual([
      78,
      [expect.stringMatching(version > 0 ? /newer version/ : /^the store other\.db .* of another program/)],
    ])
    expect(readFileSync(path)).toEqual(before)
  },
)

test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)(
  '%s that comes twice at once still drains, and ends well',
  async signal => {
    const { directory, env } = setting()
    const server = start(directory, env)
    await listening(server)
    server.child.kill(signal)
    await server.line(/"shutting down"/)
    server.child.kill(signal)
    expect([await server.ended, server.stderr]).toEqual([0, []])
    expect(server.stdout.at(-1)).toContain('"closed"')
  },
)

test('another signal while it drains ends it at once', async () => {
  const { directory, env } = setting()
  const server = start(directory, { ...env, SHUTDOWN_MS: '60000' })
  await listening(server)
  server.child.kill('SIGTERM')
  await server.line(/"shutting down"/)
  server.child.kill('SIGINT')
  expect(await server.ended).toBe(1)
})

test("SIGTERM to npm's own process leaves nothing behind", async () => {
  const { directory, env } = setting()
  const npm = spawn('npm', ['start', '--prefix', resolve('.')], {
    env: {
      ...env,
      PATH: process.env.PATH,
      CALLERS_FILE: join(directory, 'callers.json'),
      STORE_URL: `sqlite:${directory}/gw.db`,
    },
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void npm.kill('SIGKILL'))
  const lines: string[] = []
  const ready = Promise.withResolvers<Line>()
  createInterface({ input: npm.stdout }).on('line', line => {
    lines.push(line)
    if (line.includes('"listening"')) ready.resolve(JSON.parse(line) as Line)
  })
  const { address } = await ready.promise
  npm.kill('SIGTERM')
  // The pipe is closed when nobody is left who could write to it.
  await once(npm, 'close')
  expect(lines.at(-1)).toContain('"closed"')
  await expect(call(address, 'GET', '/livez')).rejects.toThrow('fetch failed')
})

test.skipIf(lacks('prlimit'))(
  'a disk that takes nothing more fails readiness, and comes back by itself',
  async () => {
    const { directory, env } = setting()
    const server = start(directory, env)
    const { address } = await listening(server)
    const ready = async (): Promise<number> => (await call(address, 'GET', '/readyz', { key: null })).status
    /** As a full disk does, this limit refuses every write that would make a file larger. */
    const limitFiles = (bytes: string): Promise<unknown> =>
      runProgram('prlimit', { args: ['--pid', String(server.child.pid), `--fsize=${bytes}:`] }).ended
    expect(await ready()).toBe(200)
    expect(await limitFiles('1')).toBe(0)
    const POLL = { timeout: 10_000, interval: 50 }
    await vi.waitFor(async () => expect(await ready()).toBe(503), POLL)
    expect((await call(address, 'GET', '/readyz', { key: null })).body).toMatchObject({
      code: 'store-unavailable',
    })
    expect((await call(address, 'GET', '/livez', { key: null })).status).toBe(200)
    expect(await limitFiles('unlimited')).toBe(0)
    await vi.waitFor(async () => expect(await ready()).toBe(200), POLL)
  },
)
