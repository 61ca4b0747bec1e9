/**
 * `npm run capacity -- --operations-a-day 1000 …`: what a gateway needs for so much work, from figures that were measured:
 * processor time from `bench/results.md`, sizes from `docs/recipes.md`. `--help` names all numbers that it takes.
 */

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

/** What is asked for. */
export interface Work {
  operationsADay: number
  /** Reads of operations for each: a caller who asks every few seconds. */
  readsOfEach: number
  /** How long HOSTKEY works on one. */
  lastsS: number
  keptDays: number
  /** The busiest second, as a multiple of the average one. */
  peak: number
  replicas: number
  /** How long HOSTKEY takes to answer a call. */
  callMs: number
  /** `HOSTKEY_CONCURRENCY`: calls at once, of each replica. */
  concurrency: number
}

/** Of one store; processor time with the database's. */
export interface Figures {
  createUs: number
  readUs: number
  mbOfThousand: number
}

export interface Capacity {
  averagePerS: number
  peakPerS: number
  callsOfEach: number
  /** Calls of HOSTKEY in the busiest second, and the most that the replicas can make. */
  peakCallsPerS: number
  mostCallsPerS: number
  /** Operations a second, with their reads, that one core carries. */
  perCorePerS: number
  /** Cores that are busy in the busiest second. */
  peakCores: number
  running: number
  stored: number
  diskMb: number
  /** Transactions of PostgreSQL in the busiest second, when no two share one. */
  peakCommitsPerS: number
  /** Processor time of replicas that only wait, in cores. */
  idleCores: number
}

/** Of memory, at rest (`docs/recipes.md`), and what ten thousand operations that run take more (`bench/results.md`). */
const MEMORY_MB = { process: 160, ofThousandRunning: 10 }
/** What an idle replica takes of a core (`npm run bench:replicas`). */
const IDLE_CORE = 0.012
/** A create is stored as it is asked for, as it is accepted, and as it ends. */
const COMMITS_OF_EACH = 3
/** `CHECK_MIN_MS` and `CHECK_MAX_MS`, and by how much the wait grows from one check to the next. */
const CHECKS = { minS: 0.5, maxS: 15, growth: 1.6 }
const DAY_S = 86_400

/** The model. */
export function capacityOf(work: Work, { createUs, readUs, mbOfThousand }: Figures): Capacity {
  const averagePerS = work.operationsADay / DAY_S
  const peakPerS = averagePerS * work.peak
  const callsOfEach = 1 + checksIn(work.lastsS)
  const eachUs = createUs + work.readsOfEach * readUs
  const stored = work.operationsADay * work.keptDays
  return {
    averagePerS,
    peakPerS,
    callsOfEach,
    peakCallsPerS: peakPerS * callsOfEach,
    mostCallsPerS: (work.replicas * work.concurrency * 1_000) / work.callMs,
    perCorePerS: 1_000_000 / eachUs,
    peakCores: (peakPerS * eachUs) / 1_000_000,
    running: peakPerS * work.lastsS,
    stored,
    diskMb: (stored / 1_000) * mbOfThousand,
    peakCommitsPerS: peakPerS * COMMITS_OF_EACH,
    idleCores: (work.replicas - 1) * IDLE_CORE,
  }
}

/** How often a callback key is asked for until the work of so many seconds has ended. */
function checksIn(seconds: number): number {
  let checks = 0
  let waitS = CHECKS.minS
  for (let atS = 0; atS < seconds || checks === 0; waitS = Math.min(CHECKS.maxS, waitS * CHECKS.growth)) {
    atS += waitS
    checks += 1
  }
  return checks
}

/** Processor time of a scenario in the page of the benchmark, in microseconds. @throws Error when it is not there */
export function cpuUsOf(page: string, title: string, contender: string): number {
  const line = page
    .split('\n')
    .map(one => one.split('|').map(cell => cell.trim()))
    .find(cells => cells[1] === title && cells[2] === contender)
  const cpuUs = Number(line?.[7])
  if (Number.isNaN(cpuUs)) throw new Error(`the benchmark has no figures of "${title}" for ${contender}`)
  return cpuUs
}

/** Disk for a thousand operations, in MB. @throws Error when the page does not say it */
function mbOfThousandIn(page: string, store: string): number {
  const mb = new RegExp(`disk for a thousand operations, ${store} +\\| ([\\d.]+) MB`).exec(page)?.[1]
  if (mb === undefined) throw new Error(`docs/recipes.md does not tell the disk of ${store}`)
  return Number(mb)
}

