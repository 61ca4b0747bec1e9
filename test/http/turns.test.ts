import { expect, test } from 'vitest'
import { Turns } from '../../src/http/turns.ts'
import { realWorld } from '../../src/world.ts'

/** Time that passes only by reads, and turns of the event loop that come when asked for. */
function setUp() {
  let nowMs = 0
  let next: (() => void)[] = []
  const soon = (call: () => void): void => void next.push(call)
  const turns = new Turns({ soon, monotonic: () => nowMs })
  const done: string[] = []
  const read = (caller: string, name: string, tookMs: number): Promise<void> =>
    turns.run(caller, () => {
      nowMs += tookMs
      done.push(`${caller} ${name}`)
      return Promise.resolve()
    })
  const settle = (): Promise<void> => new Promise(resolve => realWorld.soon(resolve))
  const nextTurn = async (): Promise<void> => {
    const calls = next
    next = []
    for (const call of calls) call()
    await settle()
  }
  return { turns, done, read, settle, nextTurn, waits: () => next.length > 0 }
}

test('short reads are made at once, as many as fit into a turn', async () => {
  const { done, read, settle } = setUp()
  for (const caller of ['a', 'b', 'c', 'd']) void read(caller, '1', 1)
  await settle()
  expect(done).toEqual(['a 1', 'b 1', 'c 1', 'd 1'])
})

test('short reads that waited go on in one turn, one behind the other', async () => {
  const { done, read, settle, nextTurn } = setUp()
  void read('greedy', '1', 20)
  for (let i = 2; i <= 9; i += 1) void read('greedy', String(i), 1)
  await settle()
  expect(done).toHaveLength(1)
  await nextTurn()
  expect(done).toHaveLength(6)
  await nextTurn()
  expect(done).toHaveLength(9)
})

test('long reads are one a turn, and callers follow one another', async () => {
  const { done, read, settle, nextTurn, waits } = setUp()
  for (let i = 1; i <= 4; i += 1) void read('greedy', String(i), 20)
  void read('a', '1', 20)
  void read('b', '1', 20)
  await settle()
  const order: string[][] = [[...done]]
  while (waits()) {
    await nextTurn()
    order.push(done.slice(order.flat().length))
  }
  expect(order.filter(turn => turn.length > 0)).toEqual([
    ['greedy 1'],
    ['greedy 2'],
    ['a 1'],
    ['b 1'],
    ['greedy 3'],
    ['greedy 4'],
  ])
})

test('one caller has two reads under way, and nobody spins meanwhile', async () => {
  const { turns, nextTurn, settle, waits } = setUp()
  const ends: (() => void)[] = []
  const started = (caller: string): Promise<void> =>
    turns.run(caller, () => new Promise<void>(resolve => ends.push(resolve)))
  for (let i = 0; i < 20; i += 1) void started('greedy')
  await settle()
  expect(ends).toHaveLength(2)
  void started('a')
  await settle()
  expect(ends).toHaveLength(3)
  await nextTurn()
  expect(waits()).toBe(false)
  ends[0]!()
  await settle()
  await nextTurn()
  expect(ends).toHaveLength(4)
  while (ends.length < 21) {
    for (const end of ends) end()
    await settle()
    await nextTurn()
  }
  expect(ends).toHaveLength(21)
})

test('a read that fails gives its place back', async () => {
  const { turns, read, done, settle } = setUp()
  for (let i = 0; i < 9; i += 1)
    await expect(turns.run('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away')
  void read('a', 'after', 1)
  await settle()
  expect(done).toEqual(['a after'])
})
