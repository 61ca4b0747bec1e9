/** Programs the tests run: those of the system, found on the PATH, and our own as child processes. */

import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import type { Environment } from '../src/config/config.ts'

/** Every place of the PATH that has this program; what npm installed beside the project does not count. */
function programsNamed(name: string): string[] {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(folder => !folder.includes('node_modules'))
  return [...new Set(folders)].map(folder => join(folder, name)).filter(isExecutable)
}

export function findProgram(name: string): string | null {
  return programsNamed(name)[0] ?? null
}

/** A Node of the system that is too old for the project, as many machines have one. */
export function findOldNode(): { node: string; version: string } | undefined {
  return ['/usr/local/bin/node', ...programsNamed('node')]
    .flatMap(node => {
      try {
        const version = execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim()
        return [{ node, version }]
      } catch {
        return []
      }
    })
    .find(({ version }) => Number.parseInt(version, 10) < 24)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** For `test.skipIf`: whether one of these is missing, which is an error under CI=true. */
export function lacks(...names: string[]): boolean {
  const missing = names.filter(name => findProgram(name) === null)
  if (missing.length === 0) return false
  const why = `not found on the PATH: ${missing.join(', ')}`
  if (process.env.CI === 'true') throw new Error(why)
  return tellSkipped(why)
}

/** Reporters tell at most how many tests were skipped; this tells why. */
export function tellSkipped(why: string): true {
  process.stderr.write(`skipped: ${why}\n`)
  return true
}

export interface Program {
  child: ChildProcess
  /** Every line so far. */
  stdout: string[]
  stderr: string[]
  /** The first line of stdout, also of those that are there already, that matches. Rejects when the program ends without it. */
  line(pattern: RegExp): Promise<RegExpExecArray>
  /** The exit code, or the signal that ended it; all lines are there then. */
  ended: Promise<number | NodeJS.Signals>
}

export interface RunOptions {
  args?: string[]
  /** All there is in its environment, besides the PATH. */
  env?: Environment
  /** A directory without a `.env` when not given. */
  cwd?: string
  /** Whom it runs as, when not as whoever runs the tests. */
  user?: { uid?: number; gid?: number }
  /** What it ends with, when that is not the test. */
  onFinished?: (end: () => void) => void
}

/** What one process of ours compiled serves the next: many are started. */
export const COMPILE_CACHE = join(tmpdir(), 'gateway-test-compiled')

/** Runs a script of ours with the Node of the tests; killed when the test ends. */
export function runScript(script: string, { args = [], env = {}, ...options }: RunOptions = {}): Program {
  return runProgram(process.execPath, {
    ...options,
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
    args: [resolve(import.meta.dirname, '..', script), ...args],
  })
}

export function runProgram(
  file: string,
  { args = [], env = {}, cwd = tmpdir(), user = {}, onFinished = onTestFinished }: RunOptions = {},
): Program {
  const { PATH = '' } = process.env
  const child = spawn(file, args, { ...user, env: { PATH, ...env }, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  onFinished(() => void child.kill('SIGKILL'))
  const stdout: string[] = []
  const stderr: string[] = []
  const lines = createInterface({ input: child.stdout }).on('line', line => stdout.push(line))
  createInterface({ input: child.stderr }).on('line', line => stderr.push(line))
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals)
  return {
    child,
    stdout,
    stderr,
    ended,
    line: pattern =>
      new Promise((found, reject) => {
        const look = (): void => {
          const match = stdout.map(line => pattern.exec(line)).find(one => one !== null)
          if (!match) return
          lines.off('line', look)
          found(match)
        }
        lines.on('line', look)
        look()
        const missing = (end: unknown): void =>
          reject(new Error(`ended with ${String(end)} without ${pattern}:\n${stderr.join('\n')}`))
        ended.then(missing, reject)
      }),
  }
}

/** A port of the loopback address that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
