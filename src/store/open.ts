/** The store that `STORE_URL` names. */

import type { RateLimitPluginOptions } from '@fastify/rate-limit'
import type { Config } from '../config/config.ts'
import type { RedisLog } from './redis/redis.ts'
import { openSqliteStore } from './sqlite/open.ts'
import type { Store } from '../operations/store.ts'

/** Where @fastify/rate-limit counts: in this process, or in the Redis that all replicas share. */
export type LimitStore = Pick<RateLimitPluginOptions, 'redis' | 'nameSpace'>

/** Opens it; `opened` takes how to close what was opened. */
export async function openStore(
  { storeUrl, operationTtlMs: ttlMs }: Pick<Config, 'storeUrl' | 'operationTtlMs'>,
  log: RedisLog,
  now: () => number,
  opened: Pick<AsyncDisposableStack, 'defer'>,
): Promise<{ store: Store; limitStore: LimitStore }> {
  if (storeUrl.startsWith('sqlite:')) {
    const store = openSqliteStore(storeUrl.slice('sqlite:'.length), now(), { onBroken: endProcess })
    opened.defer(() => store.close())
    return { store, limitStore: {} }
  }
  // Loaded only where it is used: a gateway over SQLite starts without it.
  const { connectLimits, openRedisStore } = await import('./redis/redis.ts')
  const limitStore = connectLimits(storeUrl, log)
  opened.defer(() => limitStore.redis.disconnect())
  const store = await openRedisStore(storeUrl, { log, ttlMs, now })
  opened.defer(() => store.close())
  return { store, limitStore }
}

/** Uncaught on purpose: the process ends with this as the reason, and the next one reads what is on the disk. */
function endProcess(cause: Error): void {
  setImmediate(() => {
    throw new Error('the disk did not take what the store wrote', { cause })
  })
}
