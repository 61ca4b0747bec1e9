/** The figures under "Sizing" in docs/recipes.md are measured here: each has to be near what the page says. */

import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { SCOPES } from '../src/callers/caller.ts'
import { newEntry } from '../src/callers/key.ts'
import { KEY, startWorld, temporaryDirectory, TOKEN } from './helper.ts'
import { runScript } from './programs.ts'
import { lacksPostgres, startPostgres } from './store/postgres/postgres-server.ts'

const OPERATIONS = 1_000
const AT_ONCE = 25
const VMS = 250

/** What the page says, in MB (10^6 bytes). */
function figure(what: string): number {
  const row = new RegExp(`^\\| ${what} +\\| ([\\d.]+) MB `, 'm').exec(readFileSync('docs/recipes.md', 'utf8'))
  return Number(row?.[1])
}

/** `near` what the page says, or else how much it is here. */
function compared(what: string, bytes: number): string {
  const [said, found] = [figure(what), bytes / 1e6]
  return found < said * 1.2 && found > said / 2 ? 'near' : `${found.toFixed(2)} MB`
}

/** Takes and removes snapshots until so many operations have ended, each with an idempotency key. */
async function fill(storeUrl: string): Promise<void> {
  const vms = Object.fromEntries(
    Array.from({ length: VMS }, (_, i) => [2_000 + i, { power: 'off' as const }]),
  )
  const world = await startWorld({
    simulator: { vms },
    env: { STORE_URL: storeUrl, LOG_LEVEL: 'warn', HOSTKEY_CONCURRENCY: '32' },
  })
  let next = 0
  const work = async (): Promise<void> => {
    for (let i = next++; i < OPERATIONS; i = next++) {
      const path = `/vms/${2_000 + (i % VMS)}/snapshots`
      const name = `nightly-2026-11-${Math.floor(i / VMS / 2)}`
      const isCreate = Math.floor(i / VMS) % 2 === 0
      const headers = { prefer: 'wait=25', 'idempotency-key': `nightly-2026-11-25-${i}` }
      const { status, body } = isCreate
        ? await world.call('POST', path, { headers, body: { name } })
        : await world.call('DELETE', `${path}/${name}`, { headers })
      expect([status, body.status]).toEqual([200, 'succeeded'])
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  await world.gateway.close()
}

test('disk for a thousand operations in SQLite', { timeout: 120_000 }, async () => {
  const path = join(temporaryDirectory(), 'gateway.db')
  await fill(`sqlite:${path}`)
  expect(compared('disk for a thousand operations, SQLite', statSync(path).size)).toBe('near')
})

test.skipIf(lacksPostgres())(
  'disk for a thousand operations in PostgreSQL',
  { timeout: 120_000 },
  async () => {
    const server = await startPostgres()
    await fill(server.url('sized'))
    const [row] = await server.query(
      `SELECT sum(pg_total_relation_size(oid))::int AS bytes FROM pg_class WHERE relkind = 'r' AND relnamespace = 'sized'::regnamespace`,
    )
    expect(compared('disk for a thousand operations, PostgreSQL', row!.bytes as number)).toBe('near')
  },
)

test('memory of a process at rest', { timeout: 60_000 }, async () => {
  const directory = temporaryDirectory()
  writeFileSync(
    join(directory, 'callers.json'),
    JSON.stringify({ callers: [newEntry('one', KEY, SCOPES, '*')] }),
  )
  const server = runScript('src/server.ts', {
    env: { PORT: '0', HOSTKEY_TOKEN: TOKEN, CALLERS_FILE: 'callers.json' },
    cwd: directory,
  })
  onTestFinished(() => void server.child.kill('SIGKILL'))
  await server.line(/"msg":"listening"/)
  // At rest is when the start is over; nothing tells of that.
  await sleep(3_000)
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))!
  expect(compared('memory of a process at rest', Number(kilobytes) * 1024)).toBe('near')
})
