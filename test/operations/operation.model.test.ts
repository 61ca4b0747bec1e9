/**
 * Never lost, never twice: the real `Operations` on a real SQLite file, over a HOSTKEY that is driven by a generator.
 * Every call hangs until the generator answers it, time stands still until the generator moves it, and a crash leaves
 * the files as they are between two steps. After each command the invariants of contract §3 are checked.
 */

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Log } from '../../src/operations/engine.ts'
import type {
  CallOutcome,
  CheckOutcome,
  Done,
  Hostkey,
  ListedSnapshot,
  Task as Asked,
} from '../../src/operations/hostkey.ts'
import type { ChangeKind, ReadKind } from '../../src/operations/kinds/kind.ts'
import { KIND_NAMES, mutates } from '../../src/operations/kinds/kinds.ts'
import type { Operation } from '../../src/operations/operation.ts'
import { Operations } from '../../src/operations/operations.ts'
import { IDEMPOTENCY_TTL_MS } from '../../src/operations/start.ts'
import { requireStarted } from '../../src/http/failures.ts'
import { ApiProblem } from '../../src/http/problem.ts'
import { openSqliteStore } from '../../src/store/sqlite/open.ts'
import type { Store } from '../../src/operations/store.ts'
import { NO_TRACING } from '../../src/observability/tracing.ts'
import { checkpoints } from '../crash/checkpoints.ts'
import { propertyOptions } from '../store/store-model.ts'
import { realWorld } from '../../src/world.ts'

const T0 = 1_800_000_000_000
const TTL_MS = 3_600_000
const LEASE_MS = 70_000
/** The client's own limit: no call hangs longer. */
const TIMEOUT_MS = 15_000
const CLOCK_SKEW_MS = 5_000
const POLICY = {
  checkMinMs: 500,
  checkMaxMs: 15_000,
  deadlineMs: 600_000,
  settleMs: 60_000,
  keyGraceMs: { change: 0, read: 0 },
  readCalls: 3,
}
const EVERYTHING = {
  visible: { vmIds: '*' as const, kinds: KIND_NAMES, createdBy: '' },
  limit: 1_000,
}
const SILENT: Log = { info() {}, warn() {}, error() {} }

afterEach(() => void vi.useRealTimers())

// --- The truth -------------------------------------------------------------------------------------------------

type Fate = 'pending' | 'done' | 'failed'

/** What HOSTKEY took on: a mutation, or a read. Its effect comes when the generator says so. */
interface Task extends Asked {
  fate: Fate
  scope: unknown
}

type CallAnswer = 'accepted' | 'done' | 'refused' | 'unsent' | 'unauthorized' | 'lost-arrived' | 'lost-never'
type CheckAnswer = 'honest' | 'lost' | 'lost-burned' | 'unsent'

interface Exchange {
  untilMs: number
  /** Answers it, having done at HOSTKEY what goes with that answer. */
  answer: (call: CallAnswer, check: CheckAnswer) => void
}

/** HOSTKEY: the snapshots as they are, and which calls came for which intent. */
class Truth {
  /** `vm/name` of those that are there; and when and by whom it was made the last time, also of those that are gone. */
  readonly snapshots = new Set<string>()
  readonly born = new Map<string, { atMs: number; intent: string | undefined }>()
  readonly tasks: Task[] = []
  readonly keys = new Map<string, Task>()
  /** By intent: how often its call was made, and the task it became. */
  readonly calls = new Map<string, number>()
  readonly taken = new Map<string, Task>()
  /** By intent: how its call was answered. */
  readonly answers = new Map<string, CallAnswer>()
  exchanges: Exchange[] = []
  readonly isDated: boolean

  constructor(isDated: boolean, paths: string[]) {
    this.isDated = isDated
    for (const path of paths) this.make(path, undefined, T0 - 60_000)
  }

