/** Plants bugs, one after the other, in a copy of this repository, and has the simulation look for each. */

import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'

export const ROOT = resolve(import.meta.dirname, '../..')
const PLANTED = join(import.meta.dirname, 'planted')

export const PLANTED_BUGS = readdirSync(PLANTED)
  .filter(file => file.endsWith('.patch'))
  .map(file => basename(file, '.patch'))
  .toSorted()

export function fileOf(bug: string): string {
  return join(PLANTED, `${bug}.patch`)
}

/** Plants a bug in the repository in a directory; rejects when its patch does not fit. */
export async function plant(bug: string, directory: string, ...options: string[]): Promise<void> {
  await run('git', ['apply', ...options, fileOf(bug)], directory)
}

/** What the simulation told of a planted bug: the seed that found it and its story, or null. */
export async function prove(
  bug: string,
  { seed, runs }: { seed: number; runs: number },
): Promise<{ seed: number; story: string } | null> {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-planted-'))
  try {
    for (const name of ['src', 'test', 'scripts', 'package.json'])
      cpSync(join(ROOT, name), join(directory, name), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
    await plant(bug, directory)
    const args = ['scripts/simulate.ts', '--seed', String(seed), '--runs', String(runs), '--first']
    const { code, stdout } = await run(process.execPath, args, directory, [0, 1])
    if (code === 0) return null
    const lines = stdout.trim().split('\n')
    const last = JSON.parse(lines.pop()!) as { seed: number; runs: number }
    return { seed: last.seed + last.runs - 1, story: lines.join('\n') }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function run(
  command: string,
  args: string[],
  cwd: string,
  codes = [0],
): Promise<{ code: number; stdout: string }> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ])
  if (!codes.includes(code)) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr}`)
  return { code, stdout }
}
