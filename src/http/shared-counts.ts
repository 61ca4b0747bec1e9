/** Counts requests of all replicas together, for @fastify/rate-limit; while that cannot be done, those of this process. */

import { localCounts, type LimitCounts } from './limit-counts.ts'
import type { World } from '../world.ts'

/** Where all replicas count. */
export interface SharedLimits {
  /** Counts a request with this key in its window of `windowMs`. Rejects, soon, when it cannot be counted. */
  count(key: string, windowMs: number, max: number): Promise<{ current: number; ttlMs: number }>
}

/** A store class, as the plugin takes it. */
export function sharedCounts(shared: SharedLimits, world: Pick<World, 'now'>): new () => LimitCounts {
  return class SharedCounts extends localCounts(world) {
    override incr(key: string, answer: Parameters<LimitCounts['incr']>[1], windowMs: number, max = 0): void {
      shared.count(key, windowMs, max).then(
        ({ current, ttlMs }) => answer(null, { current, ttl: ttlMs }),
        () => super.incr(key, answer, windowMs),
      )
    }
  }
}
