/**
 * Clients that ask for much and never read: what the process holds for them is bounded, and nobody else waits. In both
 * stores, with a hundred results of 0.9 MB.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SCOPES } from '../src/callers/caller.ts'
import { newEntry } from '../src/callers/key.ts'
import type { Store } from '../src/operations/store.ts'
import { openPostgresStore } from '../src/store/postgres/postgres.ts'
import { openSqliteStore } from '../src/store/sqlite/open.ts'
import { startProcess, type GatewayProcess } from './crash/child.ts'
import { call, closedAfterAll, KEY, temporaryDirectory, TOKEN } from './helper.ts'
import { lacksPostgres, startPostgres } from './store/postgres/postgres-server.ts'
import { changed, endOf, operation } from './store/store-contract.ts'

const RESULTS = 100
const RESULT_BYTES = 900_000
const CLIENTS = 20
/** So many requests go over each connection, one behind the other. */
const PIPELINED = 5
const SECONDS = 4
/** The measured run (`FIGURES=1`) is made on a machine of its own; this one shares it with other tests, and keeps to what the manifests allow. */
const MEMORY_BOUND_MB = process.env.FIGURES ? 350 : 512
const WAIT_BOUND_MS = process.env.FIGURES ? 500 : 5_000
const SLOW_KEY = 'slow-caller-key-000000000000000000'
const onFinished = closedAfterAll()

/** Stores the results, and gives the ids of their operations. */
async function fill(store: Store): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < RESULTS; i += 1) {
    const op = operation({ vmId: 1000 + i, createdBy: 'slow' })
    // oxlint-disable-next-line no-await-in-loop -- a batch of all of them would be large
    await store.start(op, null, Date.now())
    const raw = String.fromCodePoint(97 + (i % 26)).repeat(RESULT_BYTES)
    // oxlint-disable-next-line no-await-in-loop -- the same
    await store.save(changed(endOf(op), { result: { settled_by: 'callback', raw } }))
    ids.push(op.id)
  }
  return ids
}

async function openStore(kind: string): Promise<{ url: string; store: Store }> {
  if (kind === 'SQLite') {
    const path = join(temporaryDirectory(), 'gateway.db')
    return { url: `sqlite:${path}`, store: openSqliteStore(path, Date.now()) }
  }
  const server = await startPostgres({ onFinished })
  const url = server.url('slow')
  return { url, store: await openPostgresStore(() => url, { log: { info: () => {}, warn: () => {} } }) }
}

/** A client that sends these requests and never reads a byte. */
function neverRead(address: string, paths: string[]): Socket {
  const { hostname, port } = new URL(address)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {}).pause()
  socket.write(
    paths
      .map(path => `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${SLOW_KEY}\r\n\r\n`)
      .join(''),
  )
  onTestFinished(() => void socket.destroy())
  return socket
}

function memoryMb({ pid }: GatewayProcess): number {
  const { groups } = /VmRSS:\s+(?<kb>\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
  return Number(groups!.kb) / 1024
}

describe.each(['SQLite', 'PostgreSQL'])('over %s', kind => {
  test.skipIf(kind === 'PostgreSQL' && lacksPostgres())(
    'clients that ask for large lists, operations and events, and never read, hold nothing up',
    { timeout: 120_000 },
    async () => {
      const { url, store } = await openStore(kind)
      const ids = await fill(store)
      await store.close()
      const callersFile = join(temporaryDirectory(), 'callers.json')
      const callers = [newEntry('tester', KEY, SCOPES, '*'), newEntry('slow', SLOW_KEY, SCOPES, '*')]
      writeFileSync(callersFile, JSON.stringify({ callers }))
      const gateway = await startProcess({
        PORT: '0',
        HOSTKEY_BASE_URL: 'http://127.0.0.1:9',
        HOSTKEY_TOKEN: TOKEN,
        CALLERS_FILE: callersFile,
        STORE_URL: url,
        RATE_LIMIT_MAX: '100000',
      })
      onTestFinished(() => gateway.kill())
      const first = await call(gateway.address, 'GET', '/operations?limit=1')
      expect(first.status).toBe(200)
      const before = memoryMb(gateway)
      for (let i = 0; i < CLIENTS; i += 1) {
        const path = `/operations/${ids[i]}`
        const all = ['/operations?limit=100&include=result', path, `${path}/events`]
        neverRead(gateway.address, Array(PIPELINED).fill(all[i % all.length]) as string[])
      }
      const waitsMs: number[] = []
      const memoriesMb: number[] = []
      for (const until = performance.now() + SECONDS * 1_000; performance.now() < until;) {
        const startedAt = performance.now()
        // oxlint-disable-next-line no-await-in-loop -- one after the other, as a client does
        const { status } = await call(gateway.address, 'GET', '/operations?limit=1')
        waitsMs.push(performance.now() - startedAt)
        expect(status).toBe(200)
        memoriesMb.push(memoryMb(gateway))
        // oxlint-disable-next-line no-await-in-loop -- a pause
        await sleep(20)
      }
      const figures = {
        before_mb: Math.round(before),
        memory_max_mb: Math.round(Math.max(...memoriesMb)),
        wait_max_ms: Math.round(Math.max(...waitsMs)),
        answered: waitsMs.length,
      }
      if (process.env.FIGURES) process.stdout.write(`${kind} ${JSON.stringify(figures)}\n`)
      expect(figures.memory_max_mb).toBeLessThan(MEMORY_BOUND_MB)
      expect(figures.wait_max_ms).toBeLessThan(WAIT_BOUND_MS)
    },
  )
})
