/**
 * A primary of PostgreSQL with a synchronous standby. A failover kills the primary, promotes the standby and gives it a
 * standby of its own, for which commits wait. The URL names both hosts, in a file that is read anew.
 */

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { copyOf, startPostgres } from '../store/postgres/postgres-server.ts'
import { runChaos, type ChaosOptions, type Figures } from './chaos.ts'

export type FailoverOptions = Omit<ChaosOptions, 'kills' | 'store' | 'strike'> & {
  failovers: number
  /** A directory of its own. */
  directory: string
  /** Takes how each part ends. */
  onFinished: (end: () => unknown) => void
}

const DEAF_MS = 500
const SETTINGS = ['fsync=off', 'synchronous_standby_names=standby']

/** Chaos in which the database fails over, again and again. */
export async function runFailovers(options: FailoverOptions): Promise<Figures> {
  const { failovers, directory, onFinished, ...chaos } = options
  const file = join(directory, 'store-url')
  const ends: (() => unknown)[] = []
  const server = { settings: SETTINGS, onFinished: (end: () => unknown): void => void ends.unshift(end) }
  onFinished(async () => {
    for (const end of ends) await end()
  })
  let primary = await startPostgres(server)
  let standby = await copyOf(primary, server)
  const tellHosts = (): void => {
    const hosts = [primary, standby].map(({ port }) => `127.0.0.1:${port}`).join(',')
    const url = `postgres://gateway@${hosts}/postgres?target_session_attrs=read-write&statement_timeout_ms=1000`
    writeFileSync(file, url, { mode: 0o600 })
  }
  tellHosts()
  return runChaos({
    ...chaos,
    kills: failovers,
    store: { STORE_URL_FILE: file },
    async strike() {
      // For a moment the standby hears nothing: commits wait for it, and what does not wait would be lost.
      const receivers = await standby.query('SELECT pid FROM pg_stat_wal_receiver')
      const signal = (name: NodeJS.Signals): void => {
        for (const { pid } of receivers) process.kill(pid as number, name)
      }
      signal('SIGSTOP')
      await sleep(DEAF_MS)
      await primary.kill()
      // It ends before it reads what the system has received for it.
      signal('SIGTERM')
      signal('SIGCONT')
      await standby.query('SELECT pg_promote(true, 30)')
      rmSync(primary.directory, { recursive: true, force: true, maxRetries: 5 })
      primary = standby
      standby = await copyOf(primary, server)
      tellHosts()
    },
  })
}
