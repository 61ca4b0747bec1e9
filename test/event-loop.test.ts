/**
 * What nobody may hold up: the event loop, with a store full of operations (`LOOP_OPERATIONS`, 100,000 unless it says otherwise),
 * callers that are read again and again, and answers of HOSTKEY of one MiB. And what all that may take: memory.
 */

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { expect, onTestFinished, test, vi } from 'vitest'
import { fillStore } from '../bench/fill.ts'
import { answer, answerTo, serve } from '../bench/stub.ts'
import { SCOPES } from '../src/callers/caller.ts'
import { newEntry } from '../src/callers/key.ts'
import { startProcess, type GatewayProcess } from './crash/child.ts'
import { KEY, temporaryDirectory, TOKEN } from './helper.ts'

const OPERATIONS = Number(process.env.LOOP_OPERATIONS ?? 100_000)
const LOAD_MS = 4_000
const LONGEST_TURN_MS = 50
const LARGE_AT_ONCE = 200
/** The process of the sources, with its load; bench/limits.md says what takes it. */
const MEMORY_MB = 640
const CALLERS = 1_000
const FILLED = 1_000

const LIST_KEY = 'list0000000000000000000000000000'
const STATS_KEY = 'load0000000000000000000000000000'
const accepted = (action: string, callback: string): Buffer => answer({ result: 'OK', action, callback })
/** Nearly one MiB each: the most that is taken. */
const LARGE_LIST = Array.from({ length: 8_000 }, (_, i) => ({
  name: `nightly-${i}`,
  snapshot_id: 100_000 + i,
  date: '2026-11-25 01:02:03',
  note: 'as large as they come, and longer',
}))
const LARGE_STATS = { cpu: Array.from({ length: 120_000 }, (_, i) => 1_000_000 + i) }
const ANSWERS: [part: string, bytes: Buffer][] = [
  ['action=get_snapshot', accepted('get_snapshot', LIST_KEY)],
  [`key=${LIST_KEY}`, answer({ result: 'OK', context: { action: 'get_snapshot' }, scope: LARGE_LIST })],
  ['action=load_stats', accepted('load_stats', STATS_KEY)],
  [`key=${STATS_KEY}`, answer({ result: 'OK', context: { action: 'load_stats' }, scope: LARGE_STATS })],
]

function answerOf(asked: string): Buffer {
  return ANSWERS.find(([part]) => asked.includes(part))?.[1] ?? answerTo(asked)
}

/** The HOSTKEY of the benchmark, whose lists are large. */
async function startHostkey(): Promise<string> {
  const server = createServer(socket => serve(socket, answerOf)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Makes of each ended operation in a file so many more, as whoever filled it did not: at once. */
function multiply(path: string, times: number): void {
  using db = new DatabaseSync(path)
  const id = `substr(id, 1, 21) || printf('%08d', i)`
  db.exec(`PRAGMA synchronous = OFF;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${times})
    INSERT INTO operations (id, rev, kind, mutates, vm_id, created_by, status, finished_at, doc, result)
    SELECT ${id}, rev, kind, mutates, vm_id, created_by, status, finished_at, replace(doc, id, ${id}), result
    FROM operations, n WHERE status <> 'running'`)
}

async function longestTurnMs({ pid }: GatewayProcess, file: string): Promise<number> {
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  await vi.waitFor(() => expect(existsSync(file) && readFileSync(file, 'utf8')).toMatch(/\d/), 5_000)
  return Number(readFileSync(file, 'utf8'))
}

const peakMb = ({ pid }: GatewayProcess): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024

test(
  `no turn of the event loop takes long, and memory is bounded, with ${OPERATIONS} operations`,
  // Others who use the caches of the processor make each turn longer.
  { timeout: 120_000 + OPERATIONS / 5, retry: 3 },
  async () => {
    const directory = temporaryDirectory()
    const [store, loopFile, callersFile] = ['gateway.db', 'loop', 'callers.json'].map(name =>
      join(directory, name),
    )
    const ids = await fillStore(store!, 2 * FILLED, FILLED)
    multiply(store!, OPERATIONS / FILLED)
    const writeCallers = (): void => {
      const others = Array.from({ length: CALLERS }, (_, i) =>
        newEntry(`caller-${i}`, `${KEY}${i}`, SCOPES, [1 + i]),
      )
      writeFileSync(
        callersFile!,
        JSON.stringify({ callers: [newEntry('tester', KEY, SCOPES, '*'), ...others] }),
      )
    }
    writeCallers()
    const gateway = await startProcess({
      PORT: '0',
      HOSTKEY_BASE_URL: await startHostkey(),
      HOSTKEY_TOKEN: TOKEN,
      CALLERS_FILE: callersFile!,
      STORE_URL: `sqlite:${store}`,
      RATE_LIMIT_MAX: '1000000',
      MAX_OPEN_PER_CALLER: '1000',
      READ_CACHE_MS: '0',
      READ_WAIT_MS: '20000',
      LOOP_FILE: loopFile!,
      NODE_OPTIONS: `--import ${join(import.meta.dirname, 'loop-probe.ts')}`,
    })
    onTestFinished(() => gateway.kill())
    const dispatcher = new Agent({ connections: LARGE_AT_ONCE })
    onTestFinished(() => dispatcher.destroy())
    const ask = async (method: 'GET' | 'POST', path: string, body?: string): Promise<number> => {
      const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }
      const answer = await request(gateway.address + path, {
        dispatcher,
        method,
        headers,
        body: body ?? null,
      })
      await answer.body.dump({ limit: 10_000_000 })
      return answer.statusCode
    }
    const kinds: ((n: number) => Promise<number>)[] = [
      n => ask('POST', `/vms/${n}/snapshots`, '{"name":"nightly"}'),
      n => ask('GET', `/vms/${n}/stats`),
      n => ask('GET', `/operations/${ids[n % ids.length]!}`),
      () => ask('GET', '/operations?status=failed'),
      () => ask('GET', '/operations?include=result&limit=100'),
      n => ask('GET', `/operations?vm_id=${2_000_000_000 + n}&status=unknown`),
      () => ask('POST', '/vms/1/snapshots', '{"name":"no spaces"}'),
      () => ask('GET', '/metrics'),
      n => ask('GET', `/vms/${n}/snapshots`),
    ]
    // What runs for the first time is compiled, which takes long and comes once.
    for (const [n, kind] of kinds.entries()) await kind(900_000 + n)
    await longestTurnMs(gateway, loopFile!)

    const endsAt = performance.now() + LOAD_MS
    let asked = 0
    const work = async (kind: (n: number) => Promise<number>): Promise<void> => {
      while (performance.now() < endsAt) expect(await kind((asked += 1))).toBeLessThan(500)
    }
    const reload = async (): Promise<void> => {
      while (performance.now() < endsAt) {
        await sleep(LOAD_MS / 5)
        writeCallers()
      }
    }
    await Promise.all([...kinds.flatMap(kind => [kind, kind]).map(work), reload()])
    const large = Array.from({ length: LARGE_AT_ONCE }, (_, i) => ask('GET', `/vms/${1_000_000 + i}/stats`))
    // Those that waited too long for a place are told to come back.
    expect((await Promise.all(large)).filter(status => status !== 503)).toContain(200)

    expect(await longestTurnMs(gateway, loopFile!)).toBeLessThan(LONGEST_TURN_MS)
    expect(peakMb(gateway)).toBeLessThan(MEMORY_MB)
  },
)
