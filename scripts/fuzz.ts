/**
 * `npm run fuzz`: requests generated from the OpenAPI document at a gateway over the simulator; prints what was counted.
 * Ends with 1 when an answer was not in the document or HOSTKEY was asked something invalid. `--requests` (20000),
 * `--seed` (the date); Ctrl-C ends it early.
 */

import { parseArgs } from 'node:util'
import { fuzz } from '../test/fuzz/fuzz.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: new Date().toISOString().slice(0, 10).replaceAll('-', '') },
  },
})
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const counts = (of: Record<string, number>): string =>
  Object.entries(of)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} × ${count}`)
    .join(', ')

const stop = new AbortController()
process.once('SIGINT', () => stop.abort())
const startedAt = Date.now()
const figures = await fuzz({
  requests: Number(values.requests),
  seed: Number(values.seed),
  signal: stop.signal,
  onProgress: done => process.stderr.isTTY && process.stderr.write(`\r${done} requests `),
})
const { requests, flawless, flawed, faults, upstreamCalls, statuses, codes, answers, violations } = figures
print(`seed ${values.seed}: ${requests} requests in ${Math.round((Date.now() - startedAt) / 1000)} s`)
print(
  `${flawless} without a flaw, ${flawed} with one or more; ${faults} faults at HOSTKEY, ${upstreamCalls} calls of vm.php`,
)
print(`statuses: ${counts(statuses)}`)
print(`codes: ${counts(codes)}`)
print(`${answers.size} pairs of operation and status`)
print(`${violations.length} violations${violations.length > 0 ? `, with seed ${values.seed}:` : ''}`)
for (const violation of violations) print(`- ${violation}`)
process.exitCode = violations.length === 0 ? 0 : 1
