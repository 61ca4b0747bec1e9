/** The log as operators meet it: the audit of changes, and lines for people in a terminal. */

import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { createReadStream, openSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { SCOPES } from '../../src/callers/caller.ts'
import { newEntry } from '../../src/callers/key.ts'
import { createLogger, readableLines } from '../../src/observability/log.ts'
import { ended, KEY, startWorld, temporaryDirectory, TOKEN, type World } from '../helper.ts'
import { lacks, runProgram } from '../programs.ts'

/** The audit lines so far, without what every line has. */
function audited(world: World): Record<string, unknown>[] {
  return world.log
    .map(line => JSON.parse(line) as Record<string, unknown>)
    .filter(({ audit }) => audit === true)
    .map(({ time: _time, pid: _pid, hostname: _hostname, level: _level, ...fields }) => fields)
}

test('a change is told when it is taken on, when it is asked for again, and at its end', async () => {
  const world = await startWorld()
  const headers = { 'x-request-id': 'request-0001', 'idempotency-key': 'k', prefer: 'wait=10' }
  const create = { body: { name: 'a', type: 'snapshot' }, headers }
  const { body } = await world.call('POST', '/vms/1000/snapshots', create)
  await world.call('POST', '/vms/1000/snapshots', {
    ...create,
    headers: { ...headers, 'x-request-id': 'request-0002' },
  })
  const what = {
    audit: true,
    caller: 'tester',
    kind: 'snapshot.create',
    vm_id: 1000,
    snapshot: 'a',
    snapshot_type: 'snapshot',
    operation: body.id,
  }
  const [accepted, end, replayed, ...more] = audited(world)
  const asked = { ...what, address: '127.0.0.1', msg: 'audit' }
  expect(accepted).toEqual({ ...asked, reqId: 'request-0001', outcome: 'accepted' })
  expect(end).toEqual({
    ...what,
    reqId: 'request-0001',
    status: 'succeeded',
    took_ms: expect.any(Number) as number,
    msg: 'operation ended',
  })
  expect(replayed).toEqual({ ...asked, reqId: 'request-0002', outcome: 'replayed' })
  expect(more).toEqual([])
})

test('the end is told by the process that saw it, with the request that asked', async () => {
  const world = await startWorld()
  world.simulator.fault({ action: 'restore_snapshot', kind: 'task-fails' })
  world.simulator.fault({ action: 'check', kind: 'respond', body: '{"result":"Not ready"}', times: 2 })
  const { body } = await world.call('POST', '/vms/1000/snapshots/first/restore', {
    headers: { 'x-request-id': 'request-0003' },
  })
  await world.restart()
  await ended(world, body.id)
  expect(audited(world).at(-1)).toMatchObject({
    reqId: 'request-0003',
    operation: body.id,
    kind: 'snapshot.restore',
    status: 'failed',
    reason: expect.stringMatching(/\w/) as string,
  })
})

test('whoever is refused is told, whatever the reason, and nothing malformed gets into the log', async () => {
  const world = await startWorld({
    callers: [
      newEntry('tester', KEY, SCOPES, '*'),
      newEntry('reader', 'key-reader', ['snapshots:read'], '*'),
      newEntry('few', 'key-few', SCOPES, [1]),
    ],
  })
  const running = (await world.call('POST', '/vms/1003/snapshots', { body: { name: 'a' } })).body.id
  await world.call('DELETE', '/vms/1000/snapshots/first', { key: null })
  await world.call('DELETE', '/vms/1000/snapshots/first', { key: 'key-reader' })
  await world.call('POST', '/vms/1000/snapshots/first/restore', { key: 'key-few' })
  await world.call('POST', '/vms/bad%0Aid/snapshots', { body: { name: 'bad\nname' } })
  await world.call('DELETE', '/vms/1003/snapshots/first')
  await world.call('DELETE', '/vms/1001/snapshots/first')
  await world.simulator.close()
  await world.call('DELETE', '/vms/1000/snapshots/first')
  // Reads and routes that are none change nothing.
  await world.call('GET', '/vms/9/snapshots', { key: null })
  await world.call('PUT', '/vms/1000/snapshots')

  const lines = audited(world).filter(({ msg }) => msg === 'audit')
  expect(
    lines.map(({ caller, kind, vm_id, snapshot, outcome, code }) => [
      caller,
      kind,
      vm_id,
      snapshot,
      outcome,
      code,
    ]),
  ).toEqual([
    ['tester', 'snapshot.create', 1003, 'a', 'accepted', undefined],
    [null, 'snapshot.delete', 1000, 'first', 'refused', 'unauthenticated'],
    ['reader', 'snapshot.delete', 1000, 'first', 'refused', 'scope-missing'],
    ['few', 'snapshot.restore', 1000, 'first', 'refused', 'vm-not-allowed'],
    ['tester', 'snapshot.create', null, null, 'refused', 'validation-failed'],
    ['tester', 'snapshot.delete', 1003, 'first', 'refused', 'vm-busy'],
    ['tester', 'snapshot.delete', 1001, 'first', 'refused', 'upstream-conflict'],
    ['tester', 'snapshot.delete', 1000, 'first', 'failed', 'upstream-unavailable'],
  ])
  expect(lines[5]!.operation).toBe(running)
})

/** The start line of a gateway whose stdout is what `command` makes it. */
async function startLine(command: (node: string) => string): Promise<string> {
  const directory = temporaryDirectory()
  const callers = join(directory, 'callers.json')
  writeFileSync(callers, JSON.stringify({ callers: [newEntry('tester', KEY, SCOPES, '*')] }))
  const server = join(import.meta.dirname, '../../src/server.ts')
  const program = runProgram('bash', {
    args: ['-c', command(`${process.execPath} ${server}`)],
    cwd: directory,
    env: { PORT: '0', HOSTKEY_TOKEN: TOKEN, CALLERS_FILE: callers, DOCS: 'false', TERM: 'dumb' },
  })
  const [line] = await program.line(/^.*\blistening at.*$/)
  program.child.kill('SIGTERM')
  return line
}

test.skipIf(lacks('bash', 'script'))(
  'lines are for people in a terminal, and JSON everywhere else',
  async () => {
    const [piped, shown] = await Promise.all([
      startLine(node => `exec ${node}`),
      startLine(node => `exec script -qec '${node}' /dev/null`),
    ])
    expect(JSON.parse(piped)).toMatchObject({
      level: 'info',
      msg: expect.stringContaining('listening') as string,
    })
    expect(shown).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\].*INFO.*listening/)
  },
)

