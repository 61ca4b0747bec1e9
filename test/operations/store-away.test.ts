/** A store that goes away, or a gateway that drains, while a change is sent: a change that runs is never told as not begun. */

import { expect, test, vi } from 'vitest'
import { intercept } from '../../src/observability/intercept.ts'
import { StoreUnavailable, type Store } from '../../src/operations/store.ts'
import { ended, startWorld, stoppableClock, upstreamCalls, type Answer, type World } from '../helper.ts'

/** A world over a store that can be taken away: then each call of it is refused, or a save never ends. */
async function worldWithStore(options: { isShared?: boolean; clock?: () => number } = {}) {
  let isAway: (method: keyof Store) => boolean = () => false
  let hangs = false
  const released: (() => void)[] = []
  const wrapStore = (store: Store): Store => {
    const guarded = intercept(store, ({ method }, next) => {
      // To be told of changes needs nobody who is there.
      if (method === 'onChange' || !isAway(method)) return next()
      if (!hangs) return Promise.reject(new StoreUnavailable('away'))
      return new Promise<void>(resolve => released.push(resolve)).then(next)
    })
    if (!options.isShared) return guarded
    // As a store of several replicas: who waits looks again and again.
    return new Proxy(guarded, {
      get: (target, name) => (name === 'relookMs' ? 20 : (Reflect.get(target, name) as unknown)),
    })
  }
  const world = await startWorld({
    overrides: { wrapStore },
    ...(options.clock ? { simulator: { now: options.clock } } : {}),
  })
  return {
    world,
    takeAway: (when: typeof isAway, how: 'refuses' | 'hangs' = 'refuses'): void => {
      isAway = when
      hangs = how === 'hangs'
    },
    giveBack: (): void => {
      isAway = () => false
      for (const release of released.splice(0)) release()
    },
  }
}

const create = (world: World, wait?: number): Promise<Answer> =>
  world.call('POST', '/vms/1000/snapshots', {
    body: { name: 'a' },
    ...(wait === undefined ? {} : { headers: { prefer: `wait=${wait}` } }),
  })

/** The id of the operation that an answer tells of. */
const idIn = ({ body }: Answer): string => body.id ?? body.operation.split('/').at(-1)

test.concurrent.each(
  [undefined, 1, 20].flatMap(wait => (['refuses', 'hangs'] as const).map(how => ({ wait, how }))),
)(
  'the acceptance cannot be stored (wait=$wait, the store $how): 503 with its path within about 5 s',
  { timeout: 30_000 },
  async ({ wait, how }) => {
    const { world, takeAway, giveBack } = await worldWithStore()
    takeAway(method => method === 'save', how)
    const sinceMs = performance.now()
    const answer = await create(world, wait)
    expect(performance.now() - sinceMs).toBeLessThan(8_000)
    expect([answer.status, answer.body.code]).toEqual([503, 'store-unavailable'])
    expect(answer.body.operation).toMatch(/^\/operations\/op_/)
    expect(answer.text).not.toMatch(/nothing was changed/i)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    giveBack()
    expect(await ended(world, idIn(answer))).toMatchObject({ status: 'succeeded' })
    expect(upstreamCalls(world, 'create_snapshot')).toHaveLength(1)
  },
)

test.concurrent.each([
  { isShared: false, wait: 1 },
  { isShared: true, wait: 1 },
])(
  'a store that is away when the wait runs out (shared: $isShared): 202 with the operation',
  async ({ isShared, wait }) => {
    const clock = stoppableClock()
    clock.stop()
    const { world, takeAway, giveBack } = await worldWithStore({ isShared, clock: clock.now })
    // The acceptance is stored; from then on nothing can be read.
    takeAway(method => method === 'get')
    const answer = await create(world, wait)
    expect([answer.status, answer.body.status]).toEqual([202, 'running'])
    expect(answer.headers.get('location')).toBe(answer.body.self)
    giveBack()
    clock.go()
    expect(await ended(world, answer.body.id)).toMatchObject({ status: 'succeeded' })
    expect(upstreamCalls(world, 'create_snapshot')).toHaveLength(1)
  },
)

test('a drain that begins while a change runs: 202 with the operation, soon, the store away or not', async () => {
  for (const storeIsAway of [false, true]) {
    const clock = stoppableClock()
    clock.stop()
    const { world, takeAway, giveBack } = await worldWithStore({ clock: clock.now })
    const waiting = create(world, 20)
    await vi.waitFor(() => expect(upstreamCalls(world, 'create_snapshot')).toHaveLength(1))
    // Stored, and looked at once by who waits.
    await vi.waitFor(async () =>
      expect((await world.call('GET', '/operations')).body.operations[0].updated_at).toBeTruthy(),
    )
    if (storeIsAway) takeAway(method => method === 'get')
    const sinceMs = performance.now()
    const restarted = world.restart()
    const answer = await waiting
    expect(performance.now() - sinceMs).toBeLessThan(5_000)
    expect([answer.status, answer.body.status]).toEqual([202, 'running'])
    giveBack()
    await restarted
    clock.go()
    expect(await ended(world, answer.body.id)).toMatchObject({ status: 'succeeded' })
    expect(upstreamCalls(world, 'create_snapshot')).toHaveLength(1)
  }
}, 20_000)

test('where nothing was sent, that is said', async () => {
  const { world, takeAway } = await worldWithStore()
  takeAway(method => method === 'start')
  const answer = await create(world, 5)
  expect([answer.status, answer.body.code]).toEqual([503, 'store-unavailable'])
  expect(answer.body.detail).toContain('nothing was changed')
  expect(answer.body).not.toHaveProperty('operation')
  expect(upstreamCalls(world)).toEqual([])
})
