/**
 * A gateway that sleeps between its intent and its call, until its operation is somebody else's: the call never leaves.
 * A slow login holds the call, SIGSTOP holds the process.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import type { Environment } from '../../src/config/config.ts'
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts'
import { call, KEY, temporaryDirectory, type Answer } from '../helper.ts'
import { lacksPostgres, startPostgres } from '../store/postgres/postgres-server.ts'
import { startProcess, type GatewayProcess } from './child.ts'

const API_KEY = 'api-key-of-the-account-1'
const VM = 1
/** How long the answer to a login is under way. */
const LOGIN_MS = 300

interface Stage {
  simulator: Simulator
  directory: string
  start: (env?: Environment) => Promise<GatewayProcess>
}

async function stage(env: Environment): Promise<Stage> {
  const directory = temporaryDirectory()
  const simulator = await startSimulator({
    apiKey: API_KEY,
    taskMs: 20,
    vms: { [VM]: { snapshots: ['kept'] } },
  })
  onTestFinished(() => simulator.close())
  const callersFile = join(directory, 'callers.json')
  writeFileSync(callersFile, JSON.stringify({ callers: [newEntry('tester', KEY, SCOPES, '*')] }))
  const start = async (more: Environment = {}): Promise<GatewayProcess> => {
    const gateway = await startProcess({
      PORT: '0',
      HOSTKEY_BASE_URL: simulator.baseUrl,
      HOSTKEY_API_KEY: API_KEY,
      CALLERS_FILE: callersFile,
      STORE_URL: `sqlite:${join(directory, 'gateway.db')}`,
      CHECK_MIN_MS: '10',
      CHECK_MAX_MS: '50',
      ...env,
      ...more,
    })
    onTestFinished(() => gateway.kill())
    return gateway
  }
  return { simulator, directory, start }
}

function restore({ address }: GatewayProcess, mark: string): Promise<Answer> {
  return call(address, 'POST', `/vms/${VM}/snapshots/kept/restore`, { body: { backup_id: mark } })
}

/** The operation of the VM, when it has ended. */
async function ended({ address }: GatewayProcess): Promise<Answer['body']> {
  return vi.waitFor(
    async () => {
      const { body } = await call(address, 'GET', `/operations?vm_id=${VM}&kind=snapshot.restore`)
      const [operation] = body.operations
      expect(operation?.status).toBeOneOf(['succeeded', 'failed', 'unknown'])
      return operation
    },
    { timeout: 12_000, interval: 20 },
  )
}

/** The marks of the restores that reached HOSTKEY. */
function restores({ requests }: Simulator): unknown[] {
  return requests
    .filter(({ fields }) => fields.action === 'restore_snapshot')
    .map(({ fields }) => fields.backup_id)
}

const loginCame = ({ requests }: Simulator): Promise<unknown> =>
  vi.waitUntil(() => requests.some(({ path }) => path === '/auth.php'), { timeout: 5_000, interval: 5 })

describe('over SQLite', () => {
  test('a restore whose login outlasted its lease is not sent, and another one is', async () => {
    const { simulator, start } = await stage({ LEASE_MS: '600' })
    const gateway = await start()
    // Longer than the watcher sleeps while it knows of nothing.
    simulator.fault({ action: 'login', kind: 'late', delayMs: 7_000 })
    const first = restore(gateway, 'first')
    const operation = await ended(gateway)
    expect(operation).toMatchObject({ status: 'unknown' })
    expect(await first).toMatchObject({ status: 200, body: { id: operation.id, status: 'unknown' } })
    expect((await restore(gateway, 'second')).status).toBe(202)
    expect(restores(simulator)).toEqual(['second'])
  }, 30_000)

  test('a restore whose process was stopped for longer than its lease is not sent, and another one is', async () => {
    const { simulator, start } = await stage({ LEASE_MS: '1000' })
    const gateway = await start()
    simulator.fault({ action: 'login', kind: 'late', delayMs: LOGIN_MS })
    const first = restore(gateway, 'first')
    await loginCame(simulator)
    process.kill(gateway.pid, 'SIGSTOP')
    await sleep(1_500)
    process.kill(gateway.pid, 'SIGCONT')
    // Whether its own watcher was faster is a matter of chance.
    const { status, body } = await first
    if (status === 503) expect(body.code).toBe('upstream-unavailable')
    else expect([status, body.status]).toEqual([200, 'unknown'])
    const second = await restore(gateway, 'second')
    expect(second.status).toBe(202)
    expect(await ended(gateway)).toMatchObject({ id: second.body.id, status: 'succeeded' })
    expect(restores(simulator)).toEqual(['second'])
  }, 30_000)
})

describe.skipIf(lacksPostgres())('over PostgreSQL', () => {
  test('a restore whose replica was stopped until another one took it over is not sent', async () => {
    const server = await startPostgres()
    const { simulator, start } = await stage({ STORE_URL: server.url() })
    const [stopped, other] = await Promise.all([start(), start()])
    simulator.fault({ action: 'login', kind: 'late', delayMs: LOGIN_MS })
    const first = restore(stopped, 'first')
    await loginCame(simulator)
    process.kill(stopped.pid, 'SIGSTOP')
    const operation = await ended(other)
    expect(operation).toMatchObject({ status: 'unknown' })
    const second = await restore(other, 'second')
    expect(second.status).toBe(202)
    process.kill(stopped.pid, 'SIGCONT')
    expect(await first).toMatchObject({ status: 200, body: { id: operation.id, status: 'unknown' } })
    expect(await ended(other)).toMatchObject({ id: second.body.id, status: 'succeeded' })
    expect(restores(simulator)).toEqual(['second'])
  }, 30_000)
})
