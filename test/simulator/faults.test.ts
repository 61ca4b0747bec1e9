import { expect, test } from 'vitest'
import { names, start } from './start.ts'

test('faults hit what they match, in order, as often as they say', async () => {
  const { sim, vm, check } = await start()
  sim.fault({ kind: 'refuse', action: 'load_stats', vmId: 1001, reason: 'locked', times: 2 })
  sim.fault({ kind: 'refuse', action: 'load_stats', reason: 'busy' })
  sim.fault({ kind: 'refuse', action: 'check', vmId: 1000 })
  const reason = async (id: number) => (await vm('load_stats', { id })).message?.split(' - ')[1]
  expect(await reason(1001)).toBe('locked')
  expect(await reason(1000)).toBe('busy')
  expect(await reason(1000)).toBeUndefined()
  expect(await reason(1001)).toBe('locked')
  expect(await reason(1001)).toBeUndefined()
  const [other, hit] = [await vm('load_stats', { id: 1004 }), await vm('load_stats', { id: 1000 })]
  expect(await check(other.callback)).toMatchObject({ result: 'Not ready' })
  expect(await check(hit.callback)).toEqual({ code: -1, message: 'internal error' })
  expect(await check(hit.callback)).toMatchObject({ result: 'Not ready' })

  sim.fault({ kind: 'refuse', times: 9 })
  expect(await vm('nonsense')).toEqual({ code: -1, message: 'internal error' })
  sim.clearFaults()
  expect(await vm('load_stats', { id: 1000 })).toMatchObject({ result: 'OK' })
})

test.each([
  ['drop-before', 0],
  ['drop-after', 1],
  ['drop-body', 1],
] as const)('%s breaks the connection with %d actions carried out', async (kind, carriedOut) => {
  const { sim, vm } = await start()
  sim.fault({ kind })
  await expect(vm('create_snapshot', { id: 1000, name: 'a' })).rejects.toThrow(
    kind === 'drop-body' ? 'terminated' : 'fetch failed',
  )
  expect(sim.ledger).toHaveLength(carriedOut)
})

test.each([
  ['hang', 0, false],
  ['hang-after', 1, false],
  ['hang-body', 1, true],
] as const)(
  '%s leaves the client waiting with %d actions carried out',
  async (kind, carriedOut, hasHeaders) => {
    const { sim } = await start()
    sim.fault({ kind })
    const body = new URLSearchParams({ action: 'create_snapshot', id: '1000', name: 'a', token: 'fixed' })
    let status: number | undefined
    const call = async () => {
      const res = await fetch(`${sim.baseUrl}/vm.php`, {
        method: 'POST',
        body,
        signal: AbortSignal.timeout(300),
      })
      status = res.status
      await res.text()
    }
    await expect(call()).rejects.toThrow('timeout')
    expect(status).toBe(hasHeaders ? 200 : undefined)
    expect(sim.ledger).toHaveLength(carriedOut)
  },
)

test('late acts at once and answers later', async () => {
  const { sim, vm } = await start()
  sim.fault({ kind: 'late', delayMs: 400 })
  const startedAt = performance.now()
  const answer = vm('create_snapshot', { id: 1000, name: 'a' })
  await expect.poll(() => sim.ledger, { interval: 5 }).toHaveLength(1)
  expect(performance.now() - startedAt).toBeLessThan(350)
  expect(await answer).toHaveProperty('callback')
  expect(performance.now() - startedAt).toBeGreaterThan(390)
})

test('lose-key accepts with a key that nobody knows', async () => {
  const { sim, clock, vm, check } = await start()
  sim.fault({ kind: 'lose-key' })
  const { callback } = await vm('create_snapshot', { id: 1000, name: 'a' })
  expect(await check(callback)).toMatchObject({ message: 'AsyncKey not found' })
  clock.now += 50
  expect(names(sim, 1000)).toContain('a')
})

