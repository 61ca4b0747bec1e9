/**
 * Every action under every fault: what a caller gets who waits, how the operation ends, how often HOSTKEY was asked,
 * and that all is well again afterwards. What was seen are the tables of
 * `docs/faults.md`: a test compares them, and `UPDATE_FAULTS=1 npm test -- test/faults.test.ts` writes them.
 */

import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { expect, onTestFinished, test } from 'vitest'
import type { GatewayOverrides } from '../src/gateway.ts'
import { MAX_ANSWER_BYTES } from '../src/upstream/transport.ts'
import type { Fault } from '../src/simulator/simulator.ts'
import { openWay, type Break } from './broken-way.ts'
import { checkpoints } from './crash/checkpoints.ts'
import {
  ended,
  mutations,
  startWorld,
  temporaryDirectory,
  TOKEN,
  upstreamCalls,
  type Answer,
  type World,
  type WorldOptions,
} from './helper.ts'
import { realWorld } from '../src/world.ts'

interface Action {
  column: string
  action: string
  mutates: boolean
  method: string
  path: string
  body?: object
}

const ACTIONS: Action[] = [
  {
    column: 'create',
    action: 'create_snapshot',
    mutates: true,
    method: 'POST',
    path: '/snapshots',
    body: { name: 'new' },
  },
  { column: 'delete', action: 'remove_snapshot', mutates: true, method: 'DELETE', path: '/snapshots/old' },
  {
    column: 'restore',
    action: 'restore_snapshot',
    mutates: true,
    method: 'POST',
    path: '/snapshots/old/restore',
  },
  { column: 'list', action: 'get_snapshot', mutates: false, method: 'GET', path: '/snapshots' },
  { column: 'stats', action: 'load_stats', mutates: false, method: 'GET', path: '/stats' },
]
const COLUMNS = ACTIONS.map(({ column }) => column)

/** Where a fault strikes: the call of vm.php, or the check of the callback key. */
const PLACES = ['call', 'check'] as const
type Place = (typeof PLACES)[number]

const HTML = '<html><h1>Fatal error</h1></html>'
const HUGE_BYTES = 50_000_000
const HUGE = '50 MB of JSON'
const HOUR_MS = 3_600_000

/** Faults of single exchanges, made by the simulator. */
const exchangeFaults = (elsewhere: string): Record<string, Omit<Fault, 'action' | 'vmId'>> => ({
  'reset after sending': { kind: 'drop-after' },
  'hang in the headers': { kind: 'hang' },
  'hang in the body': { kind: 'hang-body' },
  'HTTP 500 with HTML': { kind: 'respond', status: 500, body: HTML },
  'HTTP 200 with HTML': { kind: 'respond', body: HTML },
  'truncated JSON': { kind: 'respond', body: '{"result":"OK","module":"vm","callb' },
  'JSON of another shape': { kind: 'respond', body: '{"status":"success","data":[]}' },
  [HUGE]: { kind: 'huge', bytes: HUGE_BYTES },
  'redirect elsewhere': { kind: 'respond', status: 307, headers: { location: elsewhere }, body: '' },
})
/** Faults of the connection. */
const WAYS: Record<string, Break> = {
  'connection refused': 'refuse',
  'hang in connect': 'hang',
  'reset before sending': 'reset',
}
const TOKENS = {
  expired: 'fixed token expired',
  wrong: 'wrong token for good',
  renewed: 'token of an API key expired',
  wrongKey: 'wrong API key for good',
}
const CLOCKS: Record<string, number> = {
  'clock jumps 3 h ahead': 3 * HOUR_MS,
  'clock falls 3 h back': -3 * HOUR_MS,
}
const FAULTS = [WAYS, exchangeFaults(''), CLOCKS].flatMap(Object.keys).concat(Object.values(TOKENS))

/** What was seen: place, fault and column to cell. */
const seen: Record<Place, Map<string, Map<string, string>>> = { call: new Map(), check: new Map() }

function record(place: Place, fault: string, column: string, cell: string): void {
  const row = seen[place].get(fault) ?? new Map<string, string>()
  seen[place].set(fault, row.set(column, cell))
}

