/**
 * `npm run soak`: kills the gateway at random moments under load, again and again, and prints what was counted. Ends with
 * 1 when anything was lost, doubled or untrue, or a VM stayed held. `--runs` (5), `--kills` of each run (40), `--seed` of
 * the first (the date). With `--failovers N` it kills the PostgreSQL of two gateways instead, N times, whose synchronous
 * standby is promoted.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runChaos, type ChaosOptions, type Figures } from '../test/crash/chaos.ts'
import { runFailovers } from '../test/crash/failover.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string' },
    kills: { type: 'string', default: '40' },
    failovers: { type: 'string' },
    seed: { type: 'string', default: new Date().toISOString().slice(0, 10).replaceAll('-', '') },
  },
})
const print = (line: string): void => void process.stdout.write(`${line}\n`)

async function failOver(chaos: Omit<ChaosOptions, 'kills'>, failovers: number): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-soak-'))
  await using ends = new AsyncDisposableStack()
  ends.defer(() => rmSync(directory, { recursive: true, force: true }))
  const onFinished = (end: () => unknown): void => ends.defer(async () => void (await end()))
  // A failover takes some seconds, in which little is accepted.
  return await runFailovers({ ...chaos, failovers, replicas: 2, maxLifeMs: 4_000, directory, onFinished })
}

let bad = 0
print(
  '| seed | kills | changes | operations | succeeded | failed | unknown | lost | doubled | untrue | held |',
)
print('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |')
for (let run = 0; run < Number(values.runs ?? (values.failovers ? 1 : 5)); run += 1) {
  const seed = Number(values.seed) + run
  const chaos = {
    seed,
    maxLifeMs: 1_500,
    callers: 8,
    onKill: (kills: number) => process.stderr.isTTY && process.stderr.write(`\r${kills} kills `),
  }
  const figures = values.failovers
    ? await failOver(chaos, Number(values.failovers))
    : await runChaos({ ...chaos, kills: Number(values.kills) })
  const { kills, wanted, acknowledged, succeeded, failed, unknown, lost, doubled, untrue, held } = figures
  const counts = [seed, kills, wanted, acknowledged, succeeded, failed, unknown]
  print(`| ${[...counts, lost.length, doubled.length, untrue.length, held.length].join(' | ')} |`)
  for (const [what, ids] of Object.entries({ lost, doubled, untrue, held }))
    for (const id of ids) print(`${what}: ${id}`)
  bad += lost.length + doubled.length + untrue.length + held.length
}
process.exitCode = bad === 0 ? 0 : 1
