/** Gateway processes over one simulated HOSTKEY and one real PostgreSQL, behind a real HAProxy. */

import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SCOPES } from '../src/callers/caller.ts'
import type { CallerEntry } from '../src/callers/file.ts'
import type { Environment } from '../src/config/config.ts'
import { newEntry } from '../src/callers/key.ts'
import { startSimulator, type Simulator, type SimulatorOptions } from '../src/simulator/simulator.ts'
import { startProcess, type GatewayProcess } from './crash/child.ts'
import { call, KEY, temporaryDirectory, TOKEN } from './helper.ts'
import { findProgram, freePort, runProgram } from './programs.ts'
import { startPostgres, type PostgresServer } from './store/postgres/postgres-server.ts'

export interface Cluster {
  simulator: Simulator
  database: PostgresServer
  replicas: GatewayProcess[]
  /** Where callers call: the load balancer. */
  address: string
  /** One more replica, not behind the load balancer. */
  start(env?: Environment): Promise<GatewayProcess>
}

export interface ClusterOptions {
  /** What each replica has in its environment besides what all have. */
  replicas: Environment[]
  env?: Environment
  simulator?: SimulatorOptions
  callers?: CallerEntry[]
  /** Settings of PostgreSQL, each as `name=value`. */
  settings?: string[]
  /** Takes how each part ends. */
  onFinished: (end: () => unknown) => void
}

/** Starts it. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { onFinished } = options
  const directory = temporaryDirectory(onFinished)
  const database = await startPostgres({ onFinished, settings: options.settings ?? ['fsync=off'] })
  const simulator = await startSimulator({ token: TOKEN, taskMs: 20, ...options.simulator })
  onFinished(() => simulator.close())
  const callersFile = join(directory, 'callers.json')
  const { callers = [newEntry('tester', KEY, SCOPES, '*')] } = options
  writeFileSync(callersFile, JSON.stringify({ callers }))
  const start = async (env: Environment = {}): Promise<GatewayProcess> => {
    const replica = await startProcess({
      PORT: '0',
      HOSTKEY_BASE_URL: simulator.baseUrl,
      HOSTKEY_TOKEN: TOKEN,
      CALLERS_FILE: callersFile,
      STORE_URL: database.url(),
      CHECK_MIN_MS: '10',
      CHECK_MAX_MS: '50',
      READ_CACHE_MS: '0',
      RATE_LIMIT_MAX: '1000000',
      MAX_OPEN_PER_CALLER: '100000',
      ...options.env,
      ...env,
    })
    onFinished(() => replica.kill())
    return replica
  }
  const replicas = await Promise.all(options.replicas.map(start))
  const port = await freePort()
  const hosts = replicas.map(({ address }) => new URL(address).host)
  runProgram(findProgram('haproxy')!, {
    args: ['-db', '-f', resolve(import.meta.dirname, '../deploy/compose/haproxy.cfg')],
    env: { BIND: `127.0.0.1:${port}`, GATEWAY_1: hosts[0], GATEWAY_2: hosts[1] },
    onFinished,
  })
  const address = `http://127.0.0.1:${port}`
  // The benchmark has no test runner, and so no `vi.waitFor`.
  while (!(await call(address, 'GET', '/livez').catch(() => null))) await sleep(20)
  return { simulator, database, replicas, address, start }
}
