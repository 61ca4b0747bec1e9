import { expect, onTestFinished, test } from 'vitest'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { closedAfterAll } from '../../helper.ts'
import { lacksPostgres, startPostgres } from './postgres-server.ts'

const onFinished = closedAfterAll()

test.skipIf(lacksPostgres())(
  'connections, who waits for one, and commits in doubt show in the metrics',
  async () => {
    const server = await startPostgres({ onFinished })
    const url = server.url('load', '&pool=1&statement_timeout_ms=500')
    const store = await openPostgresStore(() => url, { log: { info: () => {}, warn: () => {} } })
    onTestFinished(() => store.close())
    const metrics = createMetrics()
    metrics.observeStore(store)
    await store.ping()
    const text = await metrics.text()
    expect(text).toMatch(/^hostkey_gateway_store_connections\{state="(?:used|idle)"\} 1$/m)
    expect(text).toContain('hostkey_gateway_store_waits{state="for-connection"} 0')
    expect(text).toContain('hostkey_gateway_store_waits{state="in-doubt"} 0')
    // It takes what is sent and answers nothing: one has the connection, and the others wait for it.
    server.stop()
    const reads = [1, 2, 3].map(i => store.get(`op_${i}`).catch(() => {}))
    await expect.poll(() => store.load!().used).toBe(1)
    server.go()
    await Promise.all(reads)
  },
)
