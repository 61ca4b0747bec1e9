/** One simulation: plays a plan, lets everything come to its end, and judges. The same plan gives the same trace. */

import type { Store } from '../../src/operations/store.ts'
import { openPostgresStore } from '../../src/store/postgres/postgres.ts'
import { storeOver } from '../../src/store/sqlite/open.ts'
import { Callers, type Told } from './callers.ts'
import { chance } from './chance.ts'
import { CALLER, SimulatedGateway, type GatewayParts, type OpenStore } from './gateway.ts'
import { AN_HOUR_MS, SimulatedHostkey, type Fields } from './hostkey.ts'
import { allOperations, judge, wrongWith, type StoredOperation, type Verdict } from './judge.ts'
import type { Mishap, Plan } from './plan.ts'
import { PostgresDatabase } from './postgres-database.ts'
import { SimulatedReceiver } from './receiver.ts'
import { Schedule } from './schedule.ts'
import { SqliteDisk } from './sqlite-disk.ts'
import { Trace } from './trace.ts'

export interface Played extends Verdict {
  lines: readonly string[]
  hash: string
  crashes: number
  operations: number
  virtualMs: number
}

const START_MS = Date.UTC(2027, 0, 1, 12)
/** After the last mishap everything is well, and whatever runs has so long to end. */
const REST_MS = 20_000

export async function play(plan: Plan): Promise<Played> {
  const scene = new Scene(plan)
  try {
    return await scene.play()
  } finally {
    scene.close()
  }
}

class Scene {
  readonly #plan: Plan
  readonly #schedule = new Schedule(START_MS)
  readonly #trace: Trace
  readonly #hostkey: SimulatedHostkey
  readonly #receiver: SimulatedReceiver
  readonly #disk: SqliteDisk | undefined
  readonly #database: PostgresDatabase | undefined
  readonly #gateways: SimulatedGateway[]
  readonly #callers: Callers
  readonly #told: Told = { ids: new Map(), ends: new Map(), wrong: [] }
  readonly #chance

