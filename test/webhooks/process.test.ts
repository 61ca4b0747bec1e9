/** Webhooks of a gateway that is a process of its own, with what happens to processes, receivers, secrets and files. */

import { execFileSync } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { expect, onTestFinished, test, vi } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import type { Environment } from '../../src/config/config.ts'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { call, KEY, temporaryDirectory, TOKEN, type Answer } from '../helper.ts'
import { lacks, runScript, type Program } from '../programs.ts'
import { startReceiver, type Answering, type Got, type TestReceiver } from './receiver.ts'

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 60_000 })
const SOON = { timeout: 20_000, interval: 20 }

const secretOf = (fill: number): string => `whsec_${Buffer.alloc(32, fill).toString('base64')}`
const [OLD, NEW] = [secretOf(3), secretOf(4)]
const CANARY = 'canary-in-the-query'

interface Place {
  env: Environment
  secretFile: string
  /** Puts a new file in the place of the old one, as operators do. */
  write: (file: 'callers.json' | 'secret', text: string) => void
  /** Lets the caller have its webhook at this receiver. */
  tellTo: (url: URL) => void
}

/** Files and settings for a process whose one caller is told at this URL. */
async function place(url: URL, env: Environment = {}): Promise<Place> {
  const directory = temporaryDirectory()
  const simulator = await startSimulator({ token: TOKEN, taskMs: 20 })
  onTestFinished(() => simulator.close())
  const secretFile = join(directory, 'secret')
  const write: Place['write'] = (file, text) => {
    writeFileSync(join(directory, `${file}.new`), text)
    renameSync(join(directory, `${file}.new`), join(directory, file))
  }
  const tellTo = (to: URL): void => {
    to.search = CANARY
    const webhook = { url: to.href, secret_file: secretFile }
    write('callers.json', JSON.stringify({ callers: [{ ...newEntry('told', KEY, SCOPES, '*'), webhook }] }))
  }
  write('secret', OLD)
  tellTo(url)
  return {
    secretFile,
    write,
    tellTo,
    env: {
      PORT: '0',
      HOSTKEY_BASE_URL: simulator.baseUrl,
      HOSTKEY_TOKEN: TOKEN,
      CALLERS_FILE: join(directory, 'callers.json'),
      STORE_URL: `sqlite:${join(directory, 'gateway.db')}`,
      CHECK_MIN_MS: '20',
      CHECK_MAX_MS: '50',
      READ_CACHE_MS: '0',
      DOCS: 'false',
      LOG_LEVEL: 'trace',
      WEBHOOK_ALLOW: '127.0.0.1',
      ...env,
    },
  }
}

interface Running {
  server: Program
  call: (method: string, path: string, body?: object) => Promise<Answer>
  /** Makes an operation and waits for its end. */
  operation: () => Promise<Answer['body']>
}

async function start(env: Environment): Promise<Running> {
  const server = runScript('src/server.ts', { env })
  const [line] = await server.line(/^.*"msg":"listening".*$/)
  const { address } = JSON.parse(line) as { address: string }
  const ask: Running['call'] = (method, path, body) =>
    call(address, method, path, { headers: { prefer: 'wait=10' }, ...(body && { body }) })
  return {
    server,
    call: ask,
    async operation() {
      const { body } = await ask('POST', '/vms/1000/snapshots', { name: `s${count++}` })
      expect(body.status, JSON.stringify(body)).toBe('succeeded')
      return body
    },
  }
}
let count = 0

const operationOf = ({ body }: Got): string => JSON.parse(body.toString()).data.id as string
const isBy = (secret: string, { body, headers }: Got): boolean => {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>)
    return true
  } catch {
    return false
  }
}

