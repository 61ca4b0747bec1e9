/** The watcher alone, over a store that is away for longer than a test can wait. */

import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { intercept } from '../../src/observability/intercept.ts'
import { NO_TRACING } from '../../src/observability/tracing.ts'
import { Engine } from '../../src/operations/engine.ts'
import { Reads } from '../../src/operations/reads/reads.ts'
import { StoreUnavailable } from '../../src/operations/store.ts'
import { Waiters } from '../../src/operations/waiters.ts'
import { Watch } from '../../src/operations/watch.ts'
import { openSqliteStore } from '../../src/store/sqlite/open.ts'
import { temporaryDirectory } from '../helper.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] }))
afterEach(() => void vi.useRealTimers())

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
  const nobody = (): never => {
    throw new Error('nothing is due, so nothing is asked of HOSTKEY')
  }
  const engine = new Engine({
    store,
    hostkey: { call: nobody, check: nobody, pausedMs: () => 0 },
    policy: {
      checkMinMs: 1,
      checkMaxMs: 1,
      deadlineMs: 1,
      settleMs: 1,
      keyGraceMs: { change: 0, read: 0 },
      readCalls: 1,
    },
    log: { info: tell, warn: tell, error: tell },
    tracing: NO_TRACING.operations,
    now: Date.now,
    random: Math.random,
    leaseMs: 1_000,
  })
  const reads = new Reads(engine, new Waiters(store), 0)
  const watch = new Watch(engine, reads, { concurrency: 1, idleMs: 1_000 })
  watch.start()
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
