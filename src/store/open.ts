/** The store that `STORE_URL` names. */

import type { Config } from '../config/config.ts'
import { fileSecret, fixedSecret, type Secret } from '../config/secret.ts'
import type { Limits } from './postgres/limits.ts'
import { openControl } from './sqlite/control.ts'
import type { PostgresLog } from './postgres/options.ts'
import { openSqliteStore } from './sqlite/open.ts'
import type { Store } from '../operations/store.ts'
import type { World } from '../world.ts'

/** Opens it, and where requests are counted for all replicas, if there may be several; `opened` takes how to close what was opened. */
export async function openStore(
  { storeUrl, storeUrlFile }: Pick<Config, 'storeUrl' | 'storeUrlFile'>,
  log: PostgresLog,
  world: World,
  opened: Pick<AsyncDisposableStack, 'defer'>,
): Promise<{ store: Store; sharedLimits?: Limits }> {
  if (storeUrl.startsWith('sqlite:')) {
    const path = storeUrl.slice('sqlite:'.length)
    const store = openSqliteStore(path, world.now(), { world, onBroken: endProcess(world) })
    opened.defer(() => store.close())
    const control = await openControl(path, { hold: () => store.hold() }).catch((error: Error) => {
      // Some file systems have no sockets.
      log.warn({ reason: error.message }, 'no copy of the store can be asked for while it runs')
      return null
    })
    opened.defer(() => control?.close())
    return { store }
  }
  // Loaded only where it is used: a gateway over SQLite starts without it.
  const { openPostgresStore } = await import('./postgres/postgres.ts')
  const url = watchedUrl(storeUrl, storeUrlFile, log)
  opened.defer(() => url.close())
  const store = await openPostgresStore(() => url.current(), { log, world })
  opened.defer(() => store.close())
  return { store, sharedLimits: store.limits }
}

/** As it is in the file now, where it stands in one. */
function watchedUrl(url: string, file: string | null, log: PostgresLog): Secret {
  if (file === null) return fixedSecret(url)
  return fileSecret(
    file,
    reason => log.warn({ reason }, 'the file with the URL of the store is broken'),
    () => log.info({ file }, 'the file with the URL of the store was read again'),
  )
}

/** Uncaught on purpose: the process ends with this as the reason, and the next one reads what is on the disk. */
function endProcess({ soon }: World): (cause: Error) => void {
  return cause =>
    soon(() => {
      throw new Error('the disk did not take what the store wrote', { cause })
    })
}
