import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { capacityOf, cpuUsOf, describe, measuredFigures, type Work } from '../scripts/capacity.ts'

const FIGURES = { createUs: 500, readUs: 100, mbOfThousand: 1 }
const WORK: Work = {
  operationsADay: 864_000,
  readsOfEach: 5,
  lastsS: 60,
  keptDays: 7,
  peak: 2,
  replicas: 2,
  callMs: 500,
  concurrency: 32,
}

test('a day of work is told in operations a second, cores, disk and calls', () => {
  expect(capacityOf(WORK, FIGURES)).toEqual({
    averagePerS: 10,
    peakPerS: 20,
    // The change itself, and checks after 0.5, 1.3, 2.6, 4.6, 7.9, 13.1, 21.5, 35, 50 and 65 seconds.
    callsOfEach: 11,
    peakCallsPerS: 220,
    mostCallsPerS: 128,
    perCorePerS: 1_000,
    peakCores: 0.02,
    running: 1_200,
    stored: 6_048_000,
    diskMb: 6_048,
    peakCommitsPerS: 60,
    idleCores: 0.012,
  })
  expect(describe(WORK, FIGURES, 'PostgreSQL').join()).toContain('The wall')
  expect(describe({ ...WORK, replicas: 10 }, FIGURES, 'PostgreSQL').join()).toContain('No wall is met')
})

test('more work never takes less', () => {
  const factor = fc.integer({ min: 1, max: 100 })
  const grows = ['operationsADay', 'readsOfEach', 'lastsS', 'keptDays', 'peak'] as const
  fc.assert(
    fc.property(fc.constantFrom(...grows), factor, (name, times) => {
      const [less, more] = [WORK, { ...WORK, [name]: WORK[name] * times }].map(work =>
        capacityOf(work, FIGURES),
      )
      for (const of of ['peakCores', 'diskMb', 'running', 'peakCallsPerS', 'peakCommitsPerS'] as const)
        expect(more![of]).toBeGreaterThanOrEqual(less![of])
    }),
  )
})

test('the figures are those of the pages, and one that is missing is named', () => {
  for (const figures of Object.values(measuredFigures()))
    for (const figure of Object.values(figures)) expect(figure).toBeGreaterThan(0)
  expect(() => cpuUsOf('', 'create', 'gateway')).toThrow('no figures of "create" for gateway')
})

test('the script prints it for given numbers, and refuses others', () => {
  const run = (...args: string[]): string =>
    execFileSync(process.execPath, ['scripts/capacity.ts', ...args], { encoding: 'utf8', stdio: 'pipe' })
  expect(run('--operations-a-day', '2000000', '--replicas', '10')).toMatch(
    /^PostgreSQL, 10 gateway\(s\):\n {2}operations: 23.1 a second on average/,
  )
  expect(run()).toMatch(/^SQLite, 1 gateway[^]*\nPostgreSQL, 1 gateway/)
  expect(run('--help')).toContain('--kept-days (7)')
  expect(() => run('--replicas', 'many')).toThrow('--replicas takes a number above 0')
})
