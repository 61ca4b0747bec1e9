/** The load: what is asked in each scenario, and autocannon over it. Every answer is checked; a wrong one ends the benchmark. */

import type { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import { request } from 'undici'
import { KEY } from './contenders.ts'
import type { Measured } from './processes.ts'
import { COUNTS_PATH, FIRST_FILLED_VM, STATS } from './stub.ts'

export const CONNECTIONS = 64

export interface Load {
  status: number
  /** One request that is repeated, or how to make each. */
  request: autocannon.Request | (() => autocannon.Request)
  isRight: (body: string) => boolean
}

export interface Scenario {
  title: string
  load: Load
  /** The most calls to HOSTKEY that may be made in so many seconds. */
  maxCalls?: (seconds: number) => number
  /** How many calls to HOSTKEY an operation takes: the last ones are begun when nobody waits for their answer any more. */
  callsOfEach?: number
}

const AUTHORIZATION = { authorization: `Bearer ${KEY}` }
const JSON_TYPE = { 'content-type': 'application/json' }
const CREATE_BODY = JSON.stringify({ name: 'nightly' })
const SHOWN_STATS = `"stats":${JSON.stringify(STATS)}`

let lastVm = 1_000
const nextVm = (): number => (lastVm += 1)

/** Requests that each name another VM, and the check that every answer speaks of a VM that was asked for and not yet answered. */
function eachAnother(status: number, make: (vmId: number) => autocannon.Request, ...parts: string[]): Load {
  const asked = new Set<string>()
  return {
    status,
    request: () => {
      const vmId = nextVm()
      asked.add(String(vmId))
      return make(vmId)
    },
    isRight: body =>
      asked.delete(/"vm_id":(\d+)/.exec(body)?.[1] ?? '') && parts.every(part => body.includes(part)),
  }
}

const same = (status: number, one: autocannon.Request, ...parts: string[]): Load => ({
  status,
  request: one,
  isRight: body => parts.every(part => body.includes(part)),
})

export type ScenarioName =
  'create' | 'hot-stats' | 'many-stats' | 'operation' | 'invalid-body' | 'unknown-key'

/** `operationIds` are those of operations that ended. */
export function scenarios(operationIds: readonly string[]): Record<ScenarioName, Scenario> {
  const create = (vmId: number): autocannon.Request => ({
    method: 'POST',
    path: `/vms/${vmId}/snapshots`,
    headers: { ...AUTHORIZATION, ...JSON_TYPE },
    body: CREATE_BODY,
  })
  const stats = (vmId: number): autocannon.Request => ({
    method: 'GET',
    path: `/vms/${vmId}/stats`,
    headers: AUTHORIZATION,
  })
  let asked = 0
  return {
    create: {
      title: 'create, to its end',
      callsOfEach: 2,
      load: eachAnother(202, create, '"status":"running"', '"kind":"snapshot.create"'),
    },
    'hot-stats': {
      title: 'stats of one hot VM',
      // One a second (READ_CACHE_MS) and one check of its key.
      maxCalls: seconds => 2 * (Math.ceil(seconds) + 1),
      load: same(200, stats(7), '"vm_id":7,', SHOWN_STATS),
    },
    'many-stats': { title: 'stats, every VM another', load: eachAnother(200, stats, SHOWN_STATS) },
    operation: {
      title: '`GET /operations/{id}`',
      maxCalls: () => 0,
      load: {
        status: 200,
        request: () => ({
          method: 'GET',
          path: `/operations/${operationIds[(asked += 1) % operationIds.length]!}`,
          headers: AUTHORIZATION,
        }),
        isRight: body =>
          body.startsWith('{"id":"op_') &&
          body.includes('"status":"succeeded"') &&
          body.includes('"Snapshot created"'),
      },
    },
    'invalid-body': {
      title: 'an invalid body',
      maxCalls: () => 0,
      load: same(400, { ...create(7), body: '{"name":"no spaces"}' }, ':400'),
    },
    'unknown-key': {
      title: 'an unknown key',
      maxCalls: () => 0,
      load: same(401, { ...create(7), headers: { ...JSON_TYPE, authorization: 'Bearer unknown' } }, ':401'),
    },
  }
}

/** Creates so many operations, one after the other, and gives their ids. */
export async function createSome(target: Measured, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i += 1) {
    const { body } = await request(`${target.url}/vms/${nextVm()}/snapshots`, {
      method: 'POST',
      headers: { ...AUTHORIZATION, ...JSON_TYPE },
      body: CREATE_BODY,
    })
    ids.push(((await body.json()) as { id: string }).id)
  }
  await settled(target)
  return ids
}

