/** What is to happen in a simulation, drawn from a seed: a list that can be made shorter. */

import { dressesOn, DRESSES, type DressName } from '../../src/simulator/dresses/dresses.ts'
import type { Fault } from '../../src/simulator/faults.ts'
import type { SnapshotRules } from '../../src/simulator/rules.ts'
import type { Trouble } from './receiver.ts'
import { chance, type Chance } from './chance.ts'
import type { GatewaySettings } from './gateway.ts'

/** Something that a caller wants. Its name stands in what HOSTKEY is asked for, and in its ledger. */
export interface Wish {
  atMs: number
  name: string
  kind: 'snapshot.create' | 'snapshot.delete' | 'snapshot.restore' | 'snapshot.list' | 'stats.load'
  vmId: number
  /** The snapshot that is made, deleted or restored. */
  snapshot: string
  gateway: number
  hasKey: boolean
  waitMs: number
  /** Leaves after so long, without a word. */
  leavesMs: number | null
  refusesIfNewer: boolean
}

export type Mishap = { atMs: number } & (
  | { kind: 'kill'; gateway: number; afterSteps: number; restMs: number }
  | { kind: 'power'; gateway: number; afterSteps: number; restMs: number }
  | { kind: 'sleep'; gateway: number; ms: number; isSuspended: boolean }
  | { kind: 'clock'; gateway: number; ms: number }
  | { kind: 'stall' | 'full'; ms: number }
  | { kind: 'sync-fails' }
  | { kind: 'failover'; afterSteps: number; ms: number }
  | { kind: 'pause'; ms: number }
  | { kind: 'cut'; afterSteps: number }
  | { kind: 'lose-answers'; count: number }
  | { kind: 'lag'; ms: number }
  | { kind: 'hostkey'; fault: Fault }
  | { kind: 'unreachable'; ms: number }
  | { kind: 'tokens' }
  | { kind: 'receiver'; trouble: Trouble; ms: number }
)

export interface Plan {
  seed: number
  store: 'sqlite' | 'postgres'
  gateways: number
  settings: GatewaySettings
  aheadMs: number[]
  rules: SnapshotRules & { immediateLists: boolean; taskMs: number }
  vms: { id: number; snapshots: string[] }[]
  wishes: Wish[]
  mishaps: Mishap[]
}

const DURATION_MS = 60_000
const KINDS = [
  'snapshot.create',
  'snapshot.delete',
  'snapshot.restore',
  'snapshot.list',
  'stats.load',
] as const

const FAULTS: Fault['kind'][] = [
  'drop-before',
  'drop-after',
  'drop-body',
  'hang',
  'hang-after',
  'late',
  'lose-key',
  'task-fails',
  'never-done',
  'refuse',
  'burn',
]
const asksAgain = (name: DressName): boolean =>
  DRESSES[name].told === 'unauthorized' || /^(refused-under-http|html)-(429|503)/.test(name)
/** Its numbers are not from the seed. */
const drawsKeys = (name: DressName): boolean => name.startsWith('accepted-with-a-key-of')
const WORDS = dressesOn('call', 'wait', 'end').filter(name => !asksAgain(name) && !drawsKeys(name))
const LISTS = dressesOn('list')

export function drawPlan(seed: number): Plan {
  const draw = chance(seed * 2654435761)
  const store = draw.is(0.5) ? 'sqlite' : 'postgres'
  const gateways = store === 'sqlite' ? 1 : draw.between(1, 3)
  const vmCount = draw.between(1, 4)
  const vms = Array.from({ length: vmCount }, (_, i) => ({ id: 1000 + i, snapshots: ['old', 'older'] }))
  const wishes = Array.from({ length: draw.between(6, 16) }, (_, i) => drawWish(draw, i, vms, gateways))
  wishes.sort((one, other) => one.atMs - other.atMs)
  const isCalm = draw.is(0.04)
  const mishaps = isCalm
    ? []
    : Array.from({ length: draw.between(8, 30) }, () => drawMishap(draw, { store, gateways, wishes, vms }))
  mishaps.sort((one, other) => one.atMs - other.atMs)
  return {
    seed,
    store,
    gateways,
    settings: {
      timeoutMs: draw.one([1_000, 3_000]),
      deadlineMs: draw.one([20_000, 60_000]),
      logsIn: draw.is(0.3),
      readCacheMs: draw.one([0, 1_000]),
    },
    aheadMs: Array.from({ length: gateways }, () => draw.between(-2_000, 2_000)),
    rules: {
      immediateLists: draw.is(0.3),
      taskMs: draw.one([50, 800, 5_000]),
      allowsTwins: draw.is(0.5),
      restoreDiscardsNewer: draw.is(0.5),
      showsUnfinished: draw.is(0.3),
    },
    vms,
    wishes,
    mishaps,
  }
}

