/** Processes that are measured: started alone, with production settings, and read by /proc. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { freePort } from '../test/programs.ts'
import type { Engine } from './engines.ts'

export interface Measured {
  url: string
  /** From the start of the process to the first answer of its probe, in milliseconds. */
  readyMs: number
  /** Processor time used so far, that of its engine too, in milliseconds. */
  cpuMs(): number
  /** Memory now, and the most there ever was, in MB; with that of its engine now. */
  memoryMb(): { now: number; peak: number }
  /** Stops it for as long as others are measured. */
  pause(): void
  resume(): void
  end(): Promise<void>
}

export const root = fileURLToPath(new URL('..', import.meta.url))
/** Everything the benchmark writes to disk; beside the tests' directories, not in memory, so that fsync costs what it costs. */
export const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'hostkey-bench-'))
const running = new Set<{ end(): Promise<void> }>()

let stores = 0
/** A new place for a store. */
export function storePath(): string {
  stores += 1
  return join(directory, `store-${stores}`, 'gateway.db')
}

/** Ends all that still runs and removes what was written. */
export async function cleanUp(): Promise<void> {
  for (const one of running) await one.end()
  rmSync(directory, { recursive: true, force: true })
}

/** How often the kernel counts processor time, a second. */
const TICKS = 100

/** Processor time of processes so far, and of those that were their children and ended, in milliseconds: proc_pid_stat(5). */
export function cpuMsOf(pids: readonly number[]): number {
  let ticks = 0
  for (const pid of pids) {
    // Behind the name in brackets, which may hold anything: utime, stime, cutime and cstime are fields 14 to 17.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
    for (const field of fields.slice(11, 15)) ticks += Number(field)
  }
  return (ticks * 1_000) / TICKS
}

/** Memory of processes now, in MB, with each one's share of what they have in common: proc_pid_smaps(5). */
export function memoryMbOf(pids: readonly number[]): number {
  const kb = pids.map(pid => /Pss:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1])
  return kb.reduce((sum, one) => sum + Number(one ?? 0), 0) / 1024
}

export interface StartOptions {
  /** A path that is answered once it is ready. */
  probe: string
  env: Record<string, string>
  /** Another checkout than this. */
  from?: string
  /** Where it stores; ends with it. */
  engine?: Engine
}

/** Starts a script with a port of its own. */
export async function start(script: string, options: StartOptions): Promise<Measured> {
  const { probe, env, from = root, engine } = options
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const startedAt = performance.now()
  const flags = process.env.BENCH_NODE_FLAGS?.split(' ') ?? []
  const child = spawn(
    process.execPath,
    [...flags, '--import', join(from, 'scripts/node-guard.mjs'), join(from, script)],
    {
      // Nothing of our own environment: what is measured is what is written here.
      env: { PATH: process.env.PATH, NODE_ENV: 'production', HOST: '127.0.0.1', PORT: String(port), ...env },
      stdio: ['ignore', openSync('/dev/null', 'w'), 'inherit'],
    },
  )
  const gone = once(child, 'exit')
  let ended = false
  void gone.then(() => (ended = true))
  for (;;) {
    if (ended) throw new Error(`${script} ended before it was ready`)
    try {
      const { statusCode, body } = await request(url + probe)
      await body.dump()
      if (statusCode < 500) break
    } catch {
      await sleep(2)
    }
  }
  const memoryMb = (name: string): number => {
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? NaN) / 1024
  }
  const measured: Measured = {
    url,
    readyMs: performance.now() - startedAt,
    cpuMs: () => cpuMsOf([child.pid!]) + (engine?.cpuMs() ?? 0),
    memoryMb() {
      const ofEngine = engine?.memoryMb() ?? 0
      return { now: memoryMb('VmRSS') + ofEngine, peak: memoryMb('VmHWM') + ofEngine }
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async end() {
      running.delete(measured)
      child.kill('SIGCONT')
      child.kill('SIGTERM')
      await gone
      await engine?.end()
    },
  }
  running.add(measured)
  return measured
}
