/**
 * Answers of every kind: of each operation of the document each of its statuses, with all of their headers, as the gateway
 * gives them. What goes wrong goes wrong at the simulator; what cannot be brought about there, an app over stand-ins shows.
 */

import { request as httpRequest } from 'node:http'
import { SCOPES } from '../../../src/callers/caller.ts'
import { newEntry } from '../../../src/callers/key.ts'
import type { Failure } from '../../../src/operations/failure.ts'
import type { Operations } from '../../../src/operations/operations.ts'
import { StoreUnavailable } from '../../../src/operations/store.ts'
import type { Fault } from '../../../src/simulator/simulator.ts'
import { AUDIENCE, ES, ISSUER, sign, startProvider, type Provider } from '../../callers/provider.ts'
import type { JudgedAnswer } from '../../described.ts'
import { readDocument, type Described, type Document } from '../../fuzz/generate.ts'
import { KEY, standInApp, startWorld, type World } from '../../helper.ts'

export interface RecordedAnswer extends JudgedAnswer {
  /** `GET /vms/{vm_id}/stats` */
  route: string
  path: string
}

interface Sent {
  headers?: Record<string, string>
  body?: string
  key?: string | null
}

const FOREIGN_KEY = 'key-of-a-caller-of-other-vms'
const ORIGIN = 'https://app.example.com'
const JSON_TYPE = { 'content-type': 'application/json' }
const WAIT = { prefer: 'wait=10' }

const CREATE = 'POST /vms/{vm_id}/snapshots'
const LIST = 'GET /vms/{vm_id}/snapshots'
const SEE = 'GET /vms/{vm_id}/snapshots/{name}'
const DELETE = 'DELETE /vms/{vm_id}/snapshots/{name}'
const RESTORE = 'POST /vms/{vm_id}/snapshots/{name}/restore'
const STATS = 'GET /vms/{vm_id}/stats'
const OPERATION = 'GET /operations/{operation_id}'
const EVENTS = 'GET /operations/{operation_id}/events'
const CHANGES: Record<string, Sent> = {
  [CREATE]: { headers: JSON_TYPE, body: '{"name":"a"}' },
  [DELETE]: {},
  [RESTORE]: {},
}
const READS = [LIST, SEE, STATS]
/** What HOSTKEY is asked for it. */
const ACTIONS: Record<string, Fault['action'] & string> = {
  [CREATE]: 'create_snapshot',
  [DELETE]: 'remove_snapshot',
  [RESTORE]: 'restore_snapshot',
  [LIST]: 'get_snapshot',
  [SEE]: 'get_snapshot',
  [STATS]: 'load_stats',
}

/** A path of a route, with these values in it or others that are good. */
function pathOf(route: string, values: Record<string, string | number> = {}): string {
  const good = { vm_id: 1000, name: 'first', operation_id: 'op_x', code: 'vm-busy' }
  const all: Record<string, string | number> = { ...good, ...values }
  return route.split(' ')[1]!.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(all[name]))
}

/** Asks gateways, and keeps what they answer. */
class Recorder {
  readonly answers: RecordedAnswer[] = []
  base = ''

  /** Sends a request as it is, and reads the whole answer. */
  async ask(route: string, sent: Sent = {}, path = pathOf(route)): Promise<JudgedAnswer> {
    const { headers = {}, body = '', key = KEY } = sent
    const answer = await new Promise<JudgedAnswer>((resolve, reject) => {
      const request = httpRequest(this.base + path, {
        method: route.split(' ')[0]!,
        headers: {
          origin: ORIGIN,
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
          ...headers,
        },
      })
      request.on('error', reject)
      request.on('response', response => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', piece => (text += piece))
        response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }))
      })
      request.end(body)
    })
    this.answers.push({ route, path, ...answer })
    return answer
  }
}

/** What every route refuses, whatever it is for. */
async function refusals(recorder: Recorder, operations: Map<string, Described>): Promise<void> {
  const stranger = await sign({ claims: { vms: '*', scope: 'nothing' }, nowMs: Date.now() })
  for (const [route, { security }] of operations) {
    const good = CHANGES[route] ?? {}
    await recorder.ask(route, good, `${pathOf(route)}?x=1`)
    await recorder.ask(route, { ...good, headers: { ...good.headers, expect: 'a-miracle' } })
    if (security.length === 0) continue
    for (const key of [null, 'wrong', stranger]) await recorder.ask(route, { ...good, key })
    if (route.includes('{vm_id}')) await recorder.ask(route, { ...good, key: FOREIGN_KEY })
  }
}

