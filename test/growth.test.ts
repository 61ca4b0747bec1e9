/**
 * Nothing grows: the heap after many mixed requests and many reloads of the callers file, each after a full collection. The
 * numbers of the claim (100,000 and 10,000) with `GROWTH=1`; fewer otherwise.
 */

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { SCOPES } from '../src/callers/caller.ts'
import { newEntry } from '../src/callers/key.ts'
import { startSimulator } from '../src/simulator/simulator.ts'
import { KEY, temporaryDirectory, TOKEN } from './helper.ts'

const [REQUESTS, RELOADS] = process.env.GROWTH ? [100_000, 10_000] : [20_000, 2_000]
const GROWTH_BOUND_MB = 5

test(
  `${REQUESTS} requests and ${RELOADS} reloads leave the heap as it was`,
  { timeout: 600_000 },
  async () => {
    const directory = temporaryDirectory()
    const simulator = await startSimulator({ token: TOKEN, taskMs: 0 })
    onTestFinished(() => simulator.close())
    const callersFile = join(directory, 'callers.json')
    writeFileSync(callersFile, JSON.stringify({ callers: [newEntry('tester', KEY, SCOPES, '*')] }))
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--expose-gc', join(import.meta.dirname, 'growth-process.ts')],
      {
        env: {
          PATH: process.env.PATH,
          PORT: '0',
          DOCS: 'false',
          HOSTKEY_BASE_URL: simulator.baseUrl,
          HOSTKEY_TOKEN: TOKEN,
          CALLERS_FILE: callersFile,
          STORE_URL: `sqlite:${join(directory, 'gateway.db')}`,
          RATE_LIMIT_MAX: '1000000',
          RELOADED_FILE: join(directory, 'reloaded.json'),
          REQUESTS: String(REQUESTS),
          RELOADS: String(RELOADS),
          KEY,
        },
      },
    )
    const figures = JSON.parse(stdout) as { grown_mb: number }
    if (process.env.GROWTH) process.stdout.write(`${stdout}\n`)
    expect(figures.grown_mb).toBeLessThan(GROWTH_BOUND_MB)
  },
)
