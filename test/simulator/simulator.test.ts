import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { startSimulator } from '../../src/simulator/simulator.ts'
import type { Fault } from '../../src/simulator/simulator.ts'
import { FORM, START, names, raw, start } from './start.ts'

test('a create is accepted with a callback key, takes effect when due, and its result is read once', async () => {
  const { sim, clock, vm, check } = await start()
  const accepted = await vm('create_snapshot', { id: 1000, name: 'nightly-1.0_a' })
  expect(accepted).toEqual({
    result: 'OK',
    module: 'vm',
    action: 'create_snapshot',
    callback: expect.stringMatching(/^[a-z0-9]{32}$/),
  })
  const key = accepted.callback
  clock.now += 49
  expect(await check(key)).toEqual({ result: 'Not ready', key })
  expect(names(sim, 1000)).toEqual(['first'])
  expect(sim.ledger).toEqual([
    {
      at: START,
      action: 'create_snapshot',
      vmId: 1000,
      name: 'nightly-1.0_a',
      type: 'snapshot',
      backupId: null,
      callback: key,
      effectAt: START + 50,
      outcome: 'pending',
    },
  ])
  clock.now += 1
  expect(names(sim, 1000)).toEqual(['first', 'nightly-1.0_a'])
  expect(sim.ledger[0]?.outcome).toBe('done')
  expect(await check(key)).toEqual({
    result: 'OK',
    scope: 'snapshot nightly-1.0_a created',
    context: { action: 'create_snapshot', id: 1000, name: 'nightly-1.0_a', type: 'snapshot' },
    debug: expect.any(String),
    key,
  })
  expect(await check(key)).toEqual({ code: -1, message: 'AsyncKey not found', key })
})

test('answers are JSON under text/html', async () => {
  const { sim } = await start()
  const { headers, body } = await raw(sim, 'POST', '/vm.php', FORM, 'action=load_stats&id=1000&token=fixed')
  expect(headers['content-type']).toBe('text/html; charset=UTF-8')
  expect(JSON.parse(body)).toMatchObject({ result: 'OK', action: 'load_stats' })
})

test.each([
  [
    'create_snapshot',
    { id: 1000, name: 'first' },
    'snapshot creation for 1000 - snapshot first already exists',
  ],
  ['create_snapshot', { id: 1000 }, 'snapshot creation for 1000 - invalid name'],
  ['create_snapshot', { id: 1000, name: 'a b' }, 'snapshot creation for 1000 - invalid name'],
  ['create_snapshot', { id: '1e3', name: 'a' }, 'snapshot creation for 1e3 - invalid id'],
  ['create_snapshot', { id: 9, name: 'a' }, 'snapshot creation for 9 - server not found'],
  ['get_snapshot', {}, 'snapshots list for  - invalid id'],
  ['get_snapshot', { id: 1000, type: '' }, 'snapshots list for 1000 - invalid type'],
  ['load_stats', { id: 9 }, 'stats for 9 - server not found'],
  ['remove_snapshot', { id: 1001, name: 'a' }, 'snapshot removal for 1001 - server must be powered off'],
  ['remove_snapshot', { id: 1000, name: 'a' }, 'snapshot removal for 1000 - snapshot a not found'],
  ['restore_snapshot', { id: 1000, name: 'a' }, 'restore from snapshot for 1000 - snapshot a not found'],
  [
    'restore_snapshot',
    { id: 1000, name: 'first', type: 'other' },
    'restore from snapshot for 1000 - snapshot first not found',
  ],
])('%s with %j is refused', async (action, fields, message) => {
  const { sim, vm } = await start()
  expect(await vm(action, fields)).toEqual({ code: -1, message: `failed to request ${message}` })
  expect(sim.ledger).toEqual([])
})

test('remove and restore are carried out on a VM that is powered off', async () => {
  const { sim, result } = await start()
  expect(await result('restore_snapshot', { id: 1000, name: 'first', backup_id: 'b-7' })).toMatchObject({
    result: 'OK',
    context: { action: 'restore_snapshot', id: 1000, name: 'first' },
  })
  expect(sim.ledger[0]).toMatchObject({ action: 'restore_snapshot', backupId: 'b-7', outcome: 'done' })
  expect(await result('remove_snapshot', { id: 1000, name: 'first' })).toMatchObject({ result: 'OK' })
  expect(names(sim, 1000)).toEqual([])
})

