/** What the bundle takes: milliseconds until it is ready, and memory when idle and with many operations. */

import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { startGateway } from './contenders.ts'
import { fillStore } from './fill.ts'
import { root, storePath, type Measured } from './processes.ts'

export interface Sizes {
  memory: { idle?: number; full?: number }
  /** Milliseconds to ready, by the state of the store. */
  starts: Record<string, number[]>
}

const STORED = 100_000
const RUNNING = 10_000
const STARTS = 7
const IDLE_MS = 5_000
/** Longer than the longest interval between two checks: each has been checked. */
const CHECKED_MS = 20_000

export async function measureSizes(stub: Measured, say: (text: string) => void): Promise<Sizes> {
  say('building the bundle')
  execFileSync('npm', ['run', '-s', 'build'], { cwd: root })
  const [empty, full] = [storePath(), storePath()]
  await fillStore(full, STORED, RUNNING)
  const starts = await startTimes(stub, { empty, full })
  const memory = {
    idle: await memoryAfter(stub, empty, IDLE_MS),
    full: await memoryAfter(stub, full, CHECKED_MS),
  }
  return { starts, memory }
}

async function memoryAfter(stub: Measured, store: string, ms: number): Promise<number> {
  const measured = await startGateway(stub.url, { store, isBundle: true, env: { CHECK_MIN_MS: '500' } })
  await sleep(ms)
  const { now } = measured.memoryMb()
  await measured.end()
  return now
}

/** From the start of the process until it is ready, in turn. */
async function startTimes(stub: Measured, stores: Record<string, string>): Promise<Record<string, number[]>> {
  const took: Record<string, number[]> = {}
  for (let i = 0; i < STARTS; i += 1) {
    for (const [name, store] of Object.entries(stores)) {
      const measured = await startGateway(stub.url, { store, isBundle: true })
      ;(took[name] ??= []).push(measured.readyMs)
      await measured.end()
    }
  }
  return took
}
