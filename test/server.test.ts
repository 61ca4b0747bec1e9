/** The gateway as a process of its own: what it tells, how it ends, and what a crash leaves. */

import { renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { SCOPES } from '../src/callers/caller.ts'
import type { Environment } from '../src/config/config.ts'
import { newEntry } from '../src/callers/key.ts'
import {
  startSimulator,
  type Fault,
  type Simulator,
  type SimulatorOptions,
} from '../src/simulator/simulator.ts'
import { call, type Answer, KEY, temporaryDirectory, TOKEN } from './helper.ts'
import { runScript, type Program } from './programs.ts'

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 40_000 })

const SERVER = 'src/server.ts'
const POLL = { interval: 20, timeout: 10_000 }

interface Setting {
  directory: string
  simulator: Simulator
  callersFile: string
  env: Environment
}

/** What a process needs to start. */
async function setting(options: SimulatorOptions = {}): Promise<Setting> {
  const directory = temporaryDirectory()
  const simulator = await startSimulator({ token: TOKEN, taskMs: 20, slowTaskMs: 60_000, ...options })
  onTestFinished(() => simulator.close())
  const callersFile = join(directory, 'callers.json')
  writeCallers(callersFile, KEY)
  const env = {
    PORT: '0',
    HOSTKEY_BASE_URL: simulator.baseUrl,
    HOSTKEY_TOKEN: TOKEN,
    CALLERS_FILE: callersFile,
    STORE_URL: `sqlite:${join(directory, 'gateway.db')}`,
    CHECK_MIN_MS: '20',
    CHECK_MAX_MS: '50',
    READ_CACHE_MS: '0',
    // Swagger UI is half of the time it takes to start.
    DOCS: 'false',
  }
  return { directory, simulator, callersFile, env }
}

function writeCallers(file: string, key: string): void {
  writeFileSync(file, JSON.stringify({ callers: [newEntry('tester', key, SCOPES, '*')] }))
}

/** Starts a process and waits until it listens; its address is in its log. */
async function start(env: Environment, cwd?: string): Promise<{ server: Program; address: string }> {
  const server = runScript(SERVER, { env, ...(cwd ? { cwd } : {}) })
  const [line] = await server.line(/^.*"msg":"listening".*$/)
  const { address } = JSON.parse(line) as { address: string }
  return { server, address }
}

/** A process that does not start: nothing but these lines, none of a stack trace. */
async function refusal(env: Environment): Promise<{ code: unknown; lines: string[] }> {
  const server = runScript(SERVER, { env })
  const code = await server.ended
  expect(server.stderr.filter(line => /^\s+at |^node:|Error:/.test(line))).toEqual([])
  expect(server.stdout.filter(line => line.includes('"listening"'))).toEqual([])
  return { code, lines: server.stderr }
}

test('settings that are missing or wrong are named, each in a line: exit code 78', async () => {
  const [missing, wrong] = await Promise.all([
    refusal({}),
    refusal({
      HOSTKEY_TOKEN: 't',
      CALLERS_FILE: 'c',
      PORT: '99999',
      DOCS: 'maybe',
      HOSTKEY_BASE_URL: 'http://example.com',
    }),
  ])
  expect(missing).toEqual({
    code: 78,
    lines: [expect.stringContaining('HOSTKEY_TOKEN'), expect.stringContaining('CALLERS_FILE')],
  })
  expect(wrong.code).toBe(78)
  expect(wrong.lines).toHaveLength(3)
  expect(new Set(wrong.lines.map(line => line.split(' ')[0]))).toEqual(
    new Set(['PORT', 'DOCS', 'HOSTKEY_BASE_URL']),
  )
})

test('a busy port is one line: exit code 1', async () => {
  const { env } = await setting()
  const busy = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void busy.close())
  await once(busy, 'listening')
  const { port } = busy.address() as AddressInfo
  expect(await refusal({ ...env, PORT: String(port) })).toEqual({
    code: 1,
    lines: [
      `cannot listen on 127.0.0.1:${port}: EADDRINUSE: another program has this port; end it, or choose another PORT`,
    ],
  })
})

test('a callers file or a store that cannot be used is one line: exit code 78', async () => {
  const { directory, env } = await setting()
  const file = (name: string, content: string): string => {
    const path = join(directory, name)
    writeFileSync(path, content)
    return path
  }
  const cases: [Environment, RegExp][] = [
    [
      { CALLERS_FILE: join(directory, 'none.json') },
      /^callers file .*none\.json cannot be read \(ENOENT\): there is no such file$/,
    ],
    [
      { CALLERS_FILE: file('a.json', '{"callers":[{"name":"a","scopes":["stats:read"],"vms":"*"}]}') },
      /a\.json:1:13: caller "a": key_sha256 is missing/,
    ],
    [
      { STORE_URL: `sqlite:${file('a.db', 'This is no database.'.repeat(100))}` },
      /^the store .*a\.db cannot be opened: /,
    ],
  ]
  await Promise.all(
    cases.map(async ([change, line]) => {
      expect(await refusal({ ...env, ...change })).toEqual({ code: 78, lines: [expect.stringMatching(line)] })
    }),
  )
})

