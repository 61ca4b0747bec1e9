/**
 * The gateway as a process to be killed. `HOLD_AT` (JSON: VM id → `<kind>/<step>`) holds the operation of a VM for good
 * once it reaches that step, so that a kill finds it exactly there. Prints one line of JSON for where it listens and one
 * for each operation held. `LEASE_MS` is the lease, where it is to be a short one; `WEBHOOK_PACE` (JSON) that of messages.
 */

import { pino } from 'pino'
import { loadConfig } from '../../src/config/config.ts'
import { startGateway } from '../../src/gateway.ts'
import { checkpoints } from './checkpoints.ts'

const holdAt = JSON.parse(process.env.HOLD_AT ?? '{}') as Record<string, string>
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const config = loadConfig()
const { address } = await startGateway(config, pino({ level: config.logLevel }, pino.destination(2)), {
  keyGraceMs: { change: 0, read: 0 },
  ...(process.env.LEASE_MS && { leaseMs: Number(process.env.LEASE_MS) }),
  ...(process.env.WEBHOOK_PACE && { webhooks: JSON.parse(process.env.WEBHOOK_PACE) }),
  ...checkpoints((point, { kind, vmId }) => {
    if (holdAt[vmId] !== `${kind}/${point}`) return
    print({ held: vmId })
    return new Promise(() => {})
  }),
})
print({ address })
