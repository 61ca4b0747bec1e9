/**
 * Callers that change snapshots without a pause, a HOSTKEY that misbehaves, and at random moments a disaster: a gateway
 * is killed and started again on the same file, or what `strike` does. The simulator's ledger is the judge.
 */

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment } from '../../src/config/config.ts'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import { GUIDE, startSimulator, type Simulator } from '../../src/simulator/simulator.ts'
import { call, type Answer } from '../helper.ts'
import { startProcess, type GatewayProcess } from './child.ts'
import { drawFault } from './draw.ts'
import { startBadReceiver, type BadReceiver } from './receiver.ts'

export interface ChaosOptions {
  seed: number
  /** How often the gateway is killed, or what else strikes. */
  kills: number
  /** The longest time between two of these, in milliseconds. */
  maxLifeMs: number
  /** Callers at work side by side, each on VMs of its own. */
  callers: number
  /** Tells the ends to a receiver that fails, hangs and is restarted at random. */
  hasReceiver?: boolean
  /** Gateways side by side, 1 when not given. Callers go from one to the next. */
  replicas?: number
  /** The settings of their store; a file in the run's own directory when not given. */
  store?: Environment
  /** Resolves when the gateways can do their work again. */
  strike?: () => Promise<void>
  onKill?: (kills: number, figures: Figures) => void
}

/** What happened, as far as it is counted; `lost`, `doubled`, `untrue` and `held` have to be empty. */
export interface Figures {
  kills: number
  /** Changes the callers wanted; each was sent until it was answered. */
  wanted: number
  /** Operations that were answered with 202 or 200. */
  acknowledged: number
  succeeded: number
  failed: number
  unknown: number
  /** Ids of acknowledged operations that are gone, or never ended. */
  lost: string[]
  /** Changes that HOSTKEY received more than once. */
  doubled: string[]
  /** Operations whose end contradicts the ledger. */
  untrue: string[]
  /** VMs that are still held when everything has ended. */
  held: number[]
  /** Messages that the receiver took, and attempts that it did not take; with a receiver alone. */
  told: number
  untaken: number
  /** Operations whose end the receiver was not told of, or not as it was. */
  untold: string[]
}

interface Want {
  /** Marks it at HOSTKEY: the name of the snapshot, or the backup id of a restore. */
  mark: string
  action: 'create_snapshot' | 'remove_snapshot' | 'restore_snapshot'
  method: string
  path: string
  body?: object
  operationId?: string
}

/** Codes of answers after which the same request is sent again. */
const TRY_AGAIN = new Set(['vm-busy', 'idempotency-in-progress', 'upstream-unavailable', 'store-unavailable'])
const TOKEN = 'chaos-token-000000000000'
const KEY = 'chaos-key-000000000000'
/** So long the last messages may take once the receiver takes all. */
const TELL_MS = 60_000
/** Fast as well; an attempt that hangs is soon given up. */
const WEBHOOK_PACE = { firstPauseMs: 100, leaseMs: 2_000, timeoutMs: 500 }
const VMS_PER_CALLER = 3
/** Fast, so that much happens in little time; ambiguous changes are looked for this long. */
const DEADLINE_MS = 1_500

