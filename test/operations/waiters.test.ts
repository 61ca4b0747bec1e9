import { expect, test } from 'vitest'
import { hasEnded, type Operation } from '../../src/operations/operation.ts'
import { Waiters } from '../../src/operations/waiters.ts'
import { StoreUnavailable, type Store } from '../../src/operations/store.ts'
import { endOf, operation } from '../store/store-contract.ts'
import { realWorld } from '../../src/world.ts'

const running = operation()
const ended = endOf(running)
const AWAY = new StoreUnavailable('away')

/** A store whose looks give this, one after the other, and that never tells of a change. */
function silentStore(
  looks: (Operation | Error)[],
  relookMs?: number,
): { store: Store; looked: () => number } {
  let count = 0
  const get = (): Promise<Operation> => {
    const found = looks[Math.min(count, looks.length - 1)]!
    count += 1
    return found instanceof Error ? Promise.reject(found) : Promise.resolve(found)
  }
  const store = { get, onChange: () => () => {}, ...(relookMs === undefined ? {} : { relookMs }) }
  return { store: store as Partial<Store> as Store, looked: () => count }
}

test('in a shared store, who waits looks again: a message may be lost', async () => {
  const { store, looked } = silentStore([running, running, ended], 5)
  expect(await new Waiters({ store, world: realWorld }).until(running.id, hasEnded, 10_000)).toBe(ended)
  expect(looked()).toBe(3)
})

test('a shared store that is away for a moment ends no wait, but one that is away at its end is told', async () => {
  const { store } = silentStore([running, AWAY, AWAY, ended], 5)
  expect(await new Waiters({ store, world: realWorld }).until(running.id, hasEnded, 10_000)).toBe(ended)
  const { store: gone } = silentStore([running, AWAY], 5)
  await expect(new Waiters({ store: gone, world: realWorld }).until(running.id, hasEnded, 50)).rejects.toBe(
    AWAY,
  )
})

test('a store of this process alone is looked at when it tells, and at the end', async () => {
  const { store, looked } = silentStore([running])
  expect(await new Waiters({ store, world: realWorld }).until(running.id, hasEnded, 50)).toBe(running)
  expect(looked()).toBe(2)
  const { store: broken } = silentStore([AWAY])
  await expect(
    new Waiters({ store: broken, world: realWorld }).until(running.id, hasEnded, 10_000),
  ).rejects.toBe(AWAY)
})
