import type { About, Dress, Json } from './dresses/dress.ts'
import { carriesOut, dressesOf } from './faults.ts'
import type { Fault } from './faults.ts'
import { listing } from './listing.ts'
import type { Listed, ListOptions } from './listing.ts'
import { discardedBy, invalid, isNamed, obstacle } from './rules.ts'
import type { SnapshotRules } from './rules.ts'
import { randomKey } from './tokens.ts'
import type { Draw } from './tokens.ts'

/** A rule that is given here holds for this VM, whatever the cloud's is. */
export interface VmOptions extends SnapshotRules {
  power: 'on' | 'off'
  /** `fails`: accepted tasks end with the result "Error". `slow`: tasks take `slowTaskMs`. */
  behaviour: 'normal' | 'fails' | 'slow'
  /** Names; they become snapshots of the type `snapshot`. */
  snapshots: string[]
}

export interface Snapshot {
  name: string
  snapshot_id: number
  type: string
  /** Milliseconds; lists show it in the configured format. */
  date: number
}

export type VmState = Omit<VmOptions, 'snapshots'> & { snapshots: Snapshot[] }

/** The actions, in the words the vendor refuses them with. */
const REQUESTED = {
  create_snapshot: 'snapshot creation',
  get_snapshot: 'snapshots list',
  load_stats: 'stats',
  remove_snapshot: 'snapshot removal',
  restore_snapshot: 'restore from snapshot',
}
export type Action = keyof typeof REQUESTED

/** One action that was accepted. Nothing refused is in the ledger: an entry means that it was asked for and taken on. */
export interface LedgerEntry {
  at: number
  action: Action
  vmId: number
  /** Null for the two reads. */
  name: string | null
  /** Null for stats. */
  type: string | null
  backupId: string | null
  /** Null when a list was answered at once. */
  callback: string | null
  /** When the task ends; null when it never will. */
  effectAt: number | null
  outcome: 'pending' | 'done' | 'failed'
  /** Snapshots that a restore or a rotation deleted for good, beside what was asked for. Not there when there are none. */
  discarded?: Snapshot[]
}

interface Task {
  entry: LedgerEntry
  endsAt: number
  /** Why it will fail, decided when it is accepted. */
  doom: string | null
  scope: unknown
  /** What its answers wear. */
  worn: readonly Dress[]
}

/** An answer in the vendor's plainest words, and what it has to wear. */
export interface Said {
  answer: Json
  worn: readonly Dress[]
  about: About
}

export interface CloudOptions extends SnapshotRules, ListOptions {
  /** A task ends this long after it was accepted (50), on a slow VM `slowTaskMs` (5000). */
  taskMs?: number
  slowTaskMs?: number
  /** By id; ids that are not here are refused. */
  vms?: Record<number, Partial<VmOptions>>
  /** get_snapshot answers at once with the list, as `scope`, and no callback. */
  immediateLists?: boolean
  /** What callback keys are drawn with. */
  draw?: Draw
}

/** Entries that are no snapshots have ids of their own, by their place in the ledger. */
const FIRST_UNFINISHED_ID = 1_000_000

const DEFAULT_VMS: Record<number, Partial<VmOptions>> = {
  1000: { power: 'off', snapshots: ['first'] },
  1001: { power: 'on' },
  1002: { behaviour: 'fails' },
  1003: { behaviour: 'slow' },
  1004: { power: 'off' },
}

/**
 * The VMs, the tasks on them and the callback keys: vm.php and eq_callback.php without HTTP.
 * No task has a timer. Whoever looks first has everything that is due by the clock carried out, in the order it falls
 * due, so a test that moves the clock sees exactly the state of that moment.
 */
export class Cloud {
  #options: CloudOptions
  #now: () => number
  #vms = new Map<number, VmState>()
  #ledger: LedgerEntry[] = []
  #pending: Task[] = []
  #keys = new Map<string, Task>()
  #lastSnapshotId = 500

  constructor(options: CloudOptions, now: () => number) {
    this.#options = options
    this.#now = now
    for (const [id, vm] of Object.entries(options.vms ?? DEFAULT_VMS)) this.setVm(Number(id), vm)
  }

