import fc from 'fast-check'
import { beforeAll, afterAll, expect, test } from 'vitest'
import { DRESSES, canWear, dressesOn, isProvable } from '../../src/simulator/dresses/dresses.ts'
import type { DressName } from '../../src/simulator/dresses/dresses.ts'
import type { Told } from '../../src/simulator/dresses/dress.ts'
import { startSimulator } from '../../src/simulator/simulator.ts'
import type { Simulator } from '../../src/simulator/simulator.ts'
import { exchange, objectIn, readCall, readCheck, textOf } from './evidence.ts'
import type { Exchange } from './evidence.ts'
import { start } from './start.ts'

const TASK_MS = 100
const clock = { now: Date.parse('2026-11-24T10:00:00.000Z') }
let sim: Simulator
let lastVmId = 100

beforeAll(async () => {
  sim = await startSimulator({
    token: 'fixed',
    apiKey: 'key',
    taskMs: TASK_MS,
    now: () => clock.now,
    vms: {},
  })
})
afterAll(() => sim.close())

const CHANGES = ['create_snapshot', 'remove_snapshot', 'restore_snapshot'] as const
type Change = (typeof CHANGES)[number]

interface Case {
  dress: DressName[]
  action: Change
  acts: boolean
}

/** A change of a VM of its own under a dress: what was answered, as a reader by evidence takes it, and what happened. */
async function live({ dress, action, acts }: Case) {
  const vmId = ++lastVmId
  sim.setVm(vmId, { snapshots: ['old'] })
  if (dress.length > 0) sim.fault({ kind: 'dress', dress, action, vmId, acts, reason: 'server is locked' })
  const name = action === 'create_snapshot' ? 'new' : 'old'
  const call = await exchange(`${sim.baseUrl}/vm.php`, { action, id: String(vmId), name, token: 'fixed' })
  const entry = sim.ledger.findLast(one => one.vmId === vmId)
  const check = () =>
    exchange(`${sim.baseUrl}/eq_callback.php`, { action: 'check', key: entry?.callback ?? '' })
  const onTheWay = entry && (await check())
  clock.now += TASK_MS
  const atTheEnd = entry && (await check())
  return {
    vmId,
    call,
    onTheWay,
    atTheEnd,
    happened: entry?.outcome === 'done',
    accepted: entry !== undefined,
  }
}

/** What a check that finds its task running proves at least: that it is no end. */
const isNoEnd = (told: Told) => told === 'running' || told === 'ambiguous'

const cases = (names: DressName[]): [DressName, boolean][] =>
  names.flatMap(name => DRESSES[name].acts.map((acts): [DressName, boolean] => [name, acts]))

test.each(cases(dressesOn('call')))('at the call: %s, carried out: %s', async (name, acts) => {
  for (const action of CHANGES) {
    const { call, atTheEnd, happened, accepted } = await live({ dress: [name], action, acts })
    expect(readCall(call), action).toBe(DRESSES[name].told)
    expect([accepted, happened], action).toEqual([acts, acts])
    // The words of the call are no words of the check.
    if (atTheEnd) expect(readCheck(atTheEnd), action).toBe('done')
  }
})

test.each(cases(dressesOn('wait', 'end')))('at the check: %s, carried out: %s', async (name, acts) => {
  const { on, told } = DRESSES[name]
  for (const action of CHANGES) {
    const { call, onTheWay, atTheEnd, happened, accepted } = await live({ dress: [name], action, acts })
    expect([readCall(call), accepted, happened], action).toEqual(['accepted', true, acts])
    expect(readCheck(onTheWay!), action).toSatisfy(isNoEnd)
    const end = readCheck(atTheEnd!)
    if (on === 'wait') expect(end, action).toBe('done')
    else if (told === 'ambiguous') expect(end, action).not.toBe(acts ? 'failed' : 'done')
    else expect(end, action).toBe(told)
  }
})

/** As many of the way's dresses as there are, put on whatever is said. */
const wires = fc.uniqueArray(fc.constantFrom(...dressesOn('any')), { maxLength: 4 })
const change = fc.constantFrom(...CHANGES)
const words = fc
  .constantFrom(...dressesOn('call', 'wait', 'end'))
  .chain(name => fc.record({ name: fc.constant(name), acts: fc.constantFrom(...DRESSES[name].acts) }))

