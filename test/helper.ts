/** A gateway over a simulated HOSTKEY on real sockets and a real SQLite file, for one test. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { Client } from 'undici'
import { afterAll, onTestFinished } from 'vitest'
import { pino } from 'pino'
import { buildApp, type AppParts } from '../src/http/app.ts'
import { SCOPES } from '../src/callers/caller.ts'
import type { CallerEntry } from '../src/callers/file.ts'
import { answerViolations } from './described.ts'
import { readDocument, type Document } from './fuzz/generate.ts'
import { loadConfig, type Environment } from '../src/config/config.ts'
import { startGateway, type Gateway, type GatewayOverrides } from '../src/gateway.ts'
import { newEntry } from '../src/callers/key.ts'
import { createMetrics } from '../src/observability/metrics.ts'
import { NO_TRACING } from '../src/observability/tracing.ts'
import {
  startSimulator,
  type RawRequest,
  type Simulator,
  type SimulatorOptions,
} from '../src/simulator/simulator.ts'
import { realWorld } from '../src/world.ts'

export const KEY = 'test-caller-key-0000000000000000'
export const TOKEN = 'test-token-1111111111111111'

export interface World {
  gateway: Gateway
  simulator: Simulator
  directory: string
  callersFile: string
  env: Environment
  /** Every line that was logged. */
  log: string[]
  /** Calls the gateway: as the caller with every scope, unless headers say otherwise. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  /** Closes the gateway and starts another one on the same file. */
  restart(env?: Environment): Promise<void>
}

export interface CallOptions {
  headers?: Record<string, string>
  /** Sent as JSON; a string is sent as it is. */
  body?: unknown
  key?: string | null
  signal?: AbortSignal
}

export interface Answer {
  status: number
  headers: Headers
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of any shape
  body: any
  text: string
}

export interface WorldOptions {
  env?: Environment
  simulator?: SimulatorOptions
  callers?: CallerEntry[]
  overrides?: GatewayOverrides
}

/** Starts both; they end with the test. Intervals are a few milliseconds. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const directory = temporaryDirectory()
  const simulator = await startSimulator({
    token: TOKEN,
    taskMs: 20,
    slowTaskMs: 60_000,
    ...options.simulator,
  })
  const callersFile = join(directory, 'callers.json')
  writeFileSync(
    callersFile,
    JSON.stringify({ callers: options.callers ?? [newEntry('tester', KEY, SCOPES, '*')] }),
  )
  const env: Environment = {
    PORT: '0',
    HOSTKEY_BASE_URL: simulator.baseUrl,
    HOSTKEY_TOKEN: TOKEN,
    CALLERS_FILE: callersFile,
    STORE_URL: `sqlite:${join(directory, 'gateway.db')}`,
    CHECK_MIN_MS: '10',
    CHECK_MAX_MS: '50',
    READ_CACHE_MS: '0',
    RATE_LIMIT_MAX: '100000',
    MAX_OPEN_PER_CALLER: '100000',
    // Swagger UI is half of the time it takes to start.
    DOCS: 'false',
    ...options.env,
  }
  const log: string[] = []
  const logger = pino(
    { level: env.LOG_LEVEL ?? 'debug', serializers: { err: pino.stdSerializers.errWithCause } },
    { write: line => void log.push(line) },
  )
  // A lost key is told from one that is not known yet after a moment.
  const overrides = { keyGraceMs: { change: 50, read: 50 }, ...options.overrides }
  const world: World = {
    gateway: await startGateway(loadConfig(env), logger, overrides),
    simulator,
    directory,
    callersFile,
    env,
    log,
    async call(method, path, callOptions) {
      const answer = await call(world.gateway.address, method, path, callOptions)
      requireDocumented(world.gateway.app, method, path, answer)
      return answer
    },
    async restart(changes = {}) {
      await world.gateway.close()
      world.gateway = await startGateway(loadConfig({ ...env, ...changes }), logger, overrides)
    },
  }
  onTestFinished(async () => {
    await world.gateway.close()
    await simulator.close()
  })
  return world
}

/** What the document says, read once for all tests of a file. */
let read: ReturnType<typeof readDocument> | undefined

/** Every answer that any test gets is in the document: its status, media type, body and headers. @throws Error */
export function requireDocumented(
  app: FastifyInstance,
  method: string,
  path: string,
  { status, headers, text }: Pick<Answer, 'status' | 'headers' | 'text'>,
): void {
  read ??= readDocument(JSON.parse(JSON.stringify(app.swagger())) as Document)
  const [pathname = ''] = path.split('?')
  const verb = method === 'HEAD' ? 'GET' : method
  const route = [...read.operations].find(([one]) => {
    const [wanted, template = ''] = one.split(' ')
    return verb === wanted && new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(pathname)
  })
  // What is no operation, such as a wrong method, is none of the document's business.
  if (!route) return
  const found = answerViolations(read, route[1], method, {
    status,
    headers: Object.fromEntries(headers),
    text,
  })
  if (found.length > 0) throw new Error(`${method} ${path} ${status}: ${found.join('; ')}`)
}