/** A gateway whose circuit stays closed, so that cells do not shed each other; tasks are done at once. */
const start = ({ env, overrides, ...options }: WorldOptions = {}): Promise<World> =>
  startWorld({
    simulator: { taskMs: 0 },
    ...options,
    env: { HOSTKEY_CONCURRENCY: '256', LOG_LEVEL: 'error', ...env },
    overrides: { breakerFailures: Infinity, ...overrides },
  })

let lastVmId = 5000
/** A VM of its own for each cell, with a snapshot to delete and to restore from. */
function newVm(world: World): number {
  lastVmId += 1
  world.simulator.setVm(lastVmId, { snapshots: ['old'] })
  return lastVmId
}

const ask = (world: World, { method, path, body }: Action, vmId: number, waitS = 20): Promise<Answer> =>
  world.call(method, `/vms/${vmId}${path}`, { headers: { prefer: `wait=${waitS}` }, body })

/** The cell of a call that was answered; holds against HOSTKEY's own books what its caller was told. */
async function judge(
  world: World,
  { action, mutates }: Action,
  vmId: number,
  answer: Answer,
): Promise<string> {
  const title = `${action} of VM ${vmId}`
  // Waited for, a change leaves one operation or, surely not sent, none; a read never leaves one.
  const { operations } = (await world.call('GET', `/operations?vm_id=${vmId}`)).body
  expect(operations.length, title).toBeLessThanOrEqual(mutates ? 1 : 0)
  const end = mutates && operations[0] ? (await ended(world, operations[0].id)).status : undefined
  expect(['succeeded', 'unknown', undefined], title).toContain(end)

  if (mutates) {
    const sent = upstreamCalls(world, action).filter(({ fields }) => fields.id === String(vmId))
    // Once; once more only where the token was refused, and then with another one.
    expect(new Set(sent.map(({ fields }) => fields.token)).size, title).toBe(sent.length)
    const happened = mutations(world).filter(one => one.vmId === vmId).length
    expect(happened, title).toBeLessThanOrEqual(1)
    if (end === 'succeeded') expect(happened, title).toBe(1)
    if (end === undefined) expect(happened, title).toBe(0)
  }
  expect(answer.text.length, title).toBeLessThan(4_096)
  const { status, body } = answer
  return [body.code ? `${status} ${body.code}` : `${status}`, ...(end ? [end] : [])].join(' / ')
}

/** The fault is over: another VM is served as if nothing had been. */
async function recovered(world: World, after: string): Promise<void> {
  const { status } = await world.call('GET', `/vms/${newVm(world)}/stats`)
  expect(status, `after ${after}`).toBe(200)
}

/** Judges cells that were answered one after another, each with what comes after it. */
async function settle(
  world: World,
  place: Place,
  fault: string,
  cells: readonly { action: Action; vmId: number }[],
  answers: readonly Answer[],
): Promise<void> {
  for (const [i, { action, vmId }] of cells.entries()) {
    record(place, fault, action.column, await judge(world, action, vmId, answers[i]!))
    await recovered(world, `${fault} at the ${place} of ${action.action}`)
  }
}

/** One cell of what was seen with and without effect. */
function either(first: string, second: string): string {
  if (first === second) return first
  const [[answer, end], [otherAnswer, otherEnd]] = [first.split(' / '), second.split(' / ')]
  return answer === otherAnswer ? `${answer} / ${end} or ${otherEnd}` : `${first} or ${second}`
}

/** Lets the test act between two steps of the operations of these VMs. */
function checkpoint(
  reached: (vmId: number, nth: number, step: string) => Promise<void> | void,
): GatewayOverrides {
  const visits = new Map<string, number>()
  return checkpoints((step, { vmId }) => {
    const nth = (visits.get(`${step} ${vmId}`) ?? 0) + 1
    visits.set(`${step} ${vmId}`, nth)
    return reached(vmId, nth, step)
  })
}

