/**
 * Replicas over one PostgreSQL, as processes behind a load balancer. What HOSTKEY (the simulator) was asked for is the
 * judge: nothing acknowledged is lost, nothing is sent twice.
 */

import { beforeAll, describe, expect, test, vi } from 'vitest'
import { SCOPES } from '../src/callers/caller.ts'
import { newEntry } from '../src/callers/key.ts'
import { startCluster, type Cluster } from './cluster.ts'
import type { GatewayProcess } from './crash/child.ts'
import { call, closedAfterAll, collect, KEY, serverEvents, stoppableClock, type Answer } from './helper.ts'
import { lacks } from './programs.ts'
import { lacksPostgres } from './store/postgres/postgres-server.ts'

const SMALL_KEY = 'small-caller-key-000000000000000'
const SMALL_MAX = 7

/** How often HOSTKEY was asked to change this VM. */
function changes({ simulator }: Cluster, vmId: number): number {
  return simulator.requests.filter(
    ({ path, fields }) =>
      path === '/vm.php' && fields.id === String(vmId) && !/^(get_snapshot|load_stats)$/.test(fields.action!),
  ).length
}

function create(
  base: string,
  vmId: number,
  headers: Record<string, string> = {},
  name = 'a',
): Promise<Answer> {
  return call(base, 'POST', `/vms/${vmId}/snapshots`, { body: { name }, headers })
}

/** As soon as it is so; what is asked may fail until then. */
function until(check: () => Promise<unknown>, timeout = 12_000): Promise<unknown> {
  return vi.waitFor(check, { timeout, interval: 20 })
}

