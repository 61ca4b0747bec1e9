/**
 * `npm run bench`: the gateway beside its floors and its peers (`contenders.ts`), driven in turn in one run, so that the ratios
 * hold on a machine that does other things too. All of it takes about twelve minutes, prints a page and writes it to `results.md`.
 *
 * `--quick`: the ratios alone, in two minutes, and nothing is written. `--guard`: floor and gateway over SQLite alone, and it
 * ends with 1 when a ratio is far from what it was: for CI. `--seconds` of a round (3), `--rounds` (5), `--scenarios` and
 * `--contenders` (some, with commas), `--grown` operations (1000000; 0 leaves that part out), `--out`, `--before` another
 * checkout, whose gateway is driven beside ours.
 */

import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startContenders, startGateway, startStub, type Contender } from './contenders.ts'
import { fillStore } from './fill.ts'
import { loneLatency } from './latency.ts'
import { createSome, drive, scenarios, type Round, type Scenario, type ScenarioName } from './load.ts'
import { cleanUp, storePath, type Measured } from './processes.ts'
import { GUARDED, report, tooSlow, type Figures, type Line } from './report.ts'
import { measureSizes } from './sizes.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    scenarios: { type: 'string', default: '' },
    contenders: { type: 'string', default: '' },
    grown: { type: 'string', default: '1000000' },
    before: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    guard: { type: 'boolean', default: false },
    out: { type: 'string', default: 'bench/results.md' },
  },
})
const isPart = values.quick || values.guard || values.scenarios !== '' || values.contenders !== ''
const seconds = Number(values.seconds ?? (values.quick ? 1 : 3))
const rounds = Number(values.rounds ?? (values.quick ? 3 : 5))
const grown = isPart ? 0 : Number(values.grown)
const say = (text: string): void => void process.stderr.write(`${text}\n`)

const FEW = 1_000
/** So many rounds before the first, since what runs for the first time is slow: a create took half as much again in its first thousands. */
const WARM_UPS = 3
const NAMES: readonly ScenarioName[] = [
  'create',
  'hot-stats',
  'many-stats',
  'operation',
  'invalid-body',
  'unknown-key',
]
const OF: Readonly<Record<Contender['scenarios'], readonly ScenarioName[]>> = {
  all: NAMES,
  store: ['create', 'operation'],
  create: ['create'],
}

/** Those that are named in a list with commas; all of them when it is empty. */
const among = (list: string): ((name: string) => boolean) => {
  const some = new Set(list.split(',').filter(Boolean))
  return name => some.size === 0 || some.has(name)
}
const wantsScenario = among(values.guard ? GUARDED.join() : values.scenarios)
const wantsContender = among(values.guard ? 'floor,gateway' : values.contenders)

interface Target extends Contender {
  /** Made once: each has its own count of what was asked. */
  loads: Record<ScenarioName, Scenario>
}

async function withOperations(contender: Contender): Promise<Target> {
  const ids = contender.scenarios === 'create' ? [] : await createSome(contender.measured, FEW)
  return { ...contender, loads: scenarios(ids) }
}

/** Drives all in turn, each round beginning with another, and puts the rounds of each together. */
async function compare(stub: Measured, targets: Target[], names: readonly ScenarioName[]): Promise<Line[]> {
  const kept = new Map<string, Line>()
  // The round before the first only warms up.
  for (let round = -1; round < rounds; round += 1) {
    for (const scenario of names) {
      const takers = targets.filter(target => OF[target.scenarios].includes(scenario))
      for (let i = 0; i < takers.length; i += 1) {
        const target = takers[(i + round + 1) % takers.length]!
        const key = `${scenario} ${target.name}`
        const { title } = target.loads[scenario]
        const line = kept.get(key) ?? { scenario, title, target: target.name, rounds: [], peakMb: 0 }
        kept.set(key, line)
        const done = await drive({
          stub,
          target: target.measured,
          scenario: target.loads[scenario],
          seconds: round < 0 ? WARM_UPS * seconds : seconds,
        }).catch((error: unknown) => {
          throw new Error(`${title}, ${target.name}: ${(error as Error).message}`, { cause: error })
        })
        if (round < 0) continue
        tell(round, line, done)
        line.rounds.push(done)
        line.peakMb = target.measured.memoryMb().peak
      }
    }
  }
  return [...kept.values()]
}

function tell(round: number, { title, target }: Line, { done, seconds: tookS, cpuMs }: Round): void {
  const [rate, cpuUs] = [done / tookS, (cpuMs * 1_000) / done].map(Math.round)
  say(`round ${round + 1} of ${rounds}: ${title}, ${target}: ${rate}/s, ${cpuUs} µs of processor time each`)
}

async function run(): Promise<Figures> {
  const stub = await startStub()
  const contenders = await startContenders(stub.url, say, wantsContender)
  if (values.before)
    contenders.push({
      name: 'gateway before',
      scenarios: 'all',
      measured: await startGateway(stub.url, { from: resolve(values.before) }),
    })
  const targets: Target[] = []
  for (const contender of contenders) targets.push(await withOperations(contender))
  const [floor, gateway] = ['floor', 'gateway'].map(name => targets.find(target => target.name === name))
  const latency = floor && gateway && !values.guard ? await latencies(floor, gateway) : []
  const lines = await compare(stub, targets, NAMES.filter(wantsScenario))
  for (const { measured } of targets) await measured.end()
  const sizes = isPart ? {} : await measureSizes(stub, say)
  return { seconds, rounds, lines, latency, ...sizes, growth: grown > 0 ? await growth(stub) : [] }
}

/** A store with few operations beside one with many. */
async function growth(stub: Measured): Promise<Line[]> {
  const targets: Target[] = []
  for (const count of [FEW, grown]) {
    say(`filling a store with ${count} operations`)
    const store = storePath()
    const loads = scenarios(await fillStore(store, count))
    const measured = await startGateway(stub.url, { store })
    targets.push({ name: `${count} stored`, scenarios: 'all', measured, loads })
  }
  const lines = await compare(stub, targets, ['create', 'many-stats', 'operation'])
  for (const { measured } of targets) await measured.end()
  return lines
}

async function latencies(floor: Target, gateway: Target): Promise<Figures['latency']> {
  const found: Figures['latency'] = []
  for (const name of ['create', 'many-stats', 'hot-stats', 'operation'] as const) {
    const { title } = floor.loads[name]
    say(`latency at 50 requests a second: ${title}`)
    const [first, second] = [floor, gateway].map(({ measured, loads }) => ({
      url: measured.url,
      load: loads[name].load,
    }))
    found.push(await loneLatency(title, first!, second!, Math.max(5, seconds * 4)))
  }
  return found
}

try {
  const figures = await run()
  if (values.guard) {
    const slow = tooSlow(figures.lines)
    for (const line of slow) say(line)
    process.exitCode = slow.length === 0 ? 0 : 1
  } else report(figures, isPart ? null : values.out)
} finally {
  await cleanUp()
}
