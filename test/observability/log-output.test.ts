/** A log that cannot be written never stops the gateway: a full disk, a reader that hangs, a reader that is gone. */

import { execFileSync, spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import { createLogger } from '../../src/observability/log.ts'
import { lostLines } from '../../src/observability/log-output.ts'
import { call, KEY, temporaryDirectory, TOKEN } from '../helper.ts'
import { COMPILE_CACHE, freePort, lacks, tellSkipped } from '../programs.ts'

const SHUTDOWN_MS = 4_000

/** Starts a gateway whose log nobody may be able to read, so that its address is not taken from there. */
async function startWith(stdout: 'pipe' | number): Promise<{ child: ChildProcess; address: string }> {
  const directory = temporaryDirectory()
  const callers = join(directory, 'callers.json')
  writeFileSync(callers, JSON.stringify({ callers: [newEntry('tester', KEY, SCOPES, '*')] }))
  const port = await freePort()
  const stdio: StdioOptions = ['ignore', stdout, 'inherit']
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/server.ts')], {
    cwd: directory,
    stdio,
    env: {
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      PORT: String(port),
      HOSTKEY_TOKEN: TOKEN,
      CALLERS_FILE: callers,
      DOCS: 'false',
      RATE_LIMIT_MAX: '1000000',
      SHUTDOWN_MS: String(SHUTDOWN_MS),
    },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const address = `http://127.0.0.1:${port}`
  await vi.waitFor(() => call(address, 'GET', '/livez'), { interval: 50, timeout: 20_000 })
  return { child, address }
}

/** Fills whatever is between the gateway and its reader: each request is a line of about 200 bytes. */
async function writeLines(address: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 50)
    await Promise.all(Array.from({ length: 50 }, () => call(address, 'GET', '/livez')))
}

async function linesLost(address: string): Promise<number> {
  const { text } = await call(address, 'GET', '/metrics')
  return Number(/^hostkey_gateway_log_lines_lost_total (\d+)$/m.exec(text)![1])
}

/** Ends it as an orchestrator does, and expects that it ends by itself and in time. */
async function endInTime(child: ChildProcess): Promise<void> {
  const startedAt = performance.now()
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(performance.now() - startedAt).toBeLessThan(SHUTDOWN_MS)
}

test('with a full disk under stdout lines are lost and counted, and the gateway works and ends', async () => {
  const fd = openSync('/dev/full', 'w')
  const { child, address } = await startWith(fd)
  closeSync(fd)
  await writeLines(address, 50)
  await vi.waitFor(async () => expect(await linesLost(address)).toBeGreaterThan(50))
  await endInTime(child)
})

test('a reader that is gone costs lines and nothing else', async () => {
  const { child, address } = await startWith('pipe')
  child.stdout!.destroy()
  await writeLines(address, 50)
  await vi.waitFor(async () => expect(await linesLost(address)).toBeGreaterThan(40))
  await endInTime(child)
})

test.skipIf(lacks('mkfifo')).each(['a pipe', 'a socket'])(
  'a reader of %s that hangs holds up neither a request nor the end',
  async kind => {
    const path = join(temporaryDirectory(), 'log')
    execFileSync('mkfifo', [path])
    // Open for both, so that a reader is there.
    const fd = openSync(path, 'r+')
    onTestFinished(() => closeSync(fd))
    // What Node calls a pipe between two processes is a pair of sockets.
    const { child, address } = await startWith(kind === 'a pipe' ? fd : 'pipe')
    await writeLines(address, 2_500)
    expect((await call(address, 'GET', '/livez')).status).toBe(200)
    await endInTime(child)
  },
)

/** A disk of 64 KiB, or null where one cannot be mounted. */
function smallDisk(): string | null {
  const directory = temporaryDirectory()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory], { stdio: 'ignore' })
  } catch {
    return tellSkipped('a tmpfs cannot be mounted') && null
  }
  onTestFinished(() => void execFileSync('umount', [directory]))
  return directory
}

test('a disk that was full and has room again gets whole lines', async context => {
  const directory = smallDisk()
  if (directory === null) return context.skip()
  const ballast = join(directory, 'ballast')
  writeFileSync(ballast, 'x'.repeat(40_000))
  const file = join(directory, 'log')
  const fd = openSync(file, 'a')
  onTestFinished(() => closeSync(fd))
  const log = createLogger('info', fd)
  const flushed = (): Promise<unknown> => new Promise(resolve => log.flush(resolve))
  const lostBefore = lostLines()
  for (let line = 0; line < 300; line += 1) log.info({ line, text: 'x'.repeat(60) }, 'request')
  await flushed()
  expect(lostLines()).toBeGreaterThan(lostBefore)
  rmSync(ballast)
  log.info({ line: 300 }, 'the last')
  await flushed()
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  expect(lines.length).toBeGreaterThan(50)
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ line: 300 })
})
