/** The figures as a page: ratios beside the targets of the issue, met or not. */

import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, loadavg, release, totalmem } from 'node:os'
import type { Latency } from './latency.ts'
import { CONNECTIONS, type Round } from './load.ts'

export interface Line {
  scenario: string
  title: string
  target: string
  rounds: Round[]
  peakMb: number
}

export interface Figures {
  seconds: number
  rounds: number
  lines: Line[]
  busy: Line[]
  growth: Line[]
  latency: Latency[]
  memory: { idle?: number; full?: number }
  /** Milliseconds to ready, by the state of the store. */
  starts: Record<string, number[]>
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
}
const percentile = (sorted: number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
const fixed = (value: number, digits: number): string => (Number.isNaN(value) ? '–' : value.toFixed(digits))

const rate = ({ requests, seconds }: Round): number => requests / seconds
const cpu = ({ cpuMs, requests }: Round): number => (cpuMs * 1_000) / requests

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
    const to = lines.find(other => other.scenario === line.scenario && other.target === 'b')
    const sorted = line.rounds.flatMap(round => round.latencies).toSorted((a, b) => a - b)
    return [
      line.title,
      line.target,
      Math.round(median(line.rounds.map(rate))),
      ...[0.5, 0.99, 0.999].map(share => fixed(percentile(sorted, share), 2)),
      Math.round(median(line.rounds.map(cpu))),
      Math.round(line.peakMb),
      summary(line, to),
      summary(line, to, cpu),
    ]
  })
  const head = ['scenario', '', 'requests/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'CPU µs/request', 'peak MB']
  return table([...head, 'requests/s × b', 'CPU × b'], rows)
}

/** A third of what was measured, as shares of (b): machines and rounds differ, a regression worth a red light does more. */
export const FLOORS: Readonly<Record<string, number>> = {
  create: 0.12,
  'hot-stats': 0.3,
  'many-stats': 0.1,
  operation: 0.25,
}

/** What is below its floor, a line each. */
export function tooSlow(lines: Line[]): string[] {
  return Object.entries(FLOORS).flatMap(([scenario, floor]) => {
    const [ours, bare] = ['d', 'b'].map(target =>
      lines.find(line => line.scenario === scenario && line.target === target),
    )
    const ratio = median(ratios(ours, bare, rate))
    // Not measured is not fast enough, either.
    return ratio >= floor ? [] : [`${scenario}: ${fixed(ratio, 2)} × (b), at least ${floor}`]
  })
}

interface Target {
  what: string
  target: string
  measured: string
  met: boolean | null
}

/** The targets of the issue; null where it was not measured. */
function judge({ lines, latency, memory, starts, growth }: Figures): Target[] {
  const line = (scenario: string, target: string): Line | undefined =>
    lines.find(one => one.scenario === scenario && one.target === target)
  const atLeast = (
    what: string,
    least: number,
    one: Line | undefined,
    to: Line | undefined,
    name: string,
  ): Target => {
    const value = median(ratios(one, to, rate))
    const met = Number.isNaN(value) ? null : value >= least
    return { what, target: `at least ${least} × ${name}`, measured: summary(one, to), met }
  }
  const below = (what: string, most: number, value: number | undefined, unit: string): Target => {
    const isKnown = value !== undefined && !Number.isNaN(value)
    const measured = isKnown ? `${fixed(value, unit === 'MB' ? 0 : 2)} ${unit}` : '–'
    return { what, target: `under ${most} ${unit}`, measured, met: isKnown ? value < most : null }
  }
  const versusB = (what: string, least: number, scenario: string): Target =>
    atLeast(what, least, line(scenario, 'd'), line(scenario, 'b'), '(b)')
  const added = latency.flatMap(({ title, stub, gateway }) =>
    [
      [0.5, 'p50', 1],
      [0.99, 'p99', 4],
    ].map(([share, name, most]) => {
      const value = percentile(gateway, Number(share)) - percentile(stub, Number(share))
      return below(`added latency at 50/s, ${title}, ${name}`, Number(most), value, 'ms')
    }),
  )
  const grown = [...new Set(growth.map(({ scenario }) => scenario))].map((scenario): Target => {
    const [few, many] = growth.filter(one => one.scenario === scenario)
    const value = median(ratios(many, few, cpu))
    return {
      what: `CPU of a request, ${many?.target} operations against ${few?.target}: ${few?.title}`,
      target: 'within 10 %',
      measured: `× ${summary(many, few, cpu)}`,
      met: value <= 1.1,
    }
  })
  return [
    versusB('create, durable', 0.6, 'create'),
    atLeast('create, durable', 4, line('create', 'd'), line('create', 'c'), '(c)'),
    versusB('stats of one hot VM', 1.5, 'hot-stats'),
    versusB('stats of many VMs', 0.35, 'many-stats'),
    versusB('`GET /operations/{id}`', 1.2, 'operation'),
    versusB('an invalid body', 2, 'invalid-body'),
    versusB('an unknown key', 2, 'unknown-key'),
    atLeast(
      'an invalid body, against an accepted one',
      2,
      line('invalid-body', 'd'),
      line('create', 'b'),
      '(b) create',
    ),
    atLeast(
      'an unknown key, against a known one',
      2,
      line('unknown-key', 'd'),
      line('create', 'b'),
      '(b) create',
    ),
    ...added,
    below('memory, idle', 110, memory.idle, 'MB'),
    below('memory, 100,000 stored, 10,000 running', 200, memory.full, 'MB'),
    below('start to ready, empty', 500, median(starts.empty ?? []), 'ms'),
    below('start to ready, 100,000 stored', 800, median(starts.full ?? []), 'ms'),
    ...grown,
  ]
}

const versionOf = (name: string): string =>
  (createRequire(import.meta.url)(`../node_modules/${name}/package.json`) as { version: string }).version

export function report(figures: Figures, path: string): void {
  const judged = judge(figures).map(({ what, target, measured, met }) => [
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
  const versions = ['fastify', 'undici', 'express', 'axios', 'autocannon'].map(
    name => `${name} ${versionOf(name)}`,
  )
  const parts = [
    '# Benchmark',
    `${new Date().toISOString()}. Node ${process.versions.node}, ${versions.join(', ')}. ${machine}.`,
    `${figures.rounds} rounds of ${figures.seconds} s each, ${CONNECTIONS} connections, interleaved: (a) the stub of HOSTKEY itself, ` +
      '(b) a bare Fastify + undici handler without a store, (c) Express 5 + axios, (d) the gateway, with its defaults. ' +
      'Ratios are the median of the rounds (smallest–largest). Written by `npm run bench`.',
    '## Targets',
    table(['', 'target', 'measured', ''], judged),
    '## Throughput',
    throughput(figures.lines),
  ]
  if (figures.busy.length > 0) parts.push('## With 10,000 operations running', throughput(figures.busy))
  if (figures.growth.length > 0) parts.push('## As the store grows', throughput(figures.growth))
  if (figures.latency.length > 0)
    parts.push(
      '## Latency at 50 requests a second, in ms',
      table(
        ['scenario', 'stub p50', 'gateway p50', 'stub p99', 'gateway p99'],
        figures.latency.map(({ title, stub, gateway }) => [
          title,
          ...[0.5, 0.99].flatMap(share => [stub, gateway].map(side => fixed(percentile(side, share), 2))),
        ]),
      ),
    )
  // Written by hand, after a look at profiles.
  parts.push(readFileSync(new URL('limits.md', import.meta.url), 'utf8').trim())
  const text = `${parts.join('\n\n')}\n`
  process.stdout.write(text)
  writeFileSync(path, text)
}
