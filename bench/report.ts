/** The figures as a page: ratios beside the targets of the issue, met or not. */

import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, loadavg, release, totalmem } from 'node:os'
import type { Latency } from './latency.ts'
import { CONNECTIONS, type Round, type ScenarioName } from './load.ts'
import type { Sizes } from './sizes.ts'

export interface Line {
  scenario: ScenarioName
  title: string
  target: string
  rounds: Round[]
  peakMb: number
}

export interface Figures extends Partial<Sizes> {
  seconds: number
  rounds: number
  lines: Line[]
  growth: Line[]
  latency: Latency[]
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
}
const percentile = (sorted: number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
const fixed = (value: number, digits: number): string => (Number.isNaN(value) ? '–' : value.toFixed(digits))

const rate = ({ done, seconds }: Round): number => done / seconds
const cpu = ({ cpuMs, done }: Round): number => (cpuMs * 1_000) / done

/** Round by round, since only what ran side by side can be compared. */
function ratios(line: Line | undefined, to: Line | undefined, of: (round: Round) => number): number[] {
  return (line?.rounds ?? []).flatMap((round, i) => (to?.rounds[i] ? of(round) / of(to.rounds[i]) : []))
}

function summary(line: Line | undefined, to: Line | undefined, of = rate): string {
  const all = ratios(line, to, of)
  if (all.length === 0) return '–'
  return `${fixed(median(all), 2)} (${fixed(Math.min(...all), 2)}–${fixed(Math.max(...all), 2)})`
}

const row = (cells: (string | number)[]): string => `| ${cells.join(' | ')} |`
const table = (head: string[], rows: (string | number)[][]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')

function throughput(lines: Line[]): string {
  const rows = lines.map(line => {
    const sorted = line.rounds.flatMap(round => round.latencies).toSorted((a, b) => a - b)
    return [
      line.title,
      line.target,
      Math.round(median(line.rounds.map(rate))),
      ...[0.5, 0.99, 0.999].map(share => fixed(percentile(sorted, share), 2)),
      Math.round(median(line.rounds.map(cpu))),
      Math.round(line.peakMb),
    ]
  })
  return table(['scenario', '', 'done/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'CPU µs each', 'peak MB'], rows)
}

/**
 * The most processor time of the gateway, as a multiple of its floor's, that CI lets pass: half as much again as was measured.
 * Rates say little on a machine that does other things too, and processor time of two that run in turn does.
 */
const MOST_CPU = { create: 4, 'hot-stats': 3, 'many-stats': 4, operation: 5 }
export const GUARDED = Object.keys(MOST_CPU) as ScenarioName[]

/** What takes too much, a line each. */
export function tooSlow(lines: Line[]): string[] {
  return Object.entries(MOST_CPU).flatMap(([scenario, most]) => {
    const [ours, floor] = ['gateway', 'floor'].map(target =>
      lines.find(line => line.scenario === scenario && line.target === target),
    )
    const ratio = median(ratios(ours, floor, cpu))
    // Not measured is too much, too.
    return ratio <= most
      ? []
      : [`${scenario}: ${fixed(ratio, 2)} × the floor's processor time, at most ${most}`]
  })
}

interface Target {
  what: string
  target: string
  measured: string
  met: boolean | null
}

/** One contender against another, by what is done a second and by processor time. */
interface Versus {
  what: string
  scenario: ScenarioName
  one: string
  to: string
  /** At least so many times as many a second. */
  rate: number
  /** At most so many times the processor time. */
  cpu: number
}

/** A floor is met within a quarter of its processor time. */
const FLOOR = { rate: 0.92, cpu: 1.25 }
const ON_SQLITE = { one: 'gateway', to: 'floor', ...FLOOR }
const ON_POSTGRES = { one: 'gateway/postgres', to: 'floor/postgres', ...FLOOR }
const VERSUS: readonly Versus[] = [
  {
    what: 'ended creates, SQLite',
    scenario: 'create',
    one: 'gateway',
    to: 'bullmq/redis',
    rate: 1.4,
    cpu: 0.55,
  },
  {
    what: 'ended creates, PostgreSQL',
    scenario: 'create',
    one: 'gateway/postgres',
    to: 'dbos/postgres',
    rate: 6,
    cpu: 0.1,
  },
  {
    what: 'ended creates, PostgreSQL',
    scenario: 'create',
    one: 'gateway/postgres',
    to: 'bullmq/redis',
    rate: 1.2,
    cpu: 0.8,
  },
  { what: 'ended creates, SQLite', scenario: 'create', ...ON_SQLITE },
  { what: 'stats of one hot VM', scenario: 'hot-stats', ...ON_SQLITE },
  { what: 'stats of many VMs', scenario: 'many-stats', ...ON_SQLITE },
  { what: '`GET /operations/{id}`, SQLite', scenario: 'operation', ...ON_SQLITE },
  { what: 'an invalid body', scenario: 'invalid-body', ...ON_SQLITE },
  { what: 'an unknown key', scenario: 'unknown-key', ...ON_SQLITE },
  { what: 'ended creates, PostgreSQL', scenario: 'create', ...ON_POSTGRES },
  { what: '`GET /operations/{id}`, PostgreSQL', scenario: 'operation', ...ON_POSTGRES },
]

function versus({ what, scenario, one, to, ...targets }: Versus, lines: Line[]): Target[] {
  const line = (target: string): Line | undefined =>
    lines.find(other => other.scenario === scenario && other.target === target)
  const judged = (
    unit: string,
    of: (round: Round) => number,
    target: string,
    met: (value: number) => boolean,
  ): Target => {
    const all = ratios(line(one), line(to), of)
    return {
      what: `${what} against ${to}: ${unit}`,
      target,
      measured: summary(line(one), line(to), of),
      met: all.length === 0 ? null : met(median(all)),
    }
  }
  return [
    judged('done/s', rate, `at least ${targets.rate} ×`, value => value >= targets.rate),
    judged('processor time', cpu, `at most ${targets.cpu} ×`, value => value <= targets.cpu),
  ]
}

/** The targets of the issue; null where it was not measured. */
function judge({ lines, latency, memory, starts, growth }: Figures): Target[] {
  const atMost = (what: string, most: number, value: number | undefined, unit: string): Target => {
    const isKnown = value !== undefined && !Number.isNaN(value)
    const measured = isKnown ? `${fixed(value, unit === '×' ? 2 : 0)} ${unit}` : '–'
    return { what, target: `at most ${most} ${unit}`, measured, met: isKnown ? value <= most : null }
  }
  const [create] = latency
  const alone = create && percentile(create.gateway, 0.5) / percentile(create.floor, 0.5)
  const grown = [...new Set(growth.map(({ scenario }) => scenario))].map(scenario => {
    const [few, many] = growth.filter(one => one.scenario === scenario)
    const what = `processor time, ${many?.target} against ${few?.target}: ${few?.title}`
    return atMost(what, 1.1, median(ratios(many, few, cpu)), '×')
  })
  return [
    ...VERSUS.flatMap(one => versus(one, lines)),
    atMost('a lone create at 50/s, p50, against the floor', 1.25, alone, '×'),
    atMost('memory of the bundle, idle', 105, memory?.idle, 'MB'),
    atMost('memory of the bundle, 100,000 stored, 10,000 running', 200, memory?.full, 'MB'),
    atMost('start of the bundle to ready, empty', 250, median(starts?.empty ?? []), 'ms'),
    atMost('start of the bundle to ready, 100,000 stored', 400, median(starts?.full ?? []), 'ms'),
    ...grown,
  ]
}

const versionOf = (name: string): string =>
  (createRequire(import.meta.url)(`../node_modules/${name}/package.json`) as { version: string }).version

/** Prints the page, and writes it where a path is given. */
export function report(figures: Figures, path: string | null): void {
  const judged = judge(figures)
    .filter(({ met }) => met !== null || path !== null)
    .map(({ what, target, measured, met }) => [
      what,
      target,
      measured,
      met === null ? 'not measured' : met ? 'met' : '**not met**',
    ])
  const machine = [
    `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}`,
    `load average at the end ${loadavg()
      .map(load => load.toFixed(1))
      .join(' ')}`,
  ].join('; ')
  const versions = ['fastify', 'undici', 'bullmq', '@dbos-inc/dbos-sdk', 'autocannon'].map(
    name => `${name} ${versionOf(name)}`,
  )
  const parts = [
    '# Benchmark',
    `${new Date().toISOString()}. Node ${process.versions.node}, ${versions.join(', ')}. ${machine}.`,
    `${figures.rounds} rounds of ${figures.seconds} s each, ${CONNECTIONS} connections, interleaved. A create counts when it has ended: accepted, ` +
      'called, checked and stored to its end. Processor time is that of all processes, the database included; ratios are the median of the rounds ' +
      '(smallest–largest). `floor` is the least that keeps the promises (`bench/floor.ts`): the packages that every answer needs, the exchanges and the ' +
      'writes, and none of our code. Redis fsyncs every write (`appendfsync always`); PostgreSQL is as it comes. Written by `npm run bench`.',
    '## Targets',
    table(['', 'target', 'measured', ''], judged),
    '## Throughput',
    throughput(figures.lines),
  ]
  if (figures.growth.length > 0) parts.push('## As the store grows', throughput(figures.growth))
  if (figures.latency.length > 0)
    parts.push(
      '## Latency at 50 requests a second, in ms',
      table(
        ['scenario', 'floor p50', 'gateway p50', 'floor p99', 'gateway p99'],
        figures.latency.map(({ title, floor, gateway }) => [
          title,
          ...[0.5, 0.99].flatMap(share => [floor, gateway].map(side => fixed(percentile(side, share), 2))),
        ]),
      ),
    )
  // Written by hand, after a look at profiles.
  if (path !== null) parts.push(readFileSync(new URL('limits.md', import.meta.url), 'utf8').trim())
  const text = `${parts.join('\n\n')}\n`
  process.stdout.write(text)
  if (path !== null) writeFileSync(path, text)
}
