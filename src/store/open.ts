/** The store that `STORE_URL` names. */

import type { RateLimitPluginOptions } from '@fastify/rate-limit'
import type { Config } from '../config/config.ts'
import { fileSecret, fixedSecret, type Secret } from '../config/secret.ts'
import type { Limits } from './postgres/limits.ts'
import type { RedisLog } from './redis/redis.ts'
import { openSqliteStore } from './sqlite/open.ts'
import type { Store } from '../operations/store.ts'

/** Where requests are counted: in this process, when nothing is said, or in what all replicas share. */
export type LimitStore = Pick<RateLimitPluginOptions, 'redis' | 'nameSpace'> & { shared?: Limits }

/** Opens it; `opened` takes how to close what was opened. */
export async function openStore(
  {
    storeUrl,
    storeUrlFile,
    operationTtlMs: ttlMs,
  }: Pick<Config, 'storeUrl' | 'storeUrlFile' | 'operationTtlMs'>,
  log: RedisLog,
  now: () => number,
  opened: Pick<AsyncDisposableStack, 'defer'>,
): Promise<{ store: Store; limitStore: LimitStore }> {
  if (storeUrl.startsWith('sqlite:')) {
    const store = openSqliteStore(storeUrl.slice('sqlite:'.length), now(), { onBroken: endProcess })
    opened.defer(() => store.close())
    return { store, limitStore: {} }
  }
  // Loaded only where they are used: a gateway over SQLite starts without them.
  if (/^postgres(ql)?:/.test(storeUrl)) {
    const { openPostgresStore } = await import('./postgres/postgres.ts')
    const url = watchedUrl(storeUrl, storeUrlFile, log)
    opened.defer(() => url.close())
    const store = await openPostgresStore(() => url.current(), { log, now })
    opened.defer(() => store.close())
    return { store, limitStore: { shared: store.limits } }
  }
  const { connectLimits, openRedisStore } = await import('./redis/redis.ts')
  const limitStore = connectLimits(storeUrl, log)
  opened.defer(() => limitStore.redis.disconnect())
  const store = await openRedisStore(storeUrl, { log, ttlMs, now })
  opened.defer(() => store.close())
  return { store, limitStore }
}

/** As it is in the file now, where it stands in one. */
function watchedUrl(url: string, file: string | null, log: RedisLog): Secret {
  if (file === null) return fixedSecret(url)
  return fileSecret(file, reason => log.warn({ reason }, 'the file with the URL of the store is broken'))
}

/** Uncaught on purpose: the process ends with this as the reason, and the next one reads what is on the disk. */
function endProcess(cause: Error): void {
  setImmediate(() => {
    throw new Error('the disk did not take what the store wrote', { cause })
  })
}
