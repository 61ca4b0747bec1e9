/**
 * What the gateway is measured against: the least that does the job. A bare Fastify + undici handler that checks a key,
 * validates, translates and answers. It stores nothing: its operation id is HOSTKEY's callback key, so that a result
 * can be read once, and whatever was under way at a crash is lost.
 */

import { createHash } from 'node:crypto'
import Fastify from 'fastify'
import { Pool } from 'undici'

const { PORT, HOSTKEY_BASE_URL = '', HOSTKEY_TOKEN = '', KEY_SHA256 = '' } = process.env
const pool = new Pool(HOSTKEY_BASE_URL, { connections: 32 })
const callers = new Map([[KEY_SHA256, 'bench']])

async function post(script: string, fields: Record<string, string>): Promise<Record<string, unknown>> {
  const { body } = await pool.request({
    path: `/${script}`,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  })
  return (await body.json()) as Record<string, unknown>
}

const app = Fastify({ logger: false })

app.addHook('onRequest', (request, reply, done) => {
  const key = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
  if (callers.has(createHash('sha256').update(key).digest('hex'))) done()
  else void reply.code(401).send({ title: 'A valid caller key is required', status: 401 })
})

const params = {
  type: 'object',
  properties: { vm_id: { type: 'integer', minimum: 1, maximum: 2_147_483_647 } },
  required: ['vm_id'],
}
const operation = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    kind: { type: 'string' },
    vm_id: { type: ['integer', 'null'] },
    status: { type: 'string' },
    result: {},
  },
}

interface VmParams {
  vm_id: number
}

app.post<{ Params: VmParams; Body: { name: string; type?: string } }>(
  '/vms/:vm_id/snapshots',
  {
    schema: {
      params,
      body: {
        type: 'object',
        properties: {
          name: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[A-Za-z0-9_.-]+$' },
          type: { type: 'string', minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_.-]+$' },
        },
        required: ['name'],
        additionalProperties: false,
      },
      response: { 202: operation },
    },
  },
  async (request, reply) => {
    const { vm_id } = request.params
    const { name, type = 'snapshot' } = request.body
    const fields = { action: 'create_snapshot', token: HOSTKEY_TOKEN, id: String(vm_id), name, type }
    const { result, callback, message } = await post('vm.php', fields)
    if (result !== 'OK') return reply.code(502).send({ title: message, status: 502 })
    return reply
      .code(202)
      .send({ id: callback, kind: 'snapshot.create', vm_id, status: 'running', result: null })
  },
)

app.get<{ Params: VmParams }>(
  '/vms/:vm_id/stats',
  { schema: { params, response: { 202: operation } } },
  async (request, reply) => {
    const { vm_id } = request.params
    const fields = { action: 'load_stats', token: HOSTKEY_TOKEN, id: String(vm_id) }
    const { result, callback, message } = await post('vm.php', fields)
    if (result !== 'OK') return reply.code(502).send({ title: message, status: 502 })
    return reply.code(202).send({ id: callback, kind: 'stats.load', vm_id, status: 'running', result: null })
  },
)

app.get<{ Params: { id: string } }>(
  '/operations/:id',
  { schema: { response: { 200: operation } } },
  async (request, reply) => {
    const { id } = request.params
    const { result, scope } = await post('eq_callback.php', { action: 'check', key: id })
    const status = result === 'OK' ? 'succeeded' : result === 'Not ready' ? 'running' : 'failed'
    return reply.send({ id, kind: 'unknown', vm_id: null, status, result: scope ?? null })
  },
)

await app.listen({ port: Number(PORT), host: '127.0.0.1' })
