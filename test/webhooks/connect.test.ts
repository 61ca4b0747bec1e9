/** Where a message may go is decided by the address that is connected to: rebinding, every spelling, and TLS. */

import { execFileSync } from 'node:child_process'
import type { LookupAddress } from 'node:dns'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createSender, type SenderOptions, type Sent } from '../../src/webhooks/send.ts'
import { realWorld } from '../../src/world.ts'
import { temporaryDirectory } from '../helper.ts'
import { lacks } from '../programs.ts'
import { startReceiver } from './receiver.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

function send(url: string | URL, options: Partial<SenderOptions> = {}): Promise<Sent> {
  const sender = createSender({ allow: [], world: realWorld, timeoutMs: 5_000, ...options })
  onTestFinished(() => sender.close())
  const receiver = { name: 'tester', url: new URL(url), secrets: () => [SECRET] }
  return sender.send(receiver, { id: 'msg_1', atMs: Date.now(), body: '{}' })
}

const DELIVERED: Sent = { kind: 'delivered' }
const at = (address: string): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })

/** Every way to write 127.0.0.1 and others that lead to this machine, in the place of `HOST`. */
const SPELLINGS = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '127.0.0.1.',
  '１２７.0.0.1',
  '0.0.0.0',
  '0',
  'localhost',
  'LOCALHOST.',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[64:ff9b::127.0.0.1]',
  '[::127.0.0.1]',
  '[2002:7f00:1::]',
]

test.each(SPELLINGS)('%s is refused, and nobody is connected to', async host => {
  const receivers = [await startReceiver(), await startReceiver(undefined, { host: '::1' })]
  for (const { port } of receivers)
    for (const protocol of ['http', 'https']) {
      const sent = await send(`${protocol}://${host}:${port}/`)
      expect(sent).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/WEBHOOK_ALLOW/) as string })
    }
  expect(receivers.map(({ connections }) => connections())).toEqual([0, 0])
})

test.each(SPELLINGS.filter(host => !/0\.0\.0\.0|^0$|::\]|64:ff9b|\[::127|2002/.test(host)))(
  '%s is this machine, when that is in WEBHOOK_ALLOW',
  async host => {
    const { port } = await startReceiver(undefined, {
      host: /::1|:1\]/.test(host) && !/ffff/.test(host) ? '::1' : '127.0.0.1',
    })
    expect(await send(`http://${host}:${port}/`, { allow: ['127.0.0.1', '::1'] })).toEqual(DELIVERED)
  },
)

test('a name that has a public address first and a private one when it is looked up again leads to the first', async () => {
  const allowed = await startReceiver()
  const inside = await startReceiver(undefined, { host: '127.0.0.2', port: allowed.port })
  let lookups = 0
  const options = {
    allow: ['127.0.0.1'],
    // As a name server with a time to live of 0 does.
    lookup: async () => [at(lookups++ % 2 === 0 ? '127.0.0.1' : '127.0.0.2')],
  }
  const url = `http://localhost:${allowed.port}/`
  expect(await send(url, options)).toEqual(DELIVERED)
  // The next attempt looks it up again, and judges what it is now.
  expect(await send(url, options)).toEqual({
    kind: 'failed',
    reason: 'plain http is for loopback addresses that WEBHOOK_ALLOW lists, and 127.0.0.2 is none',
  })
  expect([lookups, allowed.got.length, inside.connections()]).toEqual([2, 1, 0])
})

test('of the addresses of a name only those that may be receivers are connected to, in whatever order', async () => {
  const allowed = await startReceiver()
  const inside = await startReceiver(undefined, { host: '127.0.0.2', port: allowed.port })
  for (const addresses of [
    ['127.0.0.2', '127.0.0.1'],
    ['127.0.0.1', '::ffff:127.0.0.2'],
    ['fe80::1', '10.0.0.1', '127.0.0.1'],
  ])
    expect(
      await send(`http://localhost:${allowed.port}/`, {
        allow: ['127.0.0.1'],
        lookup: async () => addresses.map(at),
      }),
    ).toEqual(DELIVERED)
  expect(inside.connections()).toBe(0)
})

