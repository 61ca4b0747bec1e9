/** `STORE_URL` for PostgreSQL. Apart from the store, so that reading the configuration loads no driver. */

export interface PostgresAddress {
  /** Tried in this order, beginning with the one that served last. */
  readonly hosts: readonly PostgresHost[]
  readonly user: string
  readonly password: string
  readonly database: string
  readonly sslMode: SslMode
  /** A file of certificates to trust, in place of those that Node trusts. */
  readonly sslRootCert: string | undefined
  /** Which of the hosts serves: the first that answers, one that takes writes, or one that is no standby. */
  readonly target: Target
  /** Where the tables are. */
  readonly schema: string
  /** The most connections at a time, besides that of the notifications. */
  readonly pool: number
  /** Whether changes are told by NOTIFY; without it replicas only look again. */
  readonly notify: boolean
  readonly statementTimeoutMs: number
  readonly connectTimeoutMs: number
}

export interface PostgresHost {
  readonly host: string
  readonly port: number
}

const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof SSL_MODES)[number]

const TARGETS = ['any', 'read-write', 'primary'] as const
export type Target = (typeof TARGETS)[number]

const FORM = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^@/?#]+)\/([^/?#]+)(?:\?([^#]*))?$/
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(\d{1,5}))?$/i
const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/i
const DEFAULT_PORT = 5432

/** What a parameter of the URL may be: its form in words, and how it is read (undefined when it is wrong). */
const PARAMETERS: Record<string, { form: string; isRight: (value: string) => boolean }> = {
  sslmode: oneOf(SSL_MODES),
  sslrootcert: { form: 'the path of a file', isRight: value => value !== '' },
  target_session_attrs: oneOf(TARGETS),
  schema: {
    form: '1 to 40 of the characters a-z, 0-9 and _, and no digit first',
    isRight: value => /^[a-z_][a-z0-9_]{0,39}$/.test(value),
  },
  pool: wholeNumber(1, 100),
  notify: oneOf(['on', 'off']),
  statement_timeout_ms: wholeNumber(50, 60_000),
  connect_timeout_ms: wholeNumber(50, 60_000),
}

/**
 * Reads `postgres://user:password@host[:port][,host…]/database[?parameters]`; the parameters are those of `PARAMETERS`.
 * Without `sslmode` a connection to this machine is plain, and any other is encrypted and its server verified
 * (`verify-full`).
 * @throws Error that says what is wrong, and never shows the value: it holds a password.
 */
export function parsePostgresUrl(url: string): PostgresAddress {
  const [, credentials = '', hostList = '', database = '', query = ''] = FORM.exec(url) ?? []
  const hosts = hostList.split(',').map(parseHost)
  if (database === '' || hosts.some(({ host, port }) => host === '' || port < 1 || port > 65_535))
    throw new Error('must be postgres://user:password@host[:port][,host…]/database')
  const colon = credentials.indexOf(':')
  const user = decode(colon < 0 ? credentials : credentials.slice(0, colon))
  if (user === '') throw new Error('must name a user: postgres://user:password@host/database')
  const parameters = new URLSearchParams(query)
  for (const name of new Set(parameters.keys())) checkParameter(name, parameters.getAll(name))
  const number = (name: string, otherwise: number): number => Number(parameters.get(name) ?? otherwise)
  const isHere = hosts.every(({ host }) => LOOPBACK.test(host))
  return {
    hosts,
    user,
    password: colon < 0 ? '' : decode(credentials.slice(colon + 1)),
    database: decode(database),
    sslMode: (parameters.get('sslmode') as SslMode | null) ?? (isHere ? 'disable' : 'verify-full'),
    sslRootCert: parameters.get('sslrootcert') ?? undefined,
    target:
      (parameters.get('target_session_attrs') as Target | null) ?? (hosts.length > 1 ? 'read-write' : 'any'),
    schema: parameters.get('schema') ?? 'public',
    pool: number('pool', 4),
    notify: parameters.get('notify') !== 'off',
    statementTimeoutMs: number('statement_timeout_ms', 1_000),
    connectTimeoutMs: number('connect_timeout_ms', 2_000),
  }
}

function parseHost(text: string): PostgresHost {
  const [, host = '', port] = HOST.exec(text) ?? []
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port ?? DEFAULT_PORT) }
}

function checkParameter(name: string, values: string[]): void {
  const parameter = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined
  if (!parameter) throw new Error(`takes only the parameters ${Object.keys(PARAMETERS).join(', ')}`)
  if (values.length > 1) throw new Error(`must have ${name} only once`)
  if (!parameter.isRight(values[0]!)) throw new Error(`must have as ${name} ${parameter.form}`)
}

function oneOf(words: readonly string[]): { form: string; isRight: (value: string) => boolean } {
  return { form: `one of ${words.join(', ')}`, isRight: value => words.includes(value) }
}

function wholeNumber(least: number, most: number): { form: string; isRight: (value: string) => boolean } {
  return {
    form: `a whole number from ${least} to ${most}`,
    isRight: value => /^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most,
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('must have its user, password and database percent-encoded')
  }
}