/** All that the process wrote and tells shows neither a secret nor the URL of its receiver. */
async function showsNothing({ server, call: ask }: Running, url: URL): Promise<void> {
  const pages = await Promise.all(
    ['/metrics', '/operations', '/openapi.json', '/readyz'].map(path => ask('GET', path)),
  )
  const told = [...server.stdout, ...server.stderr, ...pages.map(({ text }) => text)].join('\n')
  for (const secret of [OLD, NEW, CANARY, url.host]) expect(told).not.toContain(secret.replace('whsec_', ''))
}

test('without WEBHOOK_ALLOW nobody on this machine is connected to, and the operation is none the worse', async () => {
  const receiver = await startReceiver()
  const { env } = await place(receiver.url, { WEBHOOK_ALLOW: '' })
  const running = await start(env)
  const { self } = await running.operation()
  await expect
    .poll(async () => (await running.call('GET', self)).body.webhook, SOON)
    .toMatchObject({ state: 'pending', attempts: 1 })
  await running.server.line(/"caller":"told".*127\.0\.0\.1 is none/)
  expect(receiver.connections()).toBe(0)
  await showsNothing(running, receiver.url)
})

test('a secret that rotates in its file: new messages, and those that wait, are signed by what it holds', async () => {
  let isDown = false
  const receiver = await startReceiver(response => response.writeHead(isDown ? 503 : 204).end())
  const here = await place(receiver.url)
  const running = await start(here.env)
  const reads = (): number =>
    running.server.stdout.filter(line => line.includes('secret file of a webhook read again')).length
  await running.operation()
  await vi.waitFor(() => expect(receiver.got).toHaveLength(1), SOON)
  here.write('secret', `${NEW}\n${OLD}\n`)
  await vi.waitFor(() => expect(reads()).toBe(1), SOON)
  await running.operation()
  await vi.waitFor(() => expect(receiver.got).toHaveLength(2), SOON)
  isDown = true
  const waiting = await running.operation()
  await vi.waitFor(() => expect(receiver.got).toHaveLength(3), SOON)
  here.write('secret', NEW)
  await vi.waitFor(() => expect(reads()).toBe(2), SOON)
  isDown = false
  await vi.waitFor(() => expect(receiver.got).toHaveLength(4), SOON)
  expect(receiver.got.map(got => [isBy(OLD, got), isBy(NEW, got)])).toEqual([
    [true, false],
    [true, true],
    [true, true],
    [false, true],
  ])
  expect(operationOf(receiver.got[3]!)).toBe(waiting.id)
  expect(receiver.got[3]!.headers['webhook-id']).toBe(receiver.got[2]!.headers['webhook-id'])
  await showsNothing(running, receiver.url)
})

test('a message that waits goes to where the callers file leads to now', async () => {
  const first = await startReceiver(response => response.writeHead(307, { location: first.url.href }).end())
  const second = await startReceiver()
  const here = await place(first.url)
  const running = await start(here.env)
  const { id } = await running.operation()
  await vi.waitFor(() => expect(first.got).toHaveLength(1), SOON)
  here.tellTo(second.url)
  await vi.waitFor(() => expect(second.got.map(operationOf)).toEqual([id]), SOON)
  expect(first.got).toHaveLength(1)
})

test('SIGTERM in the middle of a delivery: the process ends in time, and the next one tells', async () => {
  let isHanging = true
  const receiver = await startReceiver(response => void (isHanging || response.writeHead(204).end()))
  const here = await place(receiver.url, { SHUTDOWN_MS: '1000' })
  const running = await start(here.env)
  const { id, self } = await running.operation()
  await vi.waitFor(() => expect(receiver.got).toHaveLength(1), SOON)
  const beganMs = performance.now()
  running.server.child.kill('SIGTERM')
  expect(await running.server.ended).toBe(0)
  expect(performance.now() - beganMs).toBeLessThan(3_000)
  isHanging = false
  const next = await start(here.env)
  await vi.waitFor(() => expect(receiver.got.map(operationOf)).toEqual([id, id]), SOON)
  await expect
    .poll(async () => (await next.call('GET', self)).body.webhook, SOON)
    .toMatchObject({ state: 'delivered' })
})

