import { expect, onTestFinished, test } from 'vitest'
import { temporaryDirectory } from '../helper.ts'
import { lacksPostgres } from '../store/postgres/postgres-server.ts'
import { runFailovers } from './failover.ts'

test.skipIf(lacksPostgres())(
  'PostgreSQL fails over to its synchronous standby under load: nothing lost, nothing doubled, nothing untrue, no hold left',
  async () => {
    const figures = await runFailovers({
      seed: 20_261_125,
      failovers: 2,
      maxLifeMs: 2_000,
      replicas: 2,
      callers: 6,
      directory: temporaryDirectory(),
      onFinished: end => onTestFinished(async () => void (await end())),
    })
    expect(figures).toMatchObject({ kills: 2, lost: [], doubled: [], untrue: [], held: [] })
    // It was no idle run, however slow the machine.
    expect(figures.acknowledged).toBeGreaterThan(10)
    expect(figures.succeeded).toBeGreaterThan(5)
  },
  90_000,
)
