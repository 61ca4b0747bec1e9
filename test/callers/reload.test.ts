/** A callers file that is large, and one that changes all the time. */

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Caller } from '../../src/callers/caller.ts'
import { openCallersFile } from '../../src/callers/file.ts'
import { newEntry } from '../../src/callers/key.ts'
import { temporaryDirectory } from '../helper.ts'

const quiet = { info: () => {}, warn: () => {}, error: () => {} }

/** All that this process has read so far, in bytes (proc(5)); looking at a file's stamps reads nothing of it. */
function bytesRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}

test('a file of 20,000 callers is not read while it does not change, and a change of it counts', async () => {
  const path = join(temporaryDirectory(), 'callers.json')
  const entries = Array.from({ length: 20_000 }, (_, i) =>
    newEntry(`caller-${i}`, `key-${i}`, ['stats:read'], [i + 1]),
  )
  const write = (callers: object[]): number => {
    const text = JSON.stringify({ callers })
    writeFileSync(path, text)
    return text.length
  }
  const size = write(entries)
  const callers = openCallersFile(path, { log: quiet, intervalMs: 5 })
  onTestFinished(() => callers.close())
  expect([callers.count(), await callers.find('key-19999')]).toEqual([
    20_000,
    expect.objectContaining({ id: 'caller-19999' }),
  ])
  let before = bytesRead()
  // It is read for the two seconds in which another change could look like the last one, and then no more.
  await vi.waitFor(
    () => {
      const read = bytesRead() - before
      before += read
      expect(read).toBeLessThan(size)
    },
    { timeout: 10_000, interval: 200 },
  )
  write(entries.slice(1))
  await vi.waitFor(async () => expect(await callers.find('key-0')).toBe('unknown-key'), { timeout: 10_000 })
  expect(callers.count()).toBe(19_999)
})

const collectGarbage = ((): (() => void) => {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
})()

test('10,000 changes under load: no caller is refused or given what is not his, and memory does not grow', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'callers.json')
  // Of two callers that are always there, one changes his VMs with each version; a third one comes and goes.
  const version = (n: number): void => {
    const callers = [
      newEntry('steady', 'key-steady', ['stats:read'], [1]),
      newEntry('moving', 'key-moving', ['snapshots:read'], [n + 1]),
      ...(n % 2 === 0 ? [newEntry('guest', 'key-guest', ['stats:read'], '*')] : []),
    ]
    writeFileSync(`${path}.new`, JSON.stringify({ callers }))
    renameSync(`${path}.new`, path)
  }
  version(0)
  let reloads = 0
  let told = Promise.withResolvers<void>()
  const info = (): void => {
    reloads += 1
    told.resolve()
  }
  const broken: string[] = []
  const error = (fields: object): unknown => broken.push(JSON.stringify(fields))
  const callers = openCallersFile(path, { log: { ...quiet, info, error }, intervalMs: 0 })
  onTestFinished(() => callers.close())

  let isOver = false
  let calls = 0
  const wrong: unknown[] = []
  const load = async (): Promise<void> => {
    while (!isOver) {
      // What is known before and after the look-up bounds what it may have seen.
      const least = reloads
      const [steady, moving, guest] = await Promise.all(
        ['key-steady', 'key-moving', 'key-guest'].map(key => callers.find(key)),
      )
      const vm = Number(Array.from((moving as Caller).vms as ReadonlySet<number>)[0])
      if ((steady as Caller).name !== 'steady' || !(steady as Caller).scopes.has('stats:read'))
        wrong.push(steady)
      if ((moving as Caller).scopes.has('stats:read') || vm < least + 1 || vm > reloads + 1)
        wrong.push(moving)
      if (typeof guest === 'string' ? guest !== 'unknown-key' : guest?.vms !== '*') wrong.push(guest)
      calls += 1
      await turn()
    }
  }
  const working = load()
  const heap = (): number => {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  let settled = 0
  for (let n = 1; n <= 10_000; n += 1) {
    told = Promise.withResolvers<void>()
    version(n)
    await told.promise
    if (n === 1_000) settled = heap()
  }
  const grown = heap() - settled
  isOver = true
  await working
  expect({ wrong: wrong.slice(0, 3), broken, reloads }).toEqual({ wrong: [], broken: [], reloads: 10_000 })
  expect(calls).toBeGreaterThan(10_000)
  expect(grown).toBeLessThan(1024 * 1024)
}, 120_000)
