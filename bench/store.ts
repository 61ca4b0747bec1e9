/**
 * What a store alone takes: operations of three durable states (started, accepted, ended), many at once and one after
 * the other, and the processor time of Node and of PostgreSQL together.
 *
 *     node bench/store.ts postgres://user@host/database [seconds] [at once]
 */

import { readFileSync, readdirSync } from 'node:fs'
import { Client } from 'pg'
import { operationIds } from '../src/operations/id.ts'
import { newOperation, type Running } from '../src/operations/operation.ts'
import type { Store } from '../src/operations/store.ts'
import { openSqliteStore } from '../src/store/sqlite/open.ts'
import { openPostgresStore } from '../src/store/postgres/postgres.ts'
import { realWorld } from '../src/world.ts'

const newOperationId = operationIds(realWorld)

const POLICY = { checkMinMs: 10, checkMaxMs: 50, deadlineMs: 60_000, settleMs: 5_000, readCalls: 3 }
/** Linux tells processor time in hundredths of a second. */
const TICK_MS = 10

const [url = '', seconds = '5', atOnce = '1000'] = process.argv.slice(2)

function draft(vmId: number): Running {
  const nowMs = Date.now()
  const kind = 'snapshot.create'
  const what = {
    id: newOperationId(nowMs),
    kind,
    vmId,
    snapshot: 'nightly',
    snapshotType: 'snapshot',
  } as const
  return newOperation(
    { ...what, backupId: null, createdBy: 'bench', evidence: null },
    nowMs,
    nowMs + 70_000,
    POLICY,
  )
}

async function operate(store: Store, vmId: number): Promise<void> {
  const op = draft(vmId)
  const { kind } = await store.start(op, null, Date.now())
  if (kind !== 'started') throw new Error(`the operation was ${kind}`)
  const accepted: Running = {
    ...op,
    rev: 2,
    step: 'check',
    callback: 'a'.repeat(32),
    lookUntilMs: null,
    dueAtMs: Date.now() + 60_000,
  }
  await store.save(accepted)
  const finishedAtMs = Date.now()
  const result = { settled_by: 'callback', raw: { snapshot_id: 'abcdef' } } as const
  await store.save({
    ...accepted,
    rev: 3,
    status: 'succeeded',
    step: null,
    callback: null,
    lookUntilMs: null,
    dueAtMs: null,
    finishedAtMs,
    result,
    failure: null,
  })
}

/** Processor time of the server that this URL leads to, on this machine, in milliseconds. */
async function postmaster(): Promise<() => number> {
  const client = new Client(url)
  await client.connect()
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  const parent = statOf(rows[0]!.pid)[1]!
  await client.end()
  return () =>
    readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(name => ({ pid: Number(name), stat: statOf(Number(name)) }))
      .filter(({ pid, stat }) => pid === parent || stat[1] === parent)
      // User and system time, of a process and of its children that ended.
      .reduce((sum, { stat }) => sum + stat.slice(11, 15).reduce((a, b) => a + b, 0), 0) * TICK_MS
}

/** The numbers behind the name in /proc/<pid>/stat: [0] is the state, [1] the parent. */
function statOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
  } catch {
    return []
  }
}

const isPostgres = url.startsWith('postgres')
const log = { info: () => {}, warn: (_: object, message: string) => process.stderr.write(`${message}\n`) }
const store = isPostgres ? await openPostgresStore(() => url, { log }) : openSqliteStore(url, Date.now())
const serverMs = isPostgres ? await postmaster() : () => 0

async function measure(name: string, workers: number, limitMs: number): Promise<void> {
  const [cpu, server, began] = [process.cpuUsage(), serverMs(), performance.now()]
  let count = 0
  const work = async (vmId: number): Promise<void> => {
    while (performance.now() - began < limitMs) {
      await operate(store, vmId)
      count += 1
    }
  }
  await Promise.all(Array.from({ length: workers }, (_, i) => work(i + 1)))
  const tookMs = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  const [node, postgres] = [(user + system) / count, ((serverMs() - server) * 1_000) / count]
  process.stdout.write(
    `${name}: ${Math.round((count / tookMs) * 1_000)} operations a second, ${(tookMs / count).toFixed(2)} ms each; ` +
      `processor time of each: ${node.toFixed(0)} us of Node, ${postgres.toFixed(0)} us of PostgreSQL\n`,
  )
}

await measure('warm', Number(atOnce), 2_000)
await measure('one after the other', 1, Number(seconds) * 1_000)
await measure(`${atOnce} at once`, Number(atOnce), Number(seconds) * 1_000)
await store.close()
