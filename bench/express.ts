/** The obvious version, as it is written in an afternoon: Express 5 and axios with what they do by themselves. */

import { createHash } from 'node:crypto'
import axios from 'axios'
import express, { type NextFunction, type Request, type Response } from 'express'

const { PORT, HOSTKEY_BASE_URL = '', HOSTKEY_TOKEN = '', KEY_SHA256 = '' } = process.env
const NAME = /^[A-Za-z0-9_.-]{1,255}$/

interface Answer {
  result: string
  callback?: string
  message?: string
  scope?: unknown
}

async function post(script: string, fields: Record<string, string>): Promise<Answer> {
  const { data } = await axios.post<Answer>(`${HOSTKEY_BASE_URL}/${script}`, new URLSearchParams(fields))
  return data
}

function vmIdOf(request: Request): number | undefined {
  const id = Number(request.params.vm_id)
  return Number.isInteger(id) && id >= 1 && id <= 2_147_483_647 ? id : undefined
}

const app = express()

app.use((request: Request, response: Response, next: NextFunction) => {
  const key = request.headers.authorization?.replace('Bearer ', '') ?? ''
  if (createHash('sha256').update(key).digest('hex') === KEY_SHA256) next()
  else response.status(401).json({ title: 'A valid caller key is required', status: 401 })
})
app.use(express.json())

app.post('/vms/:vm_id/snapshots', async (request, response) => {
  const vmId = vmIdOf(request)
  const { name, type = 'snapshot' } = request.body as { name: unknown; type?: unknown }
  if (vmId === undefined || typeof name !== 'string' || !NAME.test(name) || typeof type !== 'string') {
    response.status(400).json({ title: 'The request has invalid fields', status: 400 })
    return
  }
  const fields = { action: 'create_snapshot', token: HOSTKEY_TOKEN, id: String(vmId), name, type }
  const { result, callback, message } = await post('vm.php', fields)
  if (result !== 'OK') response.status(502).json({ title: message, status: 502 })
  else
    response
      .status(202)
      .json({ id: callback, kind: 'snapshot.create', vm_id: vmId, status: 'running', result: null })
})

app.get('/vms/:vm_id/stats', async (request, response) => {
  const vmId = vmIdOf(request)
  if (vmId === undefined) {
    response.status(400).json({ title: 'The request has invalid fields', status: 400 })
    return
  }
  const fields = { action: 'load_stats', token: HOSTKEY_TOKEN, id: String(vmId) }
  const { result, callback, message } = await post('vm.php', fields)
  if (result !== 'OK') response.status(502).json({ title: message, status: 502 })
  else
    response
      .status(202)
      .json({ id: callback, kind: 'stats.load', vm_id: vmId, status: 'running', result: null })
})

app.get('/operations/:id', async (request, response) => {
  const { id } = request.params
  const { result, scope } = await post('eq_callback.php', { action: 'check', key: id })
  const status = result === 'OK' ? 'succeeded' : result === 'Not ready' ? 'running' : 'failed'
  response.json({ id, kind: 'unknown', vm_id: null, status, result: scope ?? null })
})

app.listen(Number(PORT), '127.0.0.1')