/** Runs until the gateway was killed so often, lets everything end, and judges. */
export async function runChaos(options: ChaosOptions): Promise<Figures> {
  const random = seeded(options.seed)
  const directory = mkdtempSync(join(tmpdir(), 'gateway-chaos-'))
  const vmIds = Array.from({ length: options.callers * VMS_PER_CALLER }, (_, i) => 1 + i)
  const simulator = await startSimulator({
    token: TOKEN,
    taskMs: 30,
    // As its guide has it, but for the limit: what is made here has nobody to delete it.
    ...GUIDE,
    snapshotLimit: Infinity,
    showsUnfinished: true,
    vms: Object.fromEntries(vmIds.map(id => [id, { snapshots: ['kept'] }])),
  })
  const receiver = options.hasReceiver ? await startBadReceiver(seeded(options.seed)) : undefined
  const webhook = receiver && { url: receiver.url, secret: receiver.secret }
  const entry = { ...newEntry('chaos', KEY, SCOPES, '*'), ...(webhook && { webhook }) }
  writeFileSync(join(directory, 'callers.json'), JSON.stringify({ callers: [entry] }))
  const env = {
    PORT: '0',
    HOSTKEY_BASE_URL: simulator.baseUrl,
    HOSTKEY_TOKEN: TOKEN,
    CALLERS_FILE: join(directory, 'callers.json'),
    ...(options.store ?? { STORE_URL: `sqlite:${join(directory, 'gateway.db')}` }),
    CHECK_MIN_MS: '10',
    CHECK_MAX_MS: '100',
    OPERATION_DEADLINE_MS: String(DEADLINE_MS),
    RATE_LIMIT_MAX: '1000000',
    MAX_OPEN_PER_CALLER: '100000',
    // What is still being sent when the callers stop has to be heard of soon.
    HOSTKEY_TIMEOUT_MS: '1000',
    LOG_LEVEL: 'silent',
    WEBHOOK_ALLOW: '127.0.0.1',
    WEBHOOK_PACE: JSON.stringify(WEBHOOK_PACE),
  }
  const wants: Want[] = []
  const gateways: GatewayProcess[] = []
  let stopped = false
  let sent = 0

  async function killOne(): Promise<void> {
    await gateways[0]!.kill()
    gateways[0] = await startProcess(env)
  }

  /** Sends until there is an answer that settles it, as a caller with an Idempotency-Key may. */
  async function insist(want: Want): Promise<void> {
    for (;;) {
      const answer = await send(gateways[(sent += 1) % gateways.length]!, want)
      if (answer && !TRY_AGAIN.has(answer.body.code)) {
        // Refused by HOSTKEY, it has an operation all the same.
        want.operationId = answer.body.id ?? answer.body.operation?.split('/').at(-1)
        return
      }
      await sleep(20)
    }
  }

  async function work(caller: number): Promise<void> {
    const random = seeded(options.seed + 1 + caller)
    while (!stopped) {
      const vmId = 1 + caller * VMS_PER_CALLER + Math.floor(random() * VMS_PER_CALLER)
      const name = `s${wants.length}-${randomBytes(4).toString('hex')}`
      const path = `/vms/${vmId}/snapshots`
      const chance = random()
      const want: Want =
        chance < 0.5
          ? { mark: name, action: 'create_snapshot', method: 'POST', path, body: { name } }
          : chance < 0.75
            ? { mark: name, action: 'remove_snapshot', method: 'DELETE', path: `${path}/${name}` }
            : {
                mark: name,
                action: 'restore_snapshot',
                method: 'POST',
                path: `${path}/kept/restore`,
                body: { backup_id: name },
              }
      if (random() < 0.5) simulator.fault(drawFault(random, vmId, want.action))
      // What is to be deleted has to be there; this snapshot is HOSTKEY's own doing.
      if (want.action === 'remove_snapshot') addSnapshot(simulator, vmId, name)
      wants.push(want)
      await insist(want)
    }
  }

  const figures: Figures = {
    kills: 0,
    wanted: 0,
    acknowledged: 0,
    succeeded: 0,
    failed: 0,
    unknown: 0,
    lost: [],
    doubled: [],
    untrue: [],
    held: [],
    told: 0,
    untaken: 0,
    untold: [],
  }
  try {
    for (let i = 0; i < (options.replicas ?? 1); i += 1) gateways.push(await startProcess(env))
    const working = Array.from({ length: options.callers }, (_, caller) => work(caller))
    while (figures.kills < options.kills) {
      await sleep(random() * options.maxLifeMs)
      await (options.strike ?? killOne)()
      figures.kills += 1
      options.onKill?.(figures.kills, { ...figures, wanted: wants.length })
    }
    stopped = true
    await Promise.all(working)
    await judge(gateways[0]!, simulator, wants, figures)
    simulator.clearFaults()
    await Promise.all(vmIds.map(vmId => findHold(gateways[0]!, vmId, figures)))
    if (receiver) await judgeMessages(gateways, receiver, figures)
  } finally {
    stopped = true
    for (const gateway of gateways) await gateway.kill()
    await receiver?.close()
    await simulator.close()
    rmSync(directory, { recursive: true, force: true })
  }
  return figures
}

function addSnapshot(simulator: Simulator, vmId: number, name: string): void {
  const names = simulator.vm(vmId)?.snapshots.map(snapshot => snapshot.name) ?? []
  simulator.setVm(vmId, { snapshots: [...names, name] })
}

