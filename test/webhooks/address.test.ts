/** Which addresses may be receivers: judged in every way that one can be written. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isLoopback, receiverAddresses } from '../../src/webhooks/address.ts'

const mayReceive = receiverAddresses([])

/** The first and the last address of each range that is not public, and their neighbours, which are. */
const V4: [range: string, first: string, last: string, before: string | null, after: string | null][] = [
  ['this network', '0.0.0.0', '0.255.255.255', null, '1.0.0.0'],
  ['private', '10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
  ['carrier-grade NAT', '100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
  ['loopback', '127.0.0.0', '127.255.255.255', '126.255.255.255', '128.0.0.0'],
  ["Azure's own services", '168.63.129.16', '168.63.129.16', '168.63.129.15', '168.63.129.17'],
  ['link-local', '169.254.0.0', '169.254.255.255', '169.253.255.255', '169.255.0.0'],
  ['private', '172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
  ['protocol assignments', '192.0.0.0', '192.0.0.255', '191.255.255.255', '192.0.1.0'],
  ['documentation', '192.0.2.0', '192.0.2.255', '192.0.1.255', '192.0.3.0'],
  ['6to4 relays', '192.88.99.0', '192.88.99.255', '192.88.98.255', '192.88.100.0'],
  ['private', '192.168.0.0', '192.168.255.255', '192.167.255.255', '192.169.0.0'],
  ['benchmarking', '198.18.0.0', '198.19.255.255', '198.17.255.255', '198.20.0.0'],
  ['documentation', '198.51.100.0', '198.51.100.255', '198.51.99.255', '198.51.101.0'],
  ['documentation', '203.0.113.0', '203.0.113.255', '203.0.112.255', '203.0.114.0'],
  ['multicast and reserved', '224.0.0.0', '255.255.255.255', '223.255.255.255', null],
]

test.each(V4)('%s: %s to %s', (_, first, last, before, after) => {
  const judged = [first, last, before, after].map(address => address === null || mayReceive(address))
  expect(judged).toEqual([false, false, true, true])
})

test.each([
  '::',
  '::1',
  '::2',
  '::7f00:1',
  '::ffff:0:7f00:1',
  '64:ff9b:1::1',
  '100::1',
  '1fff:ffff::1',
  '2001::1',
  '2001:0:7f00:1::1',
  '2001:2::1',
  '2001:10::1',
  '2001:20::1',
  '2001:1ff:ffff::1',
  '2001:db8::1',
  '2002:7f00:1::1',
  '2002:808:808::1',
  '3fff::1',
  '3fff:fff::1',
  '4000::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fdff::1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  'ffff::1',
])('%s may not be a receiver', address => {
  expect(mayReceive(address)).toBe(false)
})

test.each([
  '2000::1',
  '2001:200::1',
  '2001:4860:4860::8888',
  '2a01:4f8::1',
  '2606:4700::1111',
  '3ffe::1',
  '8.8.8.8',
  '1.1.1.1',
])('%s may be one', address => expect(mayReceive(address)).toBe(true))

test.each([
  '',
  'localhost',
  'example.com',
  '8.8.8',
  '127.1',
  '0x7f000001',
  '1.2.3.4.5',
  '8.8.8.8:80',
  '[2000::1]',
])('what is no address is none: %o', text => expect(mayReceive(text)).toBe(false))

const v4 = fc.ipV4()
const hex = (address: string): string => {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}

test('an IPv4 address within an IPv6 one that leads to it is judged as itself, however it is written', () => {
  fc.assert(
    fc.property(v4, address => {
      const expected = mayReceive(address)
      for (const written of [
        `::ffff:${address}`,
        `::FFFF:${hex(address)}`,
        `0:0:0:0:0:ffff:${address}`,
        `0000:0000:0000:0000:0000:ffff:${hex(address)}`,
        `::ffff:${address}%lo`,
        `64:ff9b::${address}`,
        `64:ff9b::${hex(address)}`,
        `0064:ff9b:0:0:0:0:${hex(address)}`,
      ])
        expect([written, mayReceive(written)]).toEqual([written, expected])
    }),
    {
      examples: [
        ['127.0.0.1'],
        ['10.0.0.1'],
        ['0.0.0.1'],
        ['0.0.0.0'],
        ['169.254.169.254'],
        ['8.8.8.8'],
        ['1.0.0.0'],
      ],
    },
  )
})

test('nothing but global unicast is public in IPv6, but for what leads to IPv4', () => {
  fc.assert(
    fc.property(fc.ipV6(), address => {
      const first = Number.parseInt(address.split(':')[0] || '0', 16)
      if (mayReceive(address))
        expect((first >= 0x2000 && first < 0x4000) || first === 0x64 || /^[0:]*ffff:/i.test(address)).toBe(
          true,
        )
    }),
    { numRuns: 2_000 },
  )
})

test('what the operator lists may be a receiver, and nothing beside it', () => {
  const allowing = receiverAddresses(['10.1.0.0/16', '127.0.0.1', 'fd00:1::/32', '::1'])
  for (const [address, expected] of [
    ['10.1.2.3', true],
    ['::ffff:10.1.2.3', true],
    ['64:ff9b::10.1.2.3', true],
    ['10.2.0.0', false],
    ['127.0.0.1', true],
    ['127.0.0.2', false],
    ['::1', true],
    ['fd00:1:2::3', true],
    ['fd00:2::1', false],
    ['8.8.8.8', true],
  ] as const)
    expect([address, allowing(address)]).toEqual([address, expected])
})

test('loopback', () => {
  const found = ['127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1'].map(isLoopback)
  expect(found).toEqual([true, true, true, true, true])
  expect(['128.0.0.1', '0.0.0.0', '::', '10.0.0.1', '::2'].map(isLoopback)).toEqual([
    false,
    false,
    false,
    false,
    false,
  ])
})