test('a list shows one type as of the end of its task', async () => {
  const { clock, vm, check, result } = await start()
  await result('create_snapshot', { id: 1000, name: 'first', type: 'backup' })
  const list = await vm('get_snapshot', { id: 1000 })
  clock.now += 10
  await vm('create_snapshot', { id: 1000, name: 'later' })
  clock.now += 1000
  const { scope, context } = await check(list.callback)
  expect(context).toEqual({ action: 'get_snapshot', id: 1000, type: 'snapshot' })
  expect(scope).toEqual([
    {
      name: 'first',
      snapshot_id: expect.any(Number),
      type: 'snapshot',
      date: '2026-11-24T10:00:00.000Z',
      size: expect.any(Number),
    },
  ])
  const backups = await result('get_snapshot', { id: 1000, type: 'backup' })
  expect(backups.scope).toMatchObject([{ name: 'first', type: 'backup', date: '2026-11-24T10:00:00.050Z' }])
})

test.each([
  ['unix', START / 1000],
  ['sql', '2026-11-24 10:00:00'],
] as const)('dates of a list can be %s', async (dateFormat, date) => {
  const { result } = await start({ dateFormat })
  expect((await result('get_snapshot', { id: 1000 })).scope).toMatchObject([{ date }])
})

test('a list can come at once and without a callback', async () => {
  const { sim, vm } = await start({ immediateLists: true })
  const answer = await vm('get_snapshot', { id: 1000 })
  expect(answer).toMatchObject({
    result: 'OK',
    module: 'vm',
    action: 'get_snapshot',
    scope: [{ name: 'first' }],
  })
  expect(answer).not.toHaveProperty('callback')
  expect(sim.ledger).toMatchObject([{ callback: null, outcome: 'done', effectAt: START }])
  expect(await vm('get_snapshot', { id: 1002 })).toMatchObject({ code: -1 })
  expect(await vm('create_snapshot', { id: 1000, name: 'a' })).toHaveProperty('callback')
})

test('stats are an object with secrets inside', async () => {
  const { result } = await start()
  const { scope, context } = await result('load_stats', { id: 1001 })
  expect(context).toEqual({ action: 'load_stats', id: 1001 })
  expect(scope).toMatchObject({ cpu: 12.5, vnc_password: expect.any(String), root_pass: expect.any(String) })
})

test('on a failing VM accepted tasks end with Error, without effect, and burn their key', async () => {
  const { sim, clock, vm, check } = await start()
  const { callback } = await vm('create_snapshot', { id: 1002, name: 'a' })
  clock.now += 50
  expect(await check(callback)).toMatchObject({
    result: 'Error',
    scope: 'internal error',
    debug: expect.any(String),
  })
  expect(await check(callback)).toMatchObject({ code: -1, message: 'AsyncKey not found' })
  expect(sim.vm(1002)?.snapshots).toEqual([])
  expect(sim.ledger[0]?.outcome).toBe('failed')
})

test('on a slow VM tasks take slowTaskMs', async () => {
  const { clock, vm, check } = await start({ slowTaskMs: 300 })
  const { callback } = await vm('load_stats', { id: 1003 })
  clock.now += 299
  expect(await check(callback)).toMatchObject({ result: 'Not ready' })
  clock.now += 1
  expect(await check(callback)).toMatchObject({ result: 'OK' })
})

test('of two creates of one name that were both accepted the second fails, and the ledger shows both', async () => {
  const { sim, clock, vm, check } = await start()
  await vm('create_snapshot', { id: 1004, name: 'a' })
  const second = await vm('create_snapshot', { id: 1004, name: 'a' })
  clock.now += 50
  expect(await check(second.callback)).toMatchObject({ result: 'Error', scope: 'snapshot a already exists' })
  expect(sim.ledger.map(({ outcome }) => outcome)).toEqual(['done', 'failed'])
  expect(names(sim, 1004)).toEqual(['a'])
})

test('VMs can be given and changed', async () => {
  const { sim, result } = await start({ vms: { 7: { power: 'on', snapshots: ['a', 'b'] } } })
  expect(sim.vm(1000)).toBeUndefined()
  expect(sim.vm(7)).toMatchObject({
    power: 'on',
    behaviour: 'normal',
    snapshots: [{ name: 'a' }, { name: 'b' }],
  })
  sim.setVm(7, { power: 'off' })
  expect(await result('remove_snapshot', { id: 7, name: 'a' })).toMatchObject({ result: 'OK' })
  sim.setVm(7, { behaviour: 'fails' })
  sim.setVm(8, {})
  expect(names(sim, 7)).toEqual(['b'])
  expect(sim.vm(8)).toEqual({ power: 'off', behaviour: 'normal', snapshots: [] })
})