test('without what makes them there are none, and the log is JSON in a terminal, too', () => {
  expect(readableLines('not-installed')).toBeUndefined()
  expect(readableLines()).toBeDefined()
})

test.skipIf(lacks('mkfifo'))(
  'a reader of the log that hangs costs the lines past a bound, and does not hold up the gateway',
  async () => {
    const path = join(temporaryDirectory(), 'log')
    execFileSync('mkfifo', [path])
    // Open for both, so that neither side waits for the other.
    const fd = openSync(path, 'r+')
    const maxWaiting = 100_000
    const log = createLogger('info', fd, maxWaiting)
    // More than a pipe takes (64 KiB) and than may wait.
    for (let line = 0; line < 5_000; line += 1) log.info({ line, text: 'x'.repeat(60) }, 'request')

    const lines = createInterface({ input: createReadStream(path) })[Symbol.asyncIterator]()
    const next = async (): Promise<number> =>
      (JSON.parse((await lines.next()).value as string) as { line: number }).line
    const first = await next()
    log.info({ line: 5_000 }, 'the last')
    let read = 1
    while ((await next()) !== 5_000) read += 1
    expect(first).toBe(0)
    expect(read).toBeGreaterThan(500)
    expect(read * 100).toBeLessThan(maxWaiting + 2 * 65_536)
  },
)
