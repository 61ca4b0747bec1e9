import { getEventListeners } from 'node:events'
import { expect, test, vi } from 'vitest'
import { SCOPES } from '../../../src/callers/caller.ts'
import { newEntry } from '../../../src/callers/key.ts'
import { newOperation, type Operation } from '../../../src/operations/operation.ts'
import { Waiters } from '../../../src/operations/waiters.ts'
import { eventStream } from '../../../src/http/routes/events.ts'
import type { RouteParts } from '../../../src/http/routes/parts.ts'
import type { Store } from '../../../src/operations/store.ts'
import {
  callRaw,
  collect,
  KEY,
  serverEvents,
  standInApp,
  startWorld,
  stoppableClock,
  type Answer,
  type ServerEvent,
  type World,
} from '../../helper.ts'
import { realWorld } from '../../../src/world.ts'

async function follow(
  world: World,
  id: string,
  options: { key?: string; signal?: AbortSignal } = {},
): Promise<{ response: Response; events: AsyncGenerator<ServerEvent> }> {
  const { key = KEY, signal = null } = options
  const response = await fetch(`${world.gateway.address}/operations/${id}/events`, {
    headers: { authorization: `Bearer ${key}` },
    signal,
  })
  return { response, events: serverEvents(response.body!) }
}

async function create(world: World): Promise<string> {
  return (await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' } })).body.id
}

test('an event at once and at each change, then the stream ends', async () => {
  const clock = stoppableClock()
  clock.stop()
  const world = await startWorld({ simulator: { now: clock.now } })
  world.simulator.fault({ action: 'create_snapshot', kind: 'lose-key' })
  const id = await create(world)
  const { response, events } = await follow(world, id)
  expect(response.status).toBe(200)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': expect.stringMatching(/^text\/event-stream\b/),
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  })
  clock.go()
  clock.go()
  const seen = await collect(events)
  expect(seen[0]).toEqual({ retry: expect.stringMatching(/^\d+$/) })
  const changes = seen.filter(({ event }) => event !== undefined)
  expect(changes).toHaveLength(seen.length - 1)
  // Accepted; the key is gone, so it looks; seen.
  expect(changes.map(({ data }) => data.status)).toEqual(['running', 'running', 'succeeded'])
  expect(new Set(changes.map(({ event }) => event))).toEqual(new Set(['operation']))
  const ids = changes.map(one => Number(one.id))
  expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b))
  expect(changes.at(-1)!.data).toEqual((await world.call('GET', `/operations/${id}`)).body)
})

test('of an operation that has ended there is the one event', async () => {
  const world = await startWorld()
  const id = await create(world)
  await collect((await follow(world, id)).events)
  const [, only, ...more] = await collect((await follow(world, id)).events)
  expect(only).toMatchObject({ event: 'operation', data: { id, status: 'succeeded' } })
  expect(more).toEqual([])
})

test('who has seen the end is told to stop, and nobody else', async () => {
  const clock = stoppableClock()
  clock.stop()
  const world = await startWorld({ simulator: { now: clock.now } })
  const id = await create(world)
  const again = (last: string): Promise<Answer> =>
    world.call('GET', `/operations/${id}/events`, { headers: { 'last-event-id': last } })
  const { events } = await follow(world, id)
  await events.next()
  const { value: first } = await events.next()
  // As long as it runs there is more to come.
  const running = again(first.id)
  clock.go()
  const last = (await collect(events)).at(-1)!.id!
  expect([(await running).status, (await running).text]).toEqual([
    200,
    expect.stringContaining('"succeeded"'),
  ])

  const end = await again(last)
  expect([end.status, end.text, end.headers.get('content-type')]).toEqual([204, '', null])
  for (const other of [first!.id!, '', 'x', `${last}0`, ` ${last}x`]) {
    const { status, text } = await again(other)
    expect([other, status, text]).toEqual([other, 200, expect.stringContaining(`id: ${last}\n`)])
  }
})

test('many follow the same operation; those who leave keep nobody from the end', async () => {
  const clock = stoppableClock()
  clock.stop()
  const world = await startWorld({ simulator: { now: clock.now } })
  const id = await create(world)
  const leaving = new AbortController()
  const left = await follow(world, id, { signal: leaving.signal })
  await left.events.next()
  const streams = await Promise.all(Array.from({ length: 20 }, () => follow(world, id)))
  leaving.abort()
  clock.go()
  const all = await Promise.all(streams.map(({ events }) => collect(events)))
  for (const seen of all) expect(seen.at(-1)?.data.status).toBe('succeeded')
})