function drawWish(draw: Chance, i: number, vms: Plan['vms'], gateways: number): Wish {
  const kind = draw.is(0.5) ? 'snapshot.create' : draw.one(KINDS)
  const vm = draw.one(vms)
  const name = `w${i}`
  // What is deleted or restored is HOSTKEY's own, one for each wish; a create may want a name that is there.
  const ofBefore = kind === 'snapshot.delete' || (kind === 'snapshot.create' && draw.is(0.25))
  if (ofBefore) vm.snapshots.push(name)
  return {
    atMs: draw.between(0, DURATION_MS),
    name,
    kind,
    vmId: vm.id,
    snapshot: kind === 'snapshot.restore' ? draw.one(['old', 'older']) : name,
    gateway: draw.below(gateways),
    hasKey: draw.is(0.7),
    waitMs: draw.one([0, 0, 2_000, 25_000]),
    leavesMs: draw.is(0.15) ? draw.between(0, 3_000) : null,
    refusesIfNewer: kind === 'snapshot.restore' && draw.is(0.2),
  }
}

interface Scene {
  store: Plan['store']
  gateways: number
  wishes: readonly Wish[]
  vms: Plan['vms']
}

function drawMishap(draw: Chance, { store, gateways, wishes, vms }: Scene): Mishap {
  // Mostly while something is asked for, as what goes wrong then does harm.
  const wish = draw.one(wishes)
  const atMs = draw.is(0.7) ? wish.atMs + draw.between(0, 40) : draw.between(0, DURATION_MS)
  const gateway = draw.below(gateways)
  const afterSteps = draw.between(0, 14)
  const restMs = draw.one([10, 500, 5_000])
  const kind = draw.number()
  if (kind < 0.5)
    return { atMs, kind: store === 'sqlite' && draw.is(0.6) ? 'power' : 'kill', gateway, afterSteps, restMs }
  if (kind < 0.68) {
    const fault = drawFault(draw, draw.is(0.6) ? wish.vmId : draw.one(vms).id)
    return { atMs: wish.atMs, kind: 'hostkey', fault }
  }
  if (kind < 0.74)
    return {
      atMs,
      kind: 'sleep',
      gateway,
      ms: draw.one([300, 2_500, 6_000, 30_000]),
      isSuspended: draw.is(0.5),
    }
  if (kind < 0.76) return { atMs, kind: 'unreachable', ms: draw.between(500, 5_000) }
  if (kind < 0.77) return { atMs, kind: 'tokens' }
  if (kind < 0.8)
    return { atMs, kind: 'clock', gateway, ms: draw.one([-3_600_000, -1_500, 1_500, 3_600_000]) }
  if (kind < 0.84)
    return {
      atMs,
      kind: 'receiver',
      trouble: draw.one(['fails', 'hangs', 'loses']),
      ms: draw.between(1_000, 40_000),
    }
  if (store === 'sqlite')
    return draw.one<Mishap>([
      { atMs, kind: 'stall', ms: draw.between(100, 8_000) },
      { atMs, kind: 'full', ms: draw.between(8_000, 30_000) },
      { atMs, kind: 'full', ms: draw.between(100, 8_000) },
      { atMs, kind: 'sync-fails' },
    ])
  return draw.one<Mishap>([
    { atMs, kind: 'failover', afterSteps, ms: draw.between(50, 6_000) },
    { atMs, kind: 'pause', ms: draw.between(100, 8_000) },
    { atMs, kind: 'cut', afterSteps },
    { atMs, kind: 'lose-answers', count: draw.between(1, 4) },
    { atMs, kind: 'lag', ms: draw.between(100, 8_000) },
  ])
}

function drawFault(draw: Chance, vmId: number): Fault {
  if (draw.is(0.6)) {
    const kind = draw.one(FAULTS)
    return {
      kind,
      vmId,
      ...(kind === 'burn' || draw.is(0.2) ? { action: 'check' } : {}),
      delayMs: draw.between(100, 2_500),
    }
  }
  if (draw.is(0.2)) return { kind: 'dress', dress: draw.one(LISTS), vmId, action: 'get_snapshot' }
  const dress = draw.one(WORDS)
  return { kind: 'dress', dress, vmId, acts: draw.one(DRESSES[dress].acts) }
}
