import { describe, expect, test } from 'vitest'
import { closedAfterAll } from '../helper.ts'
import { lacksPostgres, startPostgres } from '../store/postgres/postgres-server.ts'
import { runChaos } from './chaos.ts'

test('killed at random moments under load: nothing lost, nothing doubled, nothing untrue', async () => {
  const figures = await runChaos({ seed: 20_261_124, kills: 4, maxLifeMs: 700, callers: 6 })
  expect(figures).toMatchObject({ kills: 4, lost: [], doubled: [], untrue: [] })
  // It was no idle run, however slow the machine.
  expect(figures.acknowledged).toBeGreaterThan(10)
  expect(figures.succeeded).toBeGreaterThan(5)
}, 90_000)

describe('told to a receiver that fails, hangs, breaks off and is restarted at random', () => {
  const CHAOS = { seed: 20_261_125, maxLifeMs: 700, callers: 6, hasReceiver: true }
  const onFinished = closedAfterAll()

  test('every end is told at least once, over kills of the gateway, and no operation minds', async () => {
    const figures = await runChaos({ ...CHAOS, kills: 4 })
    expect(figures).toMatchObject({ kills: 4, lost: [], doubled: [], untrue: [], held: [], untold: [] })
    expect(figures.told).toBeGreaterThan(10)
    expect(figures.untaken).toBeGreaterThan(5)
  }, 150_000)

  test.skipIf(lacksPostgres())(
    'so it is with two replicas over PostgreSQL, of which one is killed',
    async () => {
      const server = await startPostgres({ onFinished })
      const figures = await runChaos({
        ...CHAOS,
        kills: 3,
        replicas: 2,
        store: { STORE_URL: server.url('chaos') },
      })
      expect(figures).toMatchObject({ kills: 3, lost: [], doubled: [], untrue: [], held: [], untold: [] })
      expect(figures.told).toBeGreaterThan(10)
    },
    150_000,
  )
})
