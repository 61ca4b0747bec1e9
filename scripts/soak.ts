/**
 * `npm run soak`: kills the gateway at random moments under load, again and again, and prints what was counted. Ends with
 * 1 when anything was lost, doubled or untrue. `--runs` (5), `--kills` of each run (40), `--seed` of the first (the date).
 */

import { parseArgs } from 'node:util'
import { runChaos, type Figures } from '../test/crash/chaos.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    kills: { type: 'string', default: '40' },
    seed: { type: 'string', default: new Date().toISOString().slice(0, 10).replaceAll('-', '') },
  },
})
const print = (line: string): void => void process.stdout.write(`${line}\n`)

let bad = 0
print('| seed | kills | changes | operations | succeeded | failed | unknown | lost | doubled | untrue |')
print('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |')
for (let run = 0; run < Number(values.runs); run += 1) {
  const seed = Number(values.seed) + run
  const figures: Figures = await runChaos({
    seed,
    kills: Number(values.kills),
    maxLifeMs: 1_500,
    callers: 8,
    onKill: kills => process.stderr.isTTY && process.stderr.write(`\r${kills} kills `),
  })
  const { kills, wanted, acknowledged, succeeded, failed, unknown, lost, doubled, untrue } = figures
  const counts = [seed, kills, wanted, acknowledged, succeeded, failed, unknown]
  print(`| ${[...counts, lost.length, doubled.length, untrue.length].join(' | ')} |`)
  for (const [what, ids] of Object.entries({ lost, doubled, untrue }))
    for (const id of ids) print(`${what}: ${id}`)
  bad += lost.length + doubled.length + untrue.length
}
process.exitCode = bad === 0 ? 0 : 1
