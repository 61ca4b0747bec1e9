/**
 * `demo` starts a simulated HOSTKEY, the gateway over it and a receiver of webhooks, and prints a caller's key, a curl line
 * for every route, and what the receiver is told.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import closeWithGrace from 'close-with-grace'
import { SCOPES } from '../callers/caller.ts'
import { calledAs } from '../config/called-as.ts'
import { loadConfig, type Config } from '../config/config.ts'
import { startGateway } from '../gateway.ts'
import { newEntry, newKey } from '../callers/key.ts'
import { createLogger } from '../observability/log.ts'
import { startReceiver } from '../simulator/receiver.ts'
import { GUIDE, startSimulator, type Simulator } from '../simulator/simulator.ts'
import { fail, readArguments, runCommand, type Command } from './command.ts'

const API_KEY = 'demo-account-api-key'

/** What the demo runs on, and how to remove it. */
interface Stage extends AsyncDisposable {
  simulator: Simulator
  config: Config
  key: string
}

async function setUp(): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'hostkey-vm-gateway-demo-'))
  const simulator = await startSimulator({
    // As HOSTKEY's guide describes it: four snapshots a VM, and a restore that deletes the newer ones.
    ...GUIDE,
    apiKey: API_KEY,
    tokenTtlMs: 10 * 60_000,
    taskMs: 1_500,
    slowTaskMs: 20_000,
  })
  const receiver = await startReceiver(message =>
    process.stdout.write(`\nThe receiver was told, and the signature is good: ${message}\n`),
  )
  const key = newKey()
  const callersFile = join(directory, 'callers.json')
  const webhook = { url: receiver.url, secret: receiver.secret }
  const entry = { ...newEntry('demo', key, SCOPES, '*'), webhook }
  writeFileSync(callersFile, JSON.stringify({ callers: [entry] }, null, 2))
  const config = loadConfig({
    HOST: process.env.HOST,
    PORT: process.env.PORT,
    LOG_LEVEL: process.env.LOG_LEVEL ?? 'warn',
    HOSTKEY_BASE_URL: simulator.baseUrl,
    HOSTKEY_API_KEY: API_KEY,
    CALLERS_FILE: callersFile,
    STORE_URL: `sqlite:${join(directory, 'gateway.db')}`,
    WEBHOOK_ALLOW: '127.0.0.1',
  })
  return {
    simulator,
    config,
    key,
    async [Symbol.asyncDispose]() {
      await receiver.close()
      await simulator.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function run(args: readonly string[]): Promise<void> {
  readArguments(args, {})
  await using opened = new AsyncDisposableStack()
  const { simulator, config, key } = opened.use(await setUp())
  const gateway = await startGateway(config, createLogger(config.logLevel)).catch(
    async (error: NodeJS.ErrnoException) => {
      await opened.disposeAsync()
      const isBusy = error.code === 'EADDRINUSE'
      const choose = `choose another: PORT=8090 ${calledAs('demo')}`
      return fail([isBusy ? `port ${config.port} is in use; ${choose}` : error.message], 1)
    },
  )
  opened.defer(() => gateway.close())
  process.stdout.write(textOf(gateway.address, simulator.baseUrl, key))
  const stage = opened.move()
  closeWithGrace({ delay: config.shutdownMs, logger: false }, () => stage.disposeAsync())
}

/** What it prints: who is there, and a curl line for each route. */
function textOf(base: string, upstream: string, key: string): string {
  const auth = `-H 'Authorization: Bearer ${key}'`
  const vms = `${base}/vms`
  const newest = `${base}/operations/$(curl -sS '${base}/operations?limit=1' ${auth} | sed -E 's/.*"id":"(op_[^"]+)".*/\\1/')`

  return `A simulated HOSTKEY is at ${upstream}, the gateway over it at ${base}

  VM 1000  powered off, has the snapshot "first"        VM 1002  every task fails
  VM 1001  powered on: its snapshots cannot be deleted  VM 1003  slow: tasks take 20 s
  VM 1004  powered off, no snapshots

As HOSTKEY's guide says: a VM has four snapshots at most, a delete and a restore want it powered off, and a restore
deletes, for good, every snapshot that is newer than the one restored.

Swagger UI: ${base}/docs   (press Authorize and paste the key)
A caller's key, good for everything: ${key}

# take a snapshot and wait for it
curl -sS -X POST ${vms}/1000/snapshots ${auth} -H 'Content-Type: application/json' -H 'Prefer: wait=10' -H 'Idempotency-Key: demo-1' -d '{"name":"before-upgrade"}'

# list them; see one
curl -sS ${vms}/1000/snapshots ${auth}
curl -sS ${vms}/1000/snapshots/before-upgrade ${auth}

# a restore of the older one would delete the newer one for good: refused, with its name
curl -sS -i -X POST ${vms}/1000/snapshots/first/restore ${auth} -H 'Content-Type: application/json' -d '{"if_newer":"refuse"}'

# restore the newest: answers 202 with an operation at once
curl -sS -X POST ${vms}/1000/snapshots/before-upgrade/restore ${auth}

# the newest operations; follow the newest one as events until it ends; or wait for its end
curl -sS '${base}/operations?limit=5' ${auth}
curl -sSN ${newest}/events ${auth}
curl -sS ${newest} ${auth} -H 'Prefer: wait=10'

# delete it
curl -sS -X DELETE ${vms}/1000/snapshots/before-upgrade ${auth} -H 'Prefer: wait=10'

# the load of a VM; of the slow one, without waiting
curl -sS ${vms}/1000/stats ${auth}
curl -sS ${vms}/1003/stats ${auth} -H 'Prefer: respond-async'

# a refusal that HOSTKEY hides in HTTP 200
curl -sS -i -X DELETE ${vms}/1001/snapshots/first ${auth}

# what that problem means, and every other one; a browser gets pages
curl -sS ${base}/problems/upstream-conflict -H 'Accept: application/json'
curl -sS ${base}/problems -H 'Accept: application/json'

# the start page, health, metrics and the document need no key
curl -sS ${base}/
curl -sS ${base}/livez
curl -sS ${base}/readyz
curl -sS ${base}/metrics
curl -sS ${base}/openapi.json
curl -sS ${base}/openapi.yaml

Whenever an operation has ended, a receiver of webhooks is told; what it gets is printed below.
Ctrl-C ends all of them.
`
}

export const demo: Command = {
  name: 'demo',
  synopsis: '',
  does: 'starts the gateway over a simulated HOSTKEY, and tells how to call it',
  details: '  PORT=8090 in the environment chooses another port than 8080.',
  run,
}

if (import.meta.main) await runCommand(demo, process.argv.slice(2))