describe.skipIf(lacks('haproxy') || lacksPostgres())('replicas', () => {
  describe('that are well', () => {
    const clock = stoppableClock()
    let cluster: Cluster
    let one: string
    let two: string
    const onFinished = closedAfterAll()
    beforeAll(async () => {
      cluster = await startCluster({
        onFinished,
        replicas: [{}, {}],
        simulator: {
          now: clock.now,
          vms: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [1 + i, {}])),
        },
        callers: [
          newEntry('tester', KEY, SCOPES, '*'),
          { ...newEntry('small', SMALL_KEY, SCOPES, '*'), rate_limit: { max: SMALL_MAX, window_ms: 60_000 } },
        ],
      })
      ;[one, two] = cluster.replicas.map(({ address }) => address) as [string, string]
    }, 30_000)

    test('what starts on one is waited for and followed on another, and on both at once', async () => {
      clock.stop()
      const { body: operation } = await create(one, 1)
      expect(await call(two, 'GET', operation.self)).toMatchObject({
        status: 200,
        body: { status: 'running' },
      })
      const waits = [one, two].map(base =>
        call(base, 'GET', operation.self, { headers: { prefer: 'wait=20' } }),
      )
      const stream = await fetch(`${two}${operation.self}/events`, {
        headers: { authorization: `Bearer ${KEY}` },
      })
      const events = collect(serverEvents(stream.body!))
      clock.go()
      const since = performance.now()
      for (const { status, body } of await Promise.all(waits))
        expect([status, body.status]).toEqual([200, 'succeeded'])
      const seen = (await events).filter(({ event }) => event === 'operation').map(({ data }) => data.status)
      expect([seen[0], seen.at(-1)]).toEqual(['running', 'succeeded'])
      // They are woken by the change; looking again by themselves takes two seconds.
      expect(performance.now() - since).toBeLessThan(1_500)
      expect(changes(cluster, 1)).toBe(1)
    })

    test('of many requests with one Idempotency-Key on all of them, one reaches HOSTKEY', async () => {
      const headers = { 'idempotency-key': 'same' }
      const bases = [one, two, cluster.address]
      clock.stop()
      const answers = await Promise.all(
        Array.from({ length: 24 }, (_, i) => create(bases[i % bases.length]!, 2, headers)),
      )
      for (const { status, body } of answers)
        expect(status === 409 ? body.code : status).toBeOneOf([202, 'idempotency-in-progress'])
      clock.go()
      const last = await Promise.all(bases.map(base => create(base, 2, { ...headers, prefer: 'wait=10' })))
      const ids = [...answers, ...last].flatMap(({ body }) => body.id ?? [])
      expect(new Set(ids).size).toBe(1)
      expect(last.map(({ body }) => body.status)).toEqual(['succeeded', 'succeeded', 'succeeded'])
      expect(changes(cluster, 2)).toBe(1)
    })

    test('a VM that one changes is busy for another', async () => {
      clock.stop()
      const { body: operation } = await create(one, 3)
      const busy = await create(two, 3)
      clock.go()
      expect(busy).toMatchObject({ status: 409, body: { code: 'vm-busy', operation: operation.self } })
    })

    test('limits hold in sum', async () => {
      const statuses: number[] = []
      for (let i = 0; i < SMALL_MAX + 4; i += 1)
        statuses.push((await call(i % 2 === 0 ? one : two, 'GET', '/vms/4/stats', { key: SMALL_KEY })).status)
      expect(statuses.filter(status => status === 200)).toHaveLength(SMALL_MAX)
      expect(statuses.filter(status => status === 429)).toHaveLength(4)
    })

    test.for(['hangs', 'is gone'] as const)(
      'the database %s: changes are refused before anything is sent, reads answer, and all comes back',
      { timeout: 20_000 },
      async how => {
        const vmId = how === 'hangs' ? 5 : 6
        const { database, simulator } = cluster
        const { body: before } = await create(one, vmId, { prefer: 'wait=10' })
        if (how === 'hangs') database.stop()
        else await database.kill()

        const sent = simulator.requests.length
        const refused = await Promise.all([one, two].map(base => create(base, vmId)))
        for (const { status, body, headers } of refused) {
          expect([status, body.code]).toEqual([503, 'store-unavailable'])
          expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
        }
        expect(simulator.requests).toHaveLength(sent)
        for (const base of [one, two]) {
          expect((await call(base, 'GET', `/vms/${vmId}/snapshots`)).status).toBe(200)
          expect((await call(base, 'GET', `/vms/${vmId}/stats`)).status).toBe(200)
          expect((await call(base, 'GET', before.self)).status).toBe(503)
          expect((await call(base, 'GET', '/readyz')).status).toBe(503)
          expect((await call(base, 'GET', '/livez')).status).toBe(200)
        }

        if (how === 'hangs') database.go()
        else await database.start()
        await until(async () => {
          for (const base of [one, two, cluster.address])
            expect((await call(base, 'GET', '/readyz')).status).toBe(200)
        })
        expect((await call(two, 'GET', before.self)).body.status).toBe('succeeded')
        // What was refused did not begin: neither is the VM busy, nor was anything sent.
        expect(changes(cluster, vmId)).toBe(1)
        const after = await create(two, vmId, { prefer: 'wait=10' }, 'b')
        expect([after.status, after.body.status]).toEqual([200, 'succeeded'])
        expect(changes(cluster, vmId)).toBe(2)
      },
    )

    test(
      'who follows an operation hears of its end over a restart of the database',
      { timeout: 20_000 },
      async () => {
        clock.stop()
        const { body: operation } = await create(one, 7)
        const stream = await fetch(`${two}${operation.self}/events`, {
          headers: { authorization: `Bearer ${KEY}` },
        })
        const statuses: string[] = []
        for await (const { event, data } of serverEvents(stream.body!)) {
          if (event === 'operation') statuses.push(data.status)
          // Once, when the first state was told.
          if (event !== 'operation' || statuses.length > 1) continue
          await cluster.database.kill()
          await cluster.database.start()
          clock.go()
        }
        expect([statuses[0], statuses.at(-1)]).toEqual(['running', 'succeeded'])
        expect(changes(cluster, 7)).toBe(1)
      },
    )
  })

  // Both take seconds in which nothing happens.
  describe.concurrent('one of which stops', () => {
    /** Where the first replica holds the operation of each VM. */
    const HELD: Record<number, string> = {
      11: 'snapshot.create/intent-stored',
      12: 'snapshot.create/call-answered',
      13: 'snapshot.create/step-stored',
      14: 'snapshot.create/check-answered',
    }
    let cluster: Cluster
    const onFinished = closedAfterAll()
    beforeAll(async () => {
      cluster = await startCluster({
        onFinished,
        replicas: [{ HOLD_AT: JSON.stringify(HELD) }, {}, {}],
        env: { HOSTKEY_TIMEOUT_MS: '3000', OPERATION_DEADLINE_MS: '2500' },
        simulator: { vms: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [1 + i, {}])) },
      })
    }, 30_000)

    test('paused in the middle of a step, it finds the operation ended by another, and leaves it so', async () => {
      const { simulator, replicas } = cluster
      const [, other, paused] = replicas as [GatewayProcess, GatewayProcess, GatewayProcess]
      // The answer to the check, with the result, waits in the socket of a replica that does not run.
      simulator.fault({ kind: 'late', action: 'create_snapshot', vmId: 1, delayMs: 300 })
      const asked = create(paused.address, 1).catch(() => null)
      await until(async () => expect(changes(cluster, 1), paused.log()).toBe(1))
      process.kill(paused.pid, 'SIGSTOP')
      const since = performance.now()
      const { body: list } = await call(other.address, 'GET', '/operations?vm_id=1')
      const [{ self }] = list.operations
      await until(async () => expect((await call(other.address, 'GET', self)).body.status).toBe('succeeded'))
      expect(performance.now() - since).toBeLessThan(12_000)
      const ended = (await call(other.address, 'GET', self)).body
      expect(ended.result.settled_by).toBe('look')

      process.kill(paused.pid, 'SIGCONT')
      // It read its late answer, and was refused.
      await until(async () => expect(paused.log()).toContain('moved by somebody else'))
      expect((await asked)?.body).toMatchObject({ id: ended.id, status: 'succeeded' })
      for (const { address } of [paused, other])
        expect((await call(address, 'GET', self)).body).toEqual(ended)
      expect(changes(cluster, 1)).toBe(1)
    }, 20_000)

    test('killed wherever an operation is, it is taken over within seconds', async () => {
      const { replicas, address } = cluster
      const [killed] = replicas as [GatewayProcess]
      const vmIds = Object.keys(HELD).map(Number)
      for (const vmId of vmIds) void create(killed.address, vmId).catch(() => null)
      await Promise.all(vmIds.map(vmId => killed.held(vmId)))
      const since = performance.now()
      await killed.kill()
      const ends = await Promise.all(
        vmIds.map(async vmId => {
          const list = await until(async () => {
            const { body } = await call(address, 'GET', `/operations?vm_id=${vmId}`)
            expect(body.operations).toHaveLength(1)
            return body
          })
          const [{ self }] = (list as Answer['body']).operations
          let body: Answer['body']
          await until(async () => {
            ;({ body } = await call(address, 'GET', self, { headers: { prefer: 'wait=10' } }))
            expect(body.status).not.toBe('running')
          }, 14_000)
          return [vmId, body.status, performance.now() - since] as const
        }),
      )
      const statusOf = Object.fromEntries(ends.map(([vmId, status]) => [vmId, status]))
      // Of the first nobody knows whether its call left.
      expect(statusOf).toEqual({ 11: 'unknown', 12: 'succeeded', 13: 'succeeded', 14: 'succeeded' })
      for (const [vmId, , tookMs] of ends) if (vmId !== 11) expect(tookMs).toBeLessThan(12_000)
      expect(vmIds.map(vmId => changes(cluster, vmId))).toEqual([0, 1, 1, 1])
    }, 25_000)
  })
})