const REASONS = [
  'server not found',
  'snapshot not found',
  'server is locked',
  'the moon is in the wrong phase',
]

async function changes({ simulator }: World, recorder: Recorder): Promise<void> {
  for (const [at, [route, good]] of Object.entries(CHANGES).entries()) {
    const action = ACTIONS[route]!
    const renew = (): void => simulator.setVm(1000, { snapshots: ['first'] })
    const headers = { ...JSON_TYPE, ...good.headers }
    const once = { ...good, headers: { ...headers, ...WAIT, 'idempotency-key': `once-${at}` } }
    renew()
    for (const path of [pathOf(route), pathOf(route), pathOf(route, { vm_id: 1004 })])
      await recorder.ask(route, once, path)
    await recorder.ask(route, { headers, body: `{"name":"${'n'.repeat(17_000)}"}` })
    await recorder.ask(route, { headers: { 'content-type': 'text/plain' }, body: 'x' })
    await recorder.ask(route, { headers: { ...headers, 'content-encoding': 'gzip' }, body: '{}' })
    renew()
    for (const reason of REASONS) {
      simulator.fault({ kind: 'refuse', reason, action })
      await recorder.ask(route, good)
    }
    simulator.fault({ kind: 'task-fails', reason: 'not enough space', action })
    await recorder.ask(route, { ...good, headers: { ...headers, ...WAIT } })
    // The first is not over when the second comes.
    const slow = 2000 + at
    simulator.setVm(slow, { behaviour: 'slow', snapshots: ['first'] })
    for (const _ of [1, 2]) await recorder.ask(route, good, pathOf(route, { vm_id: slow }))
  }
  simulator.setVm(1005, { snapshots: ['first', 'newer'] })
  const refuse = { headers: JSON_TYPE, body: '{"if_newer":"refuse"}' }
  await recorder.ask(RESTORE, refuse, pathOf(RESTORE, { vm_id: 1005 }))
}

async function reads({ simulator }: World, recorder: Recorder): Promise<void> {
  simulator.setVm(2010, { snapshots: ['first'] })
  simulator.setVm(2011, { behaviour: 'slow', snapshots: ['first'] })
  const faults: Fault[] = [
    ...REASONS.map((reason): Fault => ({ kind: 'refuse', reason })),
    { kind: 'respond', status: 200, body: '[', times: 10 },
    { kind: 'respond', status: 503, body: '', headers: { 'retry-after': '60' } },
    { kind: 'hang', times: 10 },
  ]
  const path = (route: string, vmId: number): string => pathOf(route, { vm_id: vmId })
  for (const route of READS) {
    for (const headers of [{}, { 'cache-control': 'no-cache' }, WAIT])
      await recorder.ask(route, { headers }, path(route, 2010))
    await recorder.ask(route, { headers: { prefer: 'wait=0' } }, path(route, 2011))
    for (const one of faults) {
      simulator.fault({ ...one, action: ACTIONS[route]! })
      await recorder.ask(route, { headers: { 'cache-control': 'no-cache' } }, path(route, 2010))
      simulator.clearFaults()
    }
  }
  const twins = JSON.stringify({
    result: 'OK',
    scope: [{ name: 'first', snapshot_id: 1 }, { name: 'first' }],
  })
  simulator.fault({ kind: 'respond', body: twins, action: 'get_snapshot' })
  await recorder.ask(SEE, { headers: { 'cache-control': 'no-cache' } }, path(SEE, 2010))
}

async function operationsOf(recorder: Recorder): Promise<void> {
  const list = 'GET /operations'
  for (const query of ['', '?include=result', '?limit=1']) await recorder.ask(list, {}, `/operations${query}`)
  const { operations } = JSON.parse((await recorder.ask(list)).text) as {
    operations: { id: string; status: string }[]
  }
  // One of each status.
  for (const { id } of new Map(operations.map(one => [one.status, one])).values())
    await recorder.ask(OPERATION, {}, pathOf(OPERATION, { operation_id: id }))
  const over = operations.find(({ status }) => status === 'succeeded')!.id
  const [one, events] = [OPERATION, EVENTS].map(route => pathOf(route, { operation_id: over })) as [
    string,
    string,
  ]
  const { etag } = (await recorder.ask(OPERATION, { headers: WAIT }, one)).headers
  await recorder.ask(OPERATION, { headers: { 'if-none-match': String(etag) } }, one)
  const last = /^id: (\d+)$/m.exec((await recorder.ask(EVENTS, {}, events)).text)![1]!
  await recorder.ask(EVENTS, { headers: { 'last-event-id': last } }, events)
  for (const route of [OPERATION, EVENTS]) await recorder.ask(route)
}

