/**
 * The configuration: what the environment says, checked, typed and frozen. Nothing else reads `process.env`. It checks what
 * can be checked without opening anything but files, and tells everything that is wrong at once.
 */

import { calledAs } from './called-as.ts'
import { parseCidrs } from './cidrs.ts'
import type { EnvFile } from './env-file.ts'
import { Reader, type Environment } from './reader.ts'
import { parsePostgresUrl } from './postgres-url.ts'
import { readTextFile } from './text-file.ts'

export type { Environment } from './reader.ts'

export interface Config {
  readonly host: string
  readonly port: number
  /** Every path that callers see begins with this. It has no trailing slash, and is empty when there is none. */
  readonly basePath: string
  readonly publicUrl: string | null
  /** The addresses and CIDRs of the proxies whose `X-Forwarded-*` headers are believed. */
  readonly trustProxy: readonly string[]
  readonly upstream: {
    readonly baseUrl: string
    readonly credential:
      | { readonly kind: 'token' | 'api-key'; readonly value: string }
      | { readonly kind: 'token' | 'api-key'; readonly file: string }
    readonly readMethod: 'POST' | 'GET'
    /** The IANA zone of HOSTKEY's dates that come without one; null where it is not known. */
    readonly timeZone: string | null
    readonly timeoutMs: number
    readonly concurrency: number
  }
  readonly callersFile: string
  /** Where the keys of signed tokens are, and which issuer and audience these must name; null when tokens are not taken. */
  readonly jwt: { readonly jwksUrl: string; readonly issuer: string; readonly audience: string } | null
  /** Web pages of these origins may call the gateway. */
  readonly corsOrigins: readonly string[]
  /** This is a secret, since it may hold a password. */
  readonly storeUrl: string
  /** The file that the URL came from, which is watched; null when it stood in the variable. */
  readonly storeUrlFile: string | null
  readonly readWaitMs: number
  readonly maxWaitMs: number
  readonly readCacheMs: number
  readonly checkMinMs: number
  readonly checkMaxMs: number
  readonly operationDeadlineMs: number
  readonly operationTtlMs: number
  readonly rateLimit: { readonly max: number; readonly windowMs: number }
  /** How many requests of one caller may be unanswered at once: streams, waits, and answers that nobody reads. */
  readonly maxOpenPerCaller: number
  /** The addresses and CIDRs that are not public and yet may be receivers of webhooks. */
  readonly webhookAllow: readonly string[]
  /** How traces are kept and sent; null when they are not. OpenTelemetry's SDK itself reads where to send them. */
  readonly tracing: {
    readonly protocol: 'http/protobuf' | 'http/json'
    readonly sampler: (typeof SAMPLERS)[number]
    readonly ratio: number
    readonly delayMs: number
  } | null
  readonly docs: boolean
  readonly logLevel: LogLevel
  readonly shutdownMs: number
}

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** This says all that is wrong with the environment, a line each. The process then ends with exit code 78 (`EX_CONFIG`). */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

const MAX_TIMER_MS = 2_147_483_647

/** Puts what a `.env` file sets into the environment, which wins where it says something itself, and returns the environment. */
export function environmentWith({ values }: Pick<EnvFile, 'values'>): Environment {
  for (const [name, value] of Object.entries(values)) process.env[name] ??= value
  return process.env
}

/**
 * Reads the configuration (contract §4). A variable that is set but empty counts as not set.
 * @throws ConfigError naming every variable that is missing or wrong.
 */
