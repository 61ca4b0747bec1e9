/** How messages are delivered over hours and days, and to many receivers: with a clock that the test moves. */

import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { Ended } from '../../src/operations/operation.ts'
import { StoreUnavailable, type Store } from '../../src/operations/store.ts'
import { openSqliteStore } from '../../src/store/sqlite/open.ts'
import { Deliveries, type DeliveriesOptions } from '../../src/webhooks/deliveries.ts'
import type { Sent } from '../../src/webhooks/send.ts'
import { realWorld } from '../../src/world.ts'
import { temporaryDirectory } from '../helper.ts'
import { PENDING } from '../store/outbox-contract.ts'
import { changed, endOf, operation } from '../store/store-contract.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const HOUR_MS = 3_600_000
const DELIVERED: Sent = { kind: 'delivered' }
const FAILED: Sent = { kind: 'failed', reason: 'HTTP 500' }

interface Attempt {
  caller: string
  id: string
  atMs: number
}

/** Deliveries at work over a real store, to receivers that answer each attempt so. */
class Post {
  readonly attempts: Attempt[] = []
  readonly log: string[] = []
  readonly over: string[] = []
  readonly store: Store
  readonly receivers: Set<string>
  deliveries!: Deliveries
  answer: (attempt: Attempt, signal: AbortSignal) => Promise<Sent> | Sent = () => DELIVERED
  #vmId = 0

  constructor(...receivers: string[]) {
    this.receivers = new Set(receivers)
    this.store = openSqliteStore(join(temporaryDirectory(), 'gateway.db'), Date.now(), {
      // This is not about what a crash leaves.
      sync: (_fd, done) => setImmediate(done, null),
    })
    onTestFinished(() => this.store.close())
    this.start()
  }

  start(options: Partial<DeliveriesOptions> = {}): void {
    const tell = (fields: object, message: string): void =>
      void this.log.push(`${message} ${JSON.stringify(fields)}`)
    this.deliveries = new Deliveries({
      outbox: this.store.outbox,
      receivers: {
        receiver: name =>
          this.receivers.has(name)
            ? { name, url: new URL('https://r.example'), secrets: () => [] }
            : undefined,
        receiverNames: () => [...this.receivers],
      },
      sender: {
        send: async ({ name }, { id }, signal) => {
          const attempt = { caller: name, id, atMs: Date.now() }
          this.attempts.push(attempt)
          return this.answer(attempt, signal!)
        },
      },
      bodyOf: ({ id }) => id,
      world: realWorld,
      log: { info: tell, warn: tell, error: tell },
      apart: make => make(),
      onAttempt: () => {},
      onOver: (caller, state) => this.over.push(`${caller} ${state}`),
      ...options,
    })
    this.deliveries.start()
    onTestFinished(() => this.deliveries.stop(0))
  }