/** What is public is for everybody, and the document and the codes come in two forms. */
async function publicAnswers(recorder: Recorder, operations: Map<string, Described>): Promise<void> {
  for (const [route, { security }] of operations) {
    if (security.length > 0) continue
    const { etag } = (await recorder.ask(route)).headers
    if (etag) await recorder.ask(route, { headers: { 'if-none-match': String(etag) } })
    await recorder.ask(route, { headers: { accept: 'application/json' } })
  }
  await recorder.ask('GET /problems/{code}', {}, '/problems/nothing')
}

/** Everybody has one request, and ten to read operations. */
async function limited(recorder: Recorder, operations: Map<string, Described>): Promise<void> {
  for (const route of operations.keys())
    for (let i = 0; i < 11 && recorder.answers.findLast(one => one.route === route)?.status !== 429; i += 1)
      await recorder.ask(route, CHANGES[route])
}

const failure: Failure = { reason: 'timeout', detail: 'HOSTKEY did not answer.' }

/** What a whole gateway cannot be made to do: a fault of its own, a store that is away, and an end that comes at once. */
async function standIns(recorder: Recorder, operations: Map<string, Described>): Promise<void> {
  const broken = (): Promise<never> => Promise.reject(new Error('a fault of ours'))
  const away = (): Promise<never> => Promise.reject(new StoreUnavailable('away'))
  const late = (): Promise<never> =>
    Promise.resolve({ kind: 'unsettled', failure, operation: null, answered: false } as never)
  const stands: [Partial<Operations>, (route: string) => boolean][] = [
    [{ start: broken, read: broken, list: broken, get: broken, ping: broken }, () => true],
    [{ start: away, read: away, list: away, get: away, ping: away }, () => true],
    [{ start: late }, route => route in CHANGES],
  ]
  for (const [operationsOfStand, concerns] of stands) {
    const { app } = await standInApp(operationsOfStand)
    recorder.base = await app.listen({ port: 0, host: '127.0.0.1' })
    for (const route of [...operations.keys()].filter(concerns))
      await recorder.ask(route, CHANGES[route], pathOf(route, { operation_id: `op_${'0'.repeat(26)}` }))
  }
}

async function worldOf(provider: Provider, env: Record<string, string> = {}): Promise<World> {
  return startWorld({
    callers: [newEntry('tester', KEY, SCOPES, '*'), newEntry('foreign', FOREIGN_KEY, SCOPES, [7])],
    env: {
      JWT_JWKS_URL: provider.url,
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: AUDIENCE,
      CORS_ORIGINS: ORIGIN,
      HOSTKEY_TIMEOUT_MS: '200',
      READ_WAIT_MS: '1500',
      READ_CACHE_MS: '60000',
      ...env,
    },
  })
}

/** Records the answers, and reads the document. */
export async function recordAnswers(): Promise<{
  answers: RecordedAnswer[]
  read: ReturnType<typeof readDocument>
}> {
  const provider = await startProvider(ES)
  const world = await worldOf(provider)
  const read = readDocument(JSON.parse(JSON.stringify(world.gateway.app.swagger())) as Document)
  const { operations } = read
  const recorder = new Recorder()
  recorder.base = world.gateway.address
  await refusals(recorder, operations)
  await publicAnswers(recorder, operations)
  await changes(world, recorder)
  await reads(world, recorder)
  await operationsOf(recorder)

  recorder.base = (await worldOf(provider, { RATE_LIMIT_MAX: '1' })).gateway.address
  await limited(recorder, operations)

  provider.answer = (_request, response) => void response.writeHead(500).end()
  recorder.base = (await worldOf(provider)).gateway.address
  const token = await sign({ nowMs: Date.now() })
  for (const [route, { security }] of operations)
    if (security.length > 0) await recorder.ask(route, { ...CHANGES[route], key: token })

  await standIns(recorder, operations)
  return { answers: recorder.answers, read }
}