/** Resolves when nothing that was begun is running any more. */
async function settled(target: Measured): Promise<void> {
  for (;;) {
    const { body } = await request(`${target.url}/operations?status=running&limit=1`, {
      headers: AUTHORIZATION,
    })
    const { operations } = (await body.json()) as { operations: { vm_id: number }[] }
    if ((operations[0]?.vm_id ?? Infinity) >= FIRST_FILLED_VM) return
    await sleep(20)
  }
}

export interface Round {
  /** Answered requests, or ended operations. */
  done: number
  /** Until the last of what the requests began has ended. */
  seconds: number
  /** Milliseconds, of each request. */
  latencies: number[]
  cpuMs: number
}

/** Calls to HOSTKEY so far, but those for operations that are never ready. */
async function callsOf(stub: Measured): Promise<number> {
  const { body } = await request(stub.url + COUNTS_PATH)
  const { pending: _pending, ...counts } = (await body.json()) as Record<string, number>
  return Object.values(counts).reduce((a, b) => a + b, 0)
}

/** A gateway that makes no call for so long has nothing under way, also when its machine is busy. */
const REST_MS = 300

/** The same, once what the round before left under way is over. */
async function callsAtRest(stub: Measured): Promise<number> {
  let calls = await callsOf(stub)
  for (;;) {
    await sleep(REST_MS)
    const before = calls
    calls = await callsOf(stub)
    if (calls === before) return calls
  }
}

export interface DriveOptions {
  stub: Measured
  target: Measured
  scenario: Scenario
  seconds: number
}

/** One round. @throws Error when an answer was wrong, or more calls were made than may be. */
export async function drive(options: DriveOptions): Promise<Round> {
  const { stub, target, scenario, seconds } = options
  const { load, maxCalls, callsOfEach } = scenario
  const { request: one, status, isRight } = load
  const latencies: number[] = []
  const callsBefore = await callsAtRest(stub)
  const cpuBefore = target.cpuMs()
  const { promise, resolve, reject } = Promise.withResolvers<autocannon.Result>()
  const instance = autocannon(
    {
      url: target.url,
      connections: CONNECTIONS,
      duration: seconds,
      // It stops at the end of a sample.
      sampleInt: 100,
      requests: [typeof one === 'function' ? { setupRequest: one } : one],
      verifyBody: body => isRight(String(body)),
    },
    (error: Error | null, result) => (error ? reject(error) : resolve(result)),
  )
  instance.on('response', (_client, _status, _bytes, ms) => void latencies.push(ms))
  let wrong: string | undefined
  // Missing in its types.
  const emitter: EventEmitter = instance
  emitter.on('reqMismatch', (body: unknown) => (wrong ??= String(body)))
  const result = await promise
  const drivenAt = performance.now()
  await settled(target)
  const tookS = result.duration + (performance.now() - drivenAt) / 1_000
  const cpuMs = target.cpuMs() - cpuBefore
  const calls = (await callsOf(stub)) - callsBefore

  const statuses = Object.keys(result.statusCodeStats ?? {})
  if (wrong !== undefined) throw new Error(`a wrong answer: ${wrong.slice(0, 500)}`)
  if (result.errors > 0 || statuses.join() !== String(status))
    throw new Error(
      `answered with ${JSON.stringify(result.statusCodeStats)} and ${result.errors} errors instead of ${status}`,
    )
  if (maxCalls && calls > maxCalls(result.duration))
    throw new Error(`${calls} calls to HOSTKEY in ${result.duration} s, at most ${maxCalls(result.duration)}`)
  return { done: callsOfEach ? calls / callsOfEach : latencies.length, seconds: tookS, latencies, cpuMs }
}
