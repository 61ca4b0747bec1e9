/** Reads a `STORE_URL` for Redis. The configuration checks it with this, and the store connects by it. */

export interface RedisAddress {
  /** One server, or the sentinels that know it. */
  readonly servers: readonly { readonly host: string; readonly port: number }[]
  /** The name by which the sentinels know the master; null for a server without sentinels. */
  readonly sentinel: string | null
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
  readonly tls: boolean
  /** Every key begins with this, in braces, so that a Cluster keeps all of them on one node. */
  readonly prefix: string
}

const FORM = /^redis(s?):\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/(\d*))?(?:\?([^#]*))?$/
const SERVER = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(\d{1,5}))?$/i
const NAME = /^[A-Za-z0-9_.-]{1,64}$/

/**
 * Reads `redis[s]://[user:password@]host[:port][,host…][/db][?sentinel=<master>&prefix=<prefix>]`.
 * @throws Error whose message begins with a verb ("must be …") and never shows the value, which may hold a password.
 */
export function parseRedisUrl(url: string): RedisAddress {
  const [, tls, credentials = '', hosts = '', db = '', query = ''] = FORM.exec(url) ?? []
  const parameters = new URLSearchParams(query)
  const sentinel = parameters.get('sentinel')
  const prefix = parameters.get('prefix') ?? 'hkgw'
  const servers = hosts.split(',').map(server => {
    const [, host = '', port] = SERVER.exec(server) ?? []
    return {
      host: host.replace(/^\[(.*)\]$/, '$1'),
      port: Number(port ?? (sentinel === null ? 6379 : 26379)),
    }
  })
  if (servers.some(({ host, port }) => host === '' || port < 1 || port > 65_535))
    throw new Error('must be redis[s]://[user:password@]host[:port][/db]')
  if (servers.length > 1 && sentinel === null)
    throw new Error('may name several hosts only as sentinels: ?sentinel=<name of the master>')
  for (const [name, value] of parameters) {
    if (name !== 'sentinel' && name !== 'prefix')
      throw new Error('takes only the parameters sentinel and prefix')
    if (!NAME.test(value)) throw new Error(`must have as ${name} 1 to 64 of the characters A-Za-z0-9_.-`)
  }
  const colon = credentials.indexOf(':')
  const [username, password] =
    colon < 0 ? [credentials, ''] : [credentials.slice(0, colon), credentials.slice(colon + 1)]
  return {
    servers,
    sentinel,
    username: decode(username),
    password: decode(password),
    db: Number(db),
    tls: tls === 's',
    prefix,
  }
}

function decode(text: string): string | undefined {
  try {
    return text === '' ? undefined : decodeURIComponent(text)
  } catch {
    throw new Error('must have its user and password percent-encoded')
  }
}
