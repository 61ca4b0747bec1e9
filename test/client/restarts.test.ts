/** The client through restarts of the gateway: on the same store and port, with the simulator's ledger as the judge. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import { createClient, OutcomeUnknownError, type Client } from '../../src/client/client.ts'
import type { Environment } from '../../src/config/config.ts'
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts'
import type { Checkpoint } from '../crash/checkpoints.ts'
import { startProcess, type GatewayProcess } from '../crash/child.ts'
import { closedAfterAll, KEY, stoppableClock, temporaryDirectory, TOKEN } from '../helper.ts'
import { freePort, runScript, type Program } from '../programs.ts'

const end = closedAfterAll()
const clock = stoppableClock()
let simulator: Simulator
let env: Environment
let gateway: Client
let vmId = 5000

beforeAll(async () => {
  simulator = await startSimulator({ token: TOKEN, taskMs: 20, now: clock.now })
  end(() => simulator.close())
  const directory = temporaryDirectory(end)
  const callersFile = join(directory, 'callers.json')
  writeFileSync(callersFile, JSON.stringify({ callers: [newEntry('tester', KEY, SCOPES, '*')] }))
  const port = await freePort()
  env = {
    PORT: String(port),
    HOSTKEY_BASE_URL: simulator.baseUrl,
    HOSTKEY_TOKEN: TOKEN,
    CALLERS_FILE: callersFile,
    STORE_URL: `sqlite:${join(directory, 'gateway.db')}`,
    CHECK_MIN_MS: '10',
    CHECK_MAX_MS: '50',
    OPERATION_DEADLINE_MS: '5000',
  }
  gateway = createClient({ baseUrl: `http://127.0.0.1:${port}`, key: KEY })
})

beforeEach(() => {
  vmId += 1
  simulator.setVm(vmId, { power: 'off' })
})

/** Starts the gateway anew, on its file and port. */
async function start(holdAt: Record<number, string> = {}): Promise<GatewayProcess> {
  const started = await startProcess({ ...env, HOLD_AT: JSON.stringify(holdAt) })
  onTestFinished(() => started.kill())
  return started
}

/** Takes a snapshot and waits for it. */
async function take(): Promise<string> {
  const operation = await gateway.createSnapshot({ vm_id: vmId, name: 'once' })
  try {
    return (await gateway.follow(operation)).status
  } catch (error) {
    if (error instanceof OutcomeUnknownError) return error.operation.status
    throw error
  }
}

/** How often HOSTKEY carried it out. */
const carriedOut = (): number =>
  simulator.ledger.filter(entry => entry.vmId === vmId && entry.action === 'create_snapshot').length

test.each<[Checkpoint, string, number]>([
  ['intent-stored', 'unknown', 0],
  ['call-answered', 'succeeded', 1],
  ['step-stored', 'succeeded', 1],
])(
  'a create that was not answered when the gateway was killed happens once: %s',
  async (step, status, times) => {
    const killed = await start({ [vmId]: `snapshot.create/${step}` })
    const taken = take()
    await killed.held(vmId)
    await killed.kill()
    await start()
    expect(await taken).toBe(status)
    expect(carriedOut()).toBe(times)
  },
)

test('a create happens once, whenever the gateway is killed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 150 }), { minLength: 1, maxLength: 2 }),
      async livesMs => {
        vmId += 1
        simulator.setVm(vmId, { power: 'off' })
        // There is no gateway yet.
        const taken = take()
        for (const lifeMs of livesMs) {
          const killed = await start()
          await sleep(lifeMs)
          await killed.kill()
        }
        const last = await start()
        const status = await taken
        expect(['succeeded', 'unknown']).toContain(status)
        if (status === 'succeeded') expect(carriedOut()).toBe(1)
        else expect(carriedOut()).toBeLessThanOrEqual(1)
        await last.kill()
      },
    ),
    { numRuns: 3 },
  )
}, 90_000)

/** Starts it as its operator does: on SIGTERM it drains. */
async function startServer(): Promise<Program> {
  const server = runScript('src/server.ts', { env: { ...env, SHUTDOWN_MS: '3000' } })
  await server.line(/"msg":"listening"/)
  return server
}

test('an operation is followed through a gateway that drains, and the next one', async () => {
  clock.stop()
  const drained = await startServer()
  const operation = await gateway.createSnapshot({ vm_id: vmId, name: 'once' })
  const changes: string[] = []
  const followed = gateway.follow(operation, { onChange: ({ status }) => void changes.push(status) })
  drained.child.kill('SIGTERM')
  expect(await drained.ended).toBe(0)
  await startServer()
  clock.go()
  expect((await followed).result.settled_by).toBe('callback')
  expect(changes.at(-1)).toBe('succeeded')
  expect(carriedOut()).toBe(1)
})
