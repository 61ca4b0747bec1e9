/** The watcher alone, over a store that is away for longer than a test can wait. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Engine } from '../../src/operations/engine.ts'
import { Watch } from '../../src/operations/watch.ts'
import { StoreUnavailable } from '../../src/operations/store.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a store that is away is told of once, however long, and so is its return', async () => {
  let isAway = true
  let asked = 0
  const lines: string[] = []
  const tell = (_fields: object, message: string): void => void lines.push(message)
  const claimDue = (): Promise<never[]> => {
    asked += 1
    return isAway ? Promise.reject(new StoreUnavailable('away')) : Promise.resolve([])
  }
  const parts = {
    store: { claimDue, nextDueAtMs: () => Promise.resolve(null) },
    upstream: { pausedMs: () => 0 },
    log: { info: tell, error: tell },
    now: Date.now,
    leaseMs: 1_000,
  }
  const watch = new Watch({ parts } as unknown as Engine, { concurrency: 1, idleMs: 1_000 })
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