test('the way changes no verdict, whatever is put on at once', async () => {
  await fc.assert(
    fc.asyncProperty(words, wires, change, async ({ name, acts }, way, action) => {
      const { on, told } = DRESSES[name]
      const { call, atTheEnd, happened } = await live({ dress: [name, ...way], action, acts })
      expect(happened).toBe(acts)
      expect(readCall(call)).toBe(on === 'call' ? told : 'accepted')
      if (!atTheEnd) return
      if (on === 'end' && told === 'ambiguous') expect(readCheck(atTheEnd)).not.toBe(acts ? 'failed' : 'done')
      else expect(readCheck(atTheEnd)).toBe(on === 'end' ? told : 'done')
    }),
    { numRuns: 150 },
  )
}, 30_000)

test.each(dressesOn('any'))('%s is put on every answer of the exchange', async name => {
  const plain = await live({ dress: [], action: 'create_snapshot', acts: true })
  for (const answer of [plain.call, plain.atTheEnd!]) expect(isPlain(answer)).toBe(true)
  const { call, atTheEnd } = await live({ dress: [name], action: 'create_snapshot', acts: true })
  for (const answer of [call, atTheEnd!]) expect(isPlain(answer), name).toBe(false)
  expect(objectIn(textOf(call))).toHaveProperty('callback')
})

/** Whether nothing at all is special about the bytes, the frame and the headers. */
function isPlain({ bytes, headers, informational, complete }: Exchange): boolean {
  const text = bytes.toString()
  const names = Object.keys(headers).filter(name => name !== 'date' && name !== 'connection')
  return (
    complete &&
    informational.length === 0 &&
    text === JSON.stringify(objectIn(text)) &&
    names.length === 2 &&
    headers['content-type'] === 'text/html; charset=UTF-8' &&
    headers['content-length'] === String(bytes.length)
  )
}

test('a dress that tells one thing never stands before another truth', () => {
  expect(() => sim.fault({ kind: 'dress', dress: 'refused-by-code-word', acts: true })).toThrow(
    'cannot stand',
  )
  expect(() => sim.fault({ kind: 'dress', dress: 'done-as-1', acts: false })).toThrow('cannot stand')
  expect(() => sim.fault({ kind: 'dress', dress: 'nonsense' as DressName })).toThrow('unknown dress')
  expect(() => sim.fault({ kind: 'dress' })).toThrow('needs a dress')
  for (const { told, acts } of Object.values(DRESSES)) {
    if (told === 'accepted' || told === 'done' || told === 'running') expect(acts).toEqual([true])
    if (told === 'refused' || told === 'unauthorized' || told === 'failed') expect(acts).toEqual([false])
  }
})

test('what HOSTKEY refuses by itself is not made to look accepted, and what fails not done', async () => {
  const { sim, vm, result } = await start()
  sim.fault({ kind: 'dress', dress: 'accepted-as-1' })
  expect(await vm('create_snapshot', { id: 1000, name: 'first' })).toMatchObject({ code: -1 })
  sim.fault({ kind: 'dress', dress: 'done-as-1' })
  expect(await result('create_snapshot', { id: 1002, name: 'a' })).toMatchObject({ result: 'Error' })
  sim.fault({ kind: 'dress', dress: 'accepted-as-1', times: 2 })
  expect(await vm('load_stats', { id: 1000 })).toMatchObject({ result: 1 })
})

test('a dress for good is worn until the faults are cleared, and gives way to others', async () => {
  const { sim, vm } = await start()
  sim.fault({ kind: 'dress', dress: 'accepted-as-1', vmId: 1000, times: 'always' })
  const results = async () =>
    [await vm('load_stats', { id: 1000 }), await vm('load_stats', { id: 1001 })].map(a => a.result)
  expect([await results(), await results()]).toEqual([
    [1, 'OK'],
    [1, 'OK'],
  ])
  sim.fault({ kind: 'dress', dress: 'accepted-as-true', vmId: 1000 })
  expect([await results(), await results()]).toEqual([
    [true, 'OK'],
    [1, 'OK'],
  ])
  sim.clearFaults()
  expect(await results()).toEqual(['OK', 'OK'])
})