  /** A client of one gateway process; once that is dead, nothing it says arrives. */
  client(process: { dead: boolean }): Hostkey {
    const hang = <T>(act: (call: CallAnswer, check: CheckAnswer) => T): Promise<T> =>
      new Promise(resolve => {
        if (process.dead) return
        const answer: Exchange['answer'] = (call, check) => resolve(act(call, check))
        this.exchanges.push({ untilMs: Date.now() + TIMEOUT_MS, answer })
      })
    return {
      call: task => {
        const { action, params } = task
        const intent = params.backup_id
        if (intent && !process.dead) this.calls.set(intent, (this.calls.get(intent) ?? 0) + 1)
        // A list is as old as the question, however late the answer.
        const scope = action === 'get_snapshot' ? this.#list(params.id) : {}
        return hang(how => {
          if (intent) this.answers.set(intent, how)
          return this.#call(task, how, scope)
        })
      },
      check: callback => hang((_, how) => this.#check(callback, how)),
      pausedMs: () => 0,
      isAtLimit: () => false,
    }
  }

  finish(task: Task, well: boolean): void {
    const { action, params } = task
    const path = `${params.id}/${params.name}`
    const there = this.snapshots.has(path)
    if (action === 'get_snapshot') task.scope = this.#list(params.id)
    if (action === 'create_snapshot' && well && !there) this.make(path, params.backup_id)
    else if (action === 'remove_snapshot' && well && there) this.snapshots.delete(path)
    else if (action === 'create_snapshot' || action === 'remove_snapshot' || !well) task.fate = 'failed'
    if (task.fate === 'pending') task.fate = 'done'
  }

  make(path: string, intent?: string, atMs = Date.now()): void {
    this.snapshots.add(path)
    this.born.set(path, { atMs, intent })
  }

  #call(asked: Asked, how: CallAnswer, scope: unknown): CallOutcome {
    const { action, params } = asked
    const there = this.snapshots.has(`${params.id}/${params.name}`)
    const impossible =
      (action === 'create_snapshot' && there) ||
      ((action === 'remove_snapshot' || action === 'restore_snapshot') && !there)
    switch (how) {
      case 'unsent':
        return { kind: 'unsent', reason: 'connection refused' }
      case 'unauthorized':
        return { kind: 'unauthorized', message: 'invalid token' }
      case 'lost-never':
        return { kind: 'lost', reason: 'timeout', cause: 'timeout' }
      case 'lost-arrived':
        if (!impossible) this.#take(asked)
        return { kind: 'lost', reason: 'reset', cause: 'connection' }
      default: {
        if (how === 'refused' || impossible)
          return { kind: 'refused', reason: 'rejected', code: '-1', message: 'no' }
        const task = this.#take(asked)
        if (how === 'done') {
          this.finish(task, true)
          return doneOf(scope)
        }
        const callback = `key-${this.keys.size}`
        this.keys.set(callback, task)
        return { kind: 'accepted', callback }
      }
    }
  }

  #check(callback: string, how: CheckAnswer): CheckOutcome {
    if (how === 'unsent') return { kind: 'unsent', reason: 'connection refused' }
    if (how === 'lost') return { kind: 'lost', reason: 'timeout', cause: 'timeout' }
    const task = this.keys.get(callback)
    if (task?.fate === 'pending') return { kind: 'pending' }
    // Kept in the map without its task: the next key is another one.
    this.keys.set(callback, undefined as never)
    if (how === 'lost-burned') return { kind: 'lost', reason: 'reset', cause: 'connection' }
    if (!task) return { kind: 'gone' }
    return task.fate === 'done'
      ? doneOf(task.scope)
      : { kind: 'failed', reason: 'rejected', code: 'Error', message: 'it went wrong' }
  }

  #take(asked: Asked): Task {
    const task: Task = { ...asked, fate: 'pending', scope: {} }
    this.tasks.push(task)
    const { backup_id: intent } = asked.params
    if (intent) this.taken.set(intent, task)
    return task
  }

  #list(vmId: number): ListedSnapshot[] {
    return [...this.snapshots]
      .filter(path => path.startsWith(`${vmId}/`))
      .map(path => ({
        name: path.split('/')[1]!,
        id: null,
        type: 'snapshot',
        created_at: this.isDated ? new Date(this.born.get(path)!.atMs).toISOString() : null,
        isPresent: true,
        isDateCertain: true,
        raw: null,
      }))
  }
}

/** A list is read as what it is. */
function doneOf(scope: unknown): Done {
  return { kind: 'done', scope, snapshots: Array.isArray(scope) ? (scope as ListedSnapshot[]) : null }
}

// --- The commands ----------------------------------------------------------------------------------------------

