import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { KEY, startWorld } from '../helper.ts'

test('a request is logged in one line, without its headers, query and body', async () => {
  const world = await startWorld()
  await world.call('POST', '/vms/1000/snapshots?note=in-the-query', { body: { name: 'in-the-body' } })
  await vi.waitFor(() => expect(world.log.some(line => line.includes('"msg":"request"'))).toBe(true))
  const lines = world.log.map(line => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({
    method: 'POST',
    route: '/vms/:vm_id/snapshots',
    status: 400,
    caller: 'tester',
    took_ms: expect.any(Number),
    reqId: expect.any(String),
  })
  expect(world.log.join('')).not.toContain('in-the-query')
  // The audit names the snapshot; nothing else of a body is told, and nowhere else.
  const others = world.log.filter(line => JSON.parse(line).audit !== true)
  expect(others.join('')).not.toContain('in-the-body')
})

const CREATE = `POST /vms/1000/snapshots HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/json\r\n`

test('who leaves before the answer gets a line in the log, too, and only one', async () => {
  const world = await startWorld()
  const { body } = await world.call('POST', '/vms/1003/snapshots', { body: { name: 'a' } })
  const leave = async (path: string, id: string, prefer: string): Promise<void> => {
    const controller = new AbortController()
    const response = world.call('GET', path, {
      signal: controller.signal,
      headers: { 'x-request-id': id, prefer },
    })
    await once(world.gateway.app.server, 'request')
    await sleep(100)
    controller.abort()
    await expect(response).rejects.toThrow('aborted')
  }
  await leave(body.self, 'left-a-wait', 'wait=20')
  await leave(`${body.self}/events`, 'left-a-stream', '')
  await leave('/vms/1003/stats', 'left-a-read', 'wait=20')
  const { port, hostname } = new URL(world.gateway.address)
  const socket = connect(Number(port), hostname)
  socket.write(`${CREATE}X-Request-Id: left-a-body\r\nContent-Length: 100\r\n\r\n{`)
  await once(world.gateway.app.server, 'request')
  socket.destroy()
  const linesOf = (id: string): unknown[] =>
    world.log.map(line => JSON.parse(line)).filter(line => line.msg === 'request' && line.reqId === id)
  const check = (): void => {
    for (const [id, route] of [
      ['left-a-wait', '/operations/:operation_id'],
      ['left-a-stream', '/operations/:operation_id/events'],
      ['left-a-read', '/vms/:vm_id/stats'],
      ['left-a-body', '/vms/:vm_id/snapshots'],
    ] as const)
      expect(linesOf(id)).toEqual([
        expect.objectContaining({
          status: 499,
          route,
          caller: 'tester',
          took_ms: expect.any(Number),
        }),
      ])
  }
  await vi.waitFor(check)
  // Whatever was still to come has come then.
  await world.restart()
  check()
})
