/** The simulation finds nothing in the gateway as it is, finds bugs that are planted, and can be repeated. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { drawPlan } from './plan.ts'
import { fileOf, plant, PLANTED_BUGS, prove, ROOT } from './prove.ts'
import { play } from './run.ts'
import { faultsOf } from './shrink.ts'

const FRESH = 40

test('whatever goes wrong, nothing is lost, doubled or untrue, and nothing is left', async () => {
  const first = Math.floor(Math.random() * 2 ** 31)
  process.stdout.write(`the first of ${FRESH} fresh seeds is ${first}\n`)
  const faults: string[] = []
  let crashes = 0
  for (let seed = first; seed < first + FRESH; seed += 1) {
    const played = await play(drawPlan(seed))
    crashes += played.crashes
    faults.push(...faultsOf(played).map(fault => `seed ${seed}: ${fault}`))
  }
  expect(faults).toEqual([])
  expect(crashes).toBeGreaterThan(FRESH)
})

test('the same seed gives the same trace, byte for byte, whatever was played before it', async () => {
  const traces = async (seeds: number[]): Promise<string[]> => {
    const of: string[] = []
    for (const seed of seeds) of.push((await play(drawPlan(seed))).lines.join('\n'))
    return of
  }
  const seeds = [1, 2, 3, 4, 5, 6]
  const forwards = await traces(seeds)
  const backwards = await traces(seeds.toReversed())
  expect(backwards.toReversed()).toEqual(forwards)
  expect(new Set(forwards).size).toBe(seeds.length)
})

test('there are a dozen planted bugs, each of one line, and each fits the source as it is', async () => {
  expect(PLANTED_BUGS.length).toBeGreaterThanOrEqual(12)
  for (const bug of PLANTED_BUGS) {
    const lines = readFileSync(fileOf(bug), 'utf8').split('\n')
    expect([bug, lines.filter(line => /^-(?!--)/.test(line)).length]).toEqual([bug, 1])
    expect(lines.filter(line => /^\+(?!\+\+)/.test(line)).length).toBeLessThanOrEqual(1)
    // Whoever changes the line that it is planted in plants it anew.
    await expect(plant(bug, ROOT, '--check')).resolves.toBeUndefined()
  }
})

test.for(['settle-by-an-older-snapshot', 'send-again-after-a-timeout'])(
  'a planted bug is found, and told as a short story: %s',
  async bug => {
    const proof = await prove(bug, { seed: 1, runs: 1_000 })
    expect(proof?.story).toMatch(/^ {2}12:\d\d:\d\d\.\d{3} HOSTKEY /m)
    expect(proof!.story.split('\n').length).toBeLessThan(60)
  },
)
