/** What every store must do with the messages that tell of ends; part of the contract suite. */

import { expect, test } from 'vitest'
import type { Ended, Webhook } from '../../src/operations/operation.ts'
import type { Delivery, Store } from '../../src/operations/store.ts'
import { changed, endOf, operation, type StoreUnderTest } from './store-contract.ts'

const T0 = 1_800_000_000_000
const LEASE_MS = 30_000
export const PENDING: Webhook = { state: 'pending', attempts: 0, lastAtMs: null }
const DELIVERED: Webhook = { state: 'delivered', attempts: 1, lastAtMs: T0 + 7 }

/** Starts an operation of this caller and ends it, with a message that is due then. */
async function ended(store: Store, caller: string, vmId: number, finishedAtMs = T0): Promise<Ended> {
  const op = operation({ createdBy: caller, vmId })
  await store.start(op, null, T0)
  const end = changed(endOf(op, finishedAtMs), { webhook: PENDING }) as Ended
  expect(await store.save(end)).toBe(true)
  return end
}

const idsOf = (deliveries: Delivery[]): string[] => deliveries.map(({ operation: { id } }) => id).toSorted()

export function outboxContract(name: string, open: () => Promise<StoreUnderTest>): void {
  const claimOf = async (store: Store, caller: string, nowMs = T0): Promise<Delivery> => {
    const [delivery] = await store.outbox.claim(nowMs, LEASE_MS, [{ caller, limit: 1 }])
    return delivery!
  }

  test(`${name}: a message is there with the end that it tells of, also after a crash`, async () => {
    const { store, reopen } = await open()
    const told = await ended(store, 'alice', 1)
    const untold = operation({ vmId: 2 })
    await store.start(untold, null, T0)
    await store.save(endOf(untold, T0))
    for (const now of [store, await reopen()]) {
      expect(await now.get(told.id)).toEqual(told)
      expect(await now.get(untold.id)).not.toHaveProperty('webhook')
      const page = await now.list({ visible: { vmIds: '*', kinds: [], createdBy: 'alice' }, limit: 5 })
      expect(page.map(({ webhook }) => webhook)).toEqual([undefined, PENDING])
    }
  })

  test(`${name}: a message is claimed once, as many as there is room for, until its lease is over`, async () => {
    const { store } = await open()
    const alices = [await ended(store, 'alice', 1), await ended(store, 'alice', 2, T0 + 5)]
    const bobs = [await ended(store, 'bob', 3), await ended(store, 'bob', 4, T0 + 9)]
    await ended(store, 'carol', 5)
    await store.start(operation({ vmId: 6 }), null, T0)
    const places = [
      { caller: 'alice', limit: 1 },
      { caller: 'bob', limit: 4 },
    ]
    const claimed = await Promise.all([1, 2].map(() => store.outbox.claim(T0 + 5, LEASE_MS, places)))
    // Each of alice's two comes alone, the soonest first; bob's second is not due yet.
    expect(claimed.map(idsOf)).toEqual([[alices[0]!.id, bobs[0]!.id].toSorted(), [alices[1]!.id]])
    expect(claimed[0]!.find(({ operation: { id } }) => id === alices[0]!.id)!.operation).toEqual({
      ...alices[0]!,
      result: null,
    })
    const later = T0 + 5 + LEASE_MS
    expect(await store.outbox.claim(later - 1, LEASE_MS, [{ caller: 'alice', limit: 9 }])).toEqual([])
    expect(idsOf(await store.outbox.claim(later, LEASE_MS, [{ caller: 'alice', limit: 9 }]))).toEqual(
      alices.map(({ id }) => id).toSorted(),
    )
  })

  test(`${name}: tells when the next message of each of some callers is due`, async () => {
    const { store } = await open()
    const next = async (...callers: string[]): Promise<object> =>
      Object.fromEntries(await store.outbox.nextDue(callers))
    expect(await next('alice')).toEqual({})
    await ended(store, 'alice', 1, T0 + 20)
    await ended(store, 'alice', 2, T0 + 10)
    await ended(store, 'bob', 3, T0 + 5)
    expect(await next()).toEqual({})
    expect(await next('alice')).toEqual({ alice: T0 + 10 })
    expect(await next('alice', 'bob', 'carol')).toEqual({ alice: T0 + 10, bob: T0 + 5 })
    await claimOf(store, 'bob', T0 + 5)
    expect(await next('bob')).toEqual({ bob: T0 + 5 + LEASE_MS })
  })

  test(`${name}: what becomes of a message changes nothing else, and no listener hears of it`, async () => {
    const { store, reopen } = await open()
    const told = await ended(store, 'alice', 1)
    const heard: string[] = []
    store.onChange(id => heard.push(id))
    const failed: Webhook = { state: 'pending', attempts: 1, lastAtMs: T0 + 3 }
    expect(await store.outbox.save(await claimOf(store, 'alice'), failed, T0 + 50)).toBe(true)
    expect(await store.get(told.id)).toEqual({ ...told, webhook: failed })
    expect((await store.outbox.nextDue(['alice'])).get('alice')).toBe(T0 + 50)
    const again = await claimOf(store, 'alice', T0 + 50)
    expect(again.operation.webhook).toEqual(failed)
    expect(await store.outbox.save(again, DELIVERED, null)).toBe(true)
    expect(await store.outbox.save(again, failed, T0)).toBe(false)
    expect(await store.outbox.nextDue(['alice'])).toEqual(new Map())
    expect(heard).toEqual([])
    expect(await (await reopen()).get(told.id)).toEqual({ ...told, webhook: DELIVERED })
  })

  test(`${name}: whoever overslept its lease on a message can no longer write`, async () => {
    const { store } = await open()
    const told = await ended(store, 'alice', 1)
    const first = await claimOf(store, 'alice')
    const second = await claimOf(store, 'alice', T0 + LEASE_MS)
    expect(await store.outbox.save(first, { ...DELIVERED, state: 'stopped' }, null)).toBe(false)
    expect(await store.outbox.save(second, DELIVERED, null)).toBe(true)
    expect(await store.get(told.id)).toEqual({ ...told, webhook: DELIVERED })
  })

  test(`${name}: what has been due for long is forsaken, whoever it is for`, async () => {
    const { store } = await open()
    const [old, older] = [await ended(store, 'alice', 1, T0 + 20), await ended(store, 'bob', 2, T0 + 10)]
    await ended(store, 'alice', 3, T0 + 30)
    expect(idsOf(await store.outbox.claimForsaken(T0 + 30, T0 + 90, LEASE_MS, 1))).toEqual([older.id])
    const [second] = await store.outbox.claimForsaken(T0 + 30, T0 + 90, LEASE_MS, 9)
    expect(second!.operation.id).toBe(old.id)
    expect(await store.outbox.claimForsaken(T0 + 30, T0 + 90, LEASE_MS, 9)).toEqual([])
    expect(await store.outbox.save(second!, { ...DELIVERED, state: 'given-up' }, null)).toBe(true)
  })

  test(`${name}: an operation is not swept while its message is pending`, async () => {
    const { store } = await open()
    const told = await ended(store, 'alice', 1)
    while ((await store.sweep(T0 + 100, T0 + 100, 10)) > 0);
    const delivery = await claimOf(store, 'alice')
    while ((await store.sweep(T0 + 100, T0 + 100, 10)) > 0);
    expect(await store.get(told.id)).toEqual(told)
    await store.outbox.save(delivery, DELIVERED, null)
    while ((await store.sweep(T0 + 100, T0 + 100, 10)) > 0);
    expect(await store.get(told.id)).toBeUndefined()
  })

  test(`${name}: a closed store delivers nothing`, async () => {
    const { store } = await open()
    await ended(store, 'alice', 1)
    const delivery = await claimOf(store, 'alice')
    await store.close()
    const { outbox } = store
    await expect(outbox.claim(T0, LEASE_MS, [{ caller: 'alice', limit: 1 }])).rejects.toThrow('store')
    await expect(outbox.save(delivery, DELIVERED, null)).rejects.toThrow('store')
    await expect(outbox.nextDue(['alice'])).rejects.toThrow('store')
  })
}