export function loadConfig(env: Environment = process.env): Config {
  const { config, problems } = readConfig(env)
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

/**
 * Reads the configuration as far as it is right: what is missing or wrong is a problem, and has its default.
 * `names` are those of all variables that are read.
 */
export function readConfig(env: Environment): {
  config: Config
  problems: readonly string[]
  names: ReadonlySet<string>
} {
  const read = new Reader(env)
  const config: Config = {
    host: read.text('HOST', '127.0.0.1'),
    port: read.integer('PORT', 8080, 0, 65_535),
    basePath: read.parsed('BASE_PATH', '', parseBasePath),
    publicUrl: read.parsed('PUBLIC_URL', null, value => parseUrl(value, ['http:', 'https:'])),
    trustProxy: read.parsed('TRUST_PROXY', [], parseCidrs),
    upstream: {
      baseUrl: read.parsed('HOSTKEY_BASE_URL', 'https://api.hostkey.com', parseUpstreamUrl),
      credential: readCredential(read),
      readMethod: read.choice('HOSTKEY_READ_METHOD', 'POST', ['POST', 'GET']),
      timeZone: read.parsed('HOSTKEY_TIME_ZONE', null, parseTimeZone),
      timeoutMs: read.integer('HOSTKEY_TIMEOUT_MS', 15_000, 1, 600_000),
      concurrency: read.integer('HOSTKEY_CONCURRENCY', 32, 1, 1_000),
    },
    callersFile: read.required(
      'CALLERS_FILE',
      `the JSON file with the callers; ${calledAs('key')} --file FILE --name … makes it`,
    ),
    jwt: readJwt(read),
    corsOrigins: read.parsed('CORS_ORIGINS', [], parseOrigins),
    storeUrl: readStoreUrl(read),
    storeUrlFile: read.optional('STORE_URL_FILE') ?? null,
    readWaitMs: read.integer('READ_WAIT_MS', 10_000, 0, MAX_TIMER_MS),
    maxWaitMs: read.integer('MAX_WAIT_MS', 25_000, 0, MAX_TIMER_MS),
    readCacheMs: read.integer('READ_CACHE_MS', 1_000, 0, MAX_TIMER_MS),
    checkMinMs: read.integer('CHECK_MIN_MS', 500, 1, MAX_TIMER_MS),
    checkMaxMs: read.integer('CHECK_MAX_MS', 15_000, 1, MAX_TIMER_MS),
    operationDeadlineMs: read.integer('OPERATION_DEADLINE_MS', 7_200_000, 1, MAX_TIMER_MS),
    operationTtlMs: read.integer('OPERATION_TTL_MS', 604_800_000, 1, Number.MAX_SAFE_INTEGER),
    rateLimit: {
      max: read.integer('RATE_LIMIT_MAX', 600, 1, 1_000_000_000),
      windowMs: read.integer('RATE_LIMIT_WINDOW_MS', 60_000, 1_000, 86_400_000),
    },
    maxOpenPerCaller: read.integer('MAX_OPEN_PER_CALLER', 200, 1, 100_000),
    webhookAllow: read.parsed('WEBHOOK_ALLOW', [], parseCidrs),
    tracing: readTracing(read),
    docs: read.choice('DOCS', 'true', ['true', 'false']) === 'true',
    logLevel: read.choice('LOG_LEVEL', 'info', LOG_LEVELS),
    shutdownMs: read.integer('SHUTDOWN_MS', 10_000, 0, 600_000),
  }
  if (config.checkMaxMs < config.checkMinMs)
    read.problems.push('CHECK_MAX_MS must not be smaller than CHECK_MIN_MS')
  return { config: Object.freeze(config), problems: read.problems, names: read.names }
}

type Credential = Config['upstream']['credential']

/** Reads the credential for HOSTKEY: exactly one of the token, the API key and their files is to be set. */
function readCredential(read: Reader): Credential {
  const sources: [string, 'token' | 'api-key'][] = [
    ['HOSTKEY_TOKEN', 'token'],
    ['HOSTKEY_API_KEY', 'api-key'],
  ]
  const found: Credential[] = []
  for (const [name, kind] of sources) {
    const value = read.optional(name)
    if (value !== undefined) found.push({ kind, value })
    const file = read.optional(`${name}_FILE`)
    if (file === undefined) continue
    found.push({ kind, file })
    read.check(`${name}_FILE`, () => requireContent(file))
  }
  if (found.length === 0)
    read.problems.push('HOSTKEY_TOKEN or HOSTKEY_API_KEY (or one of them with _FILE) is required')
  if (found.length > 1)
    read.problems.push('only one of HOSTKEY_TOKEN, HOSTKEY_API_KEY and their _FILE twins may be set')
  return found[0] ?? { kind: 'token', value: '' }
}

/** Reads the URL of the store from its variable, or from a file, since it may carry a password. */
function readStoreUrl(read: Reader): string {
  const otherwise = 'sqlite:./data/gateway.db'
  const file = read.optional('STORE_URL_FILE')
  if (file === undefined) return read.parsed('STORE_URL', otherwise, parseStoreUrl)
  if (read.optional('STORE_URL') !== undefined)
    read.problems.push('only one of STORE_URL and STORE_URL_FILE may be set')
  return read.check('STORE_URL_FILE', () => parseStoreUrl(requireContent(file))) ?? otherwise
}

/** Reads what is needed for signed tokens: all of the three variables are to be set, or none. */
function readJwt(read: Reader): Config['jwt'] {
  const jwksUrl = read.parsed('JWT_JWKS_URL', null, parseJwksUrl)
  const all = {
    JWT_JWKS_URL: read.optional('JWT_JWKS_URL'),
    JWT_ISSUER: read.optional('JWT_ISSUER'),
    JWT_AUDIENCE: read.optional('JWT_AUDIENCE'),
  }
  const missing = Object.entries(all).flatMap(([name, value]) => (value === undefined ? name : []))
  if (missing.length === 3) return null
  for (const name of missing)
    read.problems.push(`${name} is required: ${Object.keys(all).join(', ')} go together`)
  return { jwksUrl: jwksUrl ?? '', issuer: all.JWT_ISSUER ?? '', audience: all.JWT_AUDIENCE ?? '' }
}

/** Reads OpenTelemetry's own variables. Tracing is off unless they say where to send traces to. */
function readTracing(read: Reader): Config['tracing'] {
  const endpoints = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'].map(name =>
    read.parsed(name, null, value => parseUrl(value, ['http:', 'https:'])),
  )
  const isOff =
    read.optional('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' ||
    read.optional('OTEL_TRACES_EXPORTER') === 'none'
  if (isOff || endpoints.every(endpoint => endpoint === null)) return null
  const protocols = ['http/protobuf', 'http/json'] as const
  const protocol = read.choice('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/protobuf', protocols)
  return {
    protocol: read.choice('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', protocol, protocols),
    sampler: read.choice('OTEL_TRACES_SAMPLER', 'parentbased_always_on', SAMPLERS),
    ratio: read.parsed('OTEL_TRACES_SAMPLER_ARG', 1, parseShare),
    delayMs: read.integer('OTEL_BSP_SCHEDULE_DELAY', 5_000, 0, 600_000),
  }
}

function parseShare(value: string): number {
  const share = Number(value)
  if (!(share >= 0 && share <= 1)) throw new Error('must be a number from 0 to 1')
  return share
}

/** Returns the content of a file. The message of its error leaves the path out: it may be the secret itself, put into the wrong variable. */
function requireContent(file: string): string {
  const content = readTextFile(file).trim()
  if (content === '') throw new Error('is an empty file')
  return content
}

function parseBasePath(value: string): string {
  const path = value.replace(/\/+$/, '')
  // No URL can carry the segments `.` and `..`.
  if (path !== '' && !/^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._~-]+)+$/.test(path))
    throw new Error('must be a path such as /hostkey')
  return path
}

