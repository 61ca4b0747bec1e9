import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { expect, test } from 'vitest'
import { ConfigError, loadConfig, type Config, type Environment } from '../../src/config/config.ts'
import { temporaryDirectory } from '../helper.ts'
import { load, problemsOf, REQUIRED } from './load.ts'

interface Variable {
  /** As it stands in the contract. */
  default: string
  read: (config: Config) => unknown
  /** What it gives by default, and for each good text. */
  gives: unknown
  good: Record<string, unknown>
  bad: string[]
}

const text = (
  name: keyof Config,
  byDefault: string,
  good: Variable['good'],
  bad: string[] = [],
): Variable => ({
  default: byDefault,
  read: config => config[name],
  gives: byDefault,
  good,
  bad,
})

/** A whole number: both bounds are taken, what lies beyond and what is no plain number is not. */
function integer(read: (config: Config) => number, byDefault: number, min: number, max: number): Variable {
  return {
    default: String(byDefault),
    read,
    gives: byDefault,
    good: { [min]: min, [max]: max },
    bad: [String(max + 1), min === 0 ? '-1' : String(min - 1), '1.5', '1e3', '0x10', '+5', 'five', '5 000'],
  }
}

const MAX_TIMER_MS = 2_147_483_647
const LOOPBACK = { 'http://localhost:8080': 'http://localhost:8080', 'http://[::1]:1': 'http://[::1]:1' }

