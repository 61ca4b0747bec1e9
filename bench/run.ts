/**
 * `npm run bench`: (a) a stub of HOSTKEY, (b) a bare handler over it, (c) the obvious version, (d) the gateway, driven in
 * turn in one run, so that the ratios hold on a machine that does other things too. Prints, and writes `results.md`.
 * `--seconds` of a round (3), `--rounds` (5), `--only` some (names with commas), `--grown` operations (1000000), `--out`,
 * `--before` another checkout, whose gateway is driven beside ours. `--guard` drives only (b) and (d), writes nothing, and
 * ends with 1 when a ratio is far below what it was: for CI.
 */

import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { request } from 'undici'
import { fillStore } from './fill.ts'
import { drive, scenarios, type Round, type Speech } from './load.ts'
import { cleanUp, KEY, startGateway, startOther, startStub, storePath, type Measured } from './processes.ts'
import { addedLatency, type Latency } from './latency.ts'
import { FLOORS, report, tooSlow, type Figures, type Line } from './report.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    grown: { type: 'string', default: '1000000' },
    before: { type: 'string', default: '' },
    guard: { type: 'boolean', default: false },
    out: { type: 'string', default: 'bench/results.md' },
  },
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const only = new Set(values.only.split(',').filter(Boolean))
const wanted = (name: string): boolean => (values.guard ? name in FLOORS : only.size === 0 || only.has(name))
const say = (text: string): void => void process.stderr.write(`${text}\n`)

const STORED = 100_000
const RUNNING = 10_000
/** What works in the background needs this long to be at its usual pace after it was stopped. */
const PACE_MS = 3_000
const STARTS = 7

interface Target {
  name: string
  speech: Speech
  measured: Measured
  /** Operations of its store that ended. */
  ids: string[]
}

/** Resolves when nothing that the load began is running any more. */
async function settled({ measured }: Target): Promise<void> {
  for (;;) {
    const { body } = await request(`${measured.url}/operations?status=running&limit=1`, {
      headers: { authorization: `Bearer ${KEY}` },
    })
    const { operations } = (await body.json()) as { operations: { vm_id: number }[] }
    if ((operations[0]?.vm_id ?? Infinity) >= 2_000_000_000) return
    await sleep(100)
  }
}

/** Drives all in turn, each round beginning with another, and puts the rounds of each together. */
async function compare(
  stub: Measured,
  targets: Target[],
  names: string[],
  background: Target[] = [],
): Promise<Line[]> {
  const kept = new Map<string, Line>()
  for (const one of background) one.measured.pause()
  for (let round = -1; round < rounds; round += 1) {
    for (const name of names) {
      for (let i = 0; i < targets.length; i += 1) {
        const target = targets[(i + round + 1) % targets.length]!
        const { title, load, maxCalls } = scenarios(target.ids)[name]!
        const ours = target.speech === 'gateway'
        const one = load(target.speech)
        if (!one) continue
        if (background.includes(target)) {
          target.measured.resume()
          await sleep(PACE_MS)
        }
        const done: Round = await drive({
          stub,
          target: target.measured,
          load: one,
          // The round before the first only warms up.
          seconds: round < 0 ? Math.min(1, seconds) : seconds,
          maxCalls: ours ? maxCalls : undefined,
          ...(ours && name === 'create' ? { settled: () => settled(target) } : {}),
        }).catch((error: unknown) => {
          throw new Error(`${title}, ${target.name}: ${(error as Error).message}`, { cause: error })
        })
        if (background.includes(target)) target.measured.pause()
        if (round < 0) continue
        say(`round ${round + 1}: ${title}, ${target.name}: ${Math.round(done.requests / done.seconds)}/s`)
        const key = `${name} ${target.name}`
        const line = kept.get(key) ?? { scenario: name, title, target: target.name, rounds: [], peakMb: 0 }
        line.rounds.push(done)
        line.peakMb = target.measured.memoryMb().peak
        kept.set(key, line)
      }
    }
  }
  for (const one of background) one.measured.resume()
  return [...kept.values()].toSorted((a, b) => names.indexOf(a.scenario) - names.indexOf(b.scenario))
}

const THROUGHPUT = ['create', 'hot-stats', 'many-stats', 'operation', 'invalid-body', 'unknown-key']

