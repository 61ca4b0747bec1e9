/**
 * Finds the addresses of receivers, and holds up nobody else meanwhile. The system's way (the hosts file, search domains and
 * all) works on two threads, which the whole process shares: a name whose servers do not answer has one for many seconds. So
 * only one name at a time is looked up in this way; the other thread stays for HOSTKEY's name.
 */

import type { LookupAddress } from 'node:dns'
import { lookup, Resolver } from 'node:dns/promises'

/** Returns all addresses of a name. @throws Error when it has none */
export type Lookup = (name: string) => Promise<readonly LookupAddress[]>

export interface LookupOptions {
  /** The system's way to look up a name. */
  system?: Lookup
  /** The name servers, each as `address:port`; those of the machine when they are not given. */
  servers?: readonly string[]
}

/** One server is waited for so long, twice. */
const SERVER_TIMEOUT_MS = 1_500

/** Returns a way to look names up. Those who ask for the same name at once share an answer. */
export function receiverLookup({
  system = name => lookup(name, { all: true }),
  servers,
}: LookupOptions = {}): Lookup {
  const underWay = new Map<string, ReturnType<Lookup>>()
  let busy: Promise<unknown> | undefined

  const bySystem = (name: string): ReturnType<Lookup> => {
    const found = busy ? busy.then(() => system(name)) : system(name)
    const done = found
      .catch(() => {})
      .then(() => {
        if (busy === done) busy = undefined
      })
    busy = done
    return found
  }
  const find = async (name: string): ReturnType<Lookup> => {
    if (!busy) return bySystem(name)
    // DNS itself needs no thread. Who is not found there waits: only the system may know the name.
    const found = await byDns(name, servers)
    return found.length > 0 ? found : bySystem(name)
  }
  return name => {
    const shared = underWay.get(name)
    if (shared) return shared
    const found = find(name).finally(() => underWay.delete(name))
    underWay.set(name, found)
    return found
  }
}

async function byDns(name: string, servers: readonly string[] | undefined): Promise<LookupAddress[]> {
  const resolver = new Resolver({ timeout: SERVER_TIMEOUT_MS, tries: 2 })
  if (servers) resolver.setServers(servers)
  const [v4, v6] = await Promise.all([
    resolver.resolve4(name).catch(() => []),
    resolver.resolve6(name).catch(() => []),
  ])
  return [...v4.map(address => ({ address, family: 4 })), ...v6.map(address => ({ address, family: 6 }))]
}
