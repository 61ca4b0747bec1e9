/** A gateway as a child process, for tests that kill it. */

import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Environment } from '../../src/config/config.ts'
import { COMPILE_CACHE } from '../programs.ts'

export interface GatewayProcess {
  address: string
  pid: number
  /** All it logged, so far. */
  log(): string
  /** Resolves when the operation of this VM is held at the step that `HOLD_AT` names. */
  held(vmId: number): Promise<unknown>
  /** Ends it as `kill -9` does, and waits until it is gone. */
  kill(): Promise<void>
}

const ENTRY = fileURLToPath(new URL('gateway-process.ts', import.meta.url))

/** Starts one and waits until it listens. */
export async function startProcess(env: Environment): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [ENTRY], {
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, LOG_LEVEL: 'warn', DOCS: 'false', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', chunk => (errors += chunk))
  const gone = once(child, 'exit')
  const held = new Set<number>()
  const events = new EventEmitter().setMaxListeners(0)
  createInterface(child.stdout).on('line', line => {
    const told = JSON.parse(line) as { address?: string; held?: number }
    if (told.held !== undefined) held.add(told.held)
    events.emit(told.address === undefined ? `held ${told.held}` : 'address', told.address)
  })
  const address = await Promise.race([
    once(events, 'address').then(([told]) => String(told)),
    gone.then(([code]) => Promise.reject(new Error(`the gateway ended with ${code}: ${errors}`))),
  ])
  return {
    address,
    pid: child.pid!,
    log: () => errors,
    held: vmId => (held.has(vmId) ? Promise.resolve() : once(events, `held ${vmId}`)),
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}