async function run(): Promise<Figures> {
  const figures: Figures = {
    seconds,
    rounds,
    memory: {},
    starts: {},
    lines: [],
    busy: [],
    growth: [],
    latency: [],
  }
  const stub = await startStub()
  const names = THROUGHPUT.filter(wanted)
  const other = async (name: string, script: 'bare' | 'express'): Promise<Target> => ({
    name,
    speech: 'other',
    measured: await startOther(script, stub.url),
    ids: [],
  })
  const gateway = async (name: string, store: string, ids: string[], from?: string): Promise<Target> => ({
    name,
    speech: 'gateway',
    measured: await startGateway(stub.url, store, from),
    ids,
  })
  const bare = await other('b', 'bare')

  if (names.length > 0 || wanted('latency')) {
    const store = storePath()
    const ours = await gateway('d', store, await fillStore(store, 1_000))
    if (wanted('latency')) figures.latency = await latencies(stub, ours)
    if (names.length > 0) {
      const direct: Target = { name: 'a', speech: 'stub', measured: stub, ids: [] }
      const targets = values.guard ? [bare, ours] : [direct, bare, await other('c', 'express'), ours]
      if (values.before) {
        const [older, before] = [storePath(), resolve(values.before)]
        // It fills a store by itself: its schema may be an older one.
        const theirs = (await import(join(before, 'bench/fill.ts'))) as { fillStore: typeof fillStore }
        targets.push(await gateway('d before', older, await theirs.fillStore(older, 1_000), before))
      }
      figures.lines = await compare(stub, targets, names)
      for (const { measured } of targets)
        if (measured !== stub && measured !== bare.measured) await measured.end()
    } else await ours.measured.end()
  }

  if (wanted('memory')) {
    const { measured } = await gateway('idle', storePath(), [])
    await sleep(5_000)
    figures.memory.idle = measured.memoryMb().now
    await measured.end()
  }
  if (wanted('start') || wanted('memory') || wanted('busy')) {
    const full = storePath()
    const ids = await fillStore(full, STORED, RUNNING)
    if (wanted('start')) figures.starts = await starts(stub, { empty: storePath(), full })
    if (wanted('memory') || wanted('busy')) {
      const busy = await gateway('d, 10,000 running', full, ids)
      // Longer than the longest interval between two checks: each has been checked.
      await sleep(wanted('memory') ? 20_000 : PACE_MS)
      if (wanted('memory')) figures.memory.full = busy.measured.memoryMb().now
      if (wanted('busy')) figures.busy = await compare(stub, [bare, busy], THROUGHPUT, [busy])
      await busy.measured.end()
    }
  }

  if (wanted('growth')) {
    const [few, many] = [storePath(), storePath()]
    say(`filling a store with ${values.grown} operations`)
    const targets = [
      await gateway('d, 1,000', few, await fillStore(few, 1_000)),
      await gateway(`d, ${values.grown}`, many, await fillStore(many, Number(values.grown))),
    ]
    figures.growth = await compare(stub, targets, ['create', 'many-stats', 'operation'])
    for (const { measured } of targets) await measured.end()
  }
  return figures
}

/** Milliseconds from the start of the process until it is ready, in turn. */
async function starts(stub: Measured, stores: Record<string, string>): Promise<Record<string, number[]>> {
  const took: Record<string, number[]> = {}
  for (let i = 0; i < STARTS; i += 1) {
    for (const [name, store] of Object.entries(stores)) {
      const measured = await startGateway(stub.url, store)
      ;(took[name] ??= []).push(measured.readyMs)
      await measured.end()
    }
  }
  return took
}

async function latencies(stub: Measured, gateway: Target): Promise<Latency[]> {
  const all = scenarios(gateway.ids)
  const found: Latency[] = []
  for (const name of ['create', 'many-stats', 'hot-stats', 'operation']) {
    const { title, load } = all[name]!
    say(`latency at 50 requests a second: ${title}`)
    found.push(
      await addedLatency(
        title,
        { url: stub.url, load: load('stub')! },
        { url: gateway.measured.url, load: load('gateway')! },
        Math.max(5, seconds * 4),
      ),
    )
    await settled(gateway)
  }
  return found
}

try {
  const figures = await run()
  if (values.guard) {
    const slow = tooSlow(figures.lines)
    for (const line of slow) say(line)
    process.exitCode = slow.length === 0 ? 0 : 1
  } else report(figures, values.out)
} finally {
  await cleanUp()
}