const VARIABLES: Record<string, Variable> = {
  HOST: text('host', '127.0.0.1', { '0.0.0.0': '0.0.0.0', '::1': '::1' }),
  PORT: integer(config => config.port, 8080, 0, 65_535),
  BASE_PATH: text(
    'basePath',
    '',
    { '/hostkey': '/hostkey', '/..a/...': '/..a/...', '/a/b.c-d_e~f/': '/a/b.c-d_e~f', '/': '' },
    [
      'hostkey',
      '/a//b',
      '/a b',
      '/a?b',
      '/%61',
      '/..',
      '/.',
      '/a/../b',
      '/a/./',
      'https://example.com/hostkey',
    ],
  ),
  PUBLIC_URL: {
    default: '',
    read: config => config.publicUrl,
    gives: null,
    good: { 'https://api.example.com/hostkey/': 'https://api.example.com/hostkey' },
    bad: ['api.example.com', 'ftp://example.com', 'https://user:pass@example.com', '/hostkey'],
  },
  TRUST_PROXY: {
    default: '',
    read: config => config.trustProxy,
    gives: [],
    good: {
      '10.0.0.0/8, 192.168.1.1': ['10.0.0.0/8', '192.168.1.1'],
      '::1,fd00::/128': ['::1', 'fd00::/128'],
      '0.0.0.0/0,10.0.0.1/32': ['0.0.0.0/0', '10.0.0.1/32'],
    },
    bad: [
      'true',
      '1',
      '10.0.0.0/33',
      'fd00::/129',
      '10.0.0.0/8/8',
      '10.0.0.0/',
      '10.0.0/8',
      'proxy',
      '10.0.0.1,',
    ],
  },
  WEBHOOK_ALLOW: {
    default: '',
    read: config => config.webhookAllow,
    gives: [],
    good: {
      '10.0.0.0/8, 127.0.0.1': ['10.0.0.0/8', '127.0.0.1'],
      '::1,fd00::/8': ['::1', 'fd00::/8'],
    },
    bad: ['true', '*', '10.0.0.0/33', 'fd00::/129', '10.0.0/8', 'receiver.internal', '10.0.0.1,'],
  },
  CORS_ORIGINS: {
    default: '',
    read: config => config.corsOrigins,
    gives: [],
    good: {
      'https://app.example.com': ['https://app.example.com'],
      'https://a.example.com:8443, http://localhost:3000': [
        'https://a.example.com:8443',
        'http://localhost:3000',
      ],
    },
    bad: [
      '*',
      'null',
      'app.example.com',
      'https://app.example.com/',
      'https://app.example.com/page',
      'https://App.example.com',
      'https://app.example.com:443',
      'https://*.example.com',
      'https://user@app.example.com',
      'ftp://example.com',
      'https://a.example.com,',
    ],
  },
  HOSTKEY_BASE_URL: {
    default: 'https://api.hostkey.com',
    read: config => config.upstream.baseUrl,
    gives: 'https://api.hostkey.com',
    good: {
      ...LOOPBACK,
      'http://127.9.9.9/api/': 'http://127.9.9.9/api',
      'https://invapi.example.com/': 'https://invapi.example.com',
    },
    bad: [
      'http://api.hostkey.com',
      'http://127.0.0.1.example.com',
      'http://localhost.example.com',
      'http://10.0.0.1',
      'http://[::2]',
      'https://user@api.hostkey.com',
      'https://api.hostkey.com/?a=b',
      'https://api.hostkey.com/#a',
      'api.hostkey.com',
      'file:///etc/passwd',
    ],
  },
  HOSTKEY_READ_METHOD: {
    default: 'POST',
    read: config => config.upstream.readMethod,
    gives: 'POST',
    good: { GET: 'GET' },
    bad: ['get', 'PUT'],
  },
  HOSTKEY_TIME_ZONE: {
    default: '',
    read: config => config.upstream.timeZone,
    gives: null,
    good: { 'Europe/Amsterdam': 'Europe/Amsterdam', UTC: 'UTC' },
    bad: ['Amsterdam', 'CET-1'],
  },
  HOSTKEY_TIMEOUT_MS: integer(config => config.upstream.timeoutMs, 15_000, 1, 600_000),
  HOSTKEY_CONCURRENCY: integer(config => config.upstream.concurrency, 32, 1, 1_000),
  STORE_URL: text(
    'storeUrl',
    'sqlite:./data/gateway.db',
    Object.fromEntries(
      [
        'sqlite:/var/lib/gateway.db',
        'postgres://user:pw@localhost/gateway',
        'postgresql://user:pw@one:5432,two/gateway?sslmode=require&target_session_attrs=primary&pool=8',
      ].map(url => [url, url]),
    ),
    ['sqlite:', './data/gateway.db', 'postgres://localhost/gateway', 'mysql://user@localhost/gateway'],
  ),
  READ_WAIT_MS: integer(config => config.readWaitMs, 10_000, 0, MAX_TIMER_MS),
  MAX_WAIT_MS: integer(config => config.maxWaitMs, 25_000, 0, MAX_TIMER_MS),
  READ_CACHE_MS: integer(config => config.readCacheMs, 1_000, 0, MAX_TIMER_MS),
  CHECK_MIN_MS: {
    ...integer(config => config.checkMinMs, 500, 1, MAX_TIMER_MS),
    good: { 1: 1, 15000: 15_000 },
  },
  CHECK_MAX_MS: {
    ...integer(config => config.checkMaxMs, 15_000, 1, MAX_TIMER_MS),
    good: { 500: 500, [MAX_TIMER_MS]: MAX_TIMER_MS },
  },
  OPERATION_DEADLINE_MS: integer(config => config.operationDeadlineMs, 7_200_000, 1, MAX_TIMER_MS),
  OPERATION_TTL_MS: integer(config => config.operationTtlMs, 604_800_000, 1, Number.MAX_SAFE_INTEGER),
  RATE_LIMIT_MAX: integer(config => config.rateLimit.max, 600, 1, 1_000_000_000),
  RATE_LIMIT_WINDOW_MS: integer(config => config.rateLimit.windowMs, 60_000, 1_000, 86_400_000),
  MAX_OPEN_PER_CALLER: integer(config => config.maxOpenPerCaller, 200, 1, 100_000),
  DOCS: {
    default: 'true',
    read: config => config.docs,
    gives: true,
    good: { false: false, true: true },
    bad: ['yes', '0', 'TRUE'],
  },
  LOG_LEVEL: text('logLevel', 'info', { trace: 'trace', silent: 'silent' }, ['INFO', 'verbose']),
  SHUTDOWN_MS: integer(config => config.shutdownMs, 10_000, 0, 600_000),
}

