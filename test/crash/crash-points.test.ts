/**
 * Kills the gateway (SIGKILL) with an operation of every kind held at every durable step, starts it again on the same
 * file and lets the simulator's ledger judge: nothing acknowledged is missing, no mutation was received twice, each
 * operation ended truthfully. Every case has a VM of its own, so that one kill serves them all.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { beforeAll, expect, test, vi } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { loadConfig, type Environment } from '../../src/config/config.ts'
import { startGateway, type Gateway } from '../../src/gateway.ts'
import { newEntry } from '../../src/callers/key.ts'
import type { Kind } from '../../src/operations/kinds/kind.ts'
import { KIND_NAMES, KINDS, mutates } from '../../src/operations/kinds/kinds.ts'
import type { Status } from '../../src/operations/operation.ts'
import { startSimulator, type Fault, type Simulator } from '../../src/simulator/simulator.ts'
import { call, closedAfterAll, KEY, temporaryDirectory, TOKEN, type Answer } from '../helper.ts'
import type { Checkpoint } from './checkpoints.ts'
import { startProcess } from './child.ts'

const CHANGES = KIND_NAMES.filter(kind => mutates({ kind }))
const READS = KIND_NAMES.filter(kind => !mutates({ kind }))

/** How each kind is asked for. */
const REQUESTS: Record<Kind, { method: string; path: string; body?: unknown }> = {
  'snapshot.create': { method: 'POST', path: '/snapshots', body: { name: 'new' } },
  'snapshot.delete': { method: 'DELETE', path: '/snapshots/first' },
  'snapshot.restore': { method: 'POST', path: '/snapshots/first/restore' },
  'snapshot.list': { method: 'GET', path: '/snapshots' },
  'stats.load': { method: 'GET', path: '/stats' },
}

/** What HOSTKEY does with the call. */
const SCENARIOS = {
  'goes well': undefined,
  'is refused': { kind: 'refuse', reason: 'not today' },
  'fails later': { kind: 'task-fails', reason: 'no space' },
  'loses its key': { kind: 'lose-key' },
  'drops the answer': { kind: 'drop-after' },
  'is not answered': { kind: 'hang-after' },
  'cannot be reached': undefined,
} as const satisfies Record<string, Omit<Fault, 'action' | 'vmId'> | undefined>

interface Case {
  vmId: number
  kind: Kind
  scenario: keyof typeof SCENARIOS
  /** Where it is when the process is killed; `call-sent` is held by HOSTKEY itself. */
  step: Checkpoint | 'call-sent'
  /** How it ends after the restart. */
  ends: Status
}

const CASES: Case[] = []
function add(kinds: Kind[], scenario: Case['scenario'], steps: Partial<Record<Case['step'], Ends>>): void {
  for (const kind of kinds) {
    for (const [step, ends] of Object.entries(steps) as [Case['step'], Ends][]) {
      // What happened can be seen by a look; but not of a restore, and what did not happen leaves it open.
      const status = ends !== 'seen' ? ends : kind === 'snapshot.restore' ? 'unknown' : 'succeeded'
      CASES.push({ vmId: 2000 + CASES.length, kind, scenario, step, ends: status })
    }
  }
}
type Ends = Status | 'seen'

add(CHANGES, 'goes well', {
  'intent-stored': 'unknown',
  'call-answered': 'seen',
  'step-stored': 'succeeded',
  // The result was read, and with it the key was burned.
  'check-answered': 'seen',
  'end-stored': 'succeeded',
})
add(CHANGES, 'is refused', { 'call-answered': 'unknown', 'end-stored': 'failed' })
add(CHANGES, 'fails later', { 'check-answered': 'unknown', 'end-stored': 'failed' })
add(CHANGES, 'loses its key', { 'step-stored': 'seen', 'check-answered': 'seen', 'end-stored': 'seen' })
add(['snapshot.create', 'snapshot.delete'], 'loses its key', { 'look-answered': 'seen' })
add(CHANGES, 'drops the answer', { 'call-answered': 'seen', 'end-stored': 'seen' })
add(CHANGES, 'is not answered', { 'call-sent': 'seen' })
// Sent again by its caller after the restart, it is a new one: nothing had left.
add(CHANGES, 'cannot be reached', { 'call-answered': 'unknown', discarded: 'succeeded' })
add(READS, 'goes well', {
  'read-stored': 'succeeded',
  'step-stored': 'succeeded',
  'check-answered': 'succeeded',
  'end-stored': 'succeeded',
})

/** How long an ambiguous mutation is looked for, and so how long the slowest of these tests takes. */
const DEADLINE_MS = 8_000

let simulator: Simulator
let gateway: Gateway
/** By VM: what its caller heard before the kill. */
const acknowledged = new Map<number, Answer>()