test('fields count only in a form body, and GET only for get_snapshot', async () => {
  const { sim } = await start()
  const form = 'action=get_snapshot&id=1000&token=fixed'
  const send = async (...args: [string, string, Record<string, string>, string]) =>
    JSON.parse((await raw(sim, ...args)).body)
  expect(await send('GET', '/vm.php', FORM, form)).toHaveProperty('callback')
  expect(await send('POST', '/vm.php', FORM, form)).toHaveProperty('callback')
  expect(await send('POST', '/vm.php', { 'content-type': 'text/plain' }, form)).toMatchObject({ code: -2 })
  expect(await send('POST', `/vm.php?${form}`, FORM, '')).toMatchObject({ code: -2 })
  const invalid = { code: -1, message: 'invalid request method' }
  expect(await send('GET', `/vm.php?${form}`, FORM, '')).toEqual(invalid)
  expect(await send('GET', '/vm.php', FORM, 'action=load_stats&id=1000&token=fixed')).toEqual(invalid)
  expect(await send('GET', '/eq_callback.php', FORM, 'action=check&key=x')).toEqual(invalid)
  expect(await send('POST', '/vm.php', FORM, 'action=reboot&id=1000&token=fixed')).toMatchObject({ code: -1 })
  expect(await send('POST', '/eq_callback.php', FORM, 'key=x')).toMatchObject({ code: -1 })
  expect((await fetch(`${sim.baseUrl}/constructor`)).status).toBe(404)
})

test('tokens: fixed, issued, expired, replaced', async () => {
  const { sim, clock, post } = await start({ tokenTtlMs: 60_000 })
  const using = async (token: string) => {
    const { result, code, message } = await post('/vm.php', { action: 'load_stats', id: 1000, token })
    return result ?? [code, message]
  }
  const refused = [-2, 'invalid token']
  const login = { action: 'login', key: 'key', ttl: 7200, fix_ip: 0 }
  expect(await post('/auth.php', { ...login, key: 'wrong' })).toEqual({
    code: -1,
    message: 'invalid api key',
  })
  expect(await post('/auth.php', { ...login, action: 'logout' })).toMatchObject({ code: -1 })
  const { result } = await post('/auth.php', login)
  expect(result).toEqual({
    token: expect.any(String),
    token_expire: START / 1000 + 60,
    servers: [1000, 1001, 1002, 1003, 1004],
  })
  expect(await using('nonsense')).toEqual(refused)
  expect(await post('/vm.php', { action: 'load_stats', id: 1000 })).toEqual({
    code: -2,
    message: 'invalid token',
  })
  clock.now += 59_999
  expect(await using(result.token)).toBe('OK')
  clock.now += 1
  expect(await using(result.token)).toEqual(refused)

  const { token } = (await post('/auth.php', login)).result
  sim.expireTokens()
  expect([await using(token), await using('fixed')]).toEqual([refused, 'OK'])
  sim.setToken('rotated')
  expect([await using('fixed'), await using('rotated')]).toEqual([refused, 'OK'])
  sim.expireTokens({ fixed: true })
  expect(await using('rotated')).toEqual(refused)
})

test('without a token or an API key nobody gets in', async () => {
  const sim = await startSimulator()
  onTestFinished(() => sim.close())
  const { body } = await raw(sim, 'POST', '/vm.php', FORM, 'action=load_stats&id=1000')
  expect(JSON.parse(body)).toMatchObject({ code: -2 })
  const login = await raw(sim, 'POST', '/auth.php', FORM, 'action=login')
  expect(JSON.parse(login.body)).toMatchObject({ code: -1 })
})