/** The measured figures of each store. */
export function measuredFigures(): Record<'SQLite' | 'PostgreSQL', Figures> {
  const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
  const [bench, recipes] = [read('bench/results.md'), read('docs/recipes.md')]
  const of = (store: string, contender: string): Figures => ({
    createUs: cpuUsOf(bench, 'create, to its end', contender),
    readUs: cpuUsOf(bench, '`GET /operations/{id}`', contender),
    mbOfThousand: mbOfThousandIn(recipes, store),
  })
  return { SQLite: of('SQLite', 'gateway'), PostgreSQL: of('PostgreSQL', 'gateway/postgres') }
}

const OPTIONS: Record<keyof Work, { option: string; standard: number; says: string }> = {
  operationsADay: { option: 'operations-a-day', standard: 1_000, says: 'changes that are started' },
  readsOfEach: { option: 'reads', standard: 10, says: 'reads of each operation by its caller' },
  lastsS: { option: 'lasts-s', standard: 120, says: 'seconds that HOSTKEY works on one' },
  keptDays: { option: 'kept-days', standard: 7, says: 'days for which it is kept (OPERATION_TTL_MS)' },
  peak: { option: 'peak', standard: 20, says: 'the busiest second, as a multiple of the average one' },
  replicas: { option: 'replicas', standard: 1, says: 'gateways; several share a PostgreSQL' },
  callMs: { option: 'call-ms', standard: 500, says: 'milliseconds that HOSTKEY takes to answer a call' },
  concurrency: {
    option: 'concurrency',
    standard: 32,
    says: 'calls at once of each replica (HOSTKEY_CONCURRENCY)',
  },
}

/** The lines that are printed. */
export function describe(work: Work, figures: Figures, store: string): string[] {
  const all = capacityOf(work, figures)
  const few = (value: number): string =>
    value.toPrecision(value < 1 ? 2 : 3).replace(/e[+]?(-?\d+)/, ' × 10^$1')
  const whole = (value: number): string => Math.ceil(value).toLocaleString('en-US')
  const share = (all.peakCallsPerS / all.mostCallsPerS) * 100
  const gateways = work.replicas * MEMORY_MB.process + (all.running / 1_000) * MEMORY_MB.ofThousandRunning
  return [
    `${store}, ${work.replicas} gateway(s):`,
    `  operations: ${few(all.averagePerS)} a second on average, ${few(all.peakPerS)} in the busiest; ${whole(all.running)} running then`,
    `  one core carries ${whole(all.perCorePerS)} a second with their reads; the busiest second takes ${few(all.peakCores)} cores`,
    `  calls of HOSTKEY: ${whole(all.callsOfEach)} for each, ${few(all.peakCallsPerS)} in the busiest second, ${few(share)} % of what the gateways can make`,
    `  disk: ${whole(all.stored)} operations kept, ${whole(all.diskMb)} MB; memory of the gateways: ${whole(gateways)} MB`,
    ...(store === 'PostgreSQL'
      ? [
          `  PostgreSQL: at most ${few(all.peakCommitsPerS)} transactions a second; replicas that wait take ${few(all.idleCores)} cores`,
        ]
      : []),
    share > 100
      ? '  The wall: HOSTKEY_CONCURRENCY, or HOSTKEY itself; calls wait, and then 503.'
      : '  No wall is met.',
  ]
}

if (import.meta.main) {
  const options = Object.fromEntries(
    Object.values(OPTIONS).map(({ option }) => [option, { type: 'string' as const }]),
  )
  const { values } = parseArgs({ options: { ...options, help: { type: 'boolean' } } })
  const numberOf = (name: keyof Work): number => {
    const { option, standard } = OPTIONS[name]
    const value = Number((values as Record<string, unknown>)[option] ?? standard)
    if (!(value > 0)) throw new Error(`--${option} takes a number above 0`)
    return value
  }
  if (values.help) {
    for (const { option, standard, says } of Object.values(OPTIONS))
      process.stdout.write(`--${option} (${standard}): ${says}\n`)
  } else {
    const work = Object.fromEntries(
      Object.keys(OPTIONS).map(name => [name, numberOf(name as keyof Work)]),
    ) as unknown as Work
    for (const [store, figures] of Object.entries(measuredFigures()))
      if (store !== 'SQLite' || work.replicas === 1)
        process.stdout.write(`${describe(work, figures, store).join('\n')}\n`)
  }
}