test.each(Object.entries(VARIABLES))('%s', (name, { read, gives, good, bad }) => {
  expect(read(load({}))).toEqual(gives)
  // Empty counts as not set.
  expect(read(load({ [name]: ' ' }))).toEqual(gives)
  for (const [value, expected] of Object.entries(good)) {
    expect([value, read(load({ [name]: value }))]).toEqual([value, expected])
    expect([value, read(load({ [name]: ` ${value} ` }))]).toEqual([value, expected])
  }
  for (const value of bad) {
    const problems = problemsOf({ ...REQUIRED, [name]: value })
    expect([value, ...problems]).toEqual([value, expect.stringMatching(`^${name} (must|may) `)])
  }
})

test('CHECK_MAX_MS is not smaller than CHECK_MIN_MS', () => {
  expect(problemsOf({ ...REQUIRED, CHECK_MIN_MS: '501', CHECK_MAX_MS: '500' })).toEqual([
    expect.stringMatching(/^CHECK_MAX_MS .*CHECK_MIN_MS/),
  ])
  expect(load({ CHECK_MIN_MS: '500', CHECK_MAX_MS: '500' })).toMatchObject({
    checkMinMs: 500,
    checkMaxMs: 500,
  })
})

test('what is required is asked for, all at once', () => {
  expect(problemsOf({})).toEqual([
    expect.stringContaining('HOSTKEY_TOKEN or HOSTKEY_API_KEY'),
    expect.stringMatching(/^CALLERS_FILE is required/),
  ])
  expect(load({}).callersFile).toBe('callers.json')
})

test('everything wrong is told at once, a line each, and no value is shown', () => {
  const wrong = Object.entries(VARIABLES).filter(([, { bad }]) => bad.length > 0)
  // Where only known words are good, any text is wrong; it is unlike anything a message would say by itself.
  const env = Object.fromEntries(wrong.map(([name]) => [name, 'hunter2://s3cret']))
  const problems = problemsOf({ ...env, HOSTKEY_TOKEN: 'hunter2-a', HOSTKEY_API_KEY: 'hunter2-b' })
  expect(problems).toHaveLength(wrong.length + 2)
  for (const name of [...wrong.map(([one]) => one), 'HOSTKEY_API_KEY', 'CALLERS_FILE'])
    expect(problems.filter(line => line.startsWith(name) || line.includes(`, ${name}`))).toHaveLength(1)
  expect(problems.join()).not.toMatch(/hunter2|s3cret/)
  for (const line of problems) expect(line).not.toContain('\n')
})

test('exactly one credential: a token or an API key, as a value or in a file', () => {
  const file = join(temporaryDirectory(), 'secret')
  writeFileSync(file, ' in-the-file\n')
  const sources: Record<string, object> = {
    HOSTKEY_TOKEN: { kind: 'token', value: 's' },
    HOSTKEY_API_KEY: { kind: 'api-key', value: 's' },
    HOSTKEY_TOKEN_FILE: { kind: 'token', file },
    HOSTKEY_API_KEY_FILE: { kind: 'api-key', file },
  }
  const valueOf = (name: string): string => (name.endsWith('_FILE') ? file : 's')
  const withOnly = (...names: string[]): Environment => ({
    CALLERS_FILE: 'callers.json',
    ...Object.fromEntries(names.map(name => [name, valueOf(name)])),
  })
  for (const [name, credential] of Object.entries(sources)) {
    expect(loadConfig(withOnly(name)).upstream.credential).toEqual(credential)
    for (const other of Object.keys(sources).filter(one => one !== name))
      expect(problemsOf(withOnly(name, other))).toEqual([expect.stringMatching(/^only one of HOSTKEY_TOKEN/)])
  }
})