/** Calls any gateway by its address. */
export async function call(
  base: string,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer> {
  const { headers = {}, body, key = KEY, signal } = options
  const response = await fetch(base + path, {
    method,
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  })
  const text = await response.text()
  const json = /json/.test(response.headers.get('content-type') ?? '')
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: json && text !== '' ? JSON.parse(text) : undefined,
  }
}

/** Calls with the path and the body exactly as given: `fetch` resolves `..` and takes no body for GET. */
export async function callRaw(
  base: string,
  method: string,
  path: string,
  options: { headers?: Record<string, string | string[]>; body?: string | null } = {},
): Promise<Answer> {
  const client = new Client(base)
  try {
    const { headers = {}, body = null } = options
    const response = await client.request({
      method,
      path,
      headers: { authorization: `Bearer ${KEY}`, ...headers },
      body,
    })
    const text = await response.body.text()
    const answered = new Headers()
    for (const [name, value] of Object.entries(response.headers)) answered.set(name, String(value))
    const json = /json/.test(answered.get('content-type') ?? '')
    return {
      status: response.statusCode,
      headers: answered,
      text,
      body: json && text !== '' ? JSON.parse(text) : undefined,
    }
  } finally {
    await client.close()
  }
}

export interface ServerEvent {
  event?: string
  id?: string
  retry?: string
  /** Parsed. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as in `Answer`
  data?: any
  comment?: string
}

/** The blocks of a `text/event-stream`, as they come. */
export async function* serverEvents(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of chunks) {
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = block.split('\n').map(line => /^(\w*): ?(.*)$/.exec(line)!.slice(1) as [string, string])
      const { '': comment, data, ...rest } = Object.fromEntries(fields) as Record<string, string>
      yield {
        ...rest,
        ...(comment === undefined ? {} : { comment }),
        ...(data === undefined ? {} : { data: JSON.parse(data) }),
      }
    }
  }
}

/** A clock for the simulator that can stand still: then no task ends, however slow the machine is. */
export function stoppableClock(): { now: () => number; stop: () => void; go: () => void } {
  let stoppedAtMs: number | null = null
  return {
    now: () => stoppedAtMs ?? Date.now(),
    stop: () => void (stoppedAtMs = Date.now()),
    go: () => void (stoppedAtMs = null),
  }
}

/** Resolves when this many more requests have come to the gateway. */
export function arrivals(world: World, count: number): Promise<void> {
  let left = count
  return new Promise(resolve =>
    world.gateway.app.server.on('request', () => {
      left -= 1
      // The request's own hooks come first.
      if (left === 0) setTimeout(resolve, 50)
    }),
  )
}

/** All of a stream that ends. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** The calls of vm.php that reached the simulator, or only those of one action. */
export function upstreamCalls(world: World, action?: string): RawRequest[] {
  return world.simulator.requests.filter(
    ({ path, fields }) => path.endsWith('/vm.php') && (action === undefined || fields.action === action),
  )
}

/** The mutations HOSTKEY took on: what must be there at most once. */
export function mutations(world: World): { action: string; vmId: number; name: string | null }[] {
  return world.simulator.ledger
    .filter(({ action }) => !['get_snapshot', 'load_stats'].includes(action))
    .map(({ action, vmId, name }) => ({ action, vmId, name }))
}

/**
 * For what `beforeAll` opens: takes how to close it again, which is done, last first, after all tests of the group. To be
 * called where `beforeAll` is: a hook that runs can register no other, and `afterAll` within it is quietly ignored.
 */
export function closedAfterAll(): (end: () => unknown) => void {
  const ends: (() => unknown)[] = []
  afterAll(async () => {
    for (const end of ends.toReversed()) await end()
  })
  return end => void ends.push(end)
}

/** A directory that goes with the test, or with what else `onFinished` (see `closedAfterAll`) belongs to. */
export function temporaryDirectory(onFinished: (remove: () => void) => void = onTestFinished): string {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-test-'))
  onFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/**
 * The app alone over stand-ins, for what a whole gateway does not show or cannot be made to do. Everybody is a caller
 * who may do everything. It does not listen, and ends with the test.
 */
export async function standInApp(
  operations: Partial<AppParts['operations']>,
  env: Environment = {},
): Promise<{ app: FastifyInstance; draining: AbortController; log: string[] }> {
  const log: string[] = []
  const draining = new AbortController()
  const config = loadConfig({ HOSTKEY_TOKEN: TOKEN, CALLERS_FILE: 'none', DOCS: 'false', ...env })
  const app = await buildApp(config, {
    operations: operations as AppParts['operations'],
    callers: {
      find: async () => ({
        id: 'tester',
        name: 'tester',
        scopes: new Set(SCOPES),
        vms: '*',
        rateLimit: null,
        until: new AbortController().signal,
      }),
      close: () => {},
    },
    metrics: createMetrics(),
    tracing: NO_TRACING,
    draining: draining.signal,
    logger: pino({ level: 'debug' }, { write: line => void log.push(line) }),
    world: realWorld,
  })
  onTestFinished(() => app.close())
  return { app, draining, log }
}

/** Waits for the end of an operation through the API. */
export async function ended(world: World, operationId: string): Promise<Answer['body']> {
  const answer = await world.call('GET', `/operations/${operationId}`, { headers: { prefer: 'wait=10' } })
  return answer.body
}
