/** From which address a request comes: that of the connection, or what a trusted proxy says of it in `X-Forwarded-For`. */

import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { addressesIn } from '../config/cidrs.ts'

/** Makes Fastify's `trustProxy` of the addresses and CIDRs of the proxies that are believed. */
export function trustIn(proxies: readonly string[]): ((address: string) => boolean) | false {
  if (proxies.length === 0) return false
  const isTrusted = addressesIn(proxies)
  return text => {
    const address = addressIn(text)
    return address !== undefined && isTrusted(address)
  }
}

/**
 * Returns the address that a request comes from. Where a trusted proxy says something that is none, such as `unknown`, it
 * is that of the connection: nobody makes up a new address with each request.
 */
export function addressOf({ ip, socket }: FastifyRequest): string {
  return addressIn(ip) ?? socket.remoteAddress ?? ''
}

/** Returns the address alone in what proxies write: `192.0.2.1:40001`, `[2001:db8::1]:443`, `fe80::1%eth0`. */
export function addressIn(text: string): string | undefined {
  const [, v4, v6] = /^(?:([\d.]+):\d{1,5}|\[([^\]]+)\](?::\d{1,5})?)$/.exec(text.trim()) ?? []
  const address = (v4 ?? v6 ?? text.trim()).replace(/%[\w.-]+$/, '')
  return isIP(address) === 0 ? undefined : address
}