/** Resolves once each of these has arrived. */
function gathering(vmIds: number[]): { arrive: (vmId: number) => void; complete: Promise<void> } {
  const missing = new Set(vmIds)
  const { promise, resolve } = Promise.withResolvers<void>()
  return {
    complete: promise,
    arrive(vmId) {
      missing.delete(vmId)
      if (missing.size === 0) resolve()
    },
  }
}

async function exchanges(): Promise<void> {
  const elsewhere = createServer((_req, res) => res.end('{}'))
  let visitors = 0
  elsewhere.on('connection', () => (visitors += 1)).listen(0, '127.0.0.1')
  await once(elsewhere, 'listening')
  onTestFinished(() => void elsewhere.close())
  const faults = exchangeFaults(`http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/vm.php`)
  // Time is short only where it is waited for: for an answer where it hangs, for a look where the call is hit.
  const worlds = new Map<string, World>()
  const hangs = (name: string): boolean => name.startsWith('hang')
  for (const place of PLACES)
    for (const isHurried of [true, false]) {
      const env = {
        CHECK_MAX_MS: '500',
        ...(place === 'call' && { OPERATION_DEADLINE_MS: '3000' }),
        ...(isHurried && { HOSTKEY_TIMEOUT_MS: '1500' }),
      }
      worlds.set(`${place} ${isHurried}`, await start({ env }))
    }
  const worldOf = (place: Place, name: string): World => worlds.get(`${place} ${hangs(name)}`)!
  const over: (() => Promise<void>)[] = []
  let hugeAnswers = 0

  const measure = async (place: Place, name: string, action: Action, acts: boolean): Promise<string> => {
    const world = worldOf(place, name)
    const vmId = newVm(world)
    // Every try of a call meets it; of a key the first check, which may burn it.
    const where = place === 'call' ? { action: action.action, times: 1_000 } : { action: 'check', times: 1 }
    world.simulator.fault({ ...faults[name]!, ...where, vmId, acts })
    const answer = await ask(world, action, vmId)
    if (name === HUGE && place === 'call')
      hugeAnswers += upstreamCalls(world, action.action).filter(
        ({ fields }) => fields.id === String(vmId),
      ).length
    return judge(world, action, vmId, answer)
  }
  // What hangs goes first, so that its time does not run while the rest is started.
  const names = Object.keys(faults).toSorted((a, b) => Number(hangs(b)) - Number(hangs(a)))
  await Promise.all(
    PLACES.flatMap(place =>
      names.flatMap(name =>
        ACTIONS.map(async action => {
          const cells = await Promise.all([true, false].map(acts => measure(place, name, action, acts)))
          record(place, name, action.column, either(cells[0]!, cells[1]!))
          over.push(() => recovered(worldOf(place, name), `${name} at the ${place} of ${action.action}`))
        }),
      ),
    ),
  )
  await Promise.all(over.map(check => check()))
  expect(visitors).toBe(0)
  // Cut at 1 MiB; what more was sent stayed in the kernel's buffers.
  const { bytesSent } = worlds.get('call false')!.simulator
  expect(bytesSent).toBeGreaterThan(hugeAnswers * MAX_ANSWER_BYTES)
  expect(bytesSent).toBeLessThan(hugeAnswers * 10 * MAX_ANSWER_BYTES)
}

