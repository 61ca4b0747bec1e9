import { expect, test } from 'vitest'
import { dressesOn } from '../../src/simulator/dresses/dresses.ts'
import type { DressName } from '../../src/simulator/dresses/dresses.ts'
import { START, start } from './start.ts'

test.each([
  ['Europe/Moscow', '2026-11-24 13:00:00'],
  ['America/New_York', '2026-11-24 05:00:00'],
])('dates without a zone can be those of %s', async (timeZone, date) => {
  const { result } = await start({ dateFormat: 'sql', timeZone })
  expect((await result('get_snapshot', { id: 1000 })).scope).toMatchObject([{ date }])
})

test('where unfinished ones are shown, a list has what is being made and what failed, with a state', async () => {
  const { sim, clock, vm, check } = await start({ taskMs: 100, showsUnfinished: true })
  sim.fault({ kind: 'task-fails' })
  await vm('create_snapshot', { id: 1000, name: 'bad' })
  clock.now += 60
  await vm('create_snapshot', { id: 1000, name: 'good' })
  clock.now += 50
  sim.fault({ kind: 'dress', dress: 'list-at-once' })
  const states = (scope: { name: string; state: string }[]) => scope.map(({ name, state }) => [name, state])
  const { scope } = await vm('get_snapshot', { id: 1000 })
  expect(states(scope)).toEqual([
    ['first', 'ready'],
    ['bad', 'failed'],
    ['good', 'creating'],
  ])
  expect(new Set(scope.map((entry: { snapshot_id: number }) => entry.snapshot_id)).size).toBe(3)
  const { callback } = await vm('get_snapshot', { id: 1000 })
  clock.now += 100
  const later = (await check(callback)).scope
  expect(later[2].snapshot_id).toBe(scope[1].snapshot_id)
  expect(states(later)).toEqual([
    ['first', 'ready'],
    ['good', 'ready'],
    ['bad', 'failed'],
  ])
  expect(sim.vm(1000)?.snapshots.map(({ name }) => name)).toEqual(['first', 'good'])
})

/** The names in a list of any shape: those of entries, or of the map that the entries stand in. */
function namesIn(shown: unknown): string[] {
  if (typeof shown === 'string') return namesIn(JSON.parse(shown))
  if (Array.isArray(shown)) return shown.map(({ name }) => String(name))
  const { snapshots = shown, ...beside } = shown as Record<string, unknown>
  if ('settings' in beside) return namesIn(snapshots)
  return Object.entries(shown as Record<string, { name?: unknown }>).map(([key, { name = key }]) =>
    String(name),
  )
}

test.each(dressesOn('list'))('%s shows what is there', async dress => {
  const given = ['20261124', 'nightly', 'weekly']
  const { sim, clock, vm, check } = await start({ vms: { 7: { snapshots: given }, 8: {} } })
  for (const [id, expected] of [
    [7, given],
    [8, []],
  ] as const) {
    sim.fault({ kind: 'dress', dress })
    const answer = await vm('get_snapshot', { id })
    expect('callback' in answer).toBe(!dress.startsWith('list-at-once'))
    clock.now += 50
    const whole = 'callback' in answer ? await check(answer.callback) : answer
    const list = whole.scope ?? whole.data ?? (typeof whole.result === 'object' ? whole.result : whole)
    expect(namesIn(list).toSorted()).toEqual(expected)
  }
})

const shown = async (dress: DressName, snapshots: string[]) => {
  const { sim, result } = await start({ vms: { 7: { snapshots } } })
  sim.fault({ kind: 'dress', dress })
  return (await result('get_snapshot', { id: 7 })).scope
}

test('names of digits come as numbers where they fit one', async () => {
  const scope = await shown('list-of-names-as-numbers', ['20261124', '007', '1234567890123456', 'a1'])
  expect(scope).toMatchObject([
    { name: 20_261_124 },
    { name: '007' },
    { name: '1234567890123456' },
    { name: 'a1' },
  ])
})

test('ids past 2^53 come with all their digits', async () => {
  const { sim, clock, vm } = await start({ vms: { 7: { snapshots: ['a', 'b'] } } })
  sim.fault({ kind: 'dress', dress: 'list-of-ids-past-2^53' })
  const { callback } = await vm('get_snapshot', { id: 7 })
  clock.now += 50
  const body = new URLSearchParams({ action: 'check', key: callback })
  const text = await (await fetch(`${sim.baseUrl}/eq_callback.php`, { method: 'POST', body })).text()
  const ids = [...text.matchAll(/"snapshot_id":(\d+)/g)].map(match => match[1] ?? '')
  expect(new Set(ids).size).toBe(2)
  for (const id of ids) {
    expect(BigInt(id)).toBeGreaterThan(Number.MAX_SAFE_INTEGER)
    // What a number of 53 bits makes of it is another id.
    expect(String(Number(id))).not.toBe(id)
  }
})

test.each([
  ['list-of-dates-as-unix', START / 1000],
  ['list-of-dates-as-unix-text', String(START / 1000)],
  ['list-of-dates-without-zone', '2026-11-24 10:00:00'],
] as const)('%s', async (dress, date) => {
  expect(await shown(dress, ['a'])).toMatchObject([{ date }])
})

test('two of one name are both shown, in an array where a map would lose one', async () => {
  expect(await shown('list-as-map-by-name', ['a', 'a'])).toMatchObject([{ name: 'a' }, { name: 'a' }])
  expect(Object.values(await shown('list-as-map-by-id', ['a', 'a']))).toHaveLength(2)
})

test('an empty list is PHP’s empty array, or an empty object', async () => {
  expect(await shown('list-as-map-by-name', [])).toEqual([])
  expect(await shown('list-as-object-when-empty', [])).toEqual({})
})
