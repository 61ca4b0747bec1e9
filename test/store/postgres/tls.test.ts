/** What each `sslmode` verifies. */

import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Refused } from '../../../src/store/postgres/errors.ts'
import { openPostgresStore } from '../../../src/store/postgres/postgres.ts'
import { closedAfterAll, temporaryDirectory } from '../../helper.ts'
import { lacks } from '../../programs.ts'
import { USER, lacksPostgres, startPostgres, type PostgresServer } from './postgres-server.ts'

describe.skipIf(lacksPostgres() || lacks('openssl'))('postgres', () => {
  let server: PostgresServer
  let certificate = ''
  const onFinished = closedAfterAll()
  beforeAll(async () => {
    server = await startPostgres({ onFinished })
    const directory = temporaryDirectory(onFinished)
    certificate = join(directory, 'server.crt')
    const [key, data] = [join(directory, 'server.key'), join(server.directory, 'data')]
    // Its name is that of this machine, but its address is not in it.
    const args = [
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ]
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    execFileSync('openssl', ['req', ...args, ...names, '-keyout', key, '-out', certificate], {
      stdio: 'ignore',
    })
    for (const name of ['server.crt', 'server.key']) {
      execFileSync('cp', [join(directory, name), data])
      chmodSync(join(data, name), 0o600)
      if (USER.uid !== undefined) chownSync(join(data, name), USER.uid, USER.gid)
    }
    writeFileSync(join(data, 'pg_hba.conf'), 'hostssl all all all trust\n')
    await server.kill()
    await server.start('ssl=on')
  })

  /** How the store gets on with this host and these parameters: why it is refused, or `served`. */
  async function attempt(host: string, parameters: string): Promise<string> {
    const url = `postgres://gateway@${host}:${server.port}/postgres?notify=off&${parameters}`
    try {
      const store = await openPostgresStore(() => url, {
        log: { info: () => {}, warn: () => {} },
        openMs: 300,
      })
      onTestFinished(() => store.close())
      await store.ping()
      return 'served'
    } catch (error) {
      expect(error).toBeInstanceOf(Refused)
      return (error as Error).message
    }
  }

  test('each sslmode verifies what PostgreSQL says that it does', { timeout: 30_000 }, async () => {
    const trusted = `sslrootcert=${encodeURIComponent(certificate)}`
    expect(await attempt('localhost', 'sslmode=disable')).toMatch(/only with TLS/)
    expect(await attempt('localhost', 'sslmode=require')).toBe('served')
    expect(await attempt('localhost', 'sslmode=verify-ca')).toMatch(/sslrootcert names.*self-signed/)
    expect(await attempt('localhost', 'sslmode=verify-ca&sslrootcert=/none')).toMatch(
      /sslrootcert cannot be read \(ENOENT\)/,
    )
    expect(await attempt('127.0.0.1', `sslmode=verify-ca&${trusted}`)).toBe('served')
    expect(await attempt('localhost', `sslmode=verify-full&${trusted}`)).toBe('served')
    expect(await attempt('localhost', 'sslmode=verify-full')).toMatch(/self-signed/)
    expect(await attempt('127.0.0.1', `sslmode=verify-full&${trusted}`)).toMatch(/does not match/)
  })
})
