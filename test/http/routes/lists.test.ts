/** A list never holds what its operations brought, unless it is asked for, and then a megabyte at a time. */

import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { KEY, startWorld, type World } from '../../helper.ts'

const SIZE = 300_000
const COUNT = 8

/** A gateway with some operations whose results are large. */
async function withLargeResults(): Promise<World> {
  const world = await startWorld()
  const body = JSON.stringify({ result: 'OK', scope: { text: 'x'.repeat(SIZE) }, context: {} })
  for (let i = 0; i < COUNT; i += 1) {
    world.simulator.fault({ action: 'check', vmId: 1000, kind: 'respond', body })
    // oxlint-disable-next-line no-await-in-loop -- in this order
    const started = await world.call('GET', '/vms/1000/stats', { headers: { prefer: 'respond-async' } })
    // oxlint-disable-next-line no-await-in-loop -- in this order
    const end = await world.call('GET', started.body.self, { headers: { prefer: 'wait=10' } })
    expect([end.body.status, end.text.length > SIZE]).toEqual(['succeeded', true])
  }
  return world
}

test('results are there when they are asked for, and a page of them is about a megabyte', async () => {
  const world = await withLargeResults()
  const lean = await world.call('GET', '/operations?limit=100')
  expect(lean.body.operations).toHaveLength(COUNT)
  expect(lean.body.next_cursor).toBeNull()
  for (const operation of lean.body.operations) expect(operation).not.toHaveProperty('result')
  expect(lean.text.length).toBeLessThan(COUNT * 1_000)

  const seen: string[] = []
  for (let path: string | undefined = '/operations?limit=100&include=result'; path;) {
    // oxlint-disable-next-line no-await-in-loop -- a page leads to the next one
    const page = await world.call('GET', path)
    expect(page.text.length).toBeLessThan(1024 * 1024 + 1_000)
    for (const { id, result } of page.body.operations) {
      expect(result.stats.text).toHaveLength(SIZE)
      seen.push(id)
    }
    path = /^<(.+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1]
    expect(path === undefined).toBe(page.body.next_cursor === null)
  }
  expect(seen).toEqual(lean.body.operations.map(({ id }: { id: string }) => id))
  expect((await world.call('GET', '/operations?include=all')).status).toBe(400)
})

test('clients that never read hold nothing of it but what they may hold open', async () => {
  const world = await withLargeResults()
  const { port, hostname } = new URL(world.gateway.address)
  const before = process.memoryUsage().rss
  for (let i = 0; i < 100; i += 1) {
    const socket = connect(Number(port), hostname).pause()
    onTestFinished(() => void socket.destroy())
    socket.write(`GET /operations?limit=100 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${KEY}\r\n\r\n`)
  }
  expect((await world.call('GET', '/operations')).status).toBe(200)
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024)
})
