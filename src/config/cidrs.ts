/** Lists of addresses and CIDRs, as settings have them: `10.0.0.0/8,192.168.1.1`. */

import { BlockList, isIP } from 'node:net'

/** Reads such a list. @throws Error that says what the list must be */
export function parseCidrs(value: string): string[] {
  const cidrs = value.split(',').map(one => one.trim())
  for (const cidr of cidrs) {
    const [address = '', bits, ...rest] = cidr.split('/')
    const family = isIP(address)
    const goodBits = bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
    if (family === 0 || !goodBits || rest.length > 0)
      throw new Error('must be a list of addresses or CIDRs such as 10.0.0.0/8,192.168.1.1')
  }
  return cidrs
}

/** Returns what tells whether an address is in one of these. */
export function addressesIn(cidrs: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [address = '', bits] = cidr.split('/')
    if (bits === undefined) list.addAddress(address, familyOf(address))
    else list.addSubnet(address, Number(bits), familyOf(address))
  }
  return address => list.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}
