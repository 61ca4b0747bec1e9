/** The watcher alone, over a store that is away for longer than a test can wait. */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { intercept } from '../../src/observability/intercept.ts'
import { NO_TRACING } from '../../src/observability/tracing.ts'
import { Engine, type Log } from '../../src/operations/engine.ts'
import type { Hostkey } from '../../src/operations/hostkey.ts'
import { Reads } from '../../src/operations/reads/reads.ts'
import { StoreUnavailable, type Store } from '../../src/operations/store.ts'
import { Waiters } from '../../src/operations/waiters.ts'
import { Watch } from '../../src/operations/watch.ts'
import { openSqliteStore } from '../../src/store/sqlite/open.ts'
import { temporaryDirectory } from '../helper.ts'
import { operation } from '../store/store-contract.ts'
import { realWorld } from '../../src/world.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const nobody = (): never => {
  throw new Error('nothing is due, so nothing is asked of HOSTKEY')
}

/** A watcher at work, with a lease of a second. */
function watchOver(store: Store, hostkey: Hostkey, tell: Log['info'] = () => {}, concurrency = 1): Watch {
  const engine = new Engine({
    store,
    hostkey,
    policy: {
      checkMinMs: 1,
      checkMaxMs: 1,
      deadlineMs: 60_000,
      settleMs: 1,
      keyGraceMs: { change: 0, read: 0 },
      readCalls: 1,
    },
    log: { info: tell, warn: tell, error: tell },
    tracing: NO_TRACING.operations,
    world: realWorld,
    leaseMs: 1_000,
  })
  const reads = new Reads(engine, new Waiters(engine.parts), 0)
  const watch = new Watch(engine, reads, { concurrency, idleMs: 1_000 })
  watch.start()
  return watch
}

test('a store that is away is told of once, however long, and so is its return', async () => {
  let isAway = true
  let asked = 0
  const lines: string[] = []
  const tell = (_fields: object, message: string): void => void lines.push(message)
  const file = openSqliteStore(join(temporaryDirectory(), 'gateway.db'), Date.now())
  onTestFinished(() => file.close())
  const store = intercept(file, ({ method }, next) => {
    if (method !== 'claimDue') return next()
    asked += 1
    return isAway ? Promise.reject(new StoreUnavailable('away')) : next()
  })
  const watch = watchOver(
    store,
    { call: nobody, check: nobody, pausedMs: () => 0, isAtLimit: () => false },
    tell,
  )
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asked).toBeGreaterThan(30)
  expect(lines).toEqual(['the watcher could not read the store'])
  isAway = false
  await vi.advanceTimersByTimeAsync(10_000)
  isAway = true
  await vi.advanceTimersByTimeAsync(10_000)
  expect(lines.slice(1)).toEqual([
    'the watcher reads the store again',
    'the watcher could not read the store',
  ])
  await watch.stop(0)
})

test('a check that outlasts half of its lease may not leave: its key can be read once, perhaps by somebody else', async () => {
  vi.useRealTimers()
  const file = openSqliteStore(join(temporaryDirectory(), 'gateway.db'), Date.now())
  onTestFinished(() => file.close())
  await file.start(operation({ step: 'check', callback: 'c'.repeat(32), dueAtMs: Date.now() - 1 }), null, 0)
  const asked: boolean[][] = []
  const watch = watchOver(file, {
    call: nobody,
    pausedMs: () => 0,
    isAtLimit: () => false,
    async check(_callback, _task, _signal, mayLeave) {
      const before = mayLeave!()
      await sleep(550)
      asked.push([before, mayLeave!()])
      return { kind: 'gone' }
    },
  })
  await vi.waitUntil(() => asked.length > 0, { timeout: 5_000 })
  expect(asked[0]).toEqual([true, false])
  await watch.stop(1_000)
})

test('one caller whose VMs hang has half of the steps: those of the others are made', async () => {
  const file = openSqliteStore(join(temporaryDirectory(), 'gateway.db'), Date.now())
  onTestFinished(() => file.close())
  const due = (createdBy: string, number: number, agoMs: number): Promise<unknown> => {
    const callback = `${createdBy}-${number}`.padEnd(32, 'c')
    const op = operation({ vmId: 1000 + number, createdBy, step: 'check', callback })
    return file.start({ ...op, dueAtMs: Date.now() - agoMs }, null, 0)
  }
  for (let i = 0; i < 60; i += 1) await due('greedy', i, 1_000)
  for (let i = 60; i < 65; i += 1) await due('other', i, 1)
  const asked = { greedy: new Set<string>(), other: new Set<string>() }
  const watch = watchOver(
    file,
    {
      call: nobody,
      pausedMs: () => 0,
      isAtLimit: () => false,
      check(callback, { caller }, signal) {
        asked[caller as keyof typeof asked].add(callback)
        if (caller === 'other') return Promise.resolve({ kind: 'pending' })
        return new Promise(resolve => {
          signal!.addEventListener('abort', () => resolve({ kind: 'unsent', reason: 'it ended' }))
        })
      },
    },
    undefined,
    4,
  )
  await vi.waitFor(() => expect(asked.other.size).toBe(5))
  expect(asked.greedy.size).toBe(2)
  await watch.stop(0)
})