test('killed again and again, over a receiver that fails in every way, it tells each end at least once', async () => {
  // The first attempt with each message fails, in one way or another.
  const ways: Answering[] = [
    response => response.socket?.resetAndDestroy(),
    response => response.writeHead(500).end(),
    response => response.socket?.end('HTTP/1.1 2'),
    response => response.writeHead(302, { location: '/elsewhere' }).end(),
  ]
  const seen = new Set<string>()
  const wild: Answering = (response, got) => {
    const id = operationOf(got)
    if (seen.has(id)) response.writeHead(204).end()
    else ways[seen.size % ways.length]!(response, got)
    seen.add(id)
  }
  const receiver = await startReceiver(wild)
  const here = await place(receiver.url)
  const ended: string[] = []
  for (let round = 0; round < 4; round += 1) {
    const running = await start(here.env)
    for (let i = 0; i < 4; i += 1) {
      const { body } = await running.call('POST', '/vms/1001/snapshots', { name: `k${round}-${i}` })
      ended.push(body.id)
    }
    running.server.child.kill('SIGKILL')
    await running.server.ended
  }
  const last = await start(here.env)
  const states = async (): Promise<string[]> =>
    Promise.all(ended.map(async id => (await last.call('GET', `/operations/${id}`)).body.webhook?.state))
  await expect.poll(states, { timeout: 50_000, interval: 200 }).toEqual(ended.map(() => 'delivered'))
  expect(ended.filter(id => !receiver.got.some(got => operationOf(got) === id))).toEqual([])
  expect(receiver.got.every(got => isBy(OLD, got))).toBe(true)
  const ids = new Set(receiver.got.map(got => `${operationOf(got)} ${String(got.headers['webhook-id'])}`))
  expect(ids.size).toBe(new Set(receiver.got.map(operationOf)).size)
}, 120_000)

test('answers without end cost the process no memory', async () => {
  const chunk = Buffer.alloc(256 * 1024)
  const endless = await startReceiver(response => {
    response.writeHead(200)
    const write = (): void => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', write)
    write()
  })
  const here = await place(endless.url)
  const running = await start(here.env)
  const memory = (): number =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${running.server.child.pid}/status`, 'utf8'))![1])
  await running.operation()
  const beforeKiB = memory()
  for (let i = 0; i < 10; i += 1) await running.operation()
  await vi.waitFor(() => expect(endless.got).toHaveLength(11), SOON)
  expect(memory() - beforeKiB).toBeLessThan(64 * 1024)
})

test.skipIf(lacks('openssl'))(
  'TLS by an authority that Node is told of, past every proxy that the environment names',
  async () => {
    const directory = temporaryDirectory()
    const [key, cert] = [join(directory, 'key'), join(directory, 'cert')]
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const names = ['-subj', '/CN=receiver', '-addext', 'subjectAltName=DNS:localhost']
    execFileSync('openssl', ['req', ...kind, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
    const receiver = await startReceiver(undefined, { tls })
    const proxy: TestReceiver = await startReceiver()
    const url = new URL(receiver.url.href.replace('127.0.0.1', 'localhost'))
    const proxies = Object.fromEntries(
      ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'].map(name => [
        name,
        proxy.url.origin,
      ]),
    )
    const here = await place(url, { ...proxies, NODE_USE_ENV_PROXY: '1', NODE_EXTRA_CA_CERTS: cert })
    const running = await start(here.env)
    const { id } = await running.operation()
    await vi.waitFor(() => expect(receiver.got.map(operationOf)).toEqual([id]), SOON)
    expect(proxy.connections()).toBe(0)
    // Without the authority nothing is told.
    const distrusting = await place(url, proxies)
    const other = await start(distrusting.env)
    await other.operation()
    await other.server.line(/"reason":"DEPTH_ZERO_SELF_SIGNED_CERT"/)
    expect([receiver.got.length, proxy.connections()]).toEqual([1, 0])
  },
)