function send(base: string, { vmId, kind }: Case): Promise<Answer> {
  const { method, path, body } = REQUESTS[kind]
  const headers = mutates({ kind }) ? { 'idempotency-key': `vm-${vmId}` } : { prefer: 'respond-async' }
  return call(base, method, `/vms/${vmId}${path}`, { headers, body })
}

/** Starts a gateway, brings the operations of these cases to where they are held, and kills it there. */
async function crash(cases: Case[], env: Environment): Promise<void> {
  const holdAt = Object.fromEntries(cases.map(({ vmId, kind, step }) => [vmId, `${kind}/${step}`]))
  const doomed = await startProcess({ ...env, HOLD_AT: JSON.stringify(holdAt) })
  onFinished(() => doomed.kill())
  const answers = cases.map(one =>
    send(doomed.address, one).then(
      answer => void acknowledged.set(one.vmId, answer),
      // No answer came before the kill.
      () => {},
    ),
  )
  const calledSent = cases.filter(({ step }) => step === 'call-sent')
  await Promise.all(cases.filter(one => !calledSent.includes(one)).map(({ vmId }) => doomed.held(vmId)))
  for (const { vmId } of calledSent)
    await vi.waitUntil(() => simulator.ledger.some(entry => entry.vmId === vmId))
  await doomed.kill()
  await Promise.all(answers)
}

const onFinished = closedAfterAll()

beforeAll(async () => {
  const directory = temporaryDirectory(onFinished)
  const vms = Object.fromEntries(CASES.map(({ vmId }) => [vmId, { snapshots: ['first'] }]))
  // Tasks are done when they are first looked at: the first check reads the result.
  simulator = await startSimulator({ token: TOKEN, taskMs: 0, vms })
  onFinished(() => simulator.close())
  const callersFile = join(directory, 'callers.json')
  writeFileSync(callersFile, JSON.stringify({ callers: [newEntry('tester', KEY, SCOPES, '*')] }))
  const env = {
    PORT: '0',
    HOSTKEY_BASE_URL: simulator.baseUrl,
    HOSTKEY_TOKEN: TOKEN,
    // What is held keeps its place.
    HOSTKEY_CONCURRENCY: '500',
    CALLERS_FILE: callersFile,
    STORE_URL: `sqlite:${join(directory, 'gateway.db')}`,
    CHECK_MIN_MS: '10',
    CHECK_MAX_MS: '100',
    OPERATION_DEADLINE_MS: String(DEADLINE_MS),
    DOCS: 'false',
  }
  for (const { vmId, kind, scenario } of CASES) {
    const fault = SCENARIOS[scenario]
    if (fault) simulator.fault({ ...fault, vmId, action: KINDS[kind].action })
  }
  const unreachable = CASES.filter(({ scenario }) => scenario === 'cannot be reached')
  // Nothing listens at the port of TCP's "discard" service.
  await crash(unreachable, { ...env, HOSTKEY_BASE_URL: 'http://127.0.0.1:9' })
  await crash(
    CASES.filter(one => !unreachable.includes(one)),
    env,
  )
  gateway = await startGateway(loadConfig(env), pino({ level: 'silent' }), {
    keyGraceMs: { change: 0, read: 0 },
  })
  onFinished(() => gateway.close())
}, 60_000)

test.concurrent.for(CASES)('$kind that $scenario: killed at $step, it ends as $ends', async one => {
  const { vmId, kind, step, ends } = one
  const { action } = KINDS[kind]
  const changes = mutates({ kind })
  // What a caller does who got no answer: the same again.
  if (changes) await send(gateway.address, one)
  const { operations } = (await call(gateway.address, 'GET', `/operations?vm_id=${vmId}`)).body
  expect(operations).toHaveLength(1)
  const { body: operation } = await call(gateway.address, 'GET', operations[0].self, {
    headers: { prefer: 'wait=20' },
  })
  expect(operation).toMatchObject({ kind, status: ends })

  const answer = acknowledged.get(vmId)
  if (step === 'check-answered' || step === 'look-answered') expect(answer?.status).toBe(202)
  if (answer?.status === 202) expect(operation.id).toBe(answer.body.id)
  const received = simulator.requests.filter(
    ({ fields }) => fields.action === action && fields.id === String(vmId),
  )
  if (changes) expect(received.length).toBeLessThanOrEqual(1)
  const outcome = simulator.ledger.find(entry => entry.action === action && entry.vmId === vmId)?.outcome
  if (ends === 'succeeded') expect(outcome).toBe('done')
  if (ends === 'failed') expect(outcome).not.toBe('done')
  // The hold did not outlive its operation.
  const after = await call(gateway.address, 'POST', `/vms/${vmId}/snapshots`, { body: { name: 'after' } })
  expect(after.status).toBe(202)
})