type Command =
  | { do: 'start'; kind: ChangeKind; vm: number; name: string; caller: string; key: string | null }
  /** A start that carried a key, once more. */
  | { do: 'again'; pick: number }
  | { do: 'read'; kind: ReadKind; vm: number; waitMs: number; fresh: boolean }
  /** Of the calls that hang; -1 is the newest. */
  | { do: 'answer'; pick: number; call: CallAnswer; check: CheckAnswer }
  | { do: 'finish'; pick: number; well: boolean }
  /** Somebody makes or removes a snapshot past the gateway. */
  | { do: 'outsider'; vm: number; name: string }
  | { do: 'pass'; ms: number }
  /** Now, or between the n-th and the next step that the process makes. */
  | { do: 'crash'; afterSteps: number; arrived: boolean }
type Start = Command & { do: 'start' }
type Read = Command & { do: 'read' }

const vm = fc.integer({ min: 1, max: 2 })
const name = fc.constantFrom('a', 'b')
const pick = fc.integer({ min: -1, max: 20 })
const call = fc.constantFrom<CallAnswer>(
  ...(['accepted', 'accepted', 'done', 'done', 'refused', 'unsent', 'unauthorized'] as const),
  ...(['lost-arrived', 'lost-arrived', 'lost-never'] as const),
)
const check = fc.constantFrom<CheckAnswer>('honest', 'honest', 'honest', 'lost', 'lost-burned', 'unsent')

const start = fc.record({
  do: fc.constant('start'),
  kind: fc.constantFrom<ChangeKind>(
    ...(['snapshot.create', 'snapshot.create', 'snapshot.delete', 'snapshot.restore'] as const),
  ),
  vm,
  name,
  caller: fc.constantFrom('alice', 'bob'),
  key: fc.option(fc.constantFrom('k1', 'k2')),
})
const read = fc.record({
  do: fc.constant('read'),
  kind: fc.constantFrom<ReadKind>('snapshot.list', 'snapshot.list', 'stats.load'),
  vm,
  waitMs: fc.constantFrom(0, 10_000),
  fresh: fc.boolean(),
})
const answer = fc.record({ do: fc.constant('answer'), pick, call, check })
const finish = fc.record({ do: fc.constant('finish'), pick, well: fc.constantFrom(true, true, false) })
const outsider = fc.record({ do: fc.constant('outsider'), vm, name })
const pass = fc.record({
  do: fc.constant('pass'),
  ms: fc.constantFrom(600, 600, 2_000, 16_000, 61_000, 700_000, TTL_MS, IDEMPOTENCY_TTL_MS),
})
const crash = fc.record({ do: fc.constant('crash'), afterSteps: fc.nat({ max: 4 }), arrived: fc.boolean() })

const anything: fc.Arbitrary<Command[]> = fc
  .oneof(
    { weight: 5, arbitrary: start },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('again'), pick }) },
    { weight: 2, arbitrary: read },
    { weight: 8, arbitrary: answer },
    { weight: 4, arbitrary: finish },
    { weight: 1, arbitrary: outsider },
    { weight: 4, arbitrary: pass },
    { weight: 2, arbitrary: crash },
  )
  .map(command => [command])

/** What pure chance rarely gives: one mutation from a list before it to the look after it. */
const episode: fc.Arbitrary<Command[]> = fc
  .record({
    start,
    call,
    isListed: fc.boolean(),
    // By an outsider, while the list is under way or when it is there.
    touched: fc.constantFrom('not', 'early', 'late'),
    listMs: fc.constantFrom(0, 9_000),
    beforeMs: fc.constantFrom(0, 2_000, 16_000),
    crash: fc.option(crash),
    finish: fc.option(finish),
    afterMs: fc.constantFrom(600, 61_000),
  })
  .map(({ start: mutation, call: answered, crash: killed, finish: finished, ...how }) => {
    const newest = { do: 'answer', pick: -1, check: 'honest' } as const
    const { vm: id, name: named } = mutation
    const touch = (when: string): Command[] =>
      when === how.touched ? [{ do: 'outsider', vm: id, name: named }] : []
    const asked: Command = { do: 'read', kind: 'snapshot.list', vm: id, waitMs: 10_000, fresh: true }
    const waited: Command = { do: 'pass', ms: how.listMs }
    return [
      ...(how.isListed ? [asked] : []),
      ...touch('early'),
      ...(how.isListed ? [waited, { ...newest, call: 'done' } as const] : []),
      ...touch('late'),
      { do: 'pass', ms: how.beforeMs },
      mutation,
      ...(killed ? [killed] : []),
      { ...newest, call: answered },
      ...(finished ? [finished] : []),
      { do: 'pass', ms: how.afterMs },
      { ...newest, call: 'done' },
    ]
  })

