/** Lists in PostgreSQL are bounded in what they look at: `LISTS_COUNT` operations, 200,000 unless told otherwise. */

import { expect, onTestFinished, test } from 'vitest'
import type { ListQuery, OperationPage } from '../../../src/operations/store.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { closedAfterAll } from '../../helper.ts'
import { lacksPostgres, startPostgres } from './postgres-server.ts'

const COUNT = Number(process.env.LISTS_COUNT ?? 200_000)
const MAX_SEEN = 3_000
const ALL: ListQuery['visible'] = { vmIds: '*', kinds: ['snapshot.create'], createdBy: '' }
const onFinished = closedAfterAll()

/** One in a thousand is of the VM 7 and failed; the rest is of fifty others. */
const FILL = `INSERT INTO lists.operations (id, rev, kind, mutates, vm_id, created_by, status, owner, finished_at, doc)
  SELECT 'op_' || lpad(i::text, 26, '0'), 2, 'snapshot.create', true,
    CASE WHEN i % 1000 = 0 THEN 7 ELSE 1000 + i % 50 END, 'tester',
    CASE WHEN i % 1000 = 0 THEN 'failed' ELSE 'succeeded' END, '', 0,
    json_build_object('id', 'op_' || lpad(i::text, 26, '0'), 'vmId', 1, 'note', repeat('x', 300))::text
  FROM generate_series(0, ${COUNT - 1}) AS i`

test.skipIf(lacksPostgres())(
  'no page takes long, whatever is looked for, and each leads on to all there is',
  { timeout: 600_000 },
  async () => {
    const server = await startPostgres({ onFinished })
    const url = server.url('lists', '&statement_timeout_ms=60000')
    const store = await openPostgresStore(() => url, { log: { info: () => {}, warn: () => {} } })
    onTestFinished(() => store.close())
    await server.query(FILL)
    await server.query('VACUUM ANALYZE lists.operations')
    const figures: Record<string, object> = {}
    /** Reads a list to its end. */
    const readAll = async (name: string, query: Partial<ListQuery>): Promise<string[]> => {
      const ids: string[] = []
      const turnsMs: number[] = []
      const pagesMs: number[] = []
      for (let olderThan: string | undefined; ;) {
        const startedAt = performance.now()
        const before = process.threadCpuUsage()
        const range = olderThan === undefined ? {} : { olderThan }
        // oxlint-disable-next-line no-await-in-loop -- a page leads to the next one
        const page: OperationPage = await store.list({ visible: ALL, limit: 101, ...query, ...range })
        const { user, system } = process.threadCpuUsage(before)
        turnsMs.push((user + system) / 1000)
        pagesMs.push(performance.now() - startedAt)
        ids.push(...page.map(({ id }) => id))
        if (page.length < 101 && page.cutAt === undefined) break
        olderThan = page.cutAt ?? page.at(-1)!.id
      }
      const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
      figures[name] = {
        pages: pagesMs.length,
        page_median_ms: Math.round(median(pagesMs) * 10) / 10,
        page_max_ms: Math.round(Math.max(...pagesMs)),
        processor_median_ms: Math.round(median(turnsMs) * 10) / 10,
      }
      expect(ids).toEqual([...new Set(ids)].toSorted().toReversed())
      return ids
    }
    const whole = Math.floor(COUNT / MAX_SEEN) + 1
    const few = COUNT / 1_000
    expect(await readAll('nothing', { visible: { vmIds: '*', kinds: [], createdBy: 'x' } })).toEqual([])
    expect(await readAll('failed', { status: 'failed' })).toHaveLength(few)
    expect(await readAll('running', { status: 'running' })).toEqual([])
    expect(await readAll('other kind', { kind: 'stats.load' })).toEqual([])
    expect(await readAll('VM 7', { vmId: 7 })).toHaveLength(few)
    expect(await readAll('failed of a VM', { vmId: 1001, status: 'failed' })).toEqual([])
    expect(
      await readAll('failed of two VMs', { visible: { ...ALL, vmIds: [7, 1001] }, status: 'failed' }),
    ).toHaveLength(few)
    const manyVms = [7, ...Array.from({ length: 200 }, (_, i) => 5_000 + i)]
    expect(await readAll('many VMs', { visible: { ...ALL, vmIds: manyVms } })).toHaveLength(few)
    if (process.env.LISTS_COUNT) process.stdout.write(`${JSON.stringify(figures, null, 1)}\n`)
    // Whatever is not found is looked for in so many rows a page.
    for (const name of ['nothing', 'running', 'other kind', 'many VMs'])
      expect(figures[name]).toMatchObject({ pages: whole })
    for (const { processor_median_ms: turnMs } of Object.values(figures) as { processor_median_ms: number }[])
      expect(turnMs).toBeLessThan(15)
  },
)