test('only GET, only with credentials, only for who may see the operation', async () => {
  const world = await startWorld({
    callers: [
      newEntry('tester', KEY, SCOPES, '*'),
      newEntry('stats', 'key-stats', ['stats:read'], '*'),
      newEntry('elsewhere', 'key-elsewhere', SCOPES, [1001]),
    ],
  })
  const path = `/operations/${await create(world)}/events`
  expect((await world.call('GET', path, { key: null })).status).toBe(401)
  for (const key of ['key-stats', 'key-elsewhere']) {
    const answer = await world.call('GET', path, { key })
    expect([answer.status, answer.body.code]).toEqual([404, 'operation-not-found'])
  }
  const head = await callRaw(world.gateway.address, 'HEAD', path)
  expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET'])
})

const ID = `op_${'0'.repeat(26)}`

function operationOf(changes: Partial<Operation>): Operation {
  const draft = { id: ID, kind: 'snapshot.create', vmId: 1, snapshot: 'a', snapshotType: 'snapshot' } as const
  const policy = { checkMinMs: 1, checkMaxMs: 1, deadlineMs: 1, settleMs: 1, readCalls: 1 }
  const operation = newOperation({ ...draft, backupId: null, createdBy: 'x', evidence: null }, 0, 0, policy)
  return { ...operation, ...changes } as Operation
}

/** A stream over a store in memory, whose listeners can be counted. */
function memoryStream(heartbeatMs: number) {
  let operation = operationOf({})
  let looks = 0
  let onChange: (id: string) => void = () => {}
  const store: Pick<Store, 'get' | 'onChange'> = {
    get: () => {
      looks += 1
      return Promise.resolve(operation)
    },
    onChange: listener => {
      onChange = listener
      return () => {}
    },
  }
  const waiters = new Waiters({ store: store as Store, world: realWorld })
  const [gone, draining] = [new AbortController(), new AbortController()]
  const parts = {
    config: { basePath: '' },
    draining: draining.signal,
    operations: {
      nextVisible: (seen: Operation, limitMs: number, ...signals: AbortSignal[]) =>
        waiters.until(seen.id, now => now.updatedAtMs !== seen.updatedAtMs, limitMs, ...signals),
    },
  } as unknown as RouteParts
  const stream = eventStream(operation, parts, gone.signal, heartbeatMs)
  return {
    stream,
    gone,
    draining,
    listeners: () =>
      [gone, draining].map(({ signal }) => getEventListeners(signal, 'abort').length).reduce((a, b) => a + b),
    /** Changes the operation and says how often that made the store be read. */
    change: (changes: Partial<Operation>): number => {
      operation = { ...operation, rev: operation.rev + 1, ...changes } as Operation
      const before = looks
      onChange(operation.id)
      return looks - before
    },
  }
}

test('while nothing happens a comment keeps the stream open; what callers cannot see is no event', async () => {
  const { stream, change } = memoryStream(5)
  const events = serverEvents(stream)
  const next = async (): Promise<ServerEvent> => (await events.next()).value as ServerEvent
  expect(await next()).toHaveProperty('retry')
  expect(await next()).toMatchObject({ id: '1', data: { status: 'running' } })
  expect(await next()).toEqual({ comment: expect.any(String) })
  expect(await next()).toEqual({ comment: expect.any(String) })
  change({ tries: 3 })
  expect(await next()).toEqual({ comment: expect.any(String) })
  change({ status: 'failed', updatedAtMs: 9, finishedAtMs: 9 })
  const rest = await collect(events)
  expect(rest.at(-1)).toMatchObject({ event: 'operation', id: '3', data: { status: 'failed' } })
  expect(rest.filter(({ event }) => event)).toHaveLength(1)
})

test.for(['gone', 'draining'] as const)(
  'no listener stays when the signal %s ends the stream',
  async signal => {
    const world = memoryStream(60_000)
    const events = serverEvents(world.stream)
    await events.next()
    await events.next()
    const rest = events.next()
    await vi.waitFor(() => expect(world.listeners()).toBe(2))
    expect(world.change({ tries: 1 })).toBe(1)
    world[signal].abort()
    expect(await rest).toEqual({ done: true, value: undefined })
    expect(world.listeners()).toBe(0)
    expect(world.change({ tries: 2 })).toBe(0)
  },
)

test('a client that goes away is noticed', async () => {
  const waits = Promise.withResolvers<AbortSignal>()
  const { app } = await standInApp({
    get: () => Promise.resolve(operationOf({ id: ID })),
    nextVisible: (seen, _limitMs, gone) => {
      waits.resolve(gone)
      return new Promise(resolve => gone.addEventListener('abort', () => resolve(seen)))
    },
  })
  const leaving = new AbortController()
  const path = `${await app.listen()}/operations/${ID}/events`
  const response = await fetch(path, { headers: { 'x-api-key': KEY }, signal: leaving.signal })
  const gone = await waits.promise
  expect(gone.aborted).toBe(false)
  leaving.abort()
  await expect(response.text()).rejects.toThrow('aborted')
  await vi.waitFor(() => expect(gone.aborted).toBe(true))
})
