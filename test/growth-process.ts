/**
 * A gateway that is asked in its own process, with `--expose-gc`: prints, as JSON, by how many MB the heap grew over so many mixed
 * requests and so many new contents of a callers file. What is filled once (caches, compiled code) is filled before.
 */

import { renameSync, writeFileSync } from 'node:fs'
import type { InjectOptions } from 'fastify'
import { pino } from 'pino'
import { SCOPES } from '../src/callers/caller.ts'
import { openCallersFile } from '../src/callers/file.ts'
import { newEntry } from '../src/callers/key.ts'
import { loadConfig } from '../src/config/config.ts'
import { startGateway } from '../src/gateway.ts'

const { REQUESTS, RELOADS, KEY, RELOADED_FILE } = process.env
const WARM_SHARE = 0.1
const AT_ONCE = 20

const silent = pino({ level: 'silent' })
const gateway = await startGateway(loadConfig(process.env), silent)
const authorization = `Bearer ${KEY}`

/** The requests, over and over. */
const MIX: ((i: number) => InjectOptions)[] = [
  () => ({ url: '/operations?limit=5', headers: { authorization } }),
  i => ({ url: `/operations/op_${String(i).padStart(26, '0')}`, headers: { authorization } }),
  i => ({ url: `/vms/${1000 + (i % 3)}/stats`, headers: { authorization } }),
  i => ({ url: '/operations', headers: { authorization: `Bearer unknown-${i}` } }),
  i => ({ url: `/no/such/path/${i}`, headers: { 'x-request-id': `request-${i}` } }),
  i => ({ url: `/operations?cursor=${i}`, headers: { authorization } }),
  () => ({ url: '/livez' }),
  i => ({ method: 'PUT', url: `/operations/${i}`, headers: { authorization } }),
  i => ({
    method: 'POST',
    url: '/vms/1000/snapshots',
    headers: { authorization, 'idempotency-key': `key-${i % 7}` },
    payload: { name: `a${i % 7}`, unknown: i },
  }),
  i => ({
    url: '/operations',
    headers: { authorization },
    remoteAddress: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
  }),
]

async function ask(count: number): Promise<void> {
  for (let i = 0; i < count; i += AT_ONCE) {
    const some = Array.from({ length: AT_ONCE }, (_, at) => MIX[(i + at) % MIX.length]!(i + at))
    // oxlint-disable-next-line no-await-in-loop -- so many at once and no more
    await Promise.all(some.map(one => gateway.app.inject(one)))
  }
}

async function reload(count: number): Promise<void> {
  let told = Promise.withResolvers<void>()
  const log = { debug() {}, warn() {}, error() {}, info: () => told.resolve() }
  const write = (i: number): void => {
    const entries = [
      newEntry('a', `key-${i}`, SCOPES, '*'),
      newEntry(`b${i}`, 'other', SCOPES, [1000 + (i % 50)]),
    ]
    writeFileSync(`${RELOADED_FILE}.new`, JSON.stringify({ callers: entries }))
    renameSync(`${RELOADED_FILE}.new`, RELOADED_FILE!)
  }
  write(0)
  const file = openCallersFile(RELOADED_FILE!, { log, now: Date.now, intervalMs: 1 })
  for (let i = 1; i <= count; i += 1) {
    told = Promise.withResolvers()
    write(i)
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await told.promise
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await file.find(`key-${i}`)
  }
  file.close()
}

async function heapMb(): Promise<number> {
  for (let i = 0; i < 4; i += 1) {
    // oxlint-disable-next-line no-await-in-loop -- what the first one lets go of
    await new Promise(resolve => setTimeout(resolve, 200))
    globalThis.gc!()
  }
  return process.memoryUsage().heapUsed / 2 ** 20
}

await Promise.all([ask(Number(REQUESTS) * WARM_SHARE), reload(Number(RELOADS) * WARM_SHARE)])
const before = await heapMb()
await Promise.all([ask(Number(REQUESTS)), reload(Number(RELOADS))])
const after = await heapMb()
process.stdout.write(JSON.stringify({ before_mb: before, after_mb: after, grown_mb: after - before }))
await gateway.close()
process.exit()
