/** Takes a snapshot and waits for it: GATEWAY_URL=… GATEWAY_KEY=… node examples/snapshot.ts VM_ID NAME */

// From a project of its own: 'hostkey-vm-gateway/client'.
import { createClient, OperationError, ProblemError } from '../src/client/client.ts'

const { GATEWAY_URL: baseUrl = 'http://127.0.0.1:8080', GATEWAY_KEY: key = '' } = process.env
const [vmId, name = ''] = process.argv.slice(2)
const gateway = createClient({ baseUrl, key })

try {
  // However often this is sent again, there is one snapshot.
  const operation = await gateway.createSnapshot({ vm_id: Number(vmId), name })
  const { id, status } = await gateway.follow(operation)
  process.stdout.write(`${id} ${status}\n`)
} catch (error) {
  if (!(error instanceof ProblemError)) throw error
  if (error instanceof OperationError)
    process.stdout.write(`${error.operation.id} ${error.operation.status}\n`)
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
