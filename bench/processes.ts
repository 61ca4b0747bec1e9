/** The processes that are measured: started alone, with production settings, and read by /proc. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { SCOPES } from '../src/callers/caller.ts'
import { newEntry } from '../src/callers/key.ts'
import { TOKEN } from './stub.ts'

export const KEY = 'bench-caller-key-000000000000000'

export interface Measured {
  url: string
  pid: number
  /** From the start of the process to the first answer of its probe, in milliseconds. */
  readyMs: number
  /** Processor time used so far, in milliseconds. */
  cpuMs(): number
  /** Resident memory now, and the most there ever was, in MB. */
  memoryMb(): { now: number; peak: number }
  /** Stops it for as long as others are measured. */
  pause(): void
  resume(): void
  end(): Promise<void>
}

const root = fileURLToPath(new URL('..', import.meta.url))
/** Everything the benchmark writes to disk; beside the tests' directories, not in memory, so that fsync costs what it costs. */
const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'hostkey-bench-'))
const running = new Set<Measured>()

const entry = newEntry('bench', KEY, SCOPES, '*')
const callersFile = join(directory, 'callers.json')
writeFileSync(callersFile, JSON.stringify({ callers: [entry] }))

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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function start(
  script: string,
  probe: string,
  env: Record<string, string>,
  from = root,
): Promise<Measured> {
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
  const measured: Measured = {
    url,
    pid: child.pid!,
    readyMs: performance.now() - startedAt,
    cpuMs() {
      // Behind the name in brackets, which may hold anything: utime and stime are fields 14 and 15.
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
      return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS
    },
    memoryMb() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      const mb = (name: string): number =>
        Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? NaN) / 1024
      return { now: mb('VmRSS'), peak: mb('VmHWM') }
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async end() {
      running.delete(measured)
      child.kill('SIGCONT')
      child.kill('SIGTERM')
      await gone
    },
  }
  running.add(measured)
  return measured
}

export function startStub(): Promise<Measured> {
  return start('bench/stub.ts', '/counts', {})
}

/** (b) or (c). */
export function startOther(script: 'bare' | 'express', hostkey: string): Promise<Measured> {
  return start(`bench/${script}.ts`, '/', {
    HOSTKEY_BASE_URL: hostkey,
    HOSTKEY_TOKEN: TOKEN,
    KEY_SHA256: entry.key_sha256,
  })
}

/** Our gateway with what it has in production: its defaults, a log at `info` (to /dev/null), and limits nobody reaches; of another checkout when `from` is one. */
export function startGateway(hostkey: string, store: string, from = root): Promise<Measured> {
  const env = {
    HOSTKEY_BASE_URL: hostkey,
    HOSTKEY_TOKEN: TOKEN,
    CALLERS_FILE: callersFile,
    STORE_URL: `sqlite:${store}`,
    RATE_LIMIT_MAX: '1000000000',
    MAX_OPEN_PER_CALLER: '100000',
    LOG_LEVEL: 'info',
    DOCS: 'false',
    SHUTDOWN_MS: '2000',
  }
  return start('src/server.ts', '/readyz', env, from)
}
