import type { Fault } from './faults.ts'
import { randomKey } from './tokens.ts'

export interface VmOptions {
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
}

interface Task {
  entry: LedgerEntry
  endsAt: number
  /** Why it will fail, decided when it is accepted. */
  doom: string | null
  scope: unknown
}

export interface CloudOptions {
  /** A task ends this long after it was accepted (50), on a slow VM `slowTaskMs` (5000). */
  taskMs?: number
  slowTaskMs?: number
  /** By id; ids that are not here are refused. */
  vms?: Record<number, Partial<VmOptions>>
  /** get_snapshot answers at once with the list, as `scope`, and no callback. */
  immediateLists?: boolean
  /** How list entries show their `date`; `iso` when not given. */
  dateFormat?: 'iso' | 'unix' | 'sql'
}

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
    const { power = 'off', behaviour = 'normal', snapshots = [] } = this.#vms.get(id) ?? {}
    const renewed = options.snapshots?.map(name => this.#snapshot(name, 'snapshot', this.#now()))
    this.#vms.set(id, { power, behaviour, ...options, snapshots: renewed ?? snapshots })
  }

  /** The VM of the task behind a callback key. */
  vmOfKey(key: string | undefined): number | undefined {
    return this.#keys.get(key ?? '')?.entry.vmId
  }

  forgetKeys(): void {
    this.#keys.clear()
  }

  /** vm.php, past the token. */
  call(fields: Record<string, string>, fault?: Fault): object {
    this.#settle()
    const { action = '' } = fields
    if (!isAction(action)) return { code: -1, message: 'invalid action' }
    const vm = this.#vms.get(Number(fields.id))
    const entry = this.#entry(action, fields)
    const reason = invalid(entry, fields) ?? obstacle(entry, vm)
    if (reason !== null) return refusal(fields, reason)

    const { taskMs = 50, slowTaskMs = 5000, immediateLists } = this.#options
    let lasts = vm?.behaviour === 'slow' ? slowTaskMs : taskMs
    if (fault?.kind === 'never-done') lasts = Infinity
    let doom = vm?.behaviour === 'fails' ? 'internal error' : null
    if (fault?.kind === 'task-fails') doom = fault.reason ?? 'task failed'
    const task: Task = { entry, endsAt: entry.at + lasts, doom, scope: null }
    const answer = { result: 'OK', module: 'vm', action }

    if (action === 'get_snapshot' && immediateLists) {
      if (doom !== null) return refusal(fields, doom)
      this.#carryOut(task)
      this.#ledger.push({ ...entry, effectAt: entry.at })
      return { ...answer, scope: task.scope }
    }
    entry.effectAt = lasts === Infinity ? null : task.endsAt
    this.#ledger.push(entry)
    this.#pending.push(task)
    const callback = randomKey()
    entry.callback = callback
    if (fault?.kind !== 'lose-key') this.#keys.set(callback, task)
    return { ...answer, callback }
  }

  /** eq_callback.php: the answer that tells the end of a task deletes its key. */
  check(fields: Record<string, string>, fault?: Fault): object {
    this.#settle()
    if (fields.action !== 'check') return { code: -1, message: 'invalid action' }
    const { key = '' } = fields
    if (fault?.kind === 'burn') this.#keys.delete(key)
    const task = this.#keys.get(key)
    if (!task) return { code: -1, message: 'AsyncKey not found', key }
    const { entry, scope } = task
    if (entry.outcome === 'pending') return { result: 'Not ready', key }
    this.#keys.delete(key)
    const { action, vmId: id, name, type, outcome } = entry
    const context = { action, id, ...(name !== null && { name }), ...(type !== null && { type }) }
    const debug = `${action} for ${id} ${outcome}`
    return { result: outcome === 'done' ? 'OK' : 'Error', scope, context, debug, key }
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
    const failure = task.doom ?? obstacle(entry, vm)
    entry.outcome = failure === null ? 'done' : 'failed'
    task.scope = vm && failure === null ? this.#perform(entry, vm) : failure
  }

  /** Changes the VM and returns the scope of the answer. */
  #perform(entry: LedgerEntry, vm: VmState): unknown {
    const { action, name, type, effectAt } = entry
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
        return vm.snapshots
          .filter(snapshot => snapshot.type === type)
          .map(snapshot => ({ ...snapshot, date: this.#formatDate(snapshot.date), size: 10_737_418_240 }))
      default:
        return stats(vm)
    }
  }

  #snapshot(name: string, type: string, date: number): Snapshot {
    return { name, snapshot_id: ++this.#lastSnapshotId, type, date }
  }

  #formatDate(ms: number): string | number {
    const iso = new Date(ms).toISOString()
    const { dateFormat = 'iso' } = this.#options
    return { iso, unix: Math.floor(ms / 1000), sql: iso.slice(0, 19).replace('T', ' ') }[dateFormat]
  }
}

/** The vendor's refusal, with the prefix that belongs to the action. */
export function refusal(fields: Record<string, string>, reason: string): object {
  const { action = '', id = '' } = fields
  return {
    code: -1,
    message: isAction(action) ? `failed to request ${REQUESTED[action]} for ${id} - ${reason}` : reason,
  }
}

const isAction = (action: string): action is Action => Object.hasOwn(REQUESTED, action)

const isNamed = (snapshot: Snapshot, entry: LedgerEntry) =>
  snapshot.name === entry.name && snapshot.type === entry.type

/** What is wrong with the fields themselves. The raw id is looked at: `Number` would take `1e3` for 1000. */
function invalid({ name, type }: LedgerEntry, { id = '' }: Record<string, string>): string | null {
  if (!/^[1-9]\d{0,9}$/.test(id)) return 'invalid id'
  if (name !== null && !/^[\w.-]{1,255}$/.test(name)) return 'invalid name'
  if (type !== null && !/^[\w.-]{1,64}$/.test(type)) return 'invalid type'
  return null
}

/** What stands in the way of the action on the VM as it is now. */
function obstacle(entry: LedgerEntry, vm: VmState | undefined): string | null {
  const { action, name } = entry
  if (!vm) return 'server not found'
  if (name === null) return null
  const exists = vm.snapshots.some(snapshot => isNamed(snapshot, entry))
  if (action === 'create_snapshot') return exists ? `snapshot ${name} already exists` : null
  if (action === 'remove_snapshot' && vm.power === 'on') return 'server must be powered off'
  return exists ? null : `snapshot ${name} not found`
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
