/** The instruments of the metrics, declared in one place: names, help, labels and buckets. */

import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { VERSION } from '../config/version.ts'
import { KIND_NAMES } from '../operations/kinds/kinds.ts'
import { lostLines } from './log-output.ts'

const NAME = 'hostkey_gateway_'

/** What requests, calls, operations and the store are counted and timed with. */
export interface Instruments {
  requests: Histogram<'method' | 'route' | 'status'>
  problems: Counter<'caller' | 'code'>
  heldTooMuch: Counter<'caller'>
  calls: Histogram<'action' | 'outcome'>
  reads: Counter<'kind' | 'source'>
  ended: Counter<'kind' | 'status'>
  timesToEnd: Histogram<'kind'>
  storeTimes: Histogram<'method' | 'outcome'>
}

/** What makes instruments of this registry. */
function makers(registry: Registry) {
  const registers = [registry]
  return {
    histogram: <const L extends string>(
      name: string,
      help: string,
      labelNames: readonly L[],
      buckets: number[],
    ): Histogram<L> => new Histogram({ name: NAME + name, help, labelNames, buckets, registers }),
    counter: <const L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
      new Counter({ name: NAME + name, help, labelNames, registers }),
  }
}

/** What webhooks are counted and timed with. */
export interface WebhookInstruments {
  webhookAttempts: Histogram<'outcome'>
  webhooksEnded: Counter<'caller' | 'state'>
}

/** Declares them in a registry. */
export function declareWebhookInstruments(registry: Registry): WebhookInstruments {
  const { histogram, counter } = makers(registry)
  return {
    webhookAttempts: histogram(
      'webhook_attempt_duration_seconds',
      'Attempts to tell a receiver of an end, by what came of them; "stopped" is a 410.',
      ['outcome'],
      [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    ),
    webhooksEnded: counter(
      'webhooks_ended_total',
      'Messages of ends that are over: delivered, stopped by a 410, or given up after a day.',
      ['caller', 'state'],
    ),
  }
}

/** Declares them in a registry. */
export function declareInstruments(registry: Registry): Instruments {
  const registers = [registry]
  const { histogram, counter } = makers(registry)
  const build = { version: VERSION, node: process.versions.node }
  const instruments = {
    requests: histogram(
      'http_request_duration_seconds',
      'Requests by the pattern of their route; status 499 is a caller who left.',
      ['method', 'route', 'status'],
      [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    ),
    problems: counter(
      'problems_total',
      'Requests that were refused or failed, by caller and problem code; callers by signed token are all "jwt".',
      ['caller', 'code'],
    ),
    heldTooMuch: counter(
      'open_refused_total',
      'Requests that were refused because their caller holds MAX_OPEN_PER_CALLER others open, by caller.',
      ['caller'],
    ),
    calls: histogram(
      'upstream_call_duration_seconds',
      'Calls to HOSTKEY by what came of them, with the wait for a place.',
      ['action', 'outcome'],
      [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30],
    ),
    reads: counter(
      'reads_total',
      'Reads by where the answer came from: the cache, a read under way, or HOSTKEY.',
      ['kind', 'source'],
    ),
    ended: counter('operations_ended_total', 'Stored operations that this process saw end.', [
      'kind',
      'status',
    ]),
    timesToEnd: histogram(
      'operation_duration_seconds',
      'From the start of a stored operation to its end.',
      ['kind'],
      [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200],
    ),
    storeTimes: histogram(
      'store_duration_seconds',
      'Steps of the operation store.',
      ['method', 'outcome'],
      [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
    ),
  }
  // From zero on, so that the first one is an increase.
  for (const kind of KIND_NAMES)
    for (const status of ['succeeded', 'failed', 'unknown']) instruments.ended.inc({ kind, status }, 0)
  new Gauge({
    name: `${NAME}build_info`,
    help: 'What runs here; always 1.',
    labelNames: Object.keys(build),
    registers,
  }).set(build, 1)
  return instruments
}

/** A gauge that is read when somebody asks; what cannot be read then is left out. */
export function declareGauge<const L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly L[],
  read: (set: (labels: Record<L, string>, value: number) => void) => Promise<void> | void,
): void {
  const told = new Gauge({
    name: NAME + name,
    help,
    labelNames,
    registers: [registry],
    async collect() {
      told.reset()
      try {
        await read((labels, value) => told.set(labels, value))
      } catch {
        // The store is away, which other metrics tell.
      }
    },
  })
}

/** Declares the lines of the log that this process could not write, read when somebody asks. */
export function countLostLines(registry: Registry): void {
  const counter = new Counter({
    name: `${NAME}log_lines_lost_total`,
    help: 'Lines of the log that could not be written: the disk is full, or the reader hangs or is gone.',
    registers: [registry],
    collect() {
      counter.reset()
      counter.inc(lostLines())
    },
  })
}