async function connections(name: string, how: Break): Promise<void> {
  const way = await openWay()
  let reached: Parameters<typeof checkpoint>[0] = () => {}
  const world = await start({
    env: {
      HOSTKEY_BASE_URL: way.baseUrl,
      OPERATION_DEADLINE_MS: '5000',
      ...(how === 'hang' && { HOSTKEY_TIMEOUT_MS: '700' }),
    },
    overrides: checkpoint((...visit) => reached(...visit)),
  })
  way.leadTo(world.simulator.port)

  const cells = ACTIONS.map(action => ({ action, vmId: newVm(world) }))
  const call = async (some: typeof cells, times?: number): Promise<void> => {
    await way.break(how, times)
    const answers = await Promise.all(some.map(({ action, vmId }) => ask(world, action, vmId)))
    await way.heal()
    await settle(world, 'call', name, some, answers)
  }
  // The connection of a change is reset once: were it made again, it would come through and be seen.
  if (how === 'reset') for (const cell of cells) await call([cell], cell.action.mutates ? 1 : Infinity)
  else await call(cells)
  expect(mutations(world)).toEqual([])

  const running = ACTIONS.map(action => ({ action, vmId: newVm(world) }))
  const vmIds = running.map(({ vmId }) => vmId)
  const [before, during] = [gathering(vmIds), gathering(vmIds)]
  const broken = before.complete.then(() => way.break(how))
  void during.complete.then(() => way.heal())
  // Every first check says "Not ready"; then the way breaks, until each has met that.
  reached = async (vmId, nth, step) => {
    if (step !== 'check-answered' || !vmIds.includes(vmId)) return
    if (nth === 2) during.arrive(vmId)
    if (nth > 1) return
    before.arrive(vmId)
    await broken
  }
  const answers = await Promise.all(
    running.map(({ action, vmId }) => {
      world.simulator.fault({ action: 'check', vmId, kind: 'respond', body: '{"result":"Not ready"}' })
      return ask(world, action, vmId)
    }),
  )
  await settle(world, 'check', name, running, answers)
}

/** All actions at once; then the fault is over, and what they got is judged. */
async function tokens(name: string, world: World, recover: () => Promise<void> | void): Promise<void> {
  const cells = ACTIONS.map(action => ({ action, vmId: newVm(world) }))
  const answers = await Promise.all(cells.map(({ action, vmId }) => ask(world, action, vmId)))
  await recover()
  await settle(world, 'call', name, cells, answers)
}

const API_KEY = 'test-api-key-2222222222222222'

async function credentials(): Promise<void> {
  const expired = await start()
  expired.simulator.expireTokens({ fixed: true })
  await tokens(TOKENS.expired, expired, () => expired.simulator.setToken(TOKEN))

  const renewed = await start({
    env: { HOSTKEY_TOKEN: '', HOSTKEY_API_KEY: API_KEY },
    simulator: { taskMs: 0, apiKey: API_KEY },
  })
  expect((await renewed.call('GET', `/vms/${newVm(renewed)}/stats`)).status).toBe(200)
  renewed.simulator.expireTokens()
  await tokens(TOKENS.renewed, renewed, () => {})

  for (const [name, variable, secret] of [
    [TOKENS.wrong, 'HOSTKEY_TOKEN_FILE', TOKEN],
    [TOKENS.wrongKey, 'HOSTKEY_API_KEY_FILE', API_KEY],
  ] as const) {
    const file = join(temporaryDirectory(), 'secret')
    writeFileSync(file, 'wrong-secret-3333333333333333')
    const world = await start({
      env: { HOSTKEY_TOKEN: '', [variable]: file },
      simulator: { taskMs: 0, apiKey: API_KEY },
    })
    await tokens(name, world, async () => {
      writeFileSync(file, secret)
      const status = async () => (await world.call('GET', `/vms/${newVm(world)}/stats`)).status
      await expect.poll(status, { timeout: 5_000 }).toBe(200)
    })
  }
}

/** The clock jumps after every change was accepted and every read was answered, before anybody was told. */
async function clocks(name: string, jumpMs: number): Promise<void> {
  let offsetMs = 0
  let reached: Parameters<typeof checkpoint>[0] = () => {}
  const world = await start({
    overrides: {
      world: { ...realWorld, now: () => Date.now() + offsetMs },
      ...checkpoint((...visit) => reached(...visit)),
    },
  })
  const cells = ACTIONS.map(action => ({ action, vmId: newVm(world) }))
  const all = gathering(cells.map(({ vmId }) => vmId))
  const jumped = all.complete.then(() => void (offsetMs = jumpMs))
  reached = async (vmId, nth, step) => {
    const cell = cells.find(cell => cell.vmId === vmId)
    if (nth > 1 || step !== (cell?.action.mutates ? 'step-stored' : 'check-answered')) return
    all.arrive(vmId)
    await jumped
  }
  // What is due by a clock that fell back waits for the clock: the caller is told that it runs.
  const answers = await Promise.all(cells.map(({ action, vmId }) => ask(world, action, vmId, 2)))
  // Set right again, the next change wakes them.
  if (answers.some(({ status }) => status === 202)) {
    offsetMs = 0
    await ask(world, ACTIONS[0]!, newVm(world))
  }
  await settle(world, 'call', name, cells, answers)
}

