/** Names of receivers, with a name server of this test on a real socket. */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect, onTestFinished, test, vi } from 'vitest'
import { receiverLookup, type Lookup } from '../../src/webhooks/lookup.ts'

const A = 1

/** Starts a name server that knows the IPv4 addresses of some names, and that no other name exists. */
async function startNameServer(known: Record<string, string>): Promise<string> {
  const server = createSocket('udp4')
  server.on('message', (query, { port, address }) => {
    const labels: string[] = []
    let at = 12
    for (let size = query[at]!; size > 0; size = query[at]!) {
      labels.push(query.toString('latin1', at + 1, at + 1 + size))
      at += 1 + size
    }
    const type = query.readUInt16BE(at + 1)
    const question = query.subarray(12, at + 5)
    const found = known[labels.join('.')]
    const answers = found !== undefined && type === A ? 1 : 0
    const head = Buffer.from(query.subarray(0, 12))
    // An answer, of a server that recurses; NXDOMAIN when the name is not known.
    head.writeUInt16BE(0x8180 | (found === undefined ? 3 : 0), 2)
    for (const [i, count] of [1, answers, 0, 0].entries()) head.writeUInt16BE(count, 4 + 2 * i)
    const record = Buffer.from([
      0xc0,
      12,
      0,
      A,
      0,
      1,
      0,
      0,
      0,
      0,
      0,
      4,
      ...(found ?? '').split('.').map(Number),
    ])
    server.send(Buffer.concat([head, question, ...(answers > 0 ? [record] : [])]), port, address)
  })
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `127.0.0.1:${server.address().port}`
}

const [FIRST, SECOND] = [[{ address: '192.0.2.1', family: 4 }], [{ address: '192.0.2.2', family: 4 }]]

test('while the system hangs on one name, others are asked of DNS; only what DNS does not know waits', async () => {
  const servers = [await startNameServer({ 'known.example': '192.0.2.2' })]
  const hanging = Promise.withResolvers<typeof FIRST>()
  const system = vi.fn<Lookup>(async name => (name === 'hangs.example' ? hanging.promise : SECOND))
  const lookup = receiverLookup({ system, servers })
  const first = lookup('hangs.example')
  const waiting = lookup('only-in-the-hosts-file')
  expect(await lookup('known.example')).toEqual(SECOND)
  expect(await lookup('known.example')).toEqual(SECOND)
  expect(system.mock.calls).toEqual([['hangs.example']])
  hanging.resolve(FIRST)
  expect([await first, await waiting]).toEqual([FIRST, SECOND])
  expect(system.mock.calls).toEqual([['hangs.example'], ['only-in-the-hosts-file']])
  // The system is asked again, and what fails there does not stay in the way.
  system.mockRejectedValueOnce(new Error('EAI_AGAIN'))
  await expect(lookup('known.example')).rejects.toThrow('EAI_AGAIN')
  expect(await lookup('known.example')).toEqual(SECOND)
})

test('never is more than one name asked of the system at once, and equal names share an answer', async () => {
  let most = 0
  let atOnce = 0
  const system = vi.fn<Lookup>(async () => {
    atOnce += 1
    most = Math.max(most, atOnce)
    await new Promise(resolve => setImmediate(resolve))
    atOnce -= 1
    return FIRST
  })
  const lookup = receiverLookup({ system, servers: [await startNameServer({})] })
  const names = Array.from({ length: 20 }, (_, i) => `name-${i}.example`)
  await Promise.all([...names, ...names].map(name => lookup(name)))
  expect([most, system.mock.calls.length]).toEqual([1, 20])
})

test('the hosts file of the machine counts', async () => {
  const addresses = (await receiverLookup()('localhost')).map(({ address }) => address)
  expect(addresses).toContain('127.0.0.1')
})
