/** A client of the gateway for TypeScript services: typed calls that are safe to repeat, and operations that are followed. */

import openapiFetch from 'openapi-fetch'
import type { operations } from './document.d.ts'
import { OperationFailedError, OutcomeUnknownError, ProblemError } from './errors.ts'
import type { Operation, Problem } from './errors.ts'
import { isProblem, pause, pauseMs, send } from './send.ts'

export * from './errors.ts'
export * from './webhook.ts'

/** What can be called, by its name in the document. */
const ROUTES = {
  createSnapshot: ['post', '/vms/{vm_id}/snapshots', 'snapshot.create'],
  deleteSnapshot: ['delete', '/vms/{vm_id}/snapshots/{name}', 'snapshot.delete'],
  restoreSnapshot: ['post', '/vms/{vm_id}/snapshots/{name}/restore', 'snapshot.restore'],
  listSnapshots: ['get', '/vms/{vm_id}/snapshots', null],
  getSnapshot: ['get', '/vms/{vm_id}/snapshots/{name}', null],
  getStats: ['get', '/vms/{vm_id}/stats', null],
  listOperations: ['get', '/operations', null],
  getOperation: ['get', '/operations/{operation_id}', null],
} as const
type Name = keyof typeof ROUTES
type Json<T> = [T] extends [{ content: { 'application/json': infer Body } }] ? Body : unknown
type Members<T> = [T] extends [never] ? unknown : T

/** What a call takes: the members of its path, its query and its body. */
export type Input<N extends Name> = Members<NonNullable<operations[N]['parameters']['path']>> &
  Members<NonNullable<operations[N]['parameters']['query']>> &
  Json<NonNullable<operations[N]['requestBody']>>
/** What a call brings: a change its operation, and a read what was read, however long that takes. */
export type Output<N extends Name> = (typeof ROUTES)[N][2] extends infer Kind extends string
  ? Extract<Operation, { kind: Kind }>
  : Json<operations[N]['responses'][200]>
/** An operation that succeeded: its result is there. */
export type Succeeded<O extends Operation> = O extends Operation
  ? O & { status: 'succeeded'; result: NonNullable<O['result']> }
  : never

export interface ClientOptions {
  /** Where the gateway is, with its base path. */
  baseUrl: string
  /** A key or a signed token of a caller, or what gives one for each request. */
  key: string | (() => string | Promise<string>)
  /** For how long calls are repeated: two minutes by default, and less than the 24 hours that a key of a change is kept. */
  patienceMs?: number
}

export interface CallOptions {
  /** Ends the call, which then rejects with the reason of the signal. */
  signal?: AbortSignal | undefined
  /** For how many seconds the gateway may hold the answer: for a turn on a busy VM, and for the end of the operation. */
  waitS?: number
  /** Of a change, which is made once however often the key is sent; a random one by default. */
  idempotencyKey?: string
}

export interface FollowOptions<O extends Operation> extends Pick<CallOptions, 'signal'> {
  /** Hears of each change, also of the end. */
  onChange?: (operation: O) => unknown
}

export type Client = {
  [N in Name]: (input: Input<N>, options?: CallOptions) => Promise<Output<N>>
} & {
  /**
   * Waits until an operation has succeeded, also while the gateway is away.
   * @throws OperationFailedError, and OutcomeUnknownError when nobody can tell whether it happened
   */
  follow<O extends Operation>(operation: O, options?: FollowOptions<O>): Promise<Succeeded<O>>
}

/** How long the gateway is asked to hold an answer about an operation that is followed, and any answer may take besides. */
const FOLLOW_WAIT_S = 20
const ANSWER_MS = 60_000
/** The gateway keeps an idempotency key for a day: a change that is repeated later would be made once more. */
const MAX_PATIENCE_MS = 23 * 3_600_000

/** A call of `openapi-fetch`, whose types are those of `Client` here. */
type Ask = (
  ...call: [string, string, object]
) => Promise<{ data?: object; error?: unknown; response: Response }>

/** @returns what calls a gateway. A call rejects with a ProblemError when the gateway refuses it. */
export function createClient({ baseUrl, key, patienceMs = 120_000 }: ClientOptions): Client {
  const api = openapiFetch({ baseUrl }).request as Ask

  async function ask(name: Name, input: object, options: CallOptions, patience: number) {
    const { waitS, idempotencyKey = crypto.randomUUID(), signal } = options
    const [method, path] = ROUTES[name]
    const others = Object.fromEntries(Object.entries(input).filter(([one]) => !path.includes(`{${one}}`)))
    const { data, error, response } = await api(method, path, {
      params: { path: input, ...(method !== 'post' && { query: others }) },
      ...(method === 'post' && { body: others }),
      headers: {
        ...(method !== 'get' && { 'idempotency-key': idempotencyKey }),
        ...(waitS !== undefined && { prefer: `wait=${waitS}` }),
      },
      fetch: async (request: Request) => {
        request.headers.set('authorization', `Bearer ${typeof key === 'string' ? key : await key()}`)
        return send(request, { patienceMs: patience, silenceMs: ANSWER_MS + 1000 * (waitS ?? 0), signal })
      },
    })
    if (data) return { data, response }
    if (isProblem(response)) throw new ProblemError(error as Problem)
    throw new Error(`${path} answered ${response.status}, but not with a problem`, { cause: error })
  }

  async function call(name: Name, input: object, options: CallOptions = {}): Promise<object> {
    const { data, response } = await ask(name, input, options, Math.min(patienceMs, MAX_PATIENCE_MS))
    // A read that takes HOSTKEY long has become an operation.
    if (ROUTES[name][0] !== 'get' || response.status !== 202) return data
    const { result } = await follow(data as Operation, options)
    return name === 'getSnapshot' ? call(name, input, options) : result
  }

  async function follow<O extends Operation>(operation: O, { onChange, signal }: FollowOptions<O> = {}) {
    let latest = operation
    while (latest.status === 'running') {
      const poll = { waitS: FOLLOW_WAIT_S, signal }
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const { data, response } = await ask('getOperation', { operation_id: latest.id }, poll, Infinity)
      const next = data as O
      if (next.status !== 'running' || next.updated_at !== latest.updated_at) await onChange?.(next)
      if (next.status === 'running') await pause(pauseMs(0, response.headers.get('retry-after')), signal)
      latest = next
    }
    if (latest.status === 'failed') throw new OperationFailedError(latest)
    if (latest.status === 'unknown') throw new OutcomeUnknownError(latest)
    return latest as Succeeded<O>
  }

  const calls = Object.keys(ROUTES).map(name => [name, call.bind(null, name as Name)])
  return { ...Object.fromEntries(calls), follow } as Client
}
