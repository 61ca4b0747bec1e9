/** The dashboard and the alert rules ask for what the gateway tells: each metric, label and value they name is in `/metrics`. */

import { parser } from '@prometheus-io/lezer-promql'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { SCOPES, type Caller } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import type { Store } from '../../src/operations/store.ts'
import { KEY, startWorld, temporaryDirectory } from '../helper.ts'
import { findProgram, runProgram, tellSkipped } from '../programs.ts'

const ALERTS = 'deploy/observability/alerts.yaml'

interface Selector {
  metric: string
  matchers: [label: string, value: string | null][]
}

/** Prometheus itself adds these, and this metric. */
const ADDED_LABELS = ['job', 'instance']
const ADDED_METRIC = 'up'

/** What an expression selects, and the labels it groups by. @throws Error when it is no PromQL */
function selectionOf(expression: string): { selectors: Selector[]; grouping: string[] } {
  const text = expression.replaceAll('$__rate_interval', '5m')
  const selectors: Selector[] = []
  const grouping: string[] = []
  let label = ''
  let exact = false
  parser.parse(text).iterate({
    enter({ type, from, to, node }) {
      const here = text.slice(from, to)
      if (type.isError) throw new Error(`no PromQL at ${from}: ${text}`)
      if (type.name === 'VectorSelector')
        selectors.push({ metric: /^\w+/.exec(here)?.[0] ?? '', matchers: [] })
      if (type.name === 'LabelName') {
        label = here
        if (node.parent?.name === 'GroupingLabels') grouping.push(here)
      }
      if (type.name === 'MatchOp') exact = here === '='
      if (type.name === 'StringLiteral' && node.parent?.name.endsWith('Matcher'))
        selectors.at(-1)!.matchers.push([label, exact ? here.slice(1, -1) : null])
    },
  })
  return { selectors, grouping }
}

/** Every `expr` in it, and what the variables of a dashboard ask for. */
function* expressionsIn(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return
  for (const [name, child] of Object.entries(value)) {
    if (name === 'expr') yield child as string
    else if (name === 'query' && typeof child === 'string' && child.startsWith('label_values('))
      yield /^label_values\((.*), \w+\)$/.exec(child)![1]!
    else yield* expressionsIn(child)
  }
}

/** Metric → label → its values. */
const told = new Map<string, Map<string, Set<string>>>()

function note(text: string): void {
  for (const line of text.split('\n')) {
    const [, name, labels = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? []
    if (name === undefined) continue
    if (!told.has(name)) told.set(name, new Map())
    for (const [, label, value] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
      const values = told.get(name)!.get(label!) ?? new Set()
      told.get(name)!.set(label!, values.add(value!))
    }
  }
}

beforeAll(async () => {
  // What a short run does not bring about by itself.
  const metrics = createMetrics()
  metrics.problem(null, 'internal')
  metrics.webhookAttempt('tester', 'failed', 1)
  metrics.heldTooMuch({ id: 'tester' } as Caller)
  const broken = metrics.store({ start: () => Promise.reject(new Error('away')) } as Partial<Store> as Store)
  await expect(broken.start(null as never, null, 0)).rejects.toThrow('away')
  const load = () => ({ used: 1, idle: 3, waiting: 0, inDoubt: 0 })
  metrics.observeStore({ load, running: async () => ({}) } as Partial<Store> as Store)
  note(await metrics.text())
})

test('every metric, label and value that they name is told after a short run', async () => {
  const world = await startWorld({
    callers: [
      newEntry('tester', KEY, SCOPES, '*'),
      { ...newEntry('small', 'key-small', SCOPES, '*'), rate_limit: { max: 1, window_ms: 60_000 } },
    ],
  })
  const { body } = await world.call('POST', '/vms/1000/snapshots', {
    body: { name: 'a' },
    headers: { prefer: 'wait=10' },
  })
  await world.call('GET', `${body.self}/events`)
  for (const _ of [1, 2]) await world.call('GET', '/vms/1000/stats', { key: 'key-small' })
  await world.call('GET', '/vms/1000/stats', { key: null })
  world.simulator.fault({ kind: 'respond', body: '{"code":-2,"message":"invalid token"}' })
  await world.call('GET', '/vms/1000/stats')
  note((await world.call('GET', '/metrics')).text)

  const files = [
    JSON.parse(readFileSync('deploy/observability/dashboard.json', 'utf8')) as object,
    parse(readFileSync(ALERTS, 'utf8')) as object,
  ]
  const expressions = files.map(file => [...expressionsIn(file)])
  expect(expressions.map(({ length }) => length > 10)).toEqual([true, true])
  const missing: string[] = []
  const labels = new Set([...told.values()].flatMap(ofMetric => [...ofMetric.keys()]))
  for (const { selectors, grouping } of expressions.flat().map(selectionOf)) {
    missing.push(...grouping.filter(label => !labels.has(label) && !ADDED_LABELS.includes(label)))
    for (const { metric, matchers } of selectors) {
      if (metric !== ADDED_METRIC && !told.has(metric)) missing.push(metric)
      for (const [label, value] of matchers) {
        const values = told.get(metric)?.get(label)
        if (ADDED_LABELS.includes(label)) continue
        if (!values || (value !== null && !values.has(value))) missing.push(`${metric}{${label}="${value}"}`)
      }
    }
  }
  expect(missing).toEqual([])
  // Nor is anything told that nobody looks at.
  const named = new Set(
    expressions.flat().flatMap(one => selectionOf(one).selectors.map(({ metric }) => metric)),
  )
  const ours = [...told.keys()].filter(
    name => name.startsWith('hostkey_') && !/_(sum|bucket|count)$/.test(name),
  )
  expect(ours.filter(name => !named.has(name))).toEqual([])
})

test('what is no PromQL is found', () => {
  expect(selectionOf('sum by (a) (rate(m{b="c",d=~"e"}[$__rate_interval]))')).toEqual({
    selectors: [{ metric: 'm', matchers: [['b', 'c'], ['d', null]] }], // prettier-ignore
    grouping: ['a'],
  })
  expect(() => selectionOf('sum(rate(m[5m])')).toThrow('no PromQL')
})

test('every panel has a place of its own', () => {
  const { panels } = JSON.parse(readFileSync('deploy/observability/dashboard.json', 'utf8')) as {
    panels: { id: number; title: string; gridPos: { x: number; y: number; w: number; h: number } }[]
  }
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const cells = panels.flatMap(({ title, gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => [`${x + (i % w)},${y + Math.floor(i / w)}`, title] as const),
  )
  expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([])
  expect(new Map(cells).size).toBe(cells.length)
})

// Not demanded where everything else is: it comes with a whole Prometheus.
const noPromtool = findProgram('promtool') === null && tellSkipped('not found on the PATH: promtool')

test.skipIf(noPromtool)('Prometheus takes the rules, and what the gateway tells', async () => {
  const file = join(temporaryDirectory(), 'metrics')
  writeFileSync(file, (await (await startWorld()).call('GET', '/metrics')).text)
  for (const line of [
    `promtool check rules ${join(import.meta.dirname, '../..', ALERTS)}`,
    `promtool check metrics < ${file}`,
  ]) {
    const tool = runProgram('bash', { args: ['-c', line] })
    await tool.ended
    // Some names of prom-client itself are not to its taste.
    expect([line, tool.stderr.filter(complaint => !complaint.startsWith('nodejs_active_'))]).toEqual([
      line,
      [],
    ])
  }
})