/** The answer, or undefined when the gateway died meanwhile. */
function send(gateway: GatewayProcess, want: Want): Promise<Answer | undefined> {
  const { method, path, body, mark } = want
  return call(gateway.address, method, path, {
    key: KEY,
    headers: { 'idempotency-key': mark },
    body,
  }).catch(() => undefined)
}

/** What its callers gave up may run for a while: another change waits its turn. */
async function findHold({ address }: GatewayProcess, vmId: number, figures: Figures): Promise<void> {
  const { body } = await call(address, 'POST', `/vms/${vmId}/snapshots`, {
    key: KEY,
    headers: { prefer: 'wait=20' },
    body: { name: 'last' },
  })
  if (body.code === 'vm-busy') figures.held.push(vmId)
}

async function judge(
  gateway: GatewayProcess,
  simulator: Simulator,
  wants: Want[],
  figures: Figures,
): Promise<void> {
  const received = new Map<string, number>()
  for (const { fields } of simulator.requests) {
    const mark = fields.backup_id ?? fields.name
    if (mark !== undefined) received.set(mark, (received.get(mark) ?? 0) + 1)
  }
  const carriedOut = new Set<string>()
  figures.wanted = wants.length
  const ends: [Want, Answer['body']][] = []
  for (const want of wants) {
    if ((received.get(want.mark) ?? 0) > 1) figures.doubled.push(want.mark)
    if (want.operationId === undefined) continue
    figures.acknowledged += 1
    const answer = await call(gateway.address, 'GET', `/operations/${want.operationId}`, {
      key: KEY,
      headers: { prefer: 'wait=20' },
    })
    ends.push([want, answer.status === 200 ? answer.body : undefined])
  }
  // Only now: what the last operations waited for has happened.
  const discarded = new Set<string>()
  for (const { action, name, backupId, outcome, discarded: lost = [] } of simulator.ledger) {
    const mark = backupId ?? name
    for (const snapshot of lost) discarded.add(snapshot.name)
    if (outcome === 'done' && mark !== null) carriedOut.add(`${action} ${mark}`)
  }
  for (const [want, operation] of ends) {
    const status: string = operation?.status ?? 'gone'
    if (status !== 'succeeded' && status !== 'failed' && status !== 'unknown') {
      figures.lost.push(`${want.operationId} ${status}`)
      continue
    }
    figures[status] += 1
    const happened = carriedOut.has(`${want.action} ${want.mark}`)
    // What a restore of before destroyed meanwhile is as gone as a delete would have it.
    const isGone = want.action === 'remove_snapshot' && discarded.has(want.mark)
    if ((status === 'succeeded' && !happened && !isGone) || (status === 'failed' && happened))
      figures.untrue.push(`${want.operationId} ${want.action} ${status}`)
  }
}

/** Every end there is was told at least once, and as it was. */
async function judgeMessages(
  gateways: GatewayProcess[],
  receiver: BadReceiver,
  figures: Figures,
): Promise<void> {
  await receiver.behave()
  const untilMs = performance.now() + TELL_MS
  let operations: Answer['body'][]
  do {
    await sleep(100)
    operations = await allOperations(gateways.at(-1)!)
  } while (operations.some(isUntold) && performance.now() < untilMs)
  for (const operation of operations) {
    const { id, status } = operation
    const statuses = [...(receiver.told.get(id) ?? [])]
    if (isUntold(operation) || !receiver.taken.has(id) || statuses.join() !== status)
      figures.untold.push(`${id} ${status} ${operation.webhook?.state} told as ${statuses.join()}`)
  }
  const known = new Set(operations.map(({ id }) => id))
  for (const id of receiver.told.keys()) if (!known.has(id)) figures.untold.push(`${id} is not known`)
  for (const id of receiver.confused) figures.untold.push(`${id} had another id`)
  if (receiver.forged > 0) figures.untold.push(`${receiver.forged} had no good signature`)
  figures.told = receiver.taken.size
  figures.untaken = receiver.failures
}

function isUntold({ status, webhook }: Answer['body']): boolean {
  return status === 'running' || webhook?.state !== 'delivered'
}

async function allOperations({ address }: GatewayProcess): Promise<Answer['body'][]> {
  const operations: Answer['body'][] = []
  for (let path = '/operations?limit=100'; ;) {
    const { body } = await call(address, 'GET', path, { key: KEY })
    operations.push(...body.operations)
    if (body.next_cursor === null) return operations
    path = `/operations?limit=100&cursor=${body.next_cursor}`
  }
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
