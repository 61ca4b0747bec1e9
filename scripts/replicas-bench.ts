/**
 * What replicas bring, measured on this machine: throughput and p99 with one, two and three of them, what idle ones cost
 * the one that works, and the time until another has taken over what a killed one was doing. Everything, the load and the simulated HOSTKEY too, shares the
 * machine's cores, so this shows that replicas do not hinder each other, and what they cost, rather than how they scale.
 */

import { readFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { startCluster, type Cluster } from '../test/cluster.ts'
import { call, KEY } from '../test/helper.ts'

const SECONDS = Number(process.env.BENCH_S ?? 6)
const KILLS = Number(process.env.BENCH_KILLS ?? 5)
const CONNECTIONS = 32
/** As a gateway has them by itself. */
const PACES = { CHECK_MIN_MS: '500', CHECK_MAX_MS: '15000' }
const VMS = 60_000
const ROUNDS = 3
const OPERATIONS = Number(process.env.BENCH_OPERATIONS ?? 3_000)
const CLOCK_TICK_MS = 10

const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }
const body = JSON.stringify({ name: 'nightly' })

/** Calls as fast as answers come, spread over the replicas. Gives answers a second and the 99th percentile in milliseconds. */
async function load(one: (n: number) => Promise<number>): Promise<{ rate: number; p99: number }> {
  const tookMs: number[] = []
  const since = performance.now()
  let sent = 0
  const work = async (): Promise<void> => {
    while (performance.now() - since < SECONDS * 1_000) {
      const at = performance.now()
      const answered = await one((sent += 1))
      if (answered !== 200 && answered !== 202) throw new Error(`answered with ${answered}`)
      tookMs.push(performance.now() - at)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))
  tookMs.sort((a, b) => a - b)
  const rate = tookMs.length / ((performance.now() - since) / 1_000)
  return { rate, p99: tookMs[Math.floor(tookMs.length * 0.99)]! }
}

/** Runs with a cluster of its own. */
async function within<T>(
  replicas: number,
  env: Record<string, string>,
  run: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const ends: (() => unknown)[] = []
  try {
    const vms = Object.fromEntries(Array.from({ length: VMS }, (_, i) => [1 + i, {}]))
    const cluster = await startCluster({
      replicas: Array.from({ length: replicas }, () => ({})),
      env,
      settings: [],
      simulator: { taskMs: 200, vms },
      onFinished: end => void ends.push(end),
    })
    return await run(cluster)
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}

const dispatcher = new Agent({ connections: CONNECTIONS })
async function status(base: string, method: 'GET' | 'POST', path: string): Promise<number> {
  const response = await request(base + path, {
    dispatcher,
    method,
    headers,
    ...(method === 'POST' ? { body } : {}),
  })
  await response.body.dump()
  return response.statusCode
}

/** Processor time of processes so far, in milliseconds: utime and stime of proc_pid_stat(5). */
function cpuMs(pids: readonly number[]): number {
  const ticks = pids.map(pid => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return Number(fields[11]) + Number(fields[12])
  })
  return ticks.reduce((sum, one) => sum + one, 0) * CLOCK_TICK_MS
}

/** Processor time of all gateways and of PostgreSQL for one operation, from its request to its end, in microseconds. */
async function costOfOperation({ replicas, database }: Cluster): Promise<number> {
  const [{ address }] = replicas as [Cluster['replicas'][number]]
  const pids = (): number[] => [...replicas.map(({ pid }) => pid), ...database.pids()]
  const before = cpuMs(pids())
  let sent = 0
  const work = async (): Promise<void> => {
    while (sent < OPERATIONS) {
      const answered = await status(address, 'POST', `/vms/${(sent += 1)}/snapshots`)
      if (answered !== 202) throw new Error(`answered with ${answered}`)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))
  for (;;) {
    const { body: list } = await call(address, 'GET', '/operations?status=running&limit=1')
    if (list.operations.length === 0) break
    await sleep(100)
  }
  return ((cpuMs(pids()) - before) * 1_000) / sent
}

process.stdout.write(
  `${availableParallelism()} cores, load ${loadavg()[0]!.toFixed(1)} before, PostgreSQL as it comes (fsync on), ${CONNECTIONS} connections\n\n`,
)
process.stdout.write(
  '| replicas | changes accepted/s | p99 | operations read/s | p99 |\n| --- | --- | --- | --- | --- |\n',
)
for (const replicas of [1, 2, 3]) {
  const line = await within(replicas, PACES, async cluster => {
    const bases = cluster.replicas.map(({ address }) => address)
    const baseOf = (n: number): string => bases[n % bases.length]!
    const changes = await load(n => status(baseOf(n), 'POST', `/vms/${n}/snapshots`))
    const { body: last } = await call(bases[0]!, 'GET', '/operations?limit=1')
    const reads = await load(n => status(baseOf(n), 'GET', last.operations[0].self))
    return [changes, reads].map(({ rate, p99 }) => `${rate.toFixed(0)} | ${p99.toFixed(1)} ms`)
  })
  process.stdout.write(`| ${replicas} | ${line.join(' | ')} |\n`)
}

process.stdout.write('\n| replicas | of them idle | processor time of an operation |\n| --- | --- | --- |\n')
const costs = new Map<number, number[]>([
  [1, []],
  [8, []],
])
for (let round = 0; round < ROUNDS; round += 1)
  for (const [replicas, of] of costs) of.push(await within(replicas, PACES, costOfOperation))
for (const [replicas, of] of costs) {
  const [, median] = of.toSorted((a, b) => a - b) as [number, number]
  const all = of.map(cost => cost.toFixed(0)).join(', ')
  process.stdout.write(`| ${replicas} | ${replicas - 1} | ${median.toFixed(0)} µs (${all}) |\n`)
}

process.stdout.write('\n| killed | taken over and ended after |\n| --- | --- |\n')
for (const [step, when] of [
  ['call-answered', 'in the middle of a step'],
  ['step-stored', 'between two steps'],
] as const) {
  const took = await within(1, {}, async cluster => {
    const times: number[] = []
    for (let vmId = 1; vmId <= KILLS; vmId += 1) {
      const killed = await cluster.start({ HOLD_AT: JSON.stringify({ [vmId]: `snapshot.create/${step}` }) })
      void status(killed.address, 'POST', `/vms/${vmId}/snapshots`).catch(() => null)
      await killed.held(vmId)
      const since = performance.now()
      await killed.kill()
      const { body: list } = await call(cluster.address, 'GET', `/operations?vm_id=${vmId}`)
      const wait = { headers: { prefer: 'wait=20' } }
      const { body: ended } = await call(cluster.address, 'GET', list.operations[0].self, wait)
      if (ended.status !== 'succeeded') throw new Error(`ended as ${ended.status}`)
      times.push((performance.now() - since) / 1_000)
    }
    return times
  })
  const shown = took.map(seconds => seconds.toFixed(1)).join(', ')
  process.stdout.write(`| ${when} | ${shown} s |\n`)
}
await dispatcher.close()