test('a second process on the same file is turned away, and the first goes on', async () => {
  const { env } = await setting()
  const { address } = await start(env)
  const { code, lines } = await refusal(env)
  expect({ code, lines }).toEqual({
    code: 78,
    lines: [expect.stringMatching(/^the store .*gateway\.db is in use by another process/)],
  })
  expect((await call(address, 'GET', '/vms/1000/stats')).status).toBe(200)
})

test.each<[string, string, Fault[], (create: Promise<Answer>, simulator: Simulator) => Promise<void>]>([
  [
    'before HOSTKEY has answered',
    'look',
    // The call has left, and the answer with the callback key will never be heard.
    [{ action: 'create_snapshot', kind: 'late', delayMs: 60_000 }],
    (create, simulator) => {
      create.catch(() => {})
      return vi.waitFor(() => expect(simulator.ledger).toHaveLength(1), POLL)
    },
  ],
  [
    'while HOSTKEY is at it',
    'callback',
    [],
    async create => {
      expect(await create).toMatchObject({ status: 202, body: { status: 'running' } })
    },
  ],
])('a create survives kill -9 %s', async (_, settledBy, faults, untilUnderWay) => {
  const { simulator, env } = await setting({ taskMs: 1_000 })
  for (const fault of faults) simulator.fault(fault)
  const first = await start(env)
  const create = call(first.address, 'POST', '/vms/1004/snapshots', { body: { name: 'precious' } })
  await untilUnderWay(create, simulator)
  first.server.child.kill('SIGKILL')
  expect(await first.server.ended).toBe('SIGKILL')

  const { address } = await start(env)
  const { body } = await call(address, 'GET', '/operations')
  expect(body.operations).toHaveLength(1)
  const { self } = body.operations[0]
  const ended = await call(address, 'GET', self, { headers: { prefer: 'wait=10' } })
  expect(ended.body).toMatchObject({
    kind: 'snapshot.create',
    status: 'succeeded',
    created_by: 'tester',
    result: { settled_by: settledBy },
  })
  expect(simulator.ledger.filter(({ action }) => action === 'create_snapshot')).toHaveLength(1)
  expect(simulator.vm(1004)?.snapshots.map(({ name }) => name)).toEqual(['precious'])
})

test('SIGTERM: readiness fails first, who waits is answered, and the process ends in time', async () => {
  const { simulator, env } = await setting()
  const shutdownMs = 4_000
  const { server, address } = await start({ ...env, SHUTDOWN_MS: String(shutdownMs) })
  const create = { body: { name: 'slow' } }
  const waiting = call(address, 'POST', '/vms/1003/snapshots', { ...create, headers: { prefer: 'wait=20' } })
  await vi.waitFor(() => expect(simulator.ledger).toHaveLength(1), POLL)
  const { body } = await call(address, 'GET', '/operations')
  const events = call(address, 'GET', `${body.operations[0].self}/events`)

  const startedAt = performance.now()
  server.child.kill('SIGTERM')
  await server.line(/"shutting down"/)
  const ready = await call(address, 'GET', '/readyz', { key: null })
  expect(ready).toMatchObject({ status: 503, body: { code: 'draining' } })
  expect(Number(ready.headers.get('retry-after'))).toBeGreaterThan(0)
  // Load balancers have not noticed yet: what they still send is answered, only nothing new is begun.
  expect((await call(address, 'GET', '/livez', { key: null })).status).toBe(200)
  expect((await call(address, 'GET', body.operations[0].self)).body).toMatchObject({ status: 'running' })
  expect(await call(address, 'POST', '/vms/1004/snapshots', create)).toMatchObject({
    status: 503,
    body: { code: 'draining' },
  })
  const answer = await waiting
  expect(answer).toMatchObject({ status: 202, body: { status: 'running', snapshot: 'slow' } })
  expect(answer.headers.get('location')).toBe(answer.body.self)
  expect((await events).text).toMatch(/^event: operation$/m)

  expect(await server.ended).toBe(0)
  expect(performance.now() - startedAt).toBeLessThan(shutdownMs)
  await expect(call(address, 'GET', '/livez')).rejects.toThrow('fetch failed')
  expect(simulator.ledger).toHaveLength(1)
  expect(server.stdout.at(-1)).toContain('"closed"')
  expect(server.stderr).toEqual([])
})