  constructor(plan: Plan) {
    this.#plan = plan
    const draw = (this.#chance = chance(plan.seed ^ 0x5f3759df))
    const schedule = this.#schedule
    const trace = (this.#trace = new Trace(schedule))
    const vms = Object.fromEntries(plan.vms.map(({ id, snapshots }) => [id, { snapshots }]))
    this.#hostkey = new SimulatedHostkey({
      schedule,
      chance: draw.fork(),
      trace,
      cloud: { ...plan.rules, vms },
      isCalm: plan.mishaps.length === 0,
      onLeave: fields => this.#watchLeaving(fields),
    })
    this.#receiver = new SimulatedReceiver(schedule, draw.fork(), trace)
    if (plan.store === 'sqlite') this.#disk = new SqliteDisk(schedule, draw.fork(), trace)
    else this.#database = new PostgresDatabase(schedule, draw.fork(), trace)
    this.#gateways = plan.aheadMs.map((aheadMs, i) => this.#gateway(i, aheadMs))
    this.#callers = new Callers({
      schedule,
      chance: draw.fork(),
      trace,
      gateways: this.#gateways,
      told: this.#told,
    })
  }

  async play(): Promise<Played> {
    const { wishes, mishaps } = this.#plan
    const schedule = this.#schedule
    let failure: unknown
    for (const gateway of this.#gateways) void gateway.start()
    for (const wish of wishes)
      schedule.after(1_000 + wish.atMs, () => {
        this.#callers.follow(wish).catch((error: unknown) => (failure ??= error))
      })
    for (const mishap of mishaps) schedule.after(1_000 + mishap.atMs, () => this.#befall(mishap))
    const lastMs = Math.max(...wishes.map(({ atMs }) => atMs), ...mishaps.map(({ atMs }) => atMs))
    let isOver = false
    schedule.after(1_000 + lastMs + REST_MS, () => {
      this.#end()
        .catch((error: unknown) => (failure ??= error))
        .finally(() => (isOver = true))
    })
    const limitMs = START_MS + lastMs + REST_MS + this.#patienceMs() + 600_000
    await schedule.run(() => isOver || failure !== undefined || schedule.nowMs > limitMs)
    if (failure !== undefined) throw failure as Error
    const verdict = this.#verdict ?? { lost: [], doubled: [], untrue: [], left: ['something never ended'] }
    return {
      ...verdict,
      lines: this.#trace.lines,
      hash: this.#trace.digest(),
      crashes: this.#gateways.reduce((sum, { deaths }) => sum + deaths, this.#database?.crashes ?? 0),
      operations: this.#operations,
      virtualMs: schedule.nowMs - START_MS,
    }
  }

  #verdict: Verdict | undefined
  #operations = 0

  close(): void {
    for (const gateway of this.#gateways) gateway.kill()
    this.#disk?.close()
  }

  /** Everything is well again; waits until nothing runs any more, and judges. */
  async #end(): Promise<void> {
    const schedule = this.#schedule
    this.#disk?.heal()
    this.#database?.heal()
    this.#hostkey.heal()
    this.#receiver.heal()
    for (const gateway of this.#gateways) if (!gateway.machine) void gateway.start()
    const untilMs = schedule.nowMs + this.#patienceMs()
    const isBusy = async (): Promise<boolean> => {
      if (this.#callers.busy > 0) return true
      for (const { store, machine } of this.#gateways) {
        if (!store || !machine || machine.asleepUntilMs > schedule.nowMs) return true
        if ((await store.nextDueAtMs().catch(() => 0)) !== null) return true
        if ((await store.outbox.nextDue([CALLER]).catch(() => new Map([[CALLER, 0]]))).size > 0) return true
      }
      const running = await this.#gateways[0]!.store?.running().catch(() => ({ nothing: 1 }))
      return Object.values(running ?? { nothing: 1 }).some(count => count > 0)
    }
    while ((await isBusy()) && schedule.nowMs < untilMs) await schedule.pause(2_000)
    this.#hostkey.aheadMs = AN_HOUR_MS
    const store = this.#gateways.find(({ isServing }) => isServing)!.store!
    const operations = await allOperations(store)
    this.#operations = operations.length
    const verdict = judge(this.#plan, operations, {
      hostkey: this.#hostkey,
      receiver: this.#receiver,
      told: this.#told,
    })
    if (this.#callers.busy > 0) verdict.left.push(`${this.#callers.busy} callers still wait`)
    for (const gateway of this.#gateways) {
      const dueAtMs = await gateway.store?.nextDueAtMs()
      if (dueAtMs !== null && dueAtMs !== undefined)
        verdict.left.push(`${gateway.name} still has a step to make`)
      if (gateway.unanswered > 0) verdict.left.push(`${gateway.name} owes ${gateway.unanswered} answers`)
    }
    this.#verdict = verdict
  }

  /** What nobody may ever send. */
  #watchLeaving({ action, id, name, backup_id: backupId }: Fields): void {
    if (action === 'get_snapshot' || action === 'load_stats') return
    const ofVm: StoredOperation[] = this.#disk
      ? this.#disk.all('SELECT status, doc FROM operations WHERE vm_id = ?', Number(id))
      : [...this.#database!.tables.operations.values()].filter(({ vmId }) => vmId === Number(id))
    const wrong = wrongWith(String(backupId ?? name), ofVm)
    if (wrong !== undefined) this.#told.wrong.push(wrong)
  }

  /** The longest that an operation may take once all is well: its deadline, looks and leases, by clocks that were set. */
  #patienceMs(): number {
    const { settings, mishaps } = this.#plan
    const setMs = mishaps.reduce((sum, one) => sum + (one.kind === 'clock' ? Math.abs(one.ms) : 0), 0)
    return settings.deadlineMs * 3 + settings.timeoutMs * 8 + 120_000 + setMs
  }

  #gateway(i: number, aheadMs: number): SimulatedGateway {
    const parts: GatewayParts = {
      name: `gateway ${i + 1}`,
      schedule: this.#schedule,
      chance: this.#chance.fork(),
      trace: this.#trace,
      hostkey: this.#hostkey,
      receiver: this.#receiver,
      settings: this.#plan.settings,
      openStore: this.#disk ? this.#overDisk(this.#disk) : this.#overDatabase(this.#database!),
      onEnd: () => this.#restart(gateway, 500),
    }
    const gateway = new SimulatedGateway(parts, aheadMs)
    return gateway
  }

  #overDisk(disk: SqliteDisk): OpenStore {
    return (machine, onBroken): Promise<Store> =>
      Promise.resolve(
        storeOver(disk.open(), () => disk.wal(machine), machine.world.now(), {
          world: machine.world,
          onBroken: error => machine.world.soon(() => onBroken(error)),
        }),
      )
  }

  #overDatabase(database: PostgresDatabase): OpenStore {
    return (machine, _onBroken, log): Promise<Store> =>
      openPostgresStore(() => database.url, {
        log,
        world: machine.world,
        connect: database.connectFrom(machine),
      })
  }

  #restart(gateway: SimulatedGateway, restMs: number): void {
    this.#schedule.after(restMs, () => {
      if (!gateway.machine) void gateway.start()
    })
  }

  #befall(mishap: Mishap): void {
    const gateway = 'gateway' in mishap ? this.#gateways[mishap.gateway] : undefined
    switch (mishap.kind) {
      case 'kill':
      case 'power':
        return this.#afterSteps(mishap.afterSteps, () => this.#kill(gateway!, mishap))
      case 'sleep':
        this.#trace.tell(gateway!.name, `sleeps for ${mishap.ms} ms`)
        gateway!.machine?.sleep(mishap.ms, mishap.isSuspended)
        return
      case 'clock':
        this.#trace.tell(gateway!.name, `has its clock set by ${mishap.ms} ms`)
        if (gateway!.machine) gateway!.machine.aheadMs += mishap.ms
        return
      case 'hostkey':
        return this.#hostkey.fault(mishap.fault)
      case 'unreachable':
        this.#trace.tell('HOSTKEY', `cannot be reached for ${mishap.ms} ms`)
        this.#hostkey.refusesUntilMs = this.#schedule.nowMs + mishap.ms
        return
      case 'receiver':
        return this.#receiver.spoil(mishap.trouble, mishap.ms)
      case 'tokens':
        this.#trace.tell('HOSTKEY', 'ends all sessions')
        return this.#hostkey.tokens.expire()
      case 'stall':
      case 'full':
      case 'sync-fails':
        return this.#spoilDisk(mishap)
      default:
        return this.#afterSteps('afterSteps' in mishap ? mishap.afterSteps : 0, () =>
          this.#database?.befall(mishap),
        )
    }
  }

  #spoilDisk(mishap: Mishap & { kind: 'stall' | 'full' | 'sync-fails' }): void {
    const disk = this.#disk
    if (!disk) return
    this.#trace.tell(
      'disk',
      mishap.kind === 'sync-fails' ? 'will fail to sync' : `${mishap.kind} for ${mishap.ms} ms`,
    )
    if (mishap.kind === 'sync-fails') disk.failsNextSync = true
    else if (mishap.kind === 'stall') disk.stallsUntilMs = this.#schedule.nowMs + mishap.ms
    else disk.fullUntilMs = this.#schedule.nowMs + mishap.ms
  }

  #kill(gateway: SimulatedGateway, { kind, restMs }: Mishap & { kind: 'kill' | 'power' }): void {
    if (!gateway.machine) return
    this.#trace.tell(gateway.name, kind === 'kill' ? 'is killed' : 'loses power')
    gateway.kill()
    if (kind === 'power') this.#disk?.cut()
    this.#restart(gateway, restMs)
  }

  /** Between two of the next happenings: a crash then falls between any two things that a process does. */
  #afterSteps(steps: number, call: () => void): void {
    if (steps <= 0) return call()
    this.#schedule.onStep(steps, call)
  }
}