const script = fc
  .array(fc.oneof({ weight: 6, arbitrary: anything }, { weight: 1, arbitrary: episode }), {
    maxLength: 50,
    size: 'max',
  })
  .map(parts => parts.flat())

// --- The gateway, and what must hold ----------------------------------------------------------------------------

interface Process {
  dead: boolean
  /** Of its callers, not answered yet. */
  requests: number
  directory: string
  store: Store
  operations: Operations
}

/** What a caller was told of its request. */
interface Told {
  operationId: string | undefined
  code?: string
  replayed?: boolean
  rev?: number
}

interface KnownKey {
  operationId: string
  fingerprint: string
  untilMs: number
}

class World {
  readonly #hostkey: Truth
  readonly #random: () => number
  #process!: Process
  #crash: { afterSteps: number; arrived: boolean } | null = null
  #intents = 0
  /** By operation: the intent its start carried. */
  readonly #intentOf = new Map<string, string>()
  /** Each operation as it was when it was last seen. */
  #seen = new Map<string, Operation>()
  /** Those whose id was given to somebody. */
  readonly #told = new Set<string>()
  readonly #keys = new Map<string, KnownKey>()
  readonly #keyed: Start[] = []
  #bug: unknown

  constructor(hostkey: Truth, random: () => number) {
    this.#hostkey = hostkey
    this.#random = random
  }

