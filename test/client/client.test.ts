/** The client against a real gateway over the simulator. */

import { getEventListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import {
  createClient,
  OperationFailedError,
  OutcomeUnknownError,
  ProblemError,
  type Client,
  type ClientOptions,
  type Operation,
} from '../../src/client/client.ts'
import { KEY, mutations, startWorld, stoppableClock, type World } from '../helper.ts'

function clientOf({ gateway }: World, options: Partial<ClientOptions> = {}): Client {
  return createClient({ baseUrl: gateway.address, key: KEY, ...options })
}

/** What a call or an operation failed with. */
async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

const logged = (world: World, status: number): string[] =>
  world.log.filter(line => line.includes(`"status":${status}`))

test('each route can be called, and what it brings needs no cast', async () => {
  const world = await startWorld()
  const gateway = clientOf(world)
  const created = await gateway.follow(await gateway.createSnapshot({ vm_id: 1004, name: 'one' }))
  // What the compiler knows of it: no cast, and nothing that could be missing.
  const settledBy: 'callback' | 'look' = created.result.settled_by
  expect([created.kind satisfies 'snapshot.create', settledBy]).toEqual(['snapshot.create', 'callback'])
  expect((await gateway.getSnapshot({ vm_id: 1004, name: 'one' })).name).toBe('one')
  const { snapshots } = await gateway.listSnapshots({ vm_id: 1004, type: 'snapshot' })
  expect(snapshots?.map(({ name }) => name)).toEqual(['one'])
  expect((await gateway.getStats({ vm_id: 1004 })).vm_id).toBe(1004)

  const restoring = await gateway.restoreSnapshot(
    { vm_id: 1004, name: 'one', if_newer: 'refuse' },
    { waitS: 10 },
  )
  expect(restoring.status).toBe('succeeded')
  const deleted = await gateway.follow(
    await gateway.deleteSnapshot({ vm_id: 1004, name: 'one', type: 'snapshot' }),
  )
  expect(deleted.kind).toBe('snapshot.delete')
  const page = await gateway.listOperations({ vm_id: 1004, limit: 2 })
  expect(page.operations.map(({ kind }) => kind)).toEqual(['snapshot.delete', 'snapshot.restore'])
  expect((await gateway.listOperations({ limit: 1, cursor: page.next_cursor! })).operations[0]?.id).toBe(
    created.id,
  )
  const any: Operation = await gateway.getOperation({ operation_id: created.id })
  const ended = await gateway.follow(any)
  if (ended.kind === 'snapshot.list') expect(ended.result.snapshots).toBeDefined()
  if (ended.kind === 'stats.load') expect(ended.result.stats).toBeDefined()
  expect(ended.kind === 'snapshot.create' && ended.result.settled_by).toBe('callback')
})

test('each operation of the document that asks for a key has a call, but the stream', async () => {
  const { paths } = JSON.parse(readFileSync('openapi/openapi.json', 'utf8')) as {
    paths: Record<string, Record<string, { operationId?: string; security?: object[] }>>
  }
  const secured = Object.values(paths)
    .flatMap(methods => Object.values(methods))
    .flatMap(({ operationId = '', security }) => (security?.length ? operationId : []))
  const calls = Object.keys(createClient({ baseUrl: 'http://127.0.0.1:1', key: '' }))
  expect([...calls, 'streamOperation'].toSorted()).toEqual([...secured, 'follow'].toSorted())
})

test('a read that takes HOSTKEY long is waited for', async () => {
  // Nothing is held: every read becomes an operation.
  const world = await startWorld({ env: { MAX_WAIT_MS: '0', READ_CACHE_MS: '60000' } })
  const gateway = clientOf(world)
  for (const vmId of [1000, 1003, 1004])
    world.simulator.setVm(vmId, { behaviour: 'normal', snapshots: ['first', 'other'] })
  const { snapshots } = await gateway.listSnapshots({ vm_id: 1004 })
  expect(snapshots?.map(({ name }) => name)).toEqual(['first', 'other'])
  expect((await gateway.getStats({ vm_id: 1004 })).stats).toBeTypeOf('object')
  expect((await gateway.getSnapshot({ vm_id: 1000, name: 'first' })).name).toBe('first')
  expect(await failureOf(gateway.getSnapshot({ vm_id: 1003, name: 'missing' }))).toMatchObject({
    problem: { code: 'snapshot-not-found' },
  })
  expect(logged(world, 202)).toHaveLength(4)
})

test('what is refused is a ProblemError', async () => {
  const world = await startWorld()
  const unknownVm = await failureOf(clientOf(world).getStats({ vm_id: 9 }))
  expect(unknownVm).toBeInstanceOf(ProblemError)
  expect(unknownVm).toMatchObject({
    name: 'ProblemError',
    problem: { code: 'vm-not-found', status: 404 },
    message: expect.stringMatching(/^vm-not-found: /) as string,
  })
  const wrongKey = await failureOf(clientOf(world, { key: 'no-key-of-anybody' }).getStats({ vm_id: 1000 }))
  expect(wrongKey).toMatchObject({ problem: { code: 'unauthenticated' } })
  // A member that no type can refuse.
  const wrongName = await failureOf(clientOf(world).createSnapshot({ vm_id: 1000, name: 'a b' }))
  expect(wrongName).toMatchObject({
    problem: { code: 'validation-failed', errors: [{ in: 'body', field: 'name' }] },
  })
  expect(mutations(world)).toEqual([])
})

test('an operation that fails is an error with its problem', async () => {
  const world = await startWorld()
  const gateway = clientOf(world)
  const changes: string[] = []
  const operation = await gateway.createSnapshot({ vm_id: 1002, name: 'a' })
  const failure = await failureOf(
    gateway.follow(operation, { onChange: ({ status }) => void changes.push(status) }),
  )
  expect(failure).toBeInstanceOf(OperationFailedError)
  expect(failure).toMatchObject({
    name: 'OperationFailedError',
    problem: { code: 'operation-failed' },
    operation: { id: operation.id, status: 'failed' },
  })
  expect(changes.at(-1)).toBe('failed')
  // One that has ended already is not asked for again.
  const again = await failureOf(gateway.follow((failure as OperationFailedError).operation))
  expect(again).toMatchObject({ operation: { id: operation.id } })
})

test('an operation of which nobody can tell is an error of its own', async () => {
  const world = await startWorld({ env: { OPERATION_DEADLINE_MS: '300' } })
  world.simulator.fault({ kind: 'never-done', action: 'restore_snapshot' })
  world.simulator.setVm(1004, { snapshots: ['first'] })
  const gateway = clientOf(world)
  const operation = await gateway.restoreSnapshot({ vm_id: 1004, name: 'first' })
  const failure = await failureOf(gateway.follow(operation))
  expect(failure).toBeInstanceOf(OutcomeUnknownError)
  expect(failure).not.toBeInstanceOf(OperationFailedError)
  expect(failure).toMatchObject({ problem: { code: 'outcome-unknown' }, operation: { status: 'unknown' } })
})

test('a key of the service makes the change once, whoever sends it', async () => {
  const world = await startWorld()
  const options = { idempotencyKey: 'job-7' }
  const first = await clientOf(world).createSnapshot({ vm_id: 1004, name: 'one' }, options)
  const second = await clientOf(world).createSnapshot({ vm_id: 1004, name: 'one' }, options)
  expect(second.id).toBe(first.id)
  // Without one, each call is a change of its own.
  await clientOf(world).follow(first)
  const third = await clientOf(world).createSnapshot({ vm_id: 1004, name: 'two' })
  expect(third.id).not.toBe(first.id)
})

test('a change waits its turn on a busy VM for as long as it is told to', async () => {
  const clock = stoppableClock()
  const world = await startWorld({ simulator: { now: clock.now } })
  const gateway = clientOf(world)
  clock.stop()
  const first = await gateway.createSnapshot({ vm_id: 1004, name: 'one' })
  const busy = await failureOf(gateway.createSnapshot({ vm_id: 1004, name: 'two' }))
  expect(busy).toMatchObject({ problem: { code: 'vm-busy', operation: first.self } })
  const second = gateway.createSnapshot({ vm_id: 1004, name: 'two' }, { waitS: 20 })
  clock.go()
  expect(await second).toMatchObject({ status: 'succeeded', snapshot: 'two' })
})

test('a base path stands in the address, and in the paths of operations too', async () => {
  const world = await startWorld({ env: { BASE_PATH: '/hostkey' } })
  for (const baseUrl of [`${world.gateway.address}/hostkey`, `${world.gateway.address}/hostkey/`]) {
    const gateway = clientOf(world, { baseUrl })
    const operation = await gateway.createSnapshot({ vm_id: 1004, name: 'one' }, { idempotencyKey: 'one' })
    expect(operation.self).toBe(`/hostkey/operations/${operation.id}`)
    expect((await gateway.follow(operation)).status).toBe('succeeded')
  }
})

test('a caller over its limit is served once the gateway says so, and not earlier', async () => {
  const limit = { rate_limit: { max: 2, window_ms: 1000 } }
  const world = await startWorld({ callers: [{ ...newEntry('tester', KEY, SCOPES, '*'), ...limit }] })
  const gateway = clientOf(world)
  const names = ['one', 'two', 'three', 'four', 'five']
  const operations = await Promise.all(
    names.map((name, at) => gateway.createSnapshot({ vm_id: 1000 + at, name })),
  )
  expect(operations.map(({ snapshot }) => snapshot)).toEqual(names)
  expect(mutations(world)).toHaveLength(5)
  expect(logged(world, 429).length).toBeGreaterThanOrEqual(3)
})

test('a token is asked for anew for each request', async () => {
  const world = await startWorld()
  const keys = ['not-yet', KEY]
  const gateway = clientOf(world, { key: async () => keys.shift()! })
  expect(await failureOf(gateway.getStats({ vm_id: 1000 }))).toMatchObject({
    problem: { code: 'unauthenticated' },
  })
  expect((await gateway.getStats({ vm_id: 1000 })).vm_id).toBe(1000)
})

test('aborted at any moment, it ends with the reason and leaves no listener behind', async () => {
  const world = await startWorld({ simulator: { taskMs: 30 } })
  const gateway = clientOf(world)
  let vmId = 1004
  world.simulator.setVm(vmId, {})
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 120 }), async afterMs => {
      vmId += 1
      world.simulator.setVm(vmId, {})
      const controller = new AbortController()
      const { signal } = controller
      const reason = new Error('no time left')
      const timer = setTimeout(() => controller.abort(reason), afterMs)
      const outcome = await gateway
        .createSnapshot({ vm_id: vmId, name: 'one' }, { signal })
        .then(operation => gateway.follow(operation, { signal }))
        .catch((error: unknown) => error)
      clearTimeout(timer)
      if (outcome !== reason) expect(outcome).toMatchObject({ status: 'succeeded' })
      expect(getEventListeners(signal, 'abort')).toEqual([])
    }),
    { numRuns: 40 },
  )
})