test('requests are recorded as they came, with their connection', async () => {
  const { sim, vm } = await start()
  await vm('load_stats', { id: 1000 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  for (const path of ['/vm.php', '/api/vm.php?x=/1']) {
    await raw(sim, 'POST', path, FORM, 'action=load_stats&id=1&id=1000&token=fixed', agent)
  }
  expect(sim.requests[0]).toEqual({
    at: START,
    method: 'POST',
    path: '/vm.php',
    contentType: 'application/x-www-form-urlencoded;charset=UTF-8',
    body: 'action=load_stats&token=fixed&id=1000',
    fields: { action: 'load_stats', token: 'fixed', id: '1000' },
    headers: expect.objectContaining({ host: `127.0.0.1:${sim.port}` }),
    socketId: 1,
  })
  expect(sim.requests[2]).toMatchObject({ path: '/api/vm.php?x=/1', fields: { id: '1000' } })
  expect(sim.ledger).toHaveLength(3)
  expect(sim.requests.map(({ socketId }) => socketId)).toEqual([1, 2, 2])
  expect(sim.connections).toBe(2)
})

test('a restart forgets keys and cuts connections, but accepted tasks take effect', async () => {
  const { sim, clock, vm, check } = await start()
  sim.fault({ kind: 'hang-after', action: 'create_snapshot' })
  const cut = vm('create_snapshot', { id: 1004, name: 'a' }).catch(String)
  await expect.poll(() => sim.ledger).toHaveLength(1)
  const { callback } = await vm('load_stats', { id: 1000 })
  sim.restart()
  expect(await cut).toContain('fetch failed')
  clock.now += 50
  expect(await check(callback)).toMatchObject({ message: 'AsyncKey not found' })
  expect(names(sim, 1004)).toEqual(['a'])
  expect(sim.ledger.map(({ outcome }) => outcome)).toEqual(['done', 'done'])
})

test('task-fails and never-done are accepted like any other task', async () => {
  const { sim, clock, vm, check } = await start()
  sim.fault({ kind: 'task-fails', reason: 'no space left' })
  sim.fault({ kind: 'never-done' })
  const failing = await vm('create_snapshot', { id: 1000, name: 'a' })
  const endless = await vm('create_snapshot', { id: 1000, name: 'b' })
  clock.now += 1e9
  expect(await check(failing.callback)).toMatchObject({ result: 'Error', scope: 'no space left' })
  expect(await check(endless.callback)).toMatchObject({ result: 'Not ready' })
  expect(sim.ledger).toMatchObject([{ outcome: 'failed' }, { outcome: 'pending', effectAt: null }])
  expect(names(sim, 1000)).toEqual(['first'])
})

test('a login can be hit by faults too', async () => {
  const { sim, post } = await start()
  sim.fault({ kind: 'respond', action: 'login', status: 500, body: '{}' })
  expect(await post('/auth.php', { action: 'login', key: 'key' })).toEqual({})
  expect(await post('/auth.php', { action: 'login', key: 'key' })).toHaveProperty('result.token')
})

test('another process controls it under /_control/ and leaves no trace in the requests', async () => {
  const { sim, vm, check } = await start()
  const control = async (method: string, path: string, body?: unknown) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) }
    const res = await fetch(`${sim.baseUrl}/_control/${path}`, init)
    return res.ok ? res.json() : res.status
  }
  await control('POST', 'fault', { kind: 'refuse', reason: 'busy' } satisfies Fault)
  expect(await vm('load_stats', { id: 1000 })).toMatchObject({ code: -1 })
  await control('POST', 'fault', { kind: 'refuse' })
  await control('DELETE', 'faults')
  const { callback } = await vm('load_stats', { id: 1000 })
  expect(await control('GET', 'ledger')).toEqual(sim.ledger)
  expect(await control('GET', 'requests')).toEqual(sim.requests)
  expect(sim.requests).toHaveLength(2)
  expect(await control('POST', 'vm/1001', { power: 'off', snapshots: ['x'] })).toMatchObject({ power: 'off' })
  expect(await control('GET', 'vm/1001')).toEqual(sim.vm(1001))
  expect(names(sim, 1001)).toEqual(['x'])
  expect(await control('GET', 'vm/9')).toBeNull()

  sim.fault({ kind: 'hang' })
  const cut = vm('load_stats', { id: 1000 }).catch(String)
  await expect.poll(() => sim.requests).toHaveLength(3)
  expect(await control('POST', 'restart')).toEqual({})
  expect(await cut).toContain('fetch failed')
  expect(await check(callback)).toMatchObject({ message: 'AsyncKey not found' })

  expect(await control('POST', 'fault', { kind: 'dorp' })).toBe(400)
  expect(await control('POST', 'nonsense')).toBe(400)
})

test('a client that leaves in the middle of its request does no harm', async () => {
  const { sim, vm } = await start()
  const req = request(`${sim.baseUrl}/vm.php`, {
    method: 'POST',
    headers: { ...FORM, 'content-length': 100 },
  })
  req.on('error', () => {})
  req.write('action=create_snapshot')
  await expect.poll(() => sim.connections).toBe(1)
  req.destroy()
  await sleep(20)
  expect(sim.requests).toEqual([])
  expect(await vm('load_stats', { id: 1000 })).toMatchObject({ result: 'OK' })
})

test('close ends what hangs, can be repeated and frees the port', async () => {
  const sim = await startSimulator({ token: 'fixed' })
  sim.fault({ kind: 'hang' })
  sim.fault({ kind: 'late', delayMs: 60_000 })
  const calls = [1, 2].map(() => fetch(`${sim.baseUrl}/vm.php`, { method: 'POST' }))
  const ended = Promise.allSettled(calls)
  await expect.poll(() => sim.requests).toHaveLength(2)
  await sim.close()
  await sim.close()
  expect((await ended).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  const again = await startSimulator({ port: sim.port })
  await expect(startSimulator({ port: sim.port })).rejects.toThrow('EADDRINUSE')
  await again.close()
})
