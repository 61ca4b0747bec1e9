import { expect, test } from 'vitest'
import { parsePostgresUrl } from '../../src/config/postgres-url.ts'

test('the URL names hosts, a user and a database, and what it takes to get in', () => {
  expect(parsePostgresUrl('postgres://us%40er:pa%3Ass%2F@localhost/gate%20way')).toEqual({
    hosts: [{ host: 'localhost', port: 5432 }],
    user: 'us@er',
    password: 'pa:ss/',
    database: 'gate way',
    sslMode: 'disable',
    sslRootCert: undefined,
    target: 'any',
    schema: 'public',
    pool: 4,
    notify: true,
    statementTimeoutMs: 1_000,
    connectTimeoutMs: 2_000,
  })
  expect(
    parsePostgresUrl(
      'postgresql://u:p@one:1234,[::1],db.example.com/g?sslmode=verify-ca&sslrootcert=%2Fca.pem&pool=9' +
        '&target_session_attrs=primary&schema=gw&notify=off&statement_timeout_ms=300&connect_timeout_ms=400',
    ),
  ).toMatchObject({
    hosts: [
      { host: 'one', port: 1234 },
      { host: '::1', port: 5432 },
      { host: 'db.example.com', port: 5432 },
    ],
    sslMode: 'verify-ca',
    sslRootCert: '/ca.pem',
    target: 'primary',
    schema: 'gw',
    pool: 9,
    notify: false,
    statementTimeoutMs: 300,
    connectTimeoutMs: 400,
  })
})

test('only this machine is trusted without TLS, and of several hosts the one that takes writes is meant', () => {
  const of = (hosts: string): unknown[] => {
    const { sslMode, target } = parsePostgresUrl(`postgres://u@${hosts}/d`)
    return [sslMode, target]
  }
  expect(of('127.0.0.1')).toEqual(['disable', 'any'])
  expect(of('127.0.0.1,[::1]:1,localhost')).toEqual(['disable', 'read-write'])
  expect(of('localhost.example.com')).toEqual(['verify-full', 'any'])
  expect(of('127.0.0.1,db')).toEqual(['verify-full', 'read-write'])
})

test.for([
  'postgres://user:secret@one',
  'postgres://user:secret@one/',
  'postgres://user:secret@/d',
  'postgres://user:secret@one:0/d',
  'postgres://user:secret@one:99999/d',
  'postgres://user:secret@one,/d',
  'postgres://user:se@cret@one/d',
  'postgres://user:%secret@one/d',
  'postgres://one/secret',
  'postgres://:secret@one/d',
  'postgres://user:secret@one/d?sslmode=prefer',
  'postgres://user:secret@one/d?sslmode=require&sslmode=disable',
  'postgres://user:secret@one/d?sslrootcert=',
  'postgres://user:secret@one/d?target_session_attrs=standby',
  'postgres://user:secret@one/d?schema=A-secret',
  'postgres://user:secret@one/d?pool=0',
  'postgres://user:secret@one/d?pool=1e1',
  'postgres://user:secret@one/d?statement_timeout_ms=',
  'postgres://user:secret@one/d?connect_timeout=3',
  'postgres://user:secret@one/d?constructor=1',
  'mysql://user:secret@one/d',
])('%s is refused, and not shown', url => {
  let message = ''
  try {
    parsePostgresUrl(url)
  } catch (error) {
    ;({ message } = error as Error)
  }
  expect(message).toMatch(/^(must|takes) /)
  expect(message).not.toMatch(/secret/)
})
