/** `Prefer: wait` on a VM that another change holds: the turn is waited for, and what is left of the wait is for the own end. */

import { expect, test, vi } from 'vitest'
import { ended, KEY, mutations, startWorld, stoppableClock, type Answer, type World } from '../../helper.ts'

const VM = 1000

function create(world: World, name: string, wait: number | null, key?: string): Promise<Answer> {
  return world.call('POST', `/vms/${VM}/snapshots`, {
    body: { name },
    headers: {
      ...(wait === null ? {} : { prefer: `wait=${wait}` }),
      ...(key ? { 'idempotency-key': key } : {}),
    },
  })
}

/** A world whose VM is busy until the clock goes on. */
async function busyWorld(env = {}) {
  const clock = stoppableClock()
  clock.stop()
  const world = await startWorld({ simulator: { now: clock.now, taskMs: 0.5 }, env })
  const first = await create(world, 'first-change', null)
  expect(first.status).toBe(202)
  return { world, clock, first: first.body }
}
/** Resolves when this many requests more have come to the gateway and found the VM busy. */
async function found(world: World, count: number): Promise<void> {
  let seen = 0
  world.gateway.app.server.on('request', () => (seen += 1))
  await vi.waitFor(() => expect(seen).toBe(count))
}

test('without a wait a busy VM is told at once, with the operation that holds it', async () => {
  const { world, first } = await busyWorld()
  for (const wait of [null, 0]) {
    const busy = await create(world, 'a', wait)
    expect([busy.status, busy.body.code, busy.body.operation]).toEqual([409, 'vm-busy', first.self])
    expect(Number(busy.headers.get('retry-after'))).toBeGreaterThan(0)
  }
})

test('several wait their turns: each is carried out once, one after the other', async () => {
  const { world, clock } = await busyWorld()
  const names = ['a', 'b', 'c', 'd']
  const come = found(world, names.length)
  const waiting = names.map(name => create(world, name, 20))
  await come
  expect(mutations(world)).toHaveLength(1)
  clock.go()
  const answers = await Promise.all(waiting)
  expect(answers.map(({ status, body }) => [status, body.status])).toEqual(
    names.map(() => [200, 'succeeded']),
  )
  const made = mutations(world).map(({ name }) => name)
  expect(made).toHaveLength(1 + names.length)
  expect(new Set(made)).toEqual(new Set(['first-change', ...names]))
  // None began before the one before it had ended.
  const { ledger } = world.simulator
  for (const [i, entry] of ledger.slice(1).entries())
    expect(entry.at).toBeGreaterThanOrEqual(ledger[i]!.effectAt!)
})

test('a turn that does not come in time is a 409, and nothing was started', async () => {
  const { world, clock, first } = await busyWorld({ MAX_WAIT_MS: '150' })
  const sinceMs = performance.now()
  const busy = await create(world, 'a', 20, 'k')
  expect(performance.now() - sinceMs).toBeGreaterThanOrEqual(140)
  expect([busy.status, busy.body.code, busy.body.operation]).toEqual([409, 'vm-busy', first.self])
  clock.go()
  await ended(world, first.id)
  expect(mutations(world)).toHaveLength(1)
  expect((await world.call('GET', '/operations')).body.operations).toHaveLength(1)
  // Its key is free.
  const again = await create(world, 'a', null, 'k')
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, null])
})

test('what is left of the wait is for its own end, and no more', async () => {
  const { world, clock } = await busyWorld({ MAX_WAIT_MS: '1500' })
  const sinceMs = performance.now()
  const come = found(world, 1)
  const waiting = create(world, 'a', 20)
  await come
  // Its turn comes, and then its own task takes for ever.
  world.simulator.fault({ kind: 'never-done', action: 'create_snapshot', vmId: VM })
  clock.go()
  const answer = await waiting
  const tookMs = performance.now() - sinceMs
  expect([answer.status, answer.body.status]).toEqual([202, 'running'])
  expect(tookMs).toBeGreaterThanOrEqual(1_400)
  expect(tookMs).toBeLessThan(2_900)
})

test('a caller who leaves while waiting for a turn has started nothing', async () => {
  const { world, clock, first } = await busyWorld()
  const leaving = new AbortController()
  const come = found(world, 2)
  const left = fetch(`${world.gateway.address}/vms/${VM}/snapshots`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${KEY}`,
      'content-type': 'application/json',
      prefer: 'wait=20',
      'idempotency-key': 'k',
    },
    body: '{"name":"left"}',
    signal: leaving.signal,
  })
  const stayed = create(world, 'stayed', 20)
  await come
  leaving.abort()
  await expect(left).rejects.toThrow('aborted')
  clock.go()
  await ended(world, first.id)
  expect((await stayed).body.status).toBe('succeeded')
  expect(mutations(world).map(({ name }) => name)).toEqual(['first-change', 'stayed'])
  // Its key is free.
  expect((await create(world, 'left', 10, 'k')).headers.get('idempotency-replayed')).toBeNull()
})

test('a gateway that drains ends the waits for a turn, and starts nothing', async () => {
  const { world } = await busyWorld()
  const come = found(world, 1)
  const waiting = create(world, 'a', 20)
  await come
  const sinceMs = performance.now()
  const closing = world.gateway.close()
  const answer = await waiting
  expect(performance.now() - sinceMs).toBeLessThan(5_000)
  expect([answer.status, answer.body.code]).toEqual([409, 'vm-busy'])
  await closing
  expect(mutations(world)).toHaveLength(1)
})

test('turns on one VM hold up no other', async () => {
  const { world, clock } = await busyWorld()
  const come = found(world, 1)
  const waiting = create(world, 'a', 20)
  await come
  const other = await world.call('POST', '/vms/1004/snapshots', { body: { name: 'b' } })
  expect(other.status).toBe(202)
  clock.go()
  await waiting
})
