/**
 * Which addresses may be receivers. What counts is the address that a connection is made to, and never how somebody writes
 * it: public ones may, and of the others those that the operator names in `WEBHOOK_ALLOW`.
 */

import { isIP } from 'node:net'
import { addressesIn } from '../config/cidrs.ts'

/** IPv4 addresses that are not public: IANA's registry of special addresses, and one of Azure's for its own services. */
const isSpecialV4 = addressesIn([
  '0.0.0.0/8',
  '10.0.0.0/8',
  // Carrier-grade NAT, and the metadata of Alibaba Cloud.
  '100.64.0.0/10',
  '127.0.0.0/8',
  // Link-local, and the metadata of nearly every cloud.
  '169.254.0.0/16',
  '168.63.129.16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  // Relays of 6to4.
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  // Multicast, what is reserved, and broadcast.
  '224.0.0.0/3',
])

/** IPv6 is public where it is given out for that; but some of it is for documentation, protocols and tunnels. */
const isGlobalV6 = addressesIn(['2000::/3'])
const isSpecialV6 = addressesIn([
  // Protocols; Teredo is among them.
  '2001::/23',
  '2001:db8::/32',
  // 6to4, which leads to whatever IPv4 address is within.
  '2002::/16',
  '3fff::/20',
])

const isLoopbackAddress = addressesIn(['127.0.0.0/8', '::1'])

/** Returns what tells whether an address may be a receiver's, where these CIDRs may be receivers, too. */
export function receiverAddresses(allow: readonly string[]): (address: string) => boolean {
  const isListed = addressesIn(allow)
  return address => {
    const plain = plainOf(address)
    return isPublic(plain) || isListed(plain)
  }
}

/** Tells whether an address is that of this machine itself. */
export function isLoopback(address: string): boolean {
  return isLoopbackAddress(plainOf(address))
}

function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !isSpecialV4(address)
  return isIP(address) === 6 && isGlobalV6(address) && !isSpecialV6(address)
}

/** `::ffff:a.b.c.d`, to which a connection is one over IPv4, and `64:ff9b::a.b.c.d`, which a NAT64 leads to IPv4 (RFC 6052). */
const CARRIERS_OF_V4 = ['0:0:0:0:0:ffff', '64:ff9b:0:0:0:0']

/** The address without its zone; the IPv4 address where a connection ends at one. */
function plainOf(text: string): string {
  const address = text.replace(/%.*$/, '')
  if (isIP(address) !== 6) return address
  const groups = groupsOf(address)
  if (!CARRIERS_OF_V4.includes(groups.slice(0, 6).join(':'))) return address
  return groups
    .slice(6)
    .map(group => parseInt(group, 16))
    .flatMap(pair => [pair >> 8, pair & 255])
    .join('.')
}

/** The eight groups of an IPv6 address, in hex without leading zeros. */
function groupsOf(address: string): string[] {
  // The host of a URL is written in the one canonical way, in which at most one run of zeros is left out.
  const [, canonical = ''] = /^\[(.*)\]$/.exec(new URL(`http://[${address}]`).hostname) ?? []
  const [head = [], tail = []] = canonical.split('::').map(part => part.split(':').filter(Boolean))
  return [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail]
}
