/**
 * The contenders' side of HTTP: a Fastify app that takes the requests of the scenarios, with none of the gateway's code. It has
 * the packages that every answer of the gateway needs: a rate limit with its headers, a log line, a histogram, headers for
 * browsers, a check of the caller's key and of the body.
 */

import { createHash, randomUUID } from 'node:crypto'
import { openSync } from 'node:fs'
import rateLimit from '@fastify/rate-limit'
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { Histogram } from 'prom-client'
import { Pool } from 'undici'
import { CALLS_AT_ONCE } from './stub.ts'

const { PORT, HOSTKEY_BASE_URL = '', HOSTKEY_TOKEN = '', KEY_SHA256 = '' } = process.env

const BROWSER_HEADERS = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
  'cache-control': 'no-store',
}
const NAME = { type: 'string', minLength: 1, maxLength: 255, pattern: '^[A-Za-z0-9_.-]+$' }
const VM = {
  type: 'object',
  properties: { vm_id: { type: 'integer', minimum: 1, maximum: 2_147_483_647 } },
  required: ['vm_id'],
}

/** What a contender makes of a request for a snapshot. */
export interface Create {
  vmId: number
  name: string
  type: string
}

const pool = new Pool(HOSTKEY_BASE_URL, { connections: CALLS_AT_ONCE })

async function ask(script: string, fields: Record<string, string>): Promise<Record<string, unknown>> {
  const { body } = await pool.request({
    path: `/${script}`,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  })
  return (await body.json()) as Record<string, unknown>
}

async function accepted(fields: Record<string, string>): Promise<string> {
  const { result, callback, message } = await ask('vm.php', { token: HOSTKEY_TOKEN, ...fields })
  if (result !== 'OK' || typeof callback !== 'string') throw new Error(`HOSTKEY refused: ${String(message)}`)
  return callback
}

/** Has HOSTKEY take a snapshot, and gives the callback key. */
export function callCreate({ vmId, name, type }: Create): Promise<string> {
  return accepted({ action: 'create_snapshot', id: String(vmId), name, type })
}

/** Has HOSTKEY read the stats of a VM, and gives the callback key. */
export function callStats(vmId: number): Promise<string> {
  return accepted({ action: 'load_stats', id: String(vmId) })
}

/** Gives what HOSTKEY has at a callback key. */
export async function check(key: string): Promise<unknown> {
  const { result, scope } = await ask('eq_callback.php', { action: 'check', key })
  if (result !== 'OK') throw new Error(`HOSTKEY reports: ${String(result)}`)
  return scope
}

/** An app without routes. */
export async function newApp(): Promise<FastifyInstance> {
  const requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Requests.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  })
  const log: FastifyBaseLogger = pino(
    { base: null },
    pino.destination({ dest: openSync('/dev/null', 'w'), sync: false }),
  )
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    ajv: { customOptions: { coerceTypes: true, removeAdditional: false } },
  })
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(BROWSER_HEADERS).header('x-request-id', request.id)
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const labels = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
    }
    requests.observe(labels, reply.elapsedTime / 1_000)
    request.log.info({ ...labels, took_ms: Math.round(reply.elapsedTime) }, 'request')
    done()
  })
  await app.register(rateLimit, { max: 1_000_000_000, timeWindow: 60_000, keyGenerator: () => 'bench' })
  // Behind the rate limit, which is a hook of each route.
  app.addHook('preParsing', async (request, reply) => {
    const key = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    if (createHash('sha256').update(key).digest('hex') === KEY_SHA256) return
    return reply.code(401).type('application/problem+json').send('{"title":"Unauthenticated","status":401}')
  })
  app.setErrorHandler((error: { statusCode?: number; message: string }, _request, reply) => {
    const { statusCode: status = 500, message: title } = error
    void reply.code(status).type('application/problem+json').send(JSON.stringify({ title, status }))
  })
  return app
}

/** The route for snapshots. `accept` gives the id of what it has taken on. */
export function routeCreate(app: FastifyInstance, accept: (create: Create) => Promise<string>): void {
  const body = {
    type: 'object',
    properties: { name: NAME, type: { ...NAME, maxLength: 64 } },
    required: ['name'],
    additionalProperties: false,
  }
  app.post<{ Params: { vm_id: number }; Body: { name: string; type?: string } }>(
    '/vms/:vm_id/snapshots',
    { schema: { params: VM, body } },
    async (request, reply) => {
      const { vm_id: vmId } = request.params
      const { name, type = 'snapshot' } = request.body
      const id = await accept({ vmId, name, type })
      reply.code(202).headers({ location: `/operations/${id}`, 'retry-after': 1 })
      return { id, kind: 'snapshot.create', vm_id: vmId, snapshot: name, status: 'running', result: null }
    },
  )
}

/** The route for the stats of a VM. */
export function routeStats(app: FastifyInstance, read: (vmId: number) => Promise<unknown>): void {
  app.get<{ Params: { vm_id: number } }>('/vms/:vm_id/stats', { schema: { params: VM } }, async request => {
    const { vm_id: vmId } = request.params
    return { vm_id: vmId, observed_at: new Date().toISOString(), stats: await read(vmId) }
  })
}

/** Listens. `countRunning` tells how many snapshots were taken on and have not ended; the benchmark waits for none. */
export async function listen(app: FastifyInstance, countRunning: () => number): Promise<void> {
  app.get('/operations', async () => ({
    operations: Array.from({ length: Math.min(1, countRunning()) }, () => ({ vm_id: 1 })),
  }))
  await app.listen({ port: Number(PORT), host: '127.0.0.1' })
}
