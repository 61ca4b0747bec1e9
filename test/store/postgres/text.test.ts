/** Whatever is stored comes back as it was, and in an order that no locale changes: as SQLite gives it. */

import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/operations/operation.ts'
import type { Store } from '../../../src/operations/store.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { openSqliteStore } from '../../../src/store/sqlite/open.ts'
import { closedAfterAll, temporaryDirectory } from '../../helper.ts'
import { changed, endOf, operation } from '../store-contract.ts'
import { propertyOptions } from '../store-model.ts'
import { lacksPostgres, startPostgres } from './postgres-server.ts'
import { realWorld } from '../../../src/world.ts'

const T0 = 1_800_000_000_000

/** Any UTF-16, so with NUL, breaks, quotes and lone surrogates. */
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '\0',
      '\n',
      '\r',
      '"',
      '\\',
      '\ud800',
      '\udc00',
      '\u2028',
      '{',
      ',',
      '~',
      ' ',
      '😀',
      '\\u0000',
    ),
    fc.integer({ min: 0, max: 0xffff }).map(code => String.fromCharCode(code)),
  ),
})
/** SQLite takes lone surrogates for one and the same character where it compares texts, and so gives no measure. */
const anyName = anyText.map(text => text.toWellFormed())
const anyJson = fc.jsonValue({ stringUnit: 'binary', depthSize: 'small' })

describe.skipIf(lacksPostgres())('postgres', () => {
  let stores: Store[] = []
  const onFinished = closedAfterAll()
  beforeAll(async () => {
    const server = await startPostgres({ onFinished })
    // Sorted as people of some country do: `~` before letters, and small letters beside large ones.
    await server.query(
      `CREATE DATABASE sorted TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C' ENCODING 'UTF8'`,
    )
    const url = server.url().replace('/postgres?', '/sorted?')
    const file = join(temporaryDirectory(onFinished), 'gateway.db')
    stores = [
      openSqliteStore(file, T0),
      await openPostgresStore(() => url, {
        log: { info: () => {}, warn: () => {} },
        world: { ...realWorld, now: () => T0 },
        clock: `${T0}::bigint`,
      }),
    ]
    for (const store of stores) onFinished(() => store.close())
  })

  /** What both stores answer, which has to be the same. */
  async function both<T>(ask: (store: Store) => Promise<T>): Promise<T> {
    const [sqlite, postgres] = await Promise.all(stores.map(ask))
    expect(postgres).toStrictEqual(sqlite)
    return sqlite!
  }

  test('results, failures and names of any characters', { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(anyName, anyName, anyText, anyJson, async (name, key, words, result) => {
        const op = operation({ kind: 'stats.load', createdBy: name, snapshot: words })
        const claim = { caller: name, key, fingerprint: 'f', expiresAtMs: T0 + 1_000_000 }
        const started = await both(store => store.start(op, claim, T0))
        if (started.kind !== 'started') return
        const failure: Operation['failure'] = { reason: 'rejected', detail: words }
        await both(store => store.save(changed(endOf(op), { result, failure })))
        await both(store => store.get(op.id))
        await both(store => store.start(operation({ kind: 'stats.load' }), claim, T0))
        const query = { visible: { vmIds: '*' as const, kinds: [], createdBy: name }, limit: 3 }
        expect(await both(store => store.list(query))).not.toEqual([])
        await both(store => store.list({ ...query, visible: { ...query.visible, createdBy: `${name}x` } }))
      }),
      propertyOptions(100),
    ),
  )

  test('keys that differ in a single character are different keys', async () => {
    for (const key of ['\0', '\\0', '\\u0000', '\\\\u0000', 'u0000', 'K', 'k', 'ｋ', '\\ud800']) {
      const claim = { caller: 'keys', key, fingerprint: 'f', expiresAtMs: T0 + 1_000_000 }
      expect(await both(store => store.start(operation({ kind: 'stats.load' }), claim, T0))).toEqual({
        kind: 'started',
      })
    }
  })

  test('ids are ordered by their bytes, whatever the database sorts by', async () => {
    const ids = ['op_B', 'op_a', 'op_A', 'op_b', 'op_1', 'op__', 'op_Z', 'op_z'].map(id => `${id}order`)
    for (const id of ids)
      await both(store => store.start(operation({ id, kind: 'stats.load', vmId: 77 }), null, T0))
    const visible = { vmIds: [77], kinds: ['stats.load' as const], createdBy: '' }
    const listed = await both(store => store.list({ visible, limit: 20 }))
    expect(listed.map(({ id }) => id)).toEqual(ids.toSorted().toReversed())
    for (const olderThan of ids) await both(store => store.list({ visible, limit: 3, olderThan }))
  })

  test('a document of a megabyte', async () => {
    const op = operation({ vmId: 99 })
    await both(store => store.start(op, null, T0))
    await both(store => store.save(changed(endOf(op), { result: { raw: 'x\n"\\ü'.repeat(170_000) } })))
    expect(JSON.stringify(await both(store => store.get(op.id))).length).toBeGreaterThan(1_000_000)
  })
})
