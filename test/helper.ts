/** A gateway over a simulated HOSTKEY on real sockets and a real SQLite file, for one test. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { pino } from 'pino'
import { SCOPES, type CallerEntry } from '../src/callers.ts'
import { loadConfig, type Environment } from '../src/config.ts'
import { startGateway, type Gateway, type GatewayOverrides } from '../src/gateway.ts'
import { newEntry } from '../src/key.ts'
import { startSimulator, type Simulator, type SimulatorOptions } from '../src/simulator/simulator.ts'

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
    ...options.env,
  }
  const log: string[] = []
  const logger = pino({ level: 'debug' }, { write: line => void log.push(line) })
  const world: World = {
    gateway: await startGateway(loadConfig(env), logger, options.overrides),
    simulator,
    directory,
    callersFile,
    env,
    log,
    call: (method, path, callOptions) => call(world.gateway.address, method, path, callOptions),
    async restart(changes = {}) {
      await world.gateway.close()
      world.gateway = await startGateway(loadConfig({ ...env, ...changes }), logger, options.overrides)
    },
  }
  onTestFinished(async () => {
    await world.gateway.close()
    await simulator.close()
  })
  return world
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

/** A directory that goes with the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Waits for the end of an operation through the API. */
export async function ended(world: World, operationId: string): Promise<Answer['body']> {
  const answer = await world.call('GET', `/operations/${operationId}`, { headers: { prefer: 'wait=10' } })
  return answer.body
}
