/** A receiver: where the ends of a caller's operations are told. Only the callers file names one, and never a request. */

import { isIP } from 'node:net'
import { isLoopback, receiverAddresses } from './address.ts'

export interface Receiver {
  /** The name of the caller. */
  readonly name: string
  readonly url: URL
  /**
   * The secrets that sign, now: one, or two while they are rotated. There is none while the file of the secret cannot be
   * used; then nothing can be sent.
   */
  secrets(): readonly string[]
}

/** What the URL of a receiver must be, for messages. */
export const URL_FORM = 'an https URL of at most 2000 characters'

/** Returns what is wrong with the URL of a receiver, without showing it: its query may be a secret. */
export function faultOfUrl(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) return `must be ${URL_FORM}`
  if (url.username || url.password) return 'must not carry a user or a password'
  if (url.hash) return 'must not carry a fragment'
  const host = hostOf(url)
  const isLocal = host === 'localhost' || isLoopback(host)
  if (url.protocol === 'http:' && !isLocal)
    return 'may be plain http only to a loopback address: whoever is between could read and change what is told'
  return undefined
}

/**
 * Returns what is wrong with the address that a receiver's URL names, which may be refused only when it is connected to:
 * a name may have any address then.
 */
export function faultOfAddress(url: string, allow: readonly string[]): string | undefined {
  const host = hostOf(new URL(url))
  const addresses = host === 'localhost' ? ['127.0.0.1', '::1'] : isIP(host) === 0 ? [] : [host]
  if (addresses.length === 0 || addresses.some(receiverAddresses(allow))) return undefined
  return 'has an address that is not public, and not in WEBHOOK_ALLOW: nothing will be sent there'
}

/** The host of a URL, without the brackets of IPv6 and without the dot that may stand behind a name. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
}
