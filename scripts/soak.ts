/**
 * `npm run soak`: kills the gateway at random moments under load, again and again, and prints what was counted. Ends with
 * 1 when anything was lost, doubled or untrue, or a VM stayed held. `--runs` (5), `--kills` of each run (40), `--seed` of
 * the first (the date). With `--replicas N` that many gateways run over a PostgreSQL of their own, of which one is killed.
 * With `--failovers N` it kills the PostgreSQL of two gateways instead, N times, whose synchronous standby is promoted.
 * With `--receiver` the ends are told to a receiver that fails, hangs and is restarted at random, and each has to arrive.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runChaos, type ChaosOptions, type Figures } from '../test/crash/chaos.ts'
import { runFailovers } from '../test/crash/failover.ts'
import { startPostgres } from '../test/store/postgres/postgres-server.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string' },
    kills: { type: 'string', default: '40' },
    replicas: { type: 'string' },
    failovers: { type: 'string' },
    receiver: { type: 'boolean', default: false },
    seed: { type: 'string', default: new Date().toISOString().slice(0, 10).replaceAll('-', '') },
  },
})
const print = (line: string): void => void process.stdout.write(`${line}\n`)

/** Gives what is run a directory and the way to end its parts. */
async function within(
  run: (directory: string, onFinished: (end: () => unknown) => void) => Promise<Figures>,
): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-soak-'))
  await using ends = new AsyncDisposableStack()
  ends.defer(() => rmSync(directory, { recursive: true, force: true }))
  return await run(directory, end => ends.defer(async () => void (await end())))
}

function runOnce(chaos: Omit<ChaosOptions, 'kills'>): Promise<Figures> {
  const kills = Number(values.kills)
  if (values.failovers !== undefined)
    return within((directory, onFinished) =>
      // A failover takes some seconds, in which little is accepted.
      runFailovers({
        ...chaos,
        failovers: Number(values.failovers),
        replicas: 2,
        maxLifeMs: 4_000,
        directory,
        onFinished,
      }),
    )
  if (values.replicas === undefined) return runChaos({ ...chaos, kills })
  return within(async (_directory, onFinished) => {
    const server = await startPostgres({ onFinished })
    const store = { STORE_URL: server.url('soak') }
    return runChaos({ ...chaos, kills, replicas: Number(values.replicas), store })
  })
}

const COUNTS = ['kills', 'wanted', 'acknowledged', 'succeeded', 'failed', 'unknown'] as const
const BAD = ['lost', 'doubled', 'untrue', 'held', ...(values.receiver ? (['untold'] as const) : [])] as const
const TOLD = values.receiver ? (['told', 'untaken'] as const) : []

let bad = 0
const columns = ['seed', 'kills', 'changes', 'operations', ...COUNTS.slice(3), ...TOLD, ...BAD]
print(`| ${columns.join(' | ')} |`)
print(`| ${columns.map(() => '---').join(' | ')} |`)
for (let run = 0; run < Number(values.runs ?? (values.failovers ? 1 : 5)); run += 1) {
  const seed = Number(values.seed) + run
  const figures = await runOnce({
    seed,
    maxLifeMs: 1_500,
    callers: 8,
    hasReceiver: values.receiver,
    onKill: (kills: number) => process.stderr.isTTY && process.stderr.write(`\r${kills} kills `),
  })
  const counts = [seed, ...[...COUNTS, ...TOLD].map(name => figures[name])]
  print(`| ${[...counts, ...BAD.map(name => figures[name].length)].join(' | ')} |`)
  for (const name of BAD) for (const one of figures[name]) print(`${name}: ${one}`)
  bad += BAD.reduce((sum, name) => sum + figures[name].length, 0)
}
process.exitCode = bad === 0 ? 0 : 1
