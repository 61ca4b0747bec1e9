/**
 * `npm run simulate -- --seed N --runs N`: plays a simulation of the whole gateway for each seed, and prints what was
 * counted, as JSON in the last line. Ends with 1, after a short story of the first seed that failed, when anything was
 * lost, doubled or untrue, or was left over. `--first` ends there. `--story` prints the whole story of each seed.
 * `--prove` looks for each of the planted bugs instead.
 */

import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'
import { drawPlan, type Plan } from '../test/simulation/plan.ts'
import { PLANTED_BUGS, prove } from '../test/simulation/prove.ts'
import { play } from '../test/simulation/run.ts'
import { faultsOf, shrink } from '../test/simulation/shrink.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string' },
    first: { type: 'boolean', default: false },
    story: { type: 'boolean', default: false },
    prove: { type: 'boolean', default: false },
  },
})
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
// Most errors of a simulation are meant to be, and nobody reads where they came from.
Error.stackTraceLimit = 0

process.exitCode = values.prove
  ? await proveAll(Number(values.runs ?? 10_000))
  : await playAll(Number(values.runs ?? 1_000))

async function playAll(wanted: number): Promise<number> {
  const sum = { crashes: 0, operations: 0, lost: 0, doubled: 0, untrue: 0, left: 0, virtualMs: 0 }
  const hash = createHash('sha256')
  const startedMs = performance.now()
  let runs = 0
  let code = 0
  print(`the first seed is ${seed}`)
  while (runs < wanted && !(code > 0 && values.first)) {
    const plan = drawPlan(seed + runs)
    runs += 1
    const played = await play(plan)
    hash.update(played.hash)
    for (const key of ['crashes', 'operations', 'virtualMs'] as const) sum[key] += played[key]
    for (const key of ['lost', 'doubled', 'untrue', 'left'] as const) sum[key] += played[key].length
    if (values.story) for (const line of played.lines) print(line)
    if (faultsOf(played).length === 0) continue
    if (code === 0) await tell(plan)
    else print(`seed ${plan.seed}: ${faultsOf(played).join('; ')}`)
    code = 1
  }
  const { virtualMs, ...counts } = sum
  print(
    JSON.stringify({
      seed,
      runs,
      ...counts,
      hash: hash.digest('hex'),
      virtual_days: Number((virtualMs / 86_400_000).toFixed(3)),
      seconds: Number(((performance.now() - startedMs) / 1_000).toFixed(1)),
      cpu_seconds: Number((process.cpuUsage().user / 1e6).toFixed(1)),
    }),
  )
  return code
}

/** The story of a plan that fails, as short as it gets. */
async function tell(plan: Plan): Promise<void> {
  const short = await shrink(plan)
  const played = await play(short)
  print(`seed ${plan.seed} fails over ${plan.store} with ${plan.gateways} gateways:`)
  for (const line of played.lines) print(`  ${line}`)
  for (const fault of faultsOf(played)) print(`  so ${fault}`)
}

async function proveAll(runs: number): Promise<number> {
  let found = 0
  for (const bug of PLANTED_BUGS) {
    const proof = await prove(bug, { seed, runs })
    print(
      proof
        ? `${bug}: found by seed ${proof.seed}, the ${proof.seed - seed + 1}. of them`
        : `${bug}: not found`,
    )
    if (proof && values.story) print(proof.story)
    if (proof) found += 1
  }
  print(JSON.stringify({ planted: PLANTED_BUGS.length, found }))
  return found === PLANTED_BUGS.length ? 0 : 1
}
