import { isIP } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressIn, trustIn } from '../../src/http/address.ts'

const port = fc.integer({ min: 0, max: 65_535 })

test('an address is found alone, with its port, in brackets, and nowhere else', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV6(), port, (v4, v6, number) => {
      for (const text of [v4, ` ${v4}`, `${v4}:${number}`, `[${v4}]`]) expect(addressIn(text)).toBe(v4)
      for (const text of [v6, `[${v6}]`, `[${v6}]:${number}`, `${v6}%eth0`]) expect(addressIn(text)).toBe(v6)
    }),
  )
  fc.assert(
    fc.property(fc.string(), text => {
      expect(isIP(addressIn(text) ?? '::')).not.toBe(0)
    }),
  )
  for (const text of [
    '',
    'unknown',
    '_hidden',
    '1.2.3',
    '1.2.3.4:',
    '1.2.3.4:x',
    '[::1',
    '::1]:5',
    'example.com:80',
  ])
    expect(addressIn(text)).toBeUndefined()
})

test('proxies are trusted by address and by network, with a port too', () => {
  expect(trustIn([])).toBe(false)
  const trust = trustIn(['192.0.2.1', '10.0.0.0/8', '2001:db8::/32'])
  if (!trust) throw new Error('nobody is trusted')
  for (const address of [
    '192.0.2.1',
    '192.0.2.1:5',
    '::ffff:192.0.2.1',
    '10.255.0.1',
    '2001:db8:5::1',
    '[2001:db8::1]:5',
  ])
    expect([address, trust(address)]).toEqual([address, true])
  for (const address of ['192.0.2.2', '11.0.0.1', '2001:db9::1', 'unknown', ''])
    expect([address, trust(address)]).toEqual([address, false])
})