test('an address where nobody answers is passed over, and after the time nobody is connected to', async () => {
  const { port, connections } = await startReceiver()
  const url = `http://localhost:${port}/`
  const options = { allow: ['127.0.0.1', '127.0.0.3'] }
  expect(await send(url, { ...options, lookup: async () => ['127.0.0.3', '127.0.0.1'].map(at) })).toEqual(
    DELIVERED,
  )
  const { promise: found, resolve } = Promise.withResolvers<LookupAddress[]>()
  const late = await send(url, { ...options, timeoutMs: 20, lookup: () => found })
  expect(late).toEqual({ kind: 'failed', reason: 'no answer within 20 ms' })
  resolve([at('127.0.0.1')])
  // Another attempt is through before it could be.
  expect(await send(url, options)).toEqual(DELIVERED)
  expect(connections()).toBe(2)
})

test.each(['10.0.0.1', '169.254.169.254', '::ffff:192.168.0.1', 'fd00:ec2::254', '64:ff9b::a9fe:a9fe'])(
  'a name that resolves to %s is refused',
  async address => {
    expect(await send('https://receiver.example.com/', { lookup: async () => [at(address)] })).toEqual({
      kind: 'failed',
      reason: `${address} is not public, and not in WEBHOOK_ALLOW`,
    })
  },
)

test('plain http never leaves this machine, whatever the name of it resolves to', async () => {
  for (const address of ['8.8.8.8', '10.0.0.1'])
    expect(
      await send('http://localhost/', {
        allow: ['10.0.0.0/8', '127.0.0.1'],
        lookup: async () => [at(address)],
      }),
    ).toEqual({
      kind: 'failed',
      reason: `plain http is for loopback addresses that WEBHOOK_ALLOW lists, and ${address} is none`,
    })
})

test('if another address than the judged one is connected to after all, nothing is written to it', async () => {
  const { port, connections, got } = await startReceiver(undefined, { host: '127.0.0.2' })
  let reads = 0
  const changing: LookupAddress = {
    family: 4,
    // What is judged is not what is used.
    get address() {
      reads += 1
      return reads === 1 ? '127.0.0.1' : '127.0.0.2'
    },
  }
  const sent = await send(`http://localhost:${port}/`, {
    allow: ['127.0.0.1'],
    lookup: async () => [changing],
  })
  expect(sent).toMatchObject({
    kind: 'failed',
    reason: expect.stringContaining('127.0.0.2 is none') as string,
  })
  expect([connections(), got]).toEqual([1, []])
})

describe.skipIf(lacks('openssl'))('TLS', () => {
  /** A certificate for these names that is signed by itself, so that it is the authority as well. */
  function certificate(names: string): { key: string; cert: string } {
    const directory = temporaryDirectory()
    const [key, cert] = [join(directory, 'key'), join(directory, 'cert')]
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const subject = ['-subj', '/CN=receiver', '-addext', `subjectAltName=${names}`]
    const args = ['req', ...kind, ...subject, '-keyout', key, '-out', cert]
    execFileSync('openssl', args, { stdio: 'ignore' })
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  }

  const allow = ['127.0.0.1']

  test('a receiver is verified by the name or the address in its URL', async () => {
    const tls = certificate('DNS:receiver.example.com,IP:127.0.0.1')
    const { port, got } = await startReceiver(undefined, { tls })
    const lookup = async (): Promise<LookupAddress[]> => [at('127.0.0.1')]
    for (const host of ['receiver.example.com', 'receiver.example.com.', 'RECEIVER.example.com', '127.0.0.1'])
      expect(await send(`https://${host}:${port}/`, { allow, ca: tls.cert, lookup })).toEqual(DELIVERED)
    const name = 'receiver.example.com'
    expect(got.map(({ sni }) => sni)).toEqual([name, name, name, false])
    expect(await send(`https://other.example.com:${port}/`, { allow, ca: tls.cert, lookup })).toEqual({
      kind: 'failed',
      reason: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
    expect(await send(`https://receiver.example.com:${port}/`, { allow, lookup })).toEqual({
      kind: 'failed',
      reason: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    })
    expect(got).toHaveLength(4)
  })

  test('NODE_TLS_REJECT_UNAUTHORIZED does not switch that off', async () => {
    const { url, got } = await startReceiver(undefined, { tls: certificate('IP:127.0.0.1') })
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(await send(url, { allow })).toEqual({ kind: 'failed', reason: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    expect(got).toEqual([])
  })

  test('a receiver without TLS is not spoken to in the clear', async () => {
    const { port, got } = await startReceiver()
    expect(await send(`https://127.0.0.1:${port}/`, { allow })).toEqual({
      kind: 'failed',
      reason: expect.stringMatching(/^(ERR_SSL_\w+|ECONNRESET|EPROTO)$/) as string,
    })
    expect(got).toEqual([])
  })
})
