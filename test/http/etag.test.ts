import { expect, test } from 'vitest'
import { ended, startWorld, stoppableClock, type Answer } from '../helper.ts'

test('an operation is sent once as long as it does not change', async () => {
  const clock = stoppableClock()
  clock.stop()
  const world = await startWorld({ simulator: { now: clock.now } })
  const { body } = await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' } })
  const see = (tag?: string, prefer?: string): Promise<Answer> =>
    world.call('GET', body.self, {
      headers: {
        ...(tag === undefined ? {} : { 'if-none-match': tag }),
        ...(prefer === undefined ? {} : { prefer }),
      },
    })
  const first = await see()
  const tag = first.headers.get('etag')!
  expect([first.status, tag]).toEqual([200, expect.stringMatching(/^"[\w-]+"$/)])
  for (const sent of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
    const same = await see(sent)
    expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', tag])
    expect(same.headers.get('content-type')).toBeNull()
    // It is still running, and is still to be asked for again.
    expect(Number(same.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(same.headers.get('cache-control')).toBe('private, no-cache')
    expect(same.headers.get('ratelimit')).toMatch(/^"operations"/)
  }
  for (const sent of ['"x"', tag.slice(1, -1), '']) expect((await see(sent)).status).toBe(200)

  clock.go()
  await ended(world, body.id)
  const later = await see(tag)
  expect([later.status, later.body.status]).toEqual([200, 'succeeded'])
  // A tag counts when the wait is over.
  expect((await see(later.headers.get('etag')!, 'wait=5')).status).toBe(304)
})

test('the document is sent once, in both forms', async () => {
  const world = await startWorld()
  for (const path of ['/openapi.json', '/openapi.yaml']) {
    const first = await world.call('GET', path, { key: null })
    const tag = first.headers.get('etag')!
    expect([first.status, first.headers.get('cache-control')]).toEqual([200, 'public, no-cache'])
    const same = await world.call('GET', path, { key: null, headers: { 'if-none-match': tag } })
    expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', tag])
    expect((await world.call('HEAD', path, { key: null })).headers.get('etag')).toBe(tag)
    expect((await world.call('GET', path, { key: null, headers: { 'if-none-match': '"x"' } })).text).toBe(
      first.text,
    )
  }
})

test('an age is told only where the answer may be kept', async () => {
  const world = await startWorld({ env: { READ_CACHE_MS: '60000' } })
  for (const path of ['/vms/1000/snapshots', '/vms/1000/stats', '/vms/1000/snapshots/first']) {
    const answers = [await world.call('GET', path), await world.call('GET', path)]
    for (const { status, headers } of answers) {
      expect(status).toBe(200)
      expect(headers.has('age')).toBe(headers.get('cache-control') === 'private, no-cache')
    }
    expect(answers[1]!.headers.get('age')).toBe('0')
  }
})