test('the URL of the store may stand in a file', () => {
  const file = join(temporaryDirectory(), 'store-url')
  writeFileSync(file, 'postgres://user:pw@localhost/gateway\n')
  expect(load({ STORE_URL_FILE: file }).storeUrl).toBe('postgres://user:pw@localhost/gateway')
  expect(problemsOf({ ...REQUIRED, STORE_URL_FILE: file, STORE_URL: 'sqlite:a.db' })).toEqual([
    'only one of STORE_URL and STORE_URL_FILE may be set',
  ])
  writeFileSync(file, 'postgres://user:hunter2@one,two')
  expect(problemsOf({ ...REQUIRED, STORE_URL_FILE: file }).join()).toMatch(
    /^STORE_URL_FILE (?!.*hunter2).*postgres:/,
  )
})

test.for(['redis://:hunter2@localhost', 'rediss://a,b:26380/0?sentinel=main'])(
  'Redis, which earlier versions knew, is told what takes its place: %s',
  STORE_URL => {
    expect(problemsOf({ ...REQUIRED, STORE_URL })).toEqual([
      'STORE_URL must be postgres://… where it was redis://…: replicas share a PostgreSQL now',
    ])
  },
)

test('a secret file that cannot be read or is empty is told, without what the variable says', () => {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'empty'), '\n')
  // Somebody may well have put the secret itself where its file belongs.
  const files = {
    [join(directory, 'empty')]: 'is an empty file',
    'hunter2-token': 'cannot be read (ENOENT): there is no such file',
  }
  for (const [HOSTKEY_TOKEN_FILE, what] of Object.entries(files))
    expect(problemsOf({ CALLERS_FILE: 'callers.json', HOSTKEY_TOKEN_FILE })).toEqual([
      `HOSTKEY_TOKEN_FILE ${what}`,
    ])
})

test('.env.example lists every variable that is read, with its default', () => {
  const example = readFileSync('.env.example', 'utf8').replace(/^# (?=[A-Z][A-Z0-9_]*=)/gm, '')
  const listed = parseEnv(example)
  const read = new Set<string>()
  // Those of OpenTelemetry are only read where there is somewhere to send to.
  const given: Environment = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }
  const env = new Proxy<Environment>({}, { get: (_, name) => (read.add(String(name)), given[String(name)]) })
  expect(() => loadConfig(env)).toThrow(ConfigError)
  expect(Object.keys(listed).toSorted()).toEqual([...read].toSorted())

  const defaults = Object.entries(VARIABLES).map(([name, variable]) => [name, variable.default])
  const withoutDefault = [
    'HOSTKEY_TOKEN',
    'HOSTKEY_TOKEN_FILE',
    'HOSTKEY_API_KEY',
    'HOSTKEY_API_KEY_FILE',
    'CALLERS_FILE',
    'STORE_URL_FILE',
    'JWT_JWKS_URL',
    'JWT_ISSUER',
    'JWT_AUDIENCE',
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
    'OTEL_SDK_DISABLED',
    'OTEL_TRACES_EXPORTER',
  ]
  const ofTracing = {
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_TRACES_SAMPLER: 'parentbased_always_on',
    OTEL_TRACES_SAMPLER_ARG: '1',
    OTEL_BSP_SCHEDULE_DELAY: '5000',
  }
  expect(listed).toEqual({
    ...Object.fromEntries([...defaults, ...withoutDefault.map(name => [name, ''])]),
    ...ofTracing,
  })
})

test('the environment is read in one place', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.ts'),
  )
  const readers = sources.filter(name => readFileSync(join('src', name), 'utf8').includes('process.env'))
  // The demo hands a few of them on.
  expect(readers.toSorted()).toEqual(['cli/demo.ts', 'config/config.ts'])
})

test('a configuration cannot be changed', () => {
  expect(Object.isFrozen(load({}))).toBe(true)
})
