/** `check` on a configuration with faults planted in it, each of which it finds. */

import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { digestOf, SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import type { Environment } from '../../src/config/config.ts'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { call, KEY, temporaryDirectory } from '../helper.ts'
import { runScript } from '../programs.ts'

const API_KEY = 'account-api-key-33333333'

interface Place {
  directory: string
  /** Writes a file there. */
  file: (name: string, content: string, mode?: number) => string
  check: (
    env?: Environment,
    ...args: string[]
  ) => Promise<{ code: unknown; lines: string[]; stderr: string[] }>
}

function place(): Place {
  const directory = temporaryDirectory()
  return {
    directory,
    file(name, content, mode = 0o600) {
      writeFileSync(join(directory, name), content)
      chmodSync(join(directory, name), mode)
      return join(directory, name)
    },
    async check(env = {}, ...args) {
      const { ended, stdout, stderr } = runScript('bin/hostkey-vm-gateway.mjs', {
        args: ['check', ...args],
        env,
        cwd: directory,
      })
      return { code: await ended, lines: stdout, stderr }
    },
  }
}

/** A configuration with nothing wrong. */
function good({ file }: Place): void {
  file('key', API_KEY)
  file('callers.json', JSON.stringify({ callers: [newEntry('one', KEY, SCOPES, '*')] }))
  file('.env', 'HOSTKEY_API_KEY_FILE=key\nCALLERS_FILE=callers.json\n')
}

test('with nothing wrong it says so, and leaves nothing behind', async () => {
  const here = place()
  good(here)
  expect(await here.check()).toEqual({ code: 0, lines: ['errors: 0, warnings: 0'], stderr: [] })
  expect(readdirSync(here.directory).toSorted()).toEqual(['.env', 'callers.json', 'key'])
})

/** The secrets of the planted faults; none may be shown. */
const SECRETS = ['hkgw_in_the_wrong_place', 'canary', digestOf(KEY)]

const ENV_FILE = `# planted
PROT=8080
LOG_LEVEL=verbos
DOCS yes
HOSTKEY_TIMEOUT=1000
HOSTKEY_TIMEOUT_MS=15s
HOSTKEY_API_KEY="hkgw_in_the_wrong_place"
CALLERS_FILE=callers.json
STORE_URL=sqlite:taken/gateway.db
JWT_ISSUER=canary
PORT=8080
PORT=8081
BASE_PATH='/open
`

const { key_sha256: digest, ...entry } = newEntry('one', KEY, ['stats:read'], [1000])
const CALLERS_FILE = [
  '{ "callers": [',
  JSON.stringify({ ...entry, key_sha256: digest, scopes: ['stats:red'] }),
  `,${JSON.stringify({ ...entry, name: 'two words', key_sha256: digest })}`,
  `,${JSON.stringify({ ...entry, name: 'three', key: 'hkgw_in_the_wrong_place' })}`,
  `,${JSON.stringify({ ...entry, name: 'four', key_sha256: 'canary' })}`,
  `,${JSON.stringify({ ...entry, name: 'five', key_sha256: digest, vms: ['1000'] })}`,
  ']}',
].join('\n')

/** What is found of them, by how its line begins and something of what it says. */
const FOUND: readonly (readonly [string, string])[] = [
  ['error: .env:4: ', 'NAME=value'],
  ['error: .env:13: ', 'the quote in the value of BASE_PATH'],
  ['error: .env:3: LOG_LEVEL ', 'fatal, error, warn, info, debug, trace, silent'],
  ['error: .env:6: HOSTKEY_TIMEOUT_MS ', 'a whole number from 1 to 600000'],
  ['error: .env:13: BASE_PATH ', 'a path such as /hostkey'],
  ['error: environment: RATE_LIMIT_MAX ', 'a whole number from 1'],
  ['error: environment: JWT_JWKS_URL is required', 'go together'],
  ['error: environment: JWT_AUDIENCE is required', 'go together'],
  ['error: HOSTKEY_API_KEY: ', 'the key of a caller'],
  ['error: callers.json:2:', 'caller "one": scopes must be one of snapshots:read'],
  ['error: callers.json:2:', 'did you mean stats:read?'],
  ['error: callers.json:3:', 'name must be 1 to 64 of'],
  ['error: callers.json:4:', 'caller "three": "key" is no known member; there may be name, key_sha256'],
  ['error: callers.json:5:', 'caller "four": key_sha256 must be the SHA-256 of the key in 64 hex digits'],
  ['error: callers.json:6:', 'caller "five": vms must be the id of a VM, a whole number from 1'],
  ['error: callers.json:4:2: ', 'caller "three": key_sha256 is missing: it must be the SHA-256'],
  ['error: STORE_URL: the store taken/gateway.db ', 'is another file, and no SQLite database'],
  ['warning: .env:12: ', 'PORT stands on line 11 too'],
  ['warning: .env:2: nobody reads PROT', 'did you mean PORT?'],
  ['warning: .env:5: nobody reads HOSTKEY_TIMEOUT', 'did you mean HOSTKEY_TIMEOUT_MS?'],
  ['warning: environment: nobody reads STORE', 'did you mean STORE_URL?'],
  ['warning: environment: nobody reads LOGLEVEL', 'did you mean LOG_LEVEL?'],
  ['warning: .env: ', 'chmod 600'],
]

test('faults that are planted are all found in one run, a line each, and no secret is shown', async () => {
  const here = place()
  here.file('.env', ENV_FILE, 0o644)
  here.file('callers.json', CALLERS_FILE)
  mkdirSync(join(here.directory, 'taken'))
  here.file('taken/gateway.db', 'canary '.repeat(100))
  const { code, lines, stderr } = await here.check({
    RATE_LIMIT_MAX: 'many',
    STORE: 'postgres://canary@db/gateway',
    LOGLEVEL: 'debug',
  })
  expect([code, stderr]).toEqual([78, []])
  const missed = FOUND.filter(
    ([beginning, what]) => !lines.some(line => line.startsWith(beginning) && line.includes(what)),
  )
  expect(missed).toEqual([])
  // Nothing else is told, but how many there are: a fault of the file shows in two of the lines above.
  expect(lines).toHaveLength(FOUND.length)
  expect(lines.at(-1)).toBe('errors: 16, warnings: 6')
  for (const secret of SECRETS) expect(lines.join('\n')).not.toContain(secret)
})

test.each<[string, string, (here: Place) => Environment | void]>([
  [
    'a .env that is a directory',
    'error: .env is a directory',
    ({ directory, file }) => {
      mkdirSync(join(directory, '.env'))
      file('key', API_KEY)
      file('callers.json', '{"callers":[]}')
      return { HOSTKEY_API_KEY_FILE: 'key', CALLERS_FILE: 'callers.json' }
    },
  ],
  [
    'no callers file',
    'error: callers file none.json cannot be read (ENOENT)',
    () => ({
      CALLERS_FILE: 'none.json',
    }),
  ],
  [
    'a callers file that is no JSON',
    'error: callers.json:2:1: a comma or ] is expected here',
    ({ file }) => void file('callers.json', '{"callers": [{}\n{}]}'),
  ],
  [
    'nobody to call',
    'warning: callers.json:1:2: callers is empty: nobody can call',
    ({ file }) => void file('callers.json', '{"callers": []}'),
  ],
  [
    'a caller without VMs',
    'warning: callers.json:1:',
    ({ file }) => void file('callers.json', JSON.stringify({ callers: [newEntry('one', KEY, SCOPES, [])] })),
  ],
  [
    'a member that is there twice',
    'warning: callers.json:1:16: callers is there a second time',
    ({ file }) =>
      void file(
        'callers.json',
        `{"callers": [],"callers":[${JSON.stringify(newEntry('one', KEY, SCOPES, '*'))}]}`,
      ),
  ],
  [
    'a callers file that everybody may write',
    'warning: callers.json: everybody on this machine may write',
    here => chmodSync(join(here.directory, 'callers.json'), 0o666),
  ],
  [
    'a secret file that everybody may read',
    'warning: key: everybody on this machine may read',
    here => chmodSync(join(here.directory, 'key'), 0o644),
  ],
  [
    'a secret of two lines',
    'error: HOSTKEY_API_KEY_FILE key: has a blank or a line break',
    ({ file }) => void file('key', 'one\ntwo\n'),
  ],
  [
    'an empty secret',
    'error: .env:1: HOSTKEY_API_KEY_FILE is an empty file',
    ({ file }) => void file('key', '\n'),
  ],
  [
    'a store where none can be made',
    'error: STORE_URL: the store /proc/x/gw.db cannot be written',
    () => ({
      STORE_URL: 'sqlite:/proc/x/gw.db',
    }),
  ],
  [
    'a .env that is no UTF-8',
    'error: .env is no text in UTF-8; save it as UTF-8',
    ({ directory }) => writeFileSync(join(directory, '.env'), '\uFEFFPORT=1\n', 'utf16le'),
  ],
  [
    'a .env that is a pipe',
    'error: .env is a pipe or a device',
    ({ directory }) => {
      rmSync(join(directory, '.env'))
      execFileSync('mkfifo', [join(directory, '.env')])
    },
  ],
  [
    'an empty callers file',
    'error: callers file callers.json is empty; it must be { "callers": [ … ] }',
    ({ file }) => void file('callers.json', ' \n'),
  ],
  [
    'a callers file with a comma too much',
    'error: callers.json:3:1: the name of a member in double quotes is expected here',
    ({ file }) => void file('callers.json', '{\n"callers": [],\n}'),
  ],
  [
    'a caller whose keys have all ended',
    'warning: callers.json:1:27: caller "one": every key has ended: it cannot call',
    ({ file }) => {
      const { name, key_sha256: ended, ...rest } = newEntry('one', KEY, SCOPES, '*')
      const keys = [{ key_sha256: ended, not_after: '2020-01-01T00:00:00Z' }]
      file('callers.json', JSON.stringify({ callers: [{ name, keys, ...rest }] }))
    },
  ],
  [
    'a secret that is the name of its file',
    'warning: HOSTKEY_API_KEY: is the name of a file that is there; HOSTKEY_API_KEY_FILE reads',
    ({ file }) => void file('.env', 'HOSTKEY_API_KEY=./key\nCALLERS_FILE=callers.json\n'),
  ],
  [
    'a store with a host',
    'error: environment: STORE_URL must be sqlite:<path of the file>, such as',
    () => ({ STORE_URL: 'sqlite://data/gateway.db' }),
  ],
  [
    'a store in memory',
    'error: environment: STORE_URL must be sqlite:<path of the file>, such as',
    () => ({ STORE_URL: 'sqlite::memory:' }),
  ],
  [
    'a store of another program',
    'error: STORE_URL: the store other.db is a database of another program',
    ({ directory }) => {
      new DatabaseSync(join(directory, 'other.db')).exec('CREATE TABLE notes (text)')
      return { STORE_URL: 'sqlite:other.db' }
    },
  ],
  [
    'a store that is a directory',
    'error: STORE_URL: the store /tmp is no file',
    () => ({ STORE_URL: 'sqlite:/tmp' }),
  ],
])('%s', async (_, beginning, plant) => {
  const here = place()
  if (_ !== 'a .env that is a directory') good(here)
  const { lines, stderr } = await here.check(plant(here) ?? {})
  const [found, ...others] = lines.filter(
    line => !line.includes('callers is empty') || beginning.includes('empty'),
  )
  expect([found, stderr]).toEqual([expect.stringContaining(beginning), []])
  expect(others).toHaveLength(1)
})

test('webhooks: addresses that would be refused, secret files that are broken, and rights', async () => {
  const here = place()
  good(here)
  const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
  const webhooks = {
    fine: { url: 'https://receiver.example.com/', secret_file: 'webhook-secret' },
    inside: { url: 'https://10.1.2.3/canary', secret },
    here: { url: 'http://localhost:9000/canary', secret },
    gone: { url: 'https://receiver.example.com/', secret_file: 'canary' },
    broken: { url: 'https://receiver.example.com/', secret_file: 'key' },
  }
  const entries = Object.entries(webhooks).map(([name, webhook]) =>
    JSON.stringify({ ...newEntry(name, `key-${name}`, SCOPES, '*'), webhook }),
  )
  here.file('webhook-secret', secret, 0o644)
  here.file('callers.json', `{"callers": [\n${entries.join(',\n')}\n]}`, 0o644)
  const { code, lines } = await here.check()
  expect([code, lines]).toEqual([
    78,
    [
      /^error: callers.json:5:\d+: caller "gone": secret_file: the file cannot be read \(ENOENT\): there is no such file$/,
      /^error: callers.json:6:\d+: caller "broken": secret_file: the file must hold whsec_ followed by base64/,
      /^error: callers.json:3:\d+: caller "inside": url has an address that is not public, and not in WEBHOOK_ALLOW/,
      /^error: callers.json:4:\d+: caller "here": url has an address that is not public/,
      /^warning: callers.json: everybody on this machine may read this file; chmod 600 it$/,
      /^warning: webhook-secret: everybody on this machine may read this file/,
      /^errors: 4, warnings: 2$/,
    ].map(line => expect.stringMatching(line) as string),
  ])
  expect(lines.join('\n')).not.toMatch(/canary|whsec_[A-Z]/)
  const allowing = await here.check({ WEBHOOK_ALLOW: '10.1.0.0/16,127.0.0.1' })
  expect(allowing.lines.at(-1)).toBe('errors: 2, warnings: 2')
})

test('a gateway that runs is not disturbed, and its file not touched', async () => {
  const here = place()
  good(here)
  const server = runScript('src/server.ts', { env: { PORT: '0', DOCS: 'false' }, cwd: here.directory })
  const [line] = await server.line(/^.*"msg":"listening".*$/)
  const { address } = JSON.parse(line) as { address: string }
  const store = join(here.directory, 'data/gateway.db')
  const before = [readFileSync(store), statSync(store).mtimeMs, readdirSync(join(here.directory, 'data'))]
  expect(await here.check()).toEqual({ code: 0, lines: ['errors: 0, warnings: 0'], stderr: [] })
  expect([readFileSync(store), statSync(store).mtimeMs, readdirSync(join(here.directory, 'data'))]).toEqual(
    before,
  )
  expect((await call(address, 'GET', '/readyz', { key: null })).status).toBe(200)
})

test('--online logs in once, and tells which VMs of callers the account lacks', async () => {
  const simulator = await startSimulator({ apiKey: API_KEY })
  onTestFinished(() => simulator.close())
  const here = place()
  good(here)
  const callers = [
    newEntry('all', 'key-a', SCOPES, '*'),
    newEntry('some', 'key-b', SCOPES, [1000, 1777, 1778]),
    newEntry('fine', 'key-c', SCOPES, [1000]),
  ]
  here.file('callers.json', JSON.stringify({ callers }))
  const env = { HOSTKEY_BASE_URL: simulator.baseUrl }
  expect(await here.check(env, '--online')).toEqual({
    code: 0,
    lines: [
      `warning: HOSTKEY at ${simulator.baseUrl}: the account has no VM 1777, 1778, which caller "some" may touch`,
      'errors: 0, warnings: 1',
    ],
    stderr: [],
  })
  expect(simulator.requests.map(({ path, fields }) => [path, fields.action])).toEqual([
    ['/auth.php', 'login'],
  ])
  // Without --online nothing is asked.
  expect((await here.check(env)).lines).toEqual(['errors: 0, warnings: 0'])
  expect(simulator.requests).toHaveLength(1)

  here.file('key', 'another-api-key-4444')
  const refused = await here.check(env, '--online')
  expect(refused).toMatchObject({
    code: 78,
    lines: [
      `error: HOSTKEY at ${simulator.baseUrl}: refused the login: invalid api key`,
      'errors: 1, warnings: 0',
    ],
  })
  await simulator.close()
  expect(await here.check(env, '--online')).toMatchObject({
    code: 78,
    lines: [expect.stringMatching(/^error: HOSTKEY at .*: the login failed: /), 'errors: 1, warnings: 0'],
  })
  here.file('.env', 'HOSTKEY_TOKEN=fixed-token-555\nCALLERS_FILE=callers.json\n')
  expect((await here.check(env, '--online')).lines).toEqual([
    expect.stringMatching(/^warning: HOSTKEY at .*fixed token/),
    'errors: 0, warnings: 1',
  ])
})
