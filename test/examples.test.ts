/** The programs of `examples/`, run as their README says. */

import { readdirSync, readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { renderDocuments } from '../src/http/openapi/files.ts'
import { renderTypes } from '../scripts/openapi-types.ts'
import { GUIDE } from '../src/simulator/simulator.ts'
import { createSender, type Sent } from '../src/webhooks/send.ts'
import { realWorld } from '../src/world.ts'
import { KEY, mutations, startWorld, stoppableClock, type World, type WorldOptions } from './helper.ts'
import { lacks, runProgram, type Program } from './programs.ts'

const missing = lacks('bash', 'curl', 'python3')
const EXAMPLES: Record<string, [string, string[]]> = {
  'snapshot.ts': [process.execPath, ['examples/snapshot.ts']],
  'snapshot.sh': ['bash', ['examples/snapshot.sh']],
  'snapshot.py': ['python3', ['-u', 'examples/snapshot.py']],
  'rotate.py': ['python3', ['-u', 'examples/rotate.py']],
  'receiver.py': ['python3', ['-u', 'examples/receiver.py']],
}

function runExample(world: World, name: string, ...args: string[]): Program {
  const [program, first] = EXAMPLES[name]!
  const env = { GATEWAY_URL: world.gateway.address, GATEWAY_KEY: KEY, PYTHONDONTWRITEBYTECODE: '1' }
  return runProgram(program, { args: [...first, ...args], env, cwd: process.cwd() })
}

/** A gateway that holds no answer: whoever waits has to follow the operation. */
const IMPATIENT: WorldOptions = { env: { MAX_WAIT_MS: '0' } }
const snapshots = (world: World, vmId: number): string[] =>
  world.simulator.vm(vmId)!.snapshots.map(({ name }) => name)
const day = (daysAgo: number): string =>
  new Date(Date.now() - daysAgo * 86_400_000).toISOString().slice(0, 10)

test('each program is in the README and in these tests', () => {
  const programs = readdirSync('examples').filter(name => /^(?!gateway).*\.(ts|sh|py)$/.test(name))
  expect(programs.toSorted()).toEqual(Object.keys(EXAMPLES).toSorted())
  const readme = readFileSync('examples/README.md', 'utf8')
  expect(programs.filter(name => !readme.includes(`examples/${name} `))).toEqual([])
})

test('the types are those of the document', async () => {
  const types = await renderTypes((await renderDocuments())['openapi.json']!)
  // Compared as texts, a difference would be printed as a whole.
  expect(types === readFileSync('src/client/document.d.ts', 'utf8')).toBe(true)
})

const takers = Object.keys(EXAMPLES).filter(name => name.startsWith('snapshot.'))

test.skipIf(missing).each(takers)('%s takes a snapshot and waits for it', async name => {
  const world = await startWorld(IMPATIENT)
  const example = runExample(world, name, '1004', 'by-example')
  expect([await example.ended, example.stderr]).toEqual([0, []])
  expect(example.stdout).toEqual([expect.stringMatching(/^op_\w{26} succeeded$/)])
  expect(snapshots(world, 1004)).toEqual(['by-example'])
  expect(mutations(world)).toHaveLength(1)
  // It followed the operation and did not start another.
  expect(world.log.filter(line => line.includes('/operations/:operation_id"'))).not.toEqual([])
})

test.skipIf(missing).each(takers)('%s tells of a failure and of a refusal', async name => {
  const world = await startWorld()
  const failing = runExample(world, name, '1002', 'a')
  expect(await failing.ended).toBe(1)
  expect(failing.stdout).toEqual([expect.stringMatching(/^op_\w{26} failed$/)])
  expect(failing.stderr).toEqual([expect.stringMatching(/^operation-failed: /)])
  const refused = runExample(world, name, '9', 'a')
  expect(await refused.ended).toBe(1)
  expect(refused.stderr.at(-1)).toMatch(/^vm-not-found: /)
})

const rotating = (own: string[]): WorldOptions => ({
  simulator: { ...GUIDE, vms: { 1000: { power: 'off', snapshots: own }, 1004: { power: 'off' } } },
})

test.skipIf(missing)('rotate.py keeps the newest and touches nothing else', async () => {
  const own = [2, 1].map(daysAgo => `daily-${day(daysAgo)}`)
  const others = [`weekly-${day(9)}`]
  const world = await startWorld(rotating([...own, ...others]))
  const first = runExample(world, 'rotate.py', '--keep', '1', '1000', '1004')
  expect([await first.ended, first.stderr]).toEqual([0, []])
  const kept = [...others, `daily-${day(0)}`]
  expect(snapshots(world, 1000)).toEqual(kept)
  expect(snapshots(world, 1004)).toEqual([`daily-${day(0)}`])
  expect(first.stdout).toEqual([
    `1000: took daily-${day(0)}`,
    `1000: deleted ${own[0]} to keep 1`,
    `1000: deleted ${own[1]} to keep 1`,
    `1004: took daily-${day(0)}`,
  ])

  const again = runExample(world, 'rotate.py', '--keep', '1', '1000', '1004')
  expect([await again.ended, again.stdout, again.stderr]).toEqual([0, [], []])
  expect(mutations(world)).toHaveLength(4)
})

test.skipIf(missing)(
  'rotate.py makes room on a VM with four snapshots, and says what it deletes',
  async () => {
    const own = [4, 3, 2].map(daysAgo => `daily-${day(daysAgo)}`)
    const world = await startWorld(rotating(['before-upgrade', ...own]))
    const example = runExample(world, 'rotate.py', '--keep', '3', '1000')
    expect([await example.ended, example.stderr]).toEqual([0, []])
    expect(example.stdout).toEqual([`1000: deleted ${own[0]} to make room`, `1000: took daily-${day(0)}`])
    expect(snapshots(world, 1000)).toEqual(['before-upgrade', own[1], own[2], `daily-${day(0)}`])
    // The day after is as good as this one.
    world.simulator.setVm(1000, { snapshots: [...own, `daily-${day(1)}`] })
    const next = runExample(world, 'rotate.py', '--keep', '4', '1000')
    expect([await next.ended, next.stderr]).toEqual([0, []])
    expect(next.stdout).toEqual([`1000: deleted ${own[0]} to make room`, `1000: took daily-${day(0)}`])
  },
)

test.skipIf(missing).each([
  ['none of four is its own', ['a', 'b', `daily-${day(9)}-x`, 'daily-']],
  ['the only one of its own would go', ['a', 'b', 'c', `daily-${day(1)}`]],
])('rotate.py deletes nothing where %s', async (_, names) => {
  const world = await startWorld(rotating(names))
  const example = runExample(world, 'rotate.py', '--keep', '1', '1000', '1004')
  expect(await example.ended).toBe(1)
  expect(example.stderr).toEqual([expect.stringMatching(/^1000: no-room: .* has 4 snapshots.*: .*daily-/)])
  expect(example.stdout).toEqual([`1004: took daily-${day(0)}`])
  expect(snapshots(world, 1000)).toEqual(names)
  expect(mutations(world)).toHaveLength(1)
})

test.skipIf(missing)(
  'rotate.py takes nothing where no room can be made: a VM that is powered on',
  async () => {
    const own = [4, 3, 2, 1].map(daysAgo => `daily-${day(daysAgo)}`)
    const world = await startWorld(rotating(own))
    world.simulator.setVm(1000, { power: 'on' })
    const example = runExample(world, 'rotate.py', '1000')
    expect(await example.ended).toBe(1)
    expect(example.stderr).toEqual([expect.stringMatching(/^1000: upstream-conflict: .*powered off/)])
    expect(snapshots(world, 1000)).toEqual(own)
  },
)

test.skipIf(missing)('rotate.py follows what is not answered at once, the list too', async () => {
  const world = await startWorld({ ...rotating([`daily-${day(0)}`, `daily-${day(1)}`]), ...IMPATIENT })
  const example = runExample(world, 'rotate.py', '--keep', '1', '1000')
  expect([await example.ended, example.stderr]).toEqual([0, []])
  expect(example.stdout).toEqual([`1000: deleted daily-${day(1)} to keep 1`])
  expect(world.log.filter(line => /"status":202/.test(line))).toHaveLength(2)
})

test.skipIf(missing)('rotate.py waits for a busy VM', async () => {
  const clock = stoppableClock()
  const world = await startWorld({ simulator: { now: clock.now } })
  clock.stop()
  await world.call('POST', '/vms/1004/snapshots', { body: { name: 'by-hand' } })
  // Its list waits for no task; its create meets the one above.
  const list = JSON.stringify({ result: 'OK', scope: [] })
  world.simulator.fault({ kind: 'respond', action: 'get_snapshot', body: list })
  const example = runExample(world, 'rotate.py', '1004')
  await example.line(/^vm-busy: .*; again in \d+ s$/)
  clock.go()
  expect(await example.ended).toBe(0)
  expect(snapshots(world, 1004)).toEqual(['by-hand', `daily-${day(0)}`])
})

test.skipIf(missing)('rotate.py goes on with the others after a refusal, and deletes nothing', async () => {
  const own = `daily-${day(1)}`
  const world = await startWorld(rotating([own]))
  world.simulator.fault({ kind: 'task-fails', action: 'create_snapshot', reason: 'no space' })
  const example = runExample(world, 'rotate.py', '--keep', '1', '1000', '9', '1004')
  expect(await example.ended).toBe(1)
  expect(example.stderr).toEqual([
    expect.stringMatching(/^1000: operation-failed: /),
    expect.stringMatching(/^9: vm-not-found: /),
  ])
  expect(example.stdout).toEqual([`1004: took daily-${day(0)}`])
  expect(snapshots(world, 1000)).toEqual([own])
})

test.skipIf(missing)('rotate.py stops where nobody can tell what happened', async () => {
  const env = { OPERATION_DEADLINE_MS: '1000' }
  const world = await startWorld({ ...rotating([`daily-${day(1)}`]), env })
  // Nonsense, and nothing done: the snapshot never shows, and the deadline is also that of looking for it.
  world.simulator.fault({ kind: 'respond', action: 'create_snapshot', body: '<html>' })
  const example = runExample(world, 'rotate.py', '--keep', '1', '1000', '1004')
  expect(await example.ended).toBe(3)
  expect(example.stderr).toEqual([expect.stringMatching(/^1000: STOPPED, .* op_\w{26}: /)])
  expect([snapshots(world, 1000), snapshots(world, 1004)]).toEqual([[`daily-${day(1)}`], []])
})

test.skipIf(missing)(
  'receiver.py takes what the gateway signs, with either secret, once, and nothing else',
  async () => {
    const [secret, newSecret] = [1, 2].map(fill => `whsec_${Buffer.alloc(32, fill).toString('base64')}`)
    const example = runProgram('python3', {
      args: ['-u', 'examples/receiver.py', '0'],
      // With and without the padding.
      env: { WEBHOOK_SECRET: `${newSecret!.replace('=', '')} ${secret}` },
      cwd: process.cwd(),
    })
    const [, address] = await example.line(/^listening on (.*)$/)
    const url = new URL(address!)
    const sender = createSender({ allow: ['127.0.0.1'], world: realWorld })
    onTestFinished(() => sender.close())
    const body = (number: number): string =>
      JSON.stringify({
        data: { self: `/operations/op_${number}`, kind: 'stats.load', vm_id: 1000, status: 'succeeded' },
      })
    const send = (number: number, key: string, ageMs = 0): Promise<Sent> =>
      sender.send(
        { name: 'a', url, secrets: () => [key] },
        { id: `msg_${number}`, atMs: Date.now() - ageMs, body: body(number) },
      )
    const refused = { kind: 'failed', reason: 'HTTP 401' }
    expect(await send(1, secret!)).toEqual({ kind: 'delivered' })
    expect(await send(1, newSecret!)).toEqual({ kind: 'delivered' })
    expect(await send(2, `whsec_${Buffer.alloc(32).toString('base64')}`)).toEqual(refused)
    expect(await send(3, secret!, 6 * 60_000)).toEqual(refused)
    expect(await send(4, newSecret!, -60_000)).toEqual({ kind: 'delivered' })
    expect(example.stdout.slice(1)).toEqual(
      [1, 4].map(number => `/operations/op_${number} stats.load 1000 succeeded`),
    )
    expect(example.stderr).toEqual([])
  },
)
