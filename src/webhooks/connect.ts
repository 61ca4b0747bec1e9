/**
 * Connects to receivers. A name is looked up once for each connection, each address that it has is judged, and the
 * connection is made to a judged address: nobody can put another one in its place in between.
 */

import type { LookupAddress } from 'node:dns'
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { isLoopback, receiverAddresses } from './address.ts'
import { receiverLookup, type Lookup } from './lookup.ts'
import { hostOf } from './receiver.ts'

export interface ConnectorOptions {
  /** CIDRs of addresses that are not public and yet may be receivers. */
  allow: readonly string[]
  lookup?: Lookup | undefined
  /** The certificates of the authorities that are trusted, in PEM; those of Node when it is not given. */
  ca?: string | undefined
}

/** Opens a connection to the host of a URL, with TLS where it says https. @throws Error also when no address may be a receiver's */
export type Connector = (url: URL, signal: AbortSignal) => Promise<Socket>

/** An address that may not be a receiver's. */
class Refused extends Error {
  override readonly name = 'Refused'

  constructor(addresses: readonly string[], isPlainHttp: boolean) {
    super(
      isPlainHttp
        ? `plain http is for loopback addresses that WEBHOOK_ALLOW lists, and ${addresses.join(', ')} is none`
        : `${addresses.join(', ')} is not public, and not in WEBHOOK_ALLOW`,
    )
  }
}

export function receiverConnector({ allow, lookup = receiverLookup(), ca }: ConnectorOptions): Connector {
  const mayReceive = receiverAddresses(allow)
  return async (url, signal) => {
    const isPlainHttp = url.protocol === 'http:'
    const isGood = (address: string): boolean => mayReceive(address) && (!isPlainHttp || isLoopback(address))
    const host = hostOf(url)
    const family = isIP(host)
    const all = family === 0 ? await lookup(host) : [{ address: host, family }]
    const good = all.filter(({ address }) => isGood(address))
    if (good.length === 0)
      throw new Refused(
        all.map(({ address }) => address),
        isPlainHttp,
      )
    signal.throwIfAborted()
    const target = {
      host,
      port: Number(url.port || (isPlainHttp ? 80 : 443)),
      lookup: answering(good),
      // It asks for all addresses, and tries one after the other.
      autoSelectFamily: true,
    }
    const socket = isPlainHttp
      ? connectTcp(target)
      : connectTls({
          ...target,
          // A name alone may stand there (RFC 6066, section 3).
          ...(family === 0 && { servername: host }),
          ALPNProtocols: ['http/1.1'],
          rejectUnauthorized: true,
          ...(ca !== undefined && { ca }),
        })
    return connected(socket, {
      event: isPlainHttp ? 'connect' : 'secureConnect',
      isGood,
      isPlainHttp,
      signal,
    })
  }
}

interface Connecting {
  event: 'connect' | 'secureConnect'
  isGood: (address: string) => boolean
  isPlainHttp: boolean
  signal: AbortSignal
}

/** Resolves once the connection is there. Whatever was looked up, nothing is written where it should not have led. */
function connected(socket: Socket, { event, isGood, isPlainHttp, signal }: Connecting): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const giveUp = (): unknown => socket.destroy(signal.reason as Error)
    signal.addEventListener('abort', giveUp, { once: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      const { remoteAddress = '' } = socket
      if (!isGood(remoteAddress)) socket.destroy(new Refused([remoteAddress], isPlainHttp))
    })
    socket.once(event, () => {
      signal.removeEventListener('abort', giveUp)
      resolve(socket)
    })
  })
}

/** Answers each look-up with these addresses. */
function answering(addresses: readonly LookupAddress[]): LookupFunction {
  return (_name, _options, tell) => tell(null, [...addresses])
}
