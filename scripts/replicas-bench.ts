/**
 * What replicas bring, measured on this machine: throughput and p99 with one, two and three of them, and the time until
 * another has taken over what a killed one was doing. Everything, the load and the simulated HOSTKEY too, shares the
 * machine's cores, so this shows that replicas do not hinder each other, and what they cost, rather than how they scale.
 */

import { availableParallelism } from 'node:os'
import { Agent, request } from 'undici'
import { startCluster, type Cluster } from '../test/cluster.ts'
import { call, KEY } from '../test/helper.ts'

const SECONDS = Number(process.env.BENCH_S ?? 6)
const KILLS = Number(process.env.BENCH_KILLS ?? 5)
const CONNECTIONS = 32
const VMS = 60_000

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

process.stdout.write(
  `${availableParallelism()} cores, PostgreSQL as it comes (fsync on), ${CONNECTIONS} connections\n\n`,
)
process.stdout.write(
  '| replicas | changes accepted/s | p99 | operations read/s | p99 |\n| --- | --- | --- | --- | --- |\n',
)
for (const replicas of [1, 2, 3]) {
  const line = await within(replicas, { CHECK_MIN_MS: '500', CHECK_MAX_MS: '15000' }, async cluster => {
    const bases = cluster.replicas.map(({ address }) => address)
    const baseOf = (n: number): string => bases[n % bases.length]!
    const changes = await load(n => status(baseOf(n), 'POST', `/vms/${n}/snapshots`))
    const { body: last } = await call(bases[0]!, 'GET', '/operations?limit=1')
    const reads = await load(n => status(baseOf(n), 'GET', last.operations[0].self))
    return [changes, reads].map(({ rate, p99 }) => `${rate.toFixed(0)} | ${p99.toFixed(1)} ms`)
  })
  process.stdout.write(`| ${replicas} | ${line.join(' | ')} |\n`)
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