  /** An operation of this caller ends. */
  async end(caller: string): Promise<Ended> {
    const op = operation({ createdBy: caller, vmId: (this.#vmId += 1), createdAtMs: Date.now() })
    await this.store.start(op, null, Date.now())
    const end = changed(endOf(op, Date.now()), { webhook: PENDING }) as Ended
    await this.store.save(end)
    this.deliveries.nudge()
    return end
  }

  async stateOf({ id }: Ended): Promise<unknown> {
    return (await this.store.get(id))?.webhook
  }
}

/** Lets the time pass, in steps that leave room for the disk in between. */
async function pass(ms: number, stepMs = 250): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    await vi.advanceTimersByTimeAsync(Math.min(stepMs, left))
    for (let i = 0; i < 5; i += 1) await new Promise(resolve => setImmediate(resolve))
  }
}

test('pauses double from five seconds to an hour, with a fifth of jitter; after a day the message is given up', async () => {
  const post = new Post('alice')
  post.answer = () => FAILED
  const startMs = Date.now()
  const told = await post.end('alice')
  await pass(26 * HOUR_MS, 60_000)
  const pauses = post.attempts.slice(1).map(({ atMs }, i) => atMs - post.attempts[i]!.atMs)
  expect(pauses.length).toBeGreaterThan(25)
  for (const [i, pauseMs] of pauses.entries()) {
    const wantedMs = Math.min(HOUR_MS, 5_000 * 2 ** i)
    expect(pauseMs).toBeGreaterThanOrEqual(wantedMs * 0.8)
    // The clock of this test goes in steps of a minute.
    expect(pauseMs).toBeLessThanOrEqual(wantedMs * 1.2 + 60_000)
  }
  expect(post.attempts.at(-1)!.atMs - startMs).toBeLessThanOrEqual(24 * HOUR_MS)
  expect(post.attempts.at(-1)!.atMs - startMs).toBeGreaterThan(22 * HOUR_MS)
  expect(new Set(post.attempts.map(({ id }) => id)).size).toBe(1)
  expect(await post.stateOf(told)).toMatchObject({ state: 'given-up', attempts: post.attempts.length })
  expect(post.over).toEqual(['alice given-up'])
  // Told once each, and not with every attempt.
  expect(post.log).toHaveLength(2)
  expect(post.log[0]).toBe('the receiver of a webhook fails {"caller":"alice","reason":"HTTP 500"}')
  expect(post.log[1]).toContain('webhook ended {"audit":true')
}, 60_000)

test('a pause that the receiver asks for is kept', async () => {
  const post = new Post('alice')
  post.answer = () => (post.attempts.length === 1 ? { ...FAILED, retryAfterMs: 90_000 } : DELIVERED)
  const told = await post.end('alice')
  await pass(89_000)
  expect(post.attempts).toHaveLength(1)
  await pass(2_000)
  expect(await post.stateOf(told)).toMatchObject({ state: 'delivered', attempts: 2 })
  expect(post.over).toEqual(['alice delivered'])
  expect(post.log.map(line => line.split(' {')[0])).toEqual([
    'the receiver of a webhook fails',
    'the receiver of a webhook answers again',
    'webhook ended',
  ])
})

test('at most four at once to a receiver, one while it fails, and nobody waits for another', async () => {
  const post = new Post('slow', 'good')
  const hanging: ((sent: Sent) => void)[] = []
  post.answer = ({ caller }, signal) =>
    caller === 'good'
      ? DELIVERED
      : new Promise(resolve => {
          hanging.push(resolve)
          signal.addEventListener('abort', () => resolve(FAILED))
        })
  for (let i = 0; i < 10; i += 1) await post.end('slow')
  await pass(2_000)
  expect(hanging).toHaveLength(4)
  const told = await post.end('good')
  await pass(250)
  expect(await post.stateOf(told)).toMatchObject({ state: 'delivered' })
  for (const answer of hanging.splice(0)) answer(FAILED)
  await pass(1_000)
  expect(hanging).toHaveLength(1)
  hanging.pop()!(DELIVERED)
  await pass(1_000)
  expect(hanging).toHaveLength(4)
})

test('of a hundred receivers that hang, none keeps another from its messages', async () => {
  const slow = Array.from({ length: 100 }, (_, i) => `slow-${i}`)
  const post = new Post(...slow, 'zoe')
  post.answer = ({ caller }, signal) =>
    caller === 'zoe'
      ? DELIVERED
      : new Promise(resolve => {
          signal.addEventListener('abort', () => resolve(FAILED))
          setTimeout(() => resolve(FAILED), 10_000)
        })
  for (const caller of slow) for (let i = 0; i < 6; i += 1) await post.end(caller)
  await pass(1_000)
  expect(post.attempts).toHaveLength(256)
  const told = await post.end('zoe')
  // The next place that is free is for who has none.
  await pass(10_000)
  expect(await post.stateOf(told)).toMatchObject({ state: 'delivered' })
  await pass(60_000)
  expect(new Set(post.attempts.map(({ caller }) => caller)).size).toBe(101)
}, 60_000)

test('after an outage no receiver gets more than twenty a second, and all is delivered', async () => {
  const post = new Post('alice', 'bob')
  post.answer = () => FAILED
  const told = await Promise.all(Array.from({ length: 300 }, () => post.end('alice')))
  await pass(60_000)
  const before = post.attempts.length
  post.answer = () => DELIVERED
  await pass(600_000, 100)
  const states = await Promise.all(told.map(one => post.stateOf(one)))
  expect(states.every(state => (state as { state: string }).state === 'delivered')).toBe(true)
  expect(post.attempts.length - before).toBe(300)
  for (const { atMs } of post.attempts)
    expect(
      post.attempts.filter(other => other.atMs >= atMs && other.atMs < atMs + 1_000).length,
    ).toBeLessThanOrEqual(20)
}, 60_000)

test('an attempt that the stop gave up does not count, and the next process makes it at once', async () => {
  const post = new Post('alice')
  post.answer = (_attempt, signal) =>
    new Promise(resolve => signal.addEventListener('abort', () => resolve(FAILED)))
  const told = await post.end('alice')
  await pass(500)
  const stopped = post.deliveries.stop(1_000)
  await pass(1_500)
  await stopped
  expect(await post.stateOf(told)).toEqual(PENDING)
  await post.end('alice')
  await pass(1_000)
  expect(post.attempts).toHaveLength(1)
  post.answer = () => DELIVERED
  post.start()
  await pass(500)
  expect(await post.stateOf(told)).toMatchObject({ state: 'delivered', attempts: 1 })
  expect(post.attempts.map(({ id }) => id).filter(id => id === told.id.replace('op_', 'msg_'))).toHaveLength(
    2,
  )
})

test('a message whose caller has no receiver any more waits for one, and is given up after a day', async () => {
  const post = new Post('alice', 'bob')
  const told = await post.end('alice')
  const [lost, kept] = [await post.end('gone'), await post.end('back')]
  await pass(HOUR_MS, 60_000)
  expect(await post.stateOf(told)).toMatchObject({ state: 'delivered' })
  post.receivers.add('back')
  await pass(10_000)
  expect(await post.stateOf(kept)).toMatchObject({ state: 'delivered' })
  await pass(26 * HOUR_MS, 60_000)
  expect(await post.stateOf(lost)).toEqual({ ...PENDING, state: 'given-up' })
  expect(post.over).toEqual(['alice delivered', 'back delivered', 'gone given-up'])
}, 60_000)

test('where nobody is told, nothing is ever asked of the store', async () => {
  const post = new Post()
  await post.deliveries.stop(0)
  const asked = (): never => {
    throw new Error('asked')
  }
  post.start({ outbox: { claim: asked, save: asked, nextDue: asked, claimForsaken: asked } })
  await pass(50 * 60_000, 1_000)
  expect(post.log).toEqual([])
})

test('a store that is away is told of once, and the messages come when it is back', async () => {
  const post = new Post('alice')
  const told = await post.end('alice')
  await pass(500)
  const { outbox } = post.store
  let isAway = true
  await post.deliveries.stop(0)
  post.start({
    outbox: {
      claim: (...args) => outbox.claim(...args),
      claimForsaken: (...args) => outbox.claimForsaken(...args),
      save: (...args) => outbox.save(...args),
      nextDue: async callers => {
        if (isAway) throw new StoreUnavailable('away')
        return outbox.nextDue(callers)
      },
    },
  })
  const second = await post.end('alice')
  await pass(20_000)
  expect(await post.stateOf(second)).toEqual(PENDING)
  expect(post.log.slice(1).map(line => line.split(' {')[0])).toEqual([
    'the messages of ends could not be read',
  ])
  isAway = false
  await pass(2_000)
  expect(await post.stateOf(second)).toMatchObject({ state: 'delivered' })
  expect(await post.stateOf(told)).toMatchObject({ state: 'delivered' })
})
