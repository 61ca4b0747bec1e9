/** Takes a snapshot and waits for it: GATEWAY_URL=… GATEWAY_KEY=… node examples/snapshot.ts VM_ID NAME */

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import createClient from 'openapi-fetch'
import type { components, paths } from './gateway.d.ts'

type Problem = components['schemas']['Problem']

const { GATEWAY_URL: baseUrl = 'http://127.0.0.1:8080', GATEWAY_KEY = '' } = process.env
const [vmId, name = ''] = process.argv.slice(2)
const gateway = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${GATEWAY_KEY}` } })

/** What was answered, or the end of this program. */
function required<T>({ data, error }: { data?: T; error?: Problem }): T {
  if (data !== undefined) return data
  process.stderr.write(`${error?.code}: ${error?.detail}\n`)
  process.exit(1)
}

// The gateway holds the answer until the snapshot is there, or 20 seconds; with the key, a retry of this is safe.
const started = await gateway.POST('/vms/{vm_id}/snapshots', {
  params: { path: { vm_id: Number(vmId) }, header: { Prefer: 'wait=20', 'Idempotency-Key': randomUUID() } },
  body: { name },
})
let { response } = started
let operation = required(started)
while (operation.status === 'running') {
  // oxlint-disable-next-line no-await-in-loop -- one look after the other
  await sleep(1_000 * Number(response.headers.get('retry-after') ?? 1))
  const next = await gateway.GET('/operations/{operation_id}', {
    params: { path: { operation_id: operation.id }, header: { Prefer: 'wait=20' } },
  })
  response = next.response
  operation = required(next)
}
process.stdout.write(`${operation.id} ${operation.status}\n`)
if (operation.error) process.stderr.write(`${operation.error.code}: ${operation.error.detail}\n`)
process.exitCode = operation.status === 'succeeded' ? 0 : 1