  open(directory: string): void {
    // Processes die here, not machines: what the kernel has is kept, and no thread answers past the clock of the test.
    const sync = (_fd: number, taken: (error: null) => void): void => taken(null)
    const store = openSqliteStore(join(directory, 'gateway.db'), Date.now(), { sync })
    const process: Process = { dead: false, requests: 0, directory, store, operations: undefined! }
    const { wrapStore, wrapHostkey } = checkpoints((point, { id, backupId }) => {
      if (process.dead) return
      if (point === 'intent-stored') this.#intentOf.set(id!, backupId!)
      if (this.#crash && (this.#crash.afterSteps -= 1) === 0) this.#kill()
    })
    process.operations = new Operations({
      store: wrapStore(store),
      hostkey: wrapHostkey(this.#hostkey.client(process)),
      policy: POLICY,
      world: { ...realWorld, random: this.#random },
      log: SILENT,
      tracing: NO_TRACING.operations,
      leaseMs: LEASE_MS,
      readCacheMs: 1_000,
      watchConcurrency: 4,
      ttlMs: TTL_MS,
    })
    this.#process = process
    process.operations.run()
  }

  close(): Promise<void> {
    this.#process.dead = true
    const nowMs = Date.now()
    // Which also sets the clock back.
    vi.clearAllTimers()
    vi.setSystemTime(nowMs)
    return this.#process.store.close()
  }

  async run(command: Command): Promise<void> {
    switch (command.do) {
      case 'start':
        if (command.key !== null) this.#keyed.push(command)
        await this.#start(command)
        break
      case 'again': {
        const first = at(this.#keyed, command.pick)
        if (first) await this.#start(first)
        break
      }
      case 'read':
        await this.#read(command)
        break
      case 'answer': {
        const exchange = at(this.#hostkey.exchanges, command.pick)
        this.#hostkey.exchanges = this.#hostkey.exchanges.filter(other => other !== exchange)
        exchange?.answer(command.call, command.check)
        break
      }
      case 'finish': {
        const pending = this.#hostkey.tasks.filter(task => task.fate === 'pending')
        const task = at(pending, command.pick)
        if (task) this.#hostkey.finish(task, command.well)
        break
      }
      case 'outsider': {
        const path = `${command.vm}/${command.name}`
        if (!this.#hostkey.snapshots.delete(path)) this.#hostkey.make(path)
        break
      }
      case 'pass':
        await this.#pass(command.ms)
        break
      case 'crash':
        this.#crash = { ...command }
        if (command.afterSteps === 0) this.#kill()
        break
    }
    await this.#settle()
    if (this.#process.dead) await this.#reopen()
    await this.#check()
  }

  /** Everything goes well from here on: all operations end, and after their time they are gone. */
  async drain(): Promise<void> {
    this.#crash = null
    const hostkey = this.#hostkey
    const isQuiet = (): boolean =>
      this.#process.requests === 0 && [...this.#seen.values()].every(op => op.status !== 'running')
    for (let i = 0; i < 20 && !isQuiet(); i += 1) {
      for (const task of hostkey.tasks) if (task.fate === 'pending') hostkey.finish(task, true)
      for (const { answer } of hostkey.exchanges.splice(0)) answer('done', 'honest')
      await this.#settle()
      // Not as long as a call hangs: what is asked in it is answered in the next round.
      await this.#pass(TIMEOUT_MS - 1)
    }
    expect([...this.#seen.values()].filter(op => op.status === 'running')).toEqual([])
    for (const ms of [IDEMPOTENCY_TTL_MS + TTL_MS, 31_000, 31_000]) await this.#pass(ms)
    expect(this.#seen.size).toBe(0)
  }

  async #start({ kind, vm, name, caller, key }: Start): Promise<void> {
    const fingerprint = `${kind} ${vm} ${name}`
    const keyName = `${caller} ${key}`
    const expected = this.#expected(vm, fingerprint, this.#keys.get(keyName))
    const intent = `intent-${(this.#intents += 1)}`
    const process = this.#process
    let told: Told | undefined
    const request = { kind, vmId: vm, snapshot: name, snapshotType: 'snapshot', backupId: intent, caller }
    const idempotencyKey = key === null ? null : { key, fingerprint }
    this.#inBackground(async () => {
      const answer = await answerOf(process.operations.start({ ...request, idempotencyKey }))
      if (process.dead) return
      told = answer
      await this.#checkAnswer(answer, intent)
      // A busy or half-started operation may still turn out never to have left.
      const isHint = answer.code === 'vm-busy' || answer.code === 'idempotency-in-progress'
      if (answer.operationId && !isHint) this.#told.add(answer.operationId)
    })
    await this.#settle()
    const operationId = [...this.#intentOf].find(([, other]) => other === intent)?.[0]
    if (operationId && key !== null)
      this.#keys.set(keyName, { operationId, fingerprint, untilMs: Date.now() + IDEMPOTENCY_TTL_MS })
    if (process.dead) return
    expect(told).toEqual(expected)
    expect(this.#hostkey.calls.get(intent) ?? 0).toBe(expected ? 0 : 1)
  }

  /** What a caller hears is stored by then; and what was never sent is as if it had never been asked. */
  async #checkAnswer({ operationId, code, rev }: Told, intent: string): Promise<void> {
    const how = this.#hostkey.answers.get(intent)
    if (how === undefined) return
    const wasNeverSent = how === 'unsent' || how === 'unauthorized'
    expect(operationId === undefined, `${how} is told as ${code}`).toBe(wasNeverSent)
    const { store } = this.#process
    const id = [...this.#intentOf].find(([, other]) => other === intent)![0]
    const stored = await store.get(id)
    if (wasNeverSent) expect(stored).toBeUndefined()
    else if (code) expect(stored).not.toMatchObject({ status: 'running' })
    else expect(stored!.rev).toBeGreaterThanOrEqual(rev!)
  }

  /** What must be told at once; undefined when it has to be sent. */
  #expected(vm: number, fingerprint: string, known: KnownKey | undefined): Told | undefined {
    const first = known && known.untilMs > Date.now() ? this.#seen.get(known.operationId) : undefined
    if (known && first) {
      if (known.fingerprint !== fingerprint) return { operationId: undefined, code: 'idempotency-key-reused' }
      return first.step === 'call'
        ? { operationId: first.id, code: 'idempotency-in-progress' }
        : { operationId: first.id, replayed: true, rev: first.rev }
    }
    const holder = [...this.#seen.values()].find(
      op => op.vmId === vm && mutates(op) && op.status === 'running',
    )
    return holder && { operationId: holder.id, code: 'vm-busy' }
  }

  async #read({ kind, vm, waitMs, fresh }: Read): Promise<void> {
    const process = this.#process
    const request = { kind, vmId: vm, type: kind === 'stats.load' ? null : 'snapshot', caller: 'alice' }
    this.#inBackground(async () => {
      const { operation } = await process.operations.read({ ...request, waitMs, fresh })
      // One that ended in time leaves nothing behind.
      if (!process.dead && operation.status === 'running') this.#told.add(operation.id)
    })
    await this.#settle()
  }

  /** A request, which ends many commands later, if ever; a bug in it fails the command under which it shows. */
  #inBackground(request: () => Promise<void>): void {
    const process = this.#process
    process.requests += 1
    request()
      .catch((error: unknown) => (this.#bug = error))
      .finally(() => (process.requests -= 1))
  }

  /** Moves the clock, past the end of every call's patience on the way. */
  async #pass(ms: number): Promise<void> {
    const untilMs = Date.now() + ms
    while (Date.now() < untilMs && !this.#process.dead) {
      const { exchanges } = this.#hostkey
      const nextMs = Math.min(untilMs, ...exchanges.map(exchange => exchange.untilMs))
      vi.advanceTimersByTime(nextMs - Date.now())
      this.#hostkey.exchanges = exchanges.filter(exchange => exchange.untilMs > nextMs)
      for (const { untilMs: endMs, answer } of exchanges) if (endMs <= nextMs) answer('lost-arrived', 'lost')
      await this.#settle()
      if (!this.#process.dead) await this.#check()
    }
  }

  /** Until nothing moves any more by itself. A step takes a turn for its write, and an answered call a few of them. */
  async #settle(): Promise<void> {
    for (let turns = 0; turns < 6; turns += 1) {
      await new Promise(resolve => setImmediate(resolve))
      if (!this.#process.dead) vi.advanceTimersByTime(0)
    }
    if (this.#bug) throw this.#bug
  }

  /** SIGKILL: the files stay as they are in this moment. */
  #kill(): void {
    const left = this.#process.directory
    this.#process.directory = `${left}+`
    cpSync(left, this.#process.directory, { recursive: true })
    rmSync(left, { recursive: true })
    this.#process.dead = true
    // What was under way has reached HOSTKEY, or has not; nobody hears the answer.
    for (const { answer } of this.#hostkey.exchanges.splice(0))
      answer(this.#crash?.arrived ? 'lost-arrived' : 'lost-never', 'lost-burned')
    this.#crash = null
    // Claims end with the process, and the revisions that they made with them.
    for (const [id, op] of this.#seen) if (op.status === 'running') this.#seen.set(id, { ...op, rev: 1 })
  }

  async #reopen(): Promise<void> {
    const { directory } = this.#process
    await this.close()
    this.open(directory)
    await this.#settle()
  }

  async #check(): Promise<void> {
    const nowMs = Date.now()
    const stored = new Map((await this.#process.store.list(EVERYTHING)).map(op => [op.id, op]))

    for (const id of this.#told) {
      if (stored.has(id)) continue
      const last = this.#seen.get(id)
      expect(last, `${id} was told to its caller but never stored`).toBeDefined()
      expect(last!.finishedAtMs ?? Infinity, `${id} is lost`).toBeLessThan(nowMs - TTL_MS)
      for (const key of this.#keys.values())
        if (key.operationId === id) expect(key.untilMs).toBeLessThanOrEqual(nowMs)
      this.#told.delete(id)
    }

    const holders = [...stored.values()]
      .filter(op => mutates(op) && op.status === 'running')
      .map(op => op.vmId)
    expect(new Set(holders).size, 'one mutation a VM').toBe(holders.length)

    for (const [id, intent] of this.#intentOf)
      expect(this.#hostkey.calls.get(intent) ?? 0, `${id} was sent more than once`).toBeLessThanOrEqual(1)

    for (const [id, op] of stored) {
      const before = this.#seen.get(id)
      if (before && before.status !== 'running') {
        expect(op).toEqual(before)
        continue
      }
      if (before) expect(op.rev).toBeGreaterThanOrEqual(before.rev)
      if (op.status === 'running')
        expect(op).toMatchObject({ step: expect.any(String), dueAtMs: expect.any(Number) })
      else this.#checkEnd(op)
    }
    this.#seen = stored
  }

  #checkEnd(op: Operation): void {
    expect(op).toMatchObject({ step: null, callback: null, dueAtMs: null, lookUntilMs: null })
    expect(op.finishedAtMs).toBe(op.updatedAtMs)
    expect(op.failure === null).toBe(op.status === 'succeeded')
    if (!mutates(op)) return
    const fate = this.#hostkey.taken.get(op.backupId!)?.fate
    if (op.status === 'failed')
      expect([undefined, 'failed'], `${op.kind} is said to have failed`).toContain(fate)
    if (op.status === 'succeeded' && fate !== 'done')
      expect(this.#looksDone(op), `${op.kind} is said to have succeeded, but is ${fate}`).toBe(true)
  }

  /**
   * What no look can tell from success: another hand did the same. For a create, since it was asked for; where lists
   * carry no dates, since the list that was read before it, but not by an operation that is known to have made it.
   */
  #looksDone(op: Operation): boolean {
    const { snapshots, born, isDated } = this.#hostkey
    const path = `${op.vmId}/${op.snapshot}`
    const last = born.get(path)
    if (op.kind === 'snapshot.delete') return !snapshots.has(path) || last!.atMs >= op.createdAtMs
    if (op.kind !== 'snapshot.create' || !last) return false
    if (isDated) return last.atMs >= op.createdAtMs - CLOCK_SKEW_MS
    const maker = [...this.#seen.values()].find(other => other.backupId === last.intent)
    return last.atMs >= (op.evidence?.atMs ?? Infinity) && maker?.status !== 'succeeded'
  }
}

function at<T>(list: readonly T[], pick: number): T | undefined {
  return list.at(pick < 0 ? pick : pick % (list.length || 1))
}

/** In memory where the machine has such: here a crash is a copy and no power cut, and syncing takes most of the time. */
function newDirectory(): string {
  try {
    return mkdtempSync('/dev/shm/gateway-model-')
  } catch {
    return mkdtempSync(join(tmpdir(), 'gateway-model-'))
  }
}

async function answerOf(start: ReturnType<Operations['start']>): Promise<Told> {
  try {
    const started = await start
    const operation = requireStarted(started, Date.now())
    return { operationId: operation.id, replayed: started.kind === 'replayed', rev: operation.rev }
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error
    return { operationId: error.operationId ?? undefined, code: error.code }
  }
}

/** Runs the commands, then lets all come to its end. */
async function play(hostkey: Truth, commands: Command[], random = () => 0.5): Promise<void> {
  // The store answers in real turns of the event loop; timers wait for the commands.
  vi.useFakeTimers({ now: T0, toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  const world = new World(hostkey, random)
  const directory = newDirectory()
  world.open(join(directory, 'data'))
  try {
    for (const command of commands) await world.run(command)
    await world.drain()
  } finally {
    await world.close()
    rmSync(directory, { recursive: true })
  }
}

test('no operation is lost, sent twice, or told wrong, whatever happens', { timeout: 600_000 }, () =>
  fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.subarray(['1/a', '1/b', '2/a', '2/b']),
      fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      script,
      (isDated, paths, randoms, commands) =>
        play(new Truth(isDated, paths), commands, () => randoms.next().value),
    ),
    propertyOptions(200),
  ),
)

describe('a list says nothing of before a mutation, if the mutation before it was not over when it was asked for', () => {
  const create: Command = {
    do: 'start',
    kind: 'snapshot.create',
    vm: 1,
    name: 'a',
    caller: 'alice',
    key: null,
  }
  const list: Command = { do: 'read', kind: 'snapshot.list', vm: 1, waitMs: 10_000, fresh: true }
  const finish: Command = { do: 'finish', pick: 0, well: true }
  const pass: Command = { do: 'pass', ms: 600 }
  const answer = (pick: number, how: CallAnswer): Command => ({
    do: 'answer',
    pick,
    call: how,
    check: 'honest',
  })
  const checked = [finish, pass, answer(-1, 'done')]
  const again = [create, answer(-1, 'lost-never'), pass, answer(-1, 'done')]

  test.each<[string, Command[]]>([
    ['asked and answered meanwhile', [create, answer(-1, 'accepted'), list, answer(-1, 'done'), ...checked]],
    ['asked before, answered after', [list, create, answer(-1, 'accepted'), ...checked, answer(0, 'done')]],
  ])('%s', async (_, commands) => {
    await expect(play(new Truth(false, []), [...commands, ...again])).resolves.toBeUndefined()
  })
})
