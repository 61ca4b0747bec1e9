import { expect, test } from 'vitest'
import type { SimulatorOptions } from '../../src/simulator/simulator.ts'
import { start } from './start.ts'

async function startSessions(options: SimulatorOptions = {}) {
  const world = await start(options)
  const login = async () => (await world.post('/auth.php', { action: 'login', key: 'key' })).result
  const stats = (token: string, id: number) => world.post('/vm.php', { action: 'load_stats', id, token })
  return { ...world, login, stats }
}

test('a VM that came after a login is unknown to that session until the next', async () => {
  const { sim, login, stats } = await startSessions({ sessionServers: true, vms: { 7: {} } })
  const old = await login()
  sim.setVm(8, {})
  expect(await stats(old.token, 7)).toMatchObject({ result: 'OK' })
  expect(await stats(old.token, 8)).toEqual({
    code: -1,
    message: 'failed to request stats for 8 - server not found',
  })
  const fresh = await login()
  expect([old.servers, fresh.servers]).toEqual([[7], [7, 8]])
  expect(await stats(fresh.token, 8)).toMatchObject({ result: 'OK' })
  expect(await stats('fixed', 8)).toMatchObject({ result: 'OK' })
  expect(sim.ledger.map(({ vmId }) => vmId)).toEqual([7, 8, 8])
})

test('unless it is asked for, a session knows every VM', async () => {
  const { sim, login, stats } = await startSessions()
  const { token } = await login()
  sim.setVm(8, {})
  expect(await stats(token, 8)).toMatchObject({ result: 'OK' })
})

test('a login names the host of the account', async () => {
  const { login } = await startSessions({ invapi: 'https://invapi.hostkey.ru' })
  expect(await login()).toMatchObject({ token: expect.any(String), invapi: 'https://invapi.hostkey.ru' })
  expect(await (await startSessions()).login()).not.toHaveProperty('invapi')
})

test('a session that is logged out is over, and is logged out once', async () => {
  const { post, login, stats } = await startSessions()
  const [{ token }, other] = [await login(), await login()]
  expect(await post('/auth.php', { action: 'logout', token })).toEqual({ result: 'OK' })
  expect(await stats(token, 1000)).toMatchObject({ code: -2 })
  expect(await post('/auth.php', { action: 'logout', token })).toMatchObject({ code: -1 })
  expect(await stats(other.token, 1000)).toMatchObject({ result: 'OK' })
})

test('dead-token gives out a token that is refused though fresh', async () => {
  const { sim, login, stats } = await startSessions()
  sim.fault({ kind: 'dead-token', action: 'login' })
  expect(await stats((await login()).token, 1000)).toEqual({ code: -2, message: 'invalid token' })
  expect(await stats((await login()).token, 1000)).toMatchObject({ result: 'OK' })
})

test('another process can end all sessions', async () => {
  const { sim, login, stats } = await startSessions()
  const { token } = await login()
  const expire = (body: string) => fetch(`${sim.baseUrl}/_control/expire-tokens`, { method: 'POST', body })
  await expire('')
  expect([await stats(token, 1000), await stats('fixed', 1000)]).toMatchObject([
    { code: -2 },
    { result: 'OK' },
  ])
  await expire('{"fixed":true}')
  expect(await stats('fixed', 1000)).toMatchObject({ code: -2 })
})
