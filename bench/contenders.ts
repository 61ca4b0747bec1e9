/** Who is measured: the gateway, its floors, and durable handlers made of other packages, each over one stub of HOSTKEY. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SCOPES } from '../src/callers/caller.ts'
import { newEntry } from '../src/callers/key.ts'
import { openPostgresEngine, openRedisEngine, type Engine } from './engines.ts'
import { directory, root, start, storePath, type Measured } from './processes.ts'
import { CALLS_AT_ONCE, TOKEN } from './stub.ts'

export const KEY = 'bench-caller-key-000000000000000'

const entry = newEntry('bench', KEY, SCOPES, '*')
const callersFile = join(directory, 'callers.json')
writeFileSync(callersFile, JSON.stringify({ callers: [entry] }))

export function startStub(): Promise<Measured> {
  return start('bench/stub.ts', { probe: '/counts', env: {} })
}

export interface GatewayOptions {
  /** Of a file, when it is not given by an engine. */
  store?: string
  engine?: Engine
  /** Another checkout. */
  from?: string
  /** The bundle in `dist/` that `npm run build` makes, instead of the sources. */
  isBundle?: boolean
  env?: Record<string, string>
}

/**
 * Our gateway with what it has in production: its defaults, a log at `info` (to /dev/null), and limits nobody reaches. It asks for
 * results as soon as its peers do, which is at once, and makes as many calls at once.
 */
export function startGateway(hostkey: string, options: GatewayOptions = {}): Promise<Measured> {
  const { engine, from = root, isBundle = false } = options
  const { STORE_URL = `sqlite:${options.store ?? storePath()}` } = engine?.env ?? {}
  const env = {
    HOSTKEY_BASE_URL: hostkey,
    HOSTKEY_TOKEN: TOKEN,
    CALLERS_FILE: callersFile,
    STORE_URL,
    RATE_LIMIT_MAX: '1000000000',
    MAX_OPEN_PER_CALLER: '100000',
    CHECK_MIN_MS: '1',
    HOSTKEY_CONCURRENCY: String(CALLS_AT_ONCE),
    LOG_LEVEL: 'info',
    DOCS: 'false',
    SHUTDOWN_MS: '2000',
    ...options.env,
  }
  const script = isBundle ? 'dist/server.js' : 'src/server.ts'
  return start(script, { probe: '/readyz', env, from, ...(engine && { engine }) })
}

function startOther(script: string, hostkey: string, engine?: Engine): Promise<Measured> {
  const env = {
    HOSTKEY_BASE_URL: hostkey,
    HOSTKEY_TOKEN: TOKEN,
    KEY_SHA256: entry.key_sha256,
    STORE_URL: `sqlite:${storePath()}`,
    ...engine?.env,
  }
  return start(`bench/${script}.ts`, { probe: '/operations', env, ...(engine && { engine }) })
}

export interface Contender {
  name: string
  /** `all` scenarios, those of a `store`, or creates alone. */
  scenarios: 'all' | 'store' | 'create'
  measured: Measured
}

/** Starts all contenders, and says which are missing here. */
export async function startContenders(
  hostkey: string,
  say: (text: string) => void,
  wants: (name: string) => boolean,
): Promise<Contender[]> {
  const contenders: Contender[] = []
  const add = async (
    name: string,
    scenarios: Contender['scenarios'],
    open: (() => Promise<Engine | null>) | null,
    run: (engine?: Engine) => Promise<Measured>,
  ): Promise<void> => {
    if (!wants(name)) return
    const engine = await open?.()
    if (engine === null) say(`skipped: ${name}, since its database was not found`)
    else contenders.push({ name, scenarios, measured: await run(engine) })
  }
  await add('floor', 'all', null, () => startOther('floor', hostkey))
  await add('gateway', 'all', null, () => startGateway(hostkey))
  await add('floor/postgres', 'store', openPostgresEngine, engine => startOther('floor', hostkey, engine))
  await add('gateway/postgres', 'store', openPostgresEngine, engine =>
    startGateway(hostkey, { ...(engine && { engine }) }),
  )
  await add('bullmq/redis', 'create', openRedisEngine, engine => startOther('bullmq', hostkey, engine))
  await add('dbos/postgres', 'create', openPostgresEngine, engine => startOther('dbos', hostkey, engine))
  return contenders
}
