/** The load: what is asked in each scenario, and autocannon over it. Every answer is checked; a wrong one ends the benchmark. */

import type { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import { request } from 'undici'
import { KEY, type Measured } from './processes.ts'
import { COUNTS_PATH, STATS, TOKEN } from './stub.ts'

export const CONNECTIONS = 64

/** `stub`: vm.php itself; `other`: (b) and (c), which speak alike; `gateway`: ours. */
export type Speech = 'stub' | 'other' | 'gateway'

export interface Load {
  status: number
  /** One request that is repeated, or how to make each. */
  request: autocannon.Request | (() => autocannon.Request)
  isRight: (body: string) => boolean
}

export interface Scenario {
  title: string
  /** Undefined where there is nothing to compare: vm.php refuses nobody's key. */
  load: (speech: Speech) => Load | undefined
  /** The most calls to HOSTKEY that the gateway may make in so many seconds. */
  maxCalls?: (seconds: number) => number
}

const AUTHORIZATION = { authorization: `Bearer ${KEY}` }
const JSON_TYPE = { 'content-type': 'application/json' }
const CREATE_BODY = JSON.stringify({ name: 'nightly' })
const SHOWN_STATS = `"stats":${JSON.stringify(STATS)}`

const form = (fields: Record<string, string>): autocannon.Request => ({
  method: 'POST',
  path: 'key' in fields ? '/eq_callback.php' : '/vm.php',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields).toString(),
})

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

/** `operationIds` are those of ended operations of the gateway. */
export function scenarios(operationIds: readonly string[]): Record<string, Scenario> {
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
  const stubStats = same(
    200,
    form({ action: 'load_stats', token: TOKEN, id: '1' }),
    '"result":"OK"',
    '"callback"',
  )
  const refused = (one: autocannon.Request, status: number, part: string) => (speech: Speech) =>
    speech === 'stub' ? undefined : same(status, one, part)
  return {
    create: {
      title: 'create, every VM another',
      load: speech =>
        speech === 'stub'
          ? same(
              200,
              form({ action: 'create_snapshot', token: TOKEN, id: '1', name: 'nightly', type: 'snapshot' }),
              '"callback"',
            )
          : eachAnother(202, create, '"status":"running"', '"kind":"snapshot.create"'),
    },
    'hot-stats': {
      title: 'stats of one hot VM',
      // One a second (READ_CACHE_MS) and one check of its key.
      maxCalls: seconds => 2 * (Math.ceil(seconds) + 1),
      load: speech =>
        speech === 'stub'
          ? stubStats
          : speech === 'other'
            ? same(202, stats(7), '"vm_id":7,', '"status":"running"')
            : same(200, stats(7), '"vm_id":7,', SHOWN_STATS),
    },
    'many-stats': {
      title: 'stats, every VM another',
      load: speech =>
        speech === 'stub'
          ? stubStats
          : speech === 'other'
            ? eachAnother(202, stats, '"status":"running"')
            : eachAnother(200, stats, SHOWN_STATS),
    },
    operation: {
      title: '`GET /operations/{id}`',
      maxCalls: () => 0,
      load: speech => {
        const key = 'create00000000000000000000000000'
        if (speech === 'stub') return same(200, form({ action: 'check', key }), '"scope"')
        const path = (id: string): autocannon.Request => ({
          method: 'GET',
          path: `/operations/${id}`,
          headers: AUTHORIZATION,
        })
        if (speech === 'other') return same(200, path(key), '"status":"succeeded"', '"Snapshot created"')
        let asked = 0
        return {
          status: 200,
          request: () => path(operationIds[(asked += 1) % operationIds.length]!),
          isRight: body =>
            body.startsWith('{"id":"op_') &&
            body.includes('"status":"succeeded"') &&
            body.includes('"Snapshot created"'),
        }
      },
    },
    'invalid-body': {
      title: 'an invalid body',
      maxCalls: () => 0,
      load: refused({ ...create(7), body: '{"name":"no spaces"}' }, 400, ':400'),
    },
    'unknown-key': {
      title: 'an unknown key',
      maxCalls: () => 0,
      load: refused(
        { ...create(7), headers: { ...JSON_TYPE, authorization: 'Bearer unknown' } },
        401,
        ':401',
      ),
    },
  }
}

export interface Round {
  requests: number
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

/** The same, once what the round before left under way is over. */
async function callsAtRest(stub: Measured): Promise<number> {
  let calls = await callsOf(stub)
  for (;;) {
    await sleep(50)
    const before = calls
    calls = await callsOf(stub)
    if (calls === before) return calls
  }
}

export interface DriveOptions {
  stub: Measured
  target: Measured
  load: Load
  seconds: number
  maxCalls?: ((seconds: number) => number) | undefined
  /** Resolves when what the requests left behind is done; its processor time counts. */
  settled?: () => Promise<void>
}

/** One round. @throws Error when an answer was wrong, or more calls were made than may be. */
export async function drive(options: DriveOptions): Promise<Round> {
  const { stub, target, load, seconds, maxCalls, settled } = options
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
  await settled?.()
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
  return { requests: latencies.length, seconds: result.duration, latencies, cpuMs }
}
