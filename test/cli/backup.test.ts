/** `backup` of a store, with the gateway running on it and without, and what is made of the copy again. */

import { existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import { startSimulator } from '../../src/simulator/simulator.ts'
import { openSqliteStore } from '../../src/store/sqlite/open.ts'
import { call, KEY, temporaryDirectory, TOKEN } from '../helper.ts'
import { runScript, type Program } from '../programs.ts'

interface Place {
  directory: string
  start(): Promise<{ server: Program; address: string }>
  backup(file: string): Promise<{ code: unknown; stdout: string[]; stderr: string[] }>
  create(address: string, name: string): Promise<string>
}

async function place(): Promise<Place> {
  const directory = temporaryDirectory()
  const simulator = await startSimulator({ token: TOKEN, taskMs: 10 })
  onTestFinished(() => simulator.close())
  writeFileSync(
    join(directory, 'callers.json'),
    JSON.stringify({ callers: [newEntry('one', KEY, SCOPES, '*')] }),
  )
  writeFileSync(
    join(directory, '.env'),
    `PORT=0\nHOSTKEY_BASE_URL=${simulator.baseUrl}\nHOSTKEY_TOKEN=${TOKEN}\nCALLERS_FILE=callers.json\nDOCS=false\nSHUTDOWN_MS=1000\nCHECK_MIN_MS=10\n`,
  )
  return {
    directory,
    async start() {
      const server = runScript('src/server.ts', { cwd: directory })
      const [line] = await server.line(/^.*"msg":"listening".*$/)
      return { server, address: (JSON.parse(line) as { address: string }).address }
    },
    async backup(file) {
      const { ended, stdout, stderr } = runScript('bin/hostkey-vm-gateway.mjs', {
        args: ['backup', file],
        cwd: directory,
      })
      return { code: await ended, stdout, stderr }
    },
    async create(address, name) {
      const { status, body } = await call(address, 'POST', '/vms/1000/snapshots', {
        body: { name },
        headers: { prefer: 'wait=10' },
      })
      expect([status, body.status]).toEqual([200, 'succeeded'])
      return body.id as string
    },
  }
}

test('a copy of a running store under load is whole, its owner alone can read it, and a gateway runs on it', async () => {
  const here = await place()
  const { server, address } = await here.start()
  expect(statSync(join(here.directory, 'data/gateway.db.control')).mode & 0o777).toBe(0o600)
  const before = await here.create(address, 'before')
  let isOver = false
  const load = (async (): Promise<void> => {
    for (let i = 0; !isOver; i += 1) await here.create(address, `load-${i}`)
  })()
  const made = await here.backup('copy.db')
  isOver = true
  await load
  const after = await here.create(address, 'after')
  expect(made).toMatchObject({ code: 0, stderr: [] })
  expect(
    Number(/^copy\.db: a copy of the store with (\d+) operations$/.exec(made.stdout[0]!)?.[1]),
  ).toBeGreaterThan(0)
  expect(readdirSync(here.directory).toSorted()).toEqual(['.env', 'callers.json', 'copy.db', 'data'])
  expect(statSync(join(here.directory, 'copy.db')).mode & 0o777).toBe(0o600)
  // The lock of the file is still there: no second process gets it.
  const second = runScript('src/server.ts', { cwd: here.directory })
  expect([await second.ended, ...second.stderr]).toEqual([
    78,
    expect.stringContaining('is in use by another process'),
  ])
  // Nothing is overwritten, and the gateway can be asked again.
  expect(await here.backup('copy.db')).toMatchObject({ code: 1, stderr: ['copy.db is there already'] })
  expect(await here.backup('copy2.db')).toMatchObject({ code: 0 })

  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
  expect(existsSync(join(here.directory, 'data/gateway.db.control'))).toBe(false)
  renameSync(join(here.directory, 'data'), join(here.directory, 'lost'))
  mkdirSync(join(here.directory, 'data'), { mode: 0o700 })
  renameSync(join(here.directory, 'copy.db'), join(here.directory, 'data/gateway.db'))
  const restored = await here.start()
  expect((await call(restored.address, 'GET', `/operations/${before}`)).body).toMatchObject({
    status: 'succeeded',
  })
  expect((await call(restored.address, 'GET', `/operations/${after}`)).status).toBe(404)
})

test('a socket that a killed process left is taken over; without a process the copy is made all the same', async () => {
  const here = await place()
  const { server, address } = await here.start()
  const id = await here.create(address, 'a')
  server.child.kill('SIGKILL')
  await server.ended
  expect(existsSync(join(here.directory, 'data/gateway.db.control'))).toBe(true)
  expect(await here.backup('copy.db')).toMatchObject({
    code: 0,
    stdout: [expect.stringContaining('1 operations')],
  })
  const copy = openSqliteStore(join(here.directory, 'copy.db'), Date.now())
  onTestFinished(() => copy.close())
  expect(await copy.get(id)).toMatchObject({ id, status: 'succeeded' })
  const again = await here.start()
  expect((await call(again.address, 'GET', `/operations/${id}`)).status).toBe(200)
  expect(await here.backup('copy2.db')).toMatchObject({ code: 0 })
})

test('who leaves in the middle ends the hold; a stop ends it, too, and what is no question is cut off', async () => {
  const here = await place()
  const { server } = await here.start()
  const path = join(here.directory, 'data/gateway.db.control')
  const ask = (...words: string[]): { answers: AsyncIterator<string>; leave: () => void } => {
    const socket = connect(path).on('error', () => {})
    onTestFinished(() => void socket.destroy())
    socket.write(words.map(word => `${word}\n`).join(''))
    return {
      answers: createInterface({ input: socket })[Symbol.asyncIterator](),
      leave: () => socket.destroy(),
    }
  }
  const first = ask('hold')
  expect((await first.answers.next()).value).toBe('held')
  expect(await here.backup('copy.db')).toMatchObject({ code: 1, stderr: ['another copy is being made'] })
  for (const words of [['done'], ['hello'], ['DELETE FROM operations']])
    expect((await ask(...words).answers.next()).done).toBe(true)
  first.leave()
  await expect.poll(() => here.backup('copy.db'), { timeout: 20_000 }).toMatchObject({ code: 0 })
  const last = ask('hold')
  expect((await last.answers.next()).value).toBe('held')
  server.child.kill('SIGTERM')
  expect((await last.answers.next()).done).toBe(true)
  expect(await server.ended).toBe(0)
})

test('a copy that has no place is told in a line', async () => {
  const here = await place()
  const { server } = await here.start()
  expect(await here.backup('none/copy.db')).toEqual({
    code: 1,
    stdout: [],
    stderr: [`the directory ${here.directory}/none takes no files (ENOENT)`],
  })
  server.child.kill('SIGKILL')
  await server.ended
})

test.each([
  ['sqlite:none.db', 'there is no store at none.db'],
  [
    'postgres://gateway@db.example.com/gateway',
    'the store is a database of its own; back it up with the tools that it brings',
  ],
  [
    'redis://db.example.com',
    'STORE_URL must be postgres://… where it was redis://…: replicas share a PostgreSQL now',
  ],
])('what cannot be copied is told in a line: %s', async (url, line) => {
  const { ended, stdout, stderr } = runScript('src/cli/backup.ts', {
    args: ['copy.db'],
    env: { STORE_URL: url },
    cwd: temporaryDirectory(),
  })
  expect([await ended, stdout, stderr]).toEqual([1, [], [line]])
})