/** No old result becomes fresh, and no pause long. */
async function clockFellBack(): Promise<void> {
  let offsetMs = 0
  const world = await start({
    env: { READ_CACHE_MS: '60000' },
    overrides: { world: { ...realWorld, now: () => Date.now() + offsetMs }, breakerFailures: 1 },
  })
  const read = (): Promise<Answer> => world.call('GET', '/vms/1000/stats')
  await read()
  offsetMs = -3 * HOUR_MS
  expect((await read()).headers.get('age')).toBeNull()
  expect(upstreamCalls(world)).toHaveLength(2)

  offsetMs = 0
  world.simulator.fault({ kind: 'drop-before' })
  const list = (): Promise<Answer> => world.call('GET', '/vms/1000/snapshots')
  expect((await list()).status).toBe(503)
  offsetMs = -3 * HOUR_MS
  await expect.poll(async () => (await list()).status, { timeout: 5_000 }).toBe(200)
}

/** Rows of which not every cell was seen. */
const unseen = (faults: string[]): string[] =>
  faults.filter(fault => seen.call.get(fault)?.size !== COLUMNS.length)

test('faults of an exchange', { timeout: 60_000 }, async () => {
  await exchanges()
  expect(unseen(Object.keys(exchangeFaults('')))).toEqual([])
})
test('faults of the connection, of the token and of the clock', { timeout: 60_000 }, async () => {
  await Promise.all([
    ...Object.entries(WAYS).map(way => connections(...way)),
    credentials(),
    ...Object.entries(CLOCKS).map(clock => clocks(...clock)),
    clockFellBack(),
  ])
  expect(unseen([WAYS, CLOCKS].flatMap(Object.keys).concat(Object.values(TOKENS)))).toEqual([])
})

/** Faults as rows and actions as columns. */
function table(rows: [string, string[]][]): string {
  const lines = [
    ['fault', ...COLUMNS],
    ['---', ...COLUMNS.map(() => '---')],
    ...rows.map(([name, cells]) => [name, ...cells]),
  ]
  return lines.map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function rowsOf(place: Place): [string, string[]][] {
  return FAULTS.flatMap(fault => {
    const row = seen[place].get(fault)
    return row ? [[fault, COLUMNS.map(column => row.get(column) ?? '?')] as [string, string[]]] : []
  })
}

/** Rows that read alike as one. */
function short(rows: [string, string[]][]): [string, string[]][] {
  const alike = Map.groupBy(rows, ([, cells]) => cells.join())
  return [...alike.values()].map(group => [group.map(([name]) => name).join(', '), group[0]![1]])
}

const PAGE = join(import.meta.dirname, '..', 'docs', 'faults.md')
const TABLES: [heading: string, rows: () => [string, string[]][]][] = [
  ['When the call is hit, in short', () => short(rowsOf('call'))],
  ['When the call is hit', () => rowsOf('call')],
  ['When the check of the callback key is hit', () => rowsOf('check')],
]
const MARKED = /(?<=<!-- faults -->\n)[^]*(?=<!-- \/faults -->)/

test('docs/faults.md has the tables of what was seen', async () => {
  const committed = readFileSync(PAGE, 'utf8')
  const text = TABLES.map(([heading, rows]) => `## ${heading}\n\n${table(rows())}`).join('\n\n')
  // In prettier's own form, which `npm run check` asks for.
  const current = `\n${await format(text, { ...(await resolveConfig(PAGE)), parser: 'markdown' })}\n`
  if (process.env.UPDATE_FAULTS)
    writeFileSync(
      PAGE,
      committed.replace(MARKED, () => current),
    )
  expect(readFileSync(PAGE, 'utf8').match(MARKED)?.[0]).toBe(current)
})