test('a call that is under way at the end is answered, and does not keep the process', async () => {
  const { simulator, env } = await setting()
  simulator.fault({ action: 'create_snapshot', kind: 'late', delayMs: 1_000 })
  const { server, address } = await start(env)
  const create = call(address, 'POST', '/vms/1004/snapshots', { body: { name: 'a' } })
  await vi.waitFor(() => expect(simulator.ledger).toHaveLength(1), POLL)
  const startedAt = performance.now()
  server.child.kill('SIGINT')
  expect(await create).toMatchObject({ status: 202, body: { status: 'running' } })
  expect(await server.ended).toBe(0)
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})

test('callers who keep the process from closing cannot keep it longer than SHUTDOWN_MS', async () => {
  const { env } = await setting()
  const { server, address } = await start({ ...env, SHUTDOWN_MS: '1000' })
  const socket = connect(Number(new URL(address).port), '127.0.0.1').on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  // A request that never becomes whole.
  socket.write('POST /vms/1004/snapshots HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n')
  await call(address, 'GET', '/livez')
  const startedAt = performance.now()
  server.child.kill('SIGTERM')
  await server.ended
  expect(performance.now() - startedAt).toBeLessThan(2_000)
})

test('secrets and callers rotate without a restart, and no log shows a secret', async () => {
  const { directory, simulator, callersFile, env } = await setting()
  // As Kubernetes mounts secrets: a link that is replaced.
  const tokenFile = join(directory, 'token')
  const swap = (token: string): void => {
    const target = join(directory, token)
    writeFileSync(target, `${token}\n`)
    symlinkSync(target, `${tokenFile}.new`)
    renameSync(`${tokenFile}.new`, tokenFile)
  }
  swap(TOKEN)
  // Some of it in a .env file, over which the environment wins.
  writeFileSync(join(directory, '.env'), `HOSTKEY_TOKEN_FILE=${tokenFile}\nLOG_LEVEL=trace\nPORT=no-port\n`)
  const { HOSTKEY_TOKEN: _, ...rest } = env
  const { server, address } = await start(rest, directory)
  const stats = (key: string): Promise<Answer> => call(address, 'GET', '/vms/1000/stats', { key })
  expect((await stats(KEY)).status).toBe(200)

  const newToken = 'rotated-token-2222222222222222'
  simulator.setToken(newToken)
  expect(await stats(KEY)).toMatchObject({ status: 502, body: { code: 'upstream-unauthorized' } })
  swap(newToken)
  await server.line(/"kind":"token","msg":"secret file read again"/)
  await vi.waitFor(async () => expect((await stats(KEY)).status).toBe(200), POLL)

  const newKey = 'rotated-caller-key-33333333333333'
  writeCallers(callersFile, newKey)
  await server.line(/"callers file read again"/)
  expect((await stats(newKey)).status).toBe(200)
  expect((await stats(KEY)).status).toBe(401)
  writeFileSync(callersFile, '{"callers":')
  await server.line(/"callers file is broken/)
  expect((await stats(newKey)).status).toBe(200)

  // Everything that could put a secret into the log: refusals and failures that carry it, and a whole operation.
  const body = `{"code":-1,"message":"bad ${newToken}"}`
  simulator.fault({ action: 'create_snapshot', kind: 'respond', body })
  simulator.fault({ action: 'create_snapshot', kind: 'respond', body: `<b>${newToken}</b>`, status: 500 })
  simulator.fault({ action: 'create_snapshot', kind: 'drop-before' })
  const creates = [1000, 1001, 1002, 1004].map(vm =>
    call(address, 'POST', `/vms/${vm}/snapshots`, {
      key: newKey,
      body: { name: 'a' },
      headers: { prefer: 'wait=1' },
    }),
  )
  const answers = await Promise.all(creates)
  server.child.kill('SIGINT')
  expect(await server.ended).toBe(0)
  const log = [...server.stdout, ...server.stderr].join('\n')
  const callbacks = simulator.ledger.map(({ callback }) => callback!)
  const secrets = [TOKEN, newToken, KEY, newKey, 'simulated-vnc-secret', ...callbacks]
  const shown = [log, ...answers.map(({ text }) => text)].join('\n')
  expect(secrets.filter(secret => shown.includes(secret))).toEqual([])
  expect(callbacks.length).toBeGreaterThan(3)
  expect(server.stdout.map(line => typeof JSON.parse(line))).not.toContain('string')
})
