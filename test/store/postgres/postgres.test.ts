import { beforeAll, describe, onTestFinished } from 'vitest'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import type { Store } from '../../../src/operations/store.ts'
import { closedAfterAll } from '../../helper.ts'
import { storeContract, type StoreUnderTest } from '../store-contract.ts'
import { outboxContract } from '../outbox-contract.ts'
import { storeModel } from '../store-model.ts'
import { lacksPostgres, startPostgres, type PostgresServer } from './postgres-server.ts'
import { realWorld } from '../../../src/world.ts'

const T0 = 1_800_000_000_000

describe.skipIf(lacksPostgres())('postgres', () => {
  let server: PostgresServer
  let schemas = 0
  const onFinished = closedAfterAll()
  beforeAll(async () => {
    server = await startPostgres({ onFinished })
  })

  /** A store whose clock and whose database's clock stand still, as the suite passes the time itself. */
  async function open(url: string): Promise<Store> {
    const store = await openPostgresStore(() => url, {
      log: { info: () => {}, warn: () => {} },
      world: { ...realWorld, now: () => T0 },
      clock: `${T0}::bigint`,
      // It gives no sign of life by itself: what is reopened has to look dead.
      beatMs: 1_000_000,
    })
    onTestFinished(() => store.close())
    return store
  }

  const openAnew = (parameters: string) => async (): Promise<StoreUnderTest> => {
    const schema = `t${(schemas += 1)}`
    const url = server.url(schema, parameters)
    return {
      store: await open(url),
      async reopen() {
        // Of a killed process the others know only after some seconds.
        await server.query(`UPDATE ${schema}.replicas SET dead = true`)
        return open(url)
      },
    }
  }

  storeContract('postgres', openAnew(''))
  outboxContract('postgres', openAnew(''))
  storeContract('postgres without notifications', openAnew('&notify=off'))
  storeModel('postgres', openAnew(''))
})
