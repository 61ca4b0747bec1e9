/** What a look at a real PostgreSQL tells. */

import { expect, test } from 'vitest'
import { checkStore } from '../../../src/store/check.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { lacksPostgres, startPostgres } from './postgres-server.ts'

test.skipIf(lacksPostgres())('what is wrong with a PostgreSQL is told, and nothing is changed', async () => {
  const server = await startPostgres({ settings: ['fsync=off', 'synchronous_commit=off'] })
  const check = (): ReturnType<typeof checkStore> => checkStore(server.url('looked_at'))
  const losses = {
    kind: 'postgres',
    faults: [],
    warnings: [expect.stringContaining('synchronous_commit=off'), expect.stringContaining('fsync=off')],
  }
  expect(await check()).toEqual(losses)
  expect(await server.query(`SELECT to_regnamespace('looked_at')::text AS there`)).toEqual([{ there: null }])

  const store = await openPostgresStore(() => server.url('looked_at'), {
    log: { info: () => {}, warn: () => {} },
  })
  await store.close()
  expect(await check()).toEqual(losses)
  await server.query('INSERT INTO looked_at.schema_version VALUES (99)')
  expect(await check()).toMatchObject({ faults: [expect.stringContaining('(schema 99)')] })

  await server.kill()
  expect(await check()).toMatchObject({
    faults: [],
    warnings: [expect.stringMatching(/^PostgreSQL is away: .*ECONNREFUSED/)],
  })
})