test('burn and drop-after lose the result of a check', async () => {
  const { sim, clock, vm, check } = await start()
  const [burnt, dropped] = [await vm('load_stats', { id: 1000 }), await vm('load_stats', { id: 1000 })]
  sim.fault({ kind: 'burn', action: 'check' })
  await expect(check(burnt.callback)).rejects.toThrow('fetch failed')
  expect(await check(burnt.callback)).toMatchObject({ message: 'AsyncKey not found' })

  sim.fault({ kind: 'drop-after', action: 'check', times: 2 })
  await expect(check(dropped.callback)).rejects.toThrow('fetch failed')
  clock.now += 50
  await expect(check(dropped.callback)).rejects.toThrow('fetch failed')
  expect(await check(dropped.callback)).toMatchObject({ message: 'AsyncKey not found' })
})

test.each([
  ['respond', 0],
  ['respond-after', 1],
] as const)('%s answers what it is told with %d actions carried out', async (kind, carriedOut) => {
  const { sim } = await start()
  const headers = { 'Content-Type': 'text/plain', 'Retry-After': '7' }
  sim.fault({ kind, status: 503, headers, body: '<h1>Zurück später</h1>' })
  const body = new URLSearchParams({ action: 'create_snapshot', id: '1000', name: 'a', token: 'fixed' })
  const res = await fetch(`${sim.baseUrl}/vm.php`, { method: 'POST', body })
  expect([res.status, await res.text()]).toEqual([503, '<h1>Zurück später</h1>'])
  expect([res.headers.get('content-type'), res.headers.get('retry-after')]).toEqual(['text/plain', '7'])
  expect(sim.ledger).toHaveLength(carriedOut)
})

test('refuse has the prefix of the action', async () => {
  const { sim, vm, post } = await start()
  sim.fault({ kind: 'refuse', reason: 'server is locked', times: 2 })
  expect(await vm('restore_snapshot', { id: 1000, name: 'first' })).toEqual({
    code: -1,
    message: 'failed to request restore from snapshot for 1000 - server is locked',
  })
  expect(await post('/auth.php', { action: 'login', key: 'key' })).toEqual({
    code: -1,
    message: 'server is locked',
  })
  expect(sim.ledger).toEqual([])
})

test('huge is JSON of the wanted size, and stops when the client leaves', async () => {
  const { sim, vm } = await start()
  sim.fault({ kind: 'huge', bytes: 300_000 })
  const answer = await vm('get_snapshot', { id: 1000 })
  expect(JSON.stringify(answer)).toHaveLength(300_000)
  expect(sim.ledger).toEqual([])

  sim.fault({ kind: 'huge', bytes: 2 ** 40 })
  const controller = new AbortController()
  const res = await fetch(`${sim.baseUrl}/vm.php`, { method: 'POST', signal: controller.signal })
  await res.body?.getReader().read()
  controller.abort()
  expect(await vm('load_stats', { id: 1000 })).toMatchObject({ result: 'OK' })
})

test('a fault may say itself whether the call is carried out', async () => {
  const { sim, vm } = await start()
  sim.fault({ kind: 'respond', body: '{}', acts: true })
  sim.fault({ kind: 'drop-after', acts: false })
  expect(await vm('create_snapshot', { id: 1000, name: 'a' })).toEqual({})
  await expect(vm('create_snapshot', { id: 1000, name: 'b' })).rejects.toThrow('fetch failed')
  expect(sim.ledger.map(({ name }) => name)).toEqual(['a'])
})

test('the bytes that were sent are counted, on connections that ended too', async () => {
  const { sim, vm } = await start()
  const before = sim.bytesSent
  sim.fault({ kind: 'huge', bytes: 300_000 })
  await vm('load_stats', { id: 1000 })
  sim.restart()
  await vm('load_stats', { id: 1000 })
  expect(sim.bytesSent - before).toBeGreaterThan(300_000)
  expect(sim.bytesSent - before).toBeLessThan(310_000)
})