  get ids(): number[] {
    return [...this.#vms.keys()]
  }

  get ledger(): LedgerEntry[] {
    this.#settle()
    return this.#ledger
  }

  /** The state as it is now; a copy, so that what a test holds does not change under it. */
  vm(id: number): VmState | undefined {
    this.#settle()
    return structuredClone(this.#vms.get(id))
  }

  setVm(id: number, options: Partial<VmOptions>): void {
    this.#settle()
    const { snapshots = [], ...known } = this.#vms.get(id) ?? {}
    const renewed = options.snapshots?.map(name => this.#snapshot(name, 'snapshot', this.#now()))
    const plain = { power: 'off', behaviour: 'normal' } as const
    this.#vms.set(id, { ...plain, ...known, ...options, snapshots: renewed ?? snapshots })
  }

  /** The VM of the task behind a callback key. */
  vmOfKey(key: string | undefined): number | undefined {
    return this.#keys.get(key ?? '')?.entry.vmId
  }

  forgetKeys(): void {
    this.#keys.clear()
  }

  /** vm.php, past the token. */
  call(fields: Record<string, string>, fault?: Fault): Said {
    this.#settle()
    const { action = '' } = fields
    const worn = dressesOf(fault)
    if (!isAction(action)) return refused(fields, 'invalid action', worn)
    const entry = this.#entry(action, fields)
    const vm = this.#vms.get(entry.vmId)
    const reason = invalid(entry, fields) ?? obstacle(entry, vm, this.#rules(vm))
    if (reason !== null) return refused(fields, reason, worn)

    const task = this.#task(entry, vm, fault)
    const answer = { result: 'OK', module: 'vm', action }
    const about = { reason: '', fields, ageMs: 0, context: {} }
    if (action === 'get_snapshot' && (this.#options.immediateLists || worn.some(({ atOnce }) => atOnce))) {
      if (task.doom !== null) return refused(fields, task.doom, worn)
      this.#carryOut(task)
      this.#ledger.push({ ...entry, effectAt: entry.at })
      const fitting = wornAt('call', worn).filter(({ told }) => told !== 'accepted')
      return { answer: { ...answer, scope: task.scope }, worn: fitting, about }
    }
    entry.effectAt = task.endsAt === Infinity ? null : task.endsAt
    this.#ledger.push(entry)
    this.#pending.push(task)
    const callback = worn.find(({ key }) => key)?.key?.() ?? randomKey(this.#options.draw)
    entry.callback = callback
    if (fault?.kind !== 'lose-key') this.#keys.set(callback, task)
    return { answer: { ...answer, callback }, worn: wornAt('call', worn), about }
  }

  /** eq_callback.php: the answer that tells the end of a task deletes its key. */
  check(fields: Record<string, string>, fault?: Fault): Said {
    this.#settle()
    const { key = '', stage = 'done' } = fields
    const task = this.#keys.get(key)
    if (fault?.kind === 'burn') this.#keys.delete(key)
    const worn = [...(task?.worn ?? []), ...dressesOf(fault)]
    const about = this.#about(task, fields)
    const say = (answer: Json, moment?: 'wait' | 'end') => ({ answer, worn: wornAt(moment, worn), about })
    if (fields.action !== 'check') return say({ code: -1, message: 'invalid action' })
    if (!task || !this.#keys.has(key)) return say({ code: -1, message: 'AsyncKey not found', key })
    const { entry, scope } = task
    const { context } = about
    // A stage on the way is looked at without an end to the key.
    if (stage !== 'done') return say({ result: 'OK', stage, scope: '', context, key })
    if (entry.outcome === 'pending') return say({ result: 'Not ready', key }, 'wait')
    this.#keys.delete(key)
    const result = entry.outcome === 'done' ? 'OK' : 'Error'
    const debug = `${entry.action} for ${entry.vmId} ${entry.outcome}`
    const said = say({ result, scope, context, debug, key }, 'end')
    // A dress of success never hides a failure, nor the other way round.
    const fitting = said.worn.filter(
      ({ told }) => told === 'same' || told === 'ambiguous' || told === entry.outcome,
    )
    return { ...said, worn: fitting }
  }

  #about(task: Task | undefined, fields: Record<string, string>): About {
    if (!task) return { reason: '', fields, ageMs: 0, context: {} }
    const { action, vmId: id, name, type, at, outcome } = task.entry
    return {
      reason: outcome === 'failed' ? String(task.scope) : '',
      fields,
      ageMs: this.#now() - at,
      context: { action, id, ...(name !== null && { name }), ...(type !== null && { type }) },
    }
  }

  #rules(vm: VmState | undefined): SnapshotRules {
    return { ...this.#options, ...vm }
  }

  #task(entry: LedgerEntry, vm: VmState | undefined, fault: Fault | undefined): Task {
    const { taskMs = 50, slowTaskMs = 5000 } = this.#options
    let lasts = vm?.behaviour === 'slow' ? slowTaskMs : taskMs
    if (fault?.kind === 'never-done') lasts = Infinity
    let doom = vm?.behaviour === 'fails' ? 'internal error' : null
    const fails = fault?.kind === 'task-fails' || !carriesOut(fault)
    if (fails) doom = fault?.reason ?? 'task failed'
    return { entry, endsAt: entry.at + lasts, doom, scope: null, worn: dressesOf(fault) }
  }

  #entry(action: Action, fields: Record<string, string>): LedgerEntry {
    const { id, name = '', type = 'snapshot', backup_id: backupId = null } = fields
    const isRead = action === 'get_snapshot' || action === 'load_stats'
    return {
      at: this.#now(),
      action,
      vmId: Number(id),
      name: isRead ? null : name,
      type: action === 'load_stats' ? null : type,
      backupId: action === 'restore_snapshot' ? backupId : null,
      callback: null,
      effectAt: null,
      outcome: 'pending',
    }
  }

  #settle(): void {
    const now = this.#now()
    const due = this.#pending.filter(({ endsAt }) => endsAt <= now).toSorted((a, b) => a.endsAt - b.endsAt)
    this.#pending = this.#pending.filter(({ endsAt }) => endsAt > now)
    for (const task of due) this.#carryOut(task)
  }

  /** Two creates of one name can both be accepted; only the first can still be carried out, so it is asked again here. */
  #carryOut(task: Task): void {
    const { entry } = task
    const vm = this.#vms.get(entry.vmId)
    const failure = task.doom ?? obstacle(entry, vm, this.#rules(vm))
    entry.outcome = failure === null ? 'done' : 'failed'
    task.scope = vm && failure === null ? this.#perform(task, vm) : failure
  }

  /** Changes the VM and returns the scope of the answer. */
  #perform({ entry, worn }: Task, vm: VmState): unknown {
    const { action, name, type, effectAt } = entry
    const discarded = discardedBy(entry, vm, this.#rules(vm))
    if (discarded.length > 0) {
      entry.discarded = discarded
      vm.snapshots = vm.snapshots.filter(snapshot => !discarded.includes(snapshot))
    }
    switch (action) {
      case 'create_snapshot':
        vm.snapshots.push(this.#snapshot(name ?? '', type ?? '', effectAt ?? entry.at))
        return `snapshot ${name} created`
      case 'remove_snapshot':
        vm.snapshots = vm.snapshots.filter(snapshot => !isNamed(snapshot, entry))
        return `snapshot ${name} removed`
      case 'restore_snapshot':
        return `server restored from snapshot ${name}`
      case 'get_snapshot':
        return listing(this.#listed(entry, vm), this.#options, worn)
      default:
        return stats(vm)
    }
  }

  /** The snapshots of one type that a list shows: with `showsUnfinished`, what is no snapshot yet, or never became one, too. */
  #listed({ vmId, type }: LedgerEntry, vm: VmState): Listed[] {
    const finished = vm.snapshots.filter(snapshot => snapshot.type === type)
    if (!this.#rules(vm).showsUnfinished) return finished
    const unfinished = this.#ledger.flatMap((entry, i): Listed[] => {
      const { name, at: date, outcome } = entry
      const isHere = entry.vmId === vmId && entry.type === type
      if (entry.action !== 'create_snapshot' || !isHere || name === null || outcome === 'done') return []
      const state = outcome === 'failed' ? 'failed' : 'creating'
      return [{ name, snapshot_id: FIRST_UNFINISHED_ID + i, type: entry.type ?? '', date, state }]
    })
    return [...finished.map(snapshot => ({ ...snapshot, state: 'ready' as const })), ...unfinished]
  }

  #snapshot(name: string, type: string, date: number): Snapshot {
    return { name, snapshot_id: ++this.#lastSnapshotId, type, date }
  }
}

/** The vendor's refusal, with the prefix that belongs to the action. */
function refusal(fields: Record<string, string>, reason: string): Json {
  const { action = '', id = '' } = fields
  return {
    code: -1,
    message: isAction(action) ? `failed to request ${REQUESTED[action]} for ${id} - ${reason}` : reason,
  }
}

const isAction = (action: string): action is Action => Object.hasOwn(REQUESTED, action)

/** What of the dresses is worn at this moment of a task, or, without one, by any answer. A list at once has its words at the call. */
const wornAt = (moment: Dress['on'] | undefined, worn: readonly Dress[]) =>
  worn.filter(({ on, atOnce }) => on === 'any' || on === moment || (moment === 'call' && atOnce))

/** A refusal, which no dress makes look like an acceptance. */
export function refused(fields: Record<string, string>, reason: string, worn: readonly Dress[]): Said {
  return {
    answer: refusal(fields, reason),
    worn: worn.filter(
      ({ on, told }) => on === 'any' || ((on === 'call' || on === 'login') && told !== 'accepted'),
    ),
    about: { reason, fields, ageMs: 0, context: {} },
  }
}

/** The two secrets are there on purpose: nothing named like one may come out of the gateway. */
const stats = ({ power }: VmState) => ({
  power,
  cpu: power === 'on' ? 12.5 : 0,
  mem: { total: 4_294_967_296, used: power === 'on' ? 1_610_612_736 : 0 },
  disk: { total: 64_424_509_440, used: 10_737_418_240 },
  net: { in: 123_456_789, out: 98_765_432 },
  vnc_password: 'simulated-vnc-secret',
  root_pass: 'simulated-root-secret',
})