test('a dress waits for a request that can wear it', async () => {
  const { sim, post, vm } = await start()
  sim.fault({ kind: 'dress', dress: 'login-at-the-top' })
  expect(await vm('load_stats', { id: 1000 })).toMatchObject({ result: 'OK' })
  expect(await post('/auth.php', { action: 'login', key: 'key' })).toHaveProperty('token')
  expect(canWear(DRESSES['list-as-text'], 'load_stats')).toBe(false)
  expect(canWear(DRESSES['done-as-1'], 'check')).toBe(false)
  expect(canWear(DRESSES['unknown-shape'], 'load_stats')).toBe(false)
  expect(canWear(DRESSES['unknown-shape'], 'create_snapshot')).toBe(true)
  expect(canWear(DRESSES['as-gzip'], 'logout')).toBe(true)
})

test.each(dressesOn('login'))('%s', async name => {
  const { sim, post } = await start()
  const { told } = DRESSES[name]
  sim.fault({ kind: 'dress', dress: name })
  const answer = objectIn(textOf(await exchange(`${sim.baseUrl}/auth.php`, { action: 'login', key: 'key' })))
  const holder = { ...answer, ...(answer?.result as object | undefined) } as { token?: string }
  const works = await post('/vm.php', { action: 'load_stats', id: 1000, token: holder.token || 'none' })
  expect(works.result).toBe(told === 'accepted' ? 'OK' : undefined)
  // The next login is as usual, and one with a wrong key is refused in any dress.
  expect(await post('/auth.php', { action: 'login', key: 'key' })).toMatchObject({
    result: { servers: [1000, 1001, 1002, 1003, 1004] },
  })
  if (told !== 'accepted') return
  sim.fault({ kind: 'dress', dress: name })
  expect(await post('/auth.php', { action: 'login', key: 'wrong' })).toMatchObject({ code: -1 })
})

test('a stage on the way is shown to whoever asks for it, and costs no key', async () => {
  const { sim, clock, post, vm, check } = await start()
  const { callback: key } = await vm('create_snapshot', { id: 1000, name: 'a' })
  clock.now += 50
  expect(await post('/eq_callback.php', { action: 'check', key, stage: 'copying' })).toMatchObject({
    stage: 'copying',
    context: { action: 'create_snapshot', id: 1000, name: 'a' },
  })
  expect(await check(key)).toMatchObject({ result: 'OK' })
  expect(sim.ledger).toHaveLength(1)
})

test('a key is unknown only for the first second', async () => {
  const { sim, clock, vm, check } = await start({ taskMs: 5_000 })
  sim.fault({ kind: 'dress', dress: 'waits-as-a-key-not-found-yet' })
  const { callback } = await vm('create_snapshot', { id: 1000, name: 'a' })
  expect(await check(callback)).toMatchObject({ message: 'AsyncKey not found' })
  clock.now += 1_000
  expect(await check(callback)).toMatchObject({ result: 'Not ready' })
})

test('another process reads the table, and chooses from it', async () => {
  const { sim, vm } = await start()
  const table = await (await fetch(`${sim.baseUrl}/_control/dresses`)).json()
  expect(table).toHaveProperty('refused-by-code-word', { on: 'call', told: 'refused', acts: [false] })
  const fault = { kind: 'dress', dress: ['accepted-as-true', 'behind-a-bom'], vmId: 1000, times: 'always' }
  const add = (body: object) =>
    fetch(`${sim.baseUrl}/_control/fault`, { method: 'POST', body: JSON.stringify(body) })
  expect((await add(fault)).status).toBe(200)
  expect(await vm('load_stats', { id: 1000 })).toMatchObject({ result: true })
  expect((await add({ kind: 'dress', dress: 'toString' })).status).toBe(400)
})

test('what can be proved from outside', () => {
  const proofs = (name: DressName, acted: boolean) =>
    CHANGES.map(action => isProvable(DRESSES[name], action, acted))
  expect(proofs('refused-by-code-word', false)).toEqual([true, true, true])
  expect(proofs('accepted-as-1', true)).toEqual([true, true, true])
  expect(proofs('key-empty', true)).toEqual([true, true, false])
  expect(proofs('key-empty', false)).toEqual([false, false, false])
})