function parseUrl(value: string, protocols: readonly string[]): string {
  const url = URL.parse(value)
  if (!url || !protocols.includes(url.protocol))
    throw new Error(`must be a URL that begins with ${protocols.map(one => `${one}//`).join(' or ')}`)
  if (url.username || url.password) throw new Error('must not carry a user or a password')
  return value.replace(/\/+$/, '')
}

function parseTimeZone(value: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone
  } catch {
    throw new Error('must be a time zone of the IANA database, such as Europe/Amsterdam')
  }
}

function parseUpstreamUrl(value: string): string {
  const text = parseUrl(value, ['http:', 'https:'])
  const url = new URL(text)
  if (url.search || url.hash) throw new Error('must not carry a query or a fragment')
  if (isPlainHttp(url))
    throw new Error('may be plain http only to a loopback address: the token would travel in the clear')
  return text
}

/** Tells whether a URL leads over a network without TLS; to this machine itself, plain http is safe. */
function isPlainHttp({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}

function parseJwksUrl(value: string): string {
  parseUrl(value, ['http:', 'https:'])
  const url = new URL(value)
  if (url.hash) throw new Error('must not carry a fragment')
  if (isPlainHttp(url))
    throw new Error('may be plain http only to a loopback address: whoever is between could make tokens')
  return url.href
}

function parseOrigins(value: string): string[] {
  const origins = value.split(',').map(one => one.trim())
  for (const origin of origins) {
    const url = URL.parse(origin)
    if (!url || !/^https?:$/.test(url.protocol) || url.origin !== origin || origin.includes('*'))
      throw new Error('must be a list of origins such as https://app.example.com,http://localhost:3000')
  }
  return origins
}

/** The path of a file, and nothing that means something else to SQLite or to who wrote it: `sqlite://data/a.db` has no host. */
const SQLITE_URL = /^sqlite:(?!:memory:|file:|\/\/[^/]).*[^/]$/

function parseStoreUrl(value: string): string {
  if (SQLITE_URL.test(value)) return value
  if (/^postgres(ql)?:/.test(value)) parsePostgresUrl(value)
  else if (/^rediss?:/.test(value))
    throw new Error('must be postgres://… where it was redis://…: replicas share a PostgreSQL now')
  else throw new Error('must be sqlite:<path of the file>, such as sqlite:./data/gateway.db, or postgres://…')
  return value
}
