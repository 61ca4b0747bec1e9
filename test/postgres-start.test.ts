/** The process over a PostgreSQL that is away as it starts, or that does not let it in. */

import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { SCOPES } from '../src/callers/caller.ts'
import { newEntry } from '../src/callers/key.ts'
import { call, closedAfterAll, KEY, temporaryDirectory, TOKEN } from './helper.ts'
import { runScript, type Program } from './programs.ts'
import { lacksPostgres, startPostgres, type PostgresServer } from './store/postgres/postgres-server.ts'

const PASSWORD = 'canary-password'
const WAIT = { timeout: 20_000, interval: 50 }

describe.skipIf(lacksPostgres())('over PostgreSQL', () => {
  let server: PostgresServer
  const onFinished = closedAfterAll()
  beforeAll(async () => {
    server = await startPostgres({ onFinished })
    await server.query(`CREATE ROLE caller LOGIN PASSWORD '${PASSWORD}'`)
    const rules = join(server.directory, 'data', 'pg_hba.conf')
    rmSync(rules)
    writeFileSync(rules, 'host all gateway all trust\nhostssl all tls_only all trust\n')
    appendFileSync(rules, 'host all caller all scram-sha-256\n')
    await server.query('SELECT pg_reload_conf()')
  })

  const run = (storeUrl: string, command: string, ofCaller: object = {}): Program => {
    const directory = temporaryDirectory()
    writeFileSync(
      join(directory, 'callers.json'),
      JSON.stringify({ callers: [{ ...newEntry('one', KEY, SCOPES, '*'), ...ofCaller }] }),
    )
    const env = { PORT: '0', HOSTKEY_TOKEN: TOKEN, CALLERS_FILE: 'callers.json', DOCS: 'false' }
    return runScript('bin/hostkey-vm-gateway.mjs', {
      args: [command],
      env: { ...env, SHUTDOWN_MS: '1000', STORE_URL: storeUrl },
      cwd: directory,
    })
  }

  test.each<[string, string, RegExp]>([
    ['a wrong password', 'caller:wrong@HERE/postgres', /refused the user or the password of the URL/],
    ['no password', 'caller@HERE/postgres', /asks for a password; the URL has none/],
    ['a database that is not there', 'gateway@HERE/none', /no such database as the URL names; make it, or/],
    ['TLS that the server does not offer', 'gateway@HERE/postgres?sslmode=require', /offers no TLS; turn/],
    ['a user who needs TLS', 'tls_only@HERE/postgres', /lets this user in neither so nor from here; perhaps/],
    [
      'authorities that are not there',
      'gateway@HERE/postgres?sslmode=verify-ca&sslrootcert=/none.pem',
      /the file of sslrootcert cannot be read \(ENOENT\)/,
    ],
  ])('%s: one line and exit code 78, from the start and from check', async (_, url, words) => {
    const storeUrl = `postgres://${url.replace('HERE', `127.0.0.1:${server.port}`)}`
    const [started, checked] = [run(storeUrl, 'start'), run(storeUrl, 'check')]
    expect([await started.ended, started.stderr, started.stdout]).toEqual([
      78,
      [expect.stringMatching(words)],
      [],
    ])
    expect([await checked.ended, checked.stdout]).toEqual([
      78,
      [expect.stringMatching(words), 'errors: 1, warnings: 0'],
    ])
    for (const line of [...started.stderr, ...checked.stdout]) expect(line).not.toContain(PASSWORD)
  })

  test('away at the start: one line; it serves what needs no store, and all once it is there', async () => {
    const own = await startPostgres()
    await own.kill()
    expect(await run(own.url(), 'check').ended).toBe(0)
    // Whoever waits for the store, to make steps or to tell of ends, leaves it to the store to say that it is away.
    const webhook = { url: 'https://receiver.example/', secret: `whsec_${'A'.repeat(32)}` }
    const gateway = run(own.url(), 'start', { webhook })
    const [line] = await gateway.line(/^.*"msg":"listening".*$/)
    const { address } = JSON.parse(line) as { address: string }
    const status = async (path: string, key: string | null = null): Promise<number> =>
      (await call(address, 'GET', path, { key })).status
    expect(await Promise.all([status('/livez'), status('/readyz')])).toEqual([200, 503])
    expect(await status('/operations', KEY)).toBe(503)
    const told = (): string[] =>
      gateway.stdout.filter(one => /"level":"(warn|error)"/.test(one) && !one.includes('"reqId"'))
    expect(told()).toEqual([
      expect.stringMatching(/"reason":"127\.0\.0\.1:\d+: .*ECONNREFUSED.*","msg":"PostgreSQL is away"/),
    ])
    await own.start()
    await vi.waitFor(async () => expect(await status('/readyz')).toBe(200), WAIT)
    expect(await status('/operations', KEY)).toBe(200)
    await gateway.line(/"msg":"PostgreSQL is back"/)
    expect(told().slice(1)).toEqual([expect.stringContaining('fsync=off')])
    gateway.child.kill('SIGTERM')
    expect([await gateway.ended, gateway.stderr]).toEqual([0, []])
  }, 60_000)
})
