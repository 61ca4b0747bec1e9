/** Contract §3.4: marked secrets go through every route and many failures, and come out of none. */

import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { SCOPES } from '../src/callers/caller.ts'
import { newEntry } from '../src/callers/key.ts'
import type { Fault } from '../src/simulator/faults.ts'
import { startReceiver } from './webhooks/receiver.ts'
import { callRaw, ended, startWorld, type Answer, type CallOptions } from './helper.ts'

const CALLER_KEY = 'canary-caller-key-5c1f'
const WRONG_KEY = 'canary-wrong-key-77ab'
const API_KEY = 'canary-api+key/9d2e=='
const WEBHOOK_KEY = Buffer.from('canary-of-a-webhook-4f0e').toString('base64')
const WEBHOOK_QUERY = 'canary-in-a-query-1b6d'
const IN_STATS = ['simulated-vnc-secret', 'simulated-root-secret']

test('no answer, no log line and no document holds a secret', async () => {
  // It repeats what it was sent, too.
  const receiver = await startReceiver((response, { path, headers, body }) =>
    response.writeHead(500, { 'x-echo': path }).end(`${path} ${JSON.stringify(headers)} ${body.toString()}`),
  )
  receiver.url.search = WEBHOOK_QUERY
  const webhook = { url: receiver.url.href, secret: `whsec_${WEBHOOK_KEY}` }
  const world = await startWorld({
    env: {
      LOG_LEVEL: 'trace',
      WEBHOOK_ALLOW: '127.0.0.1',
      DOCS: 'true',
      HOSTKEY_TOKEN: '',
      HOSTKEY_API_KEY: API_KEY,
      HOSTKEY_TIMEOUT_MS: '400',
      OPERATION_DEADLINE_MS: '800',
    },
    simulator: {
      apiKey: API_KEY,
      vms: {
        1000: { snapshots: ['first'] },
        1002: { behaviour: 'fails' },
        1003: {},
        // For the failures below, side by side.
        ...Object.fromEntries(Array.from({ length: 50 }, (_, i) => [2000 + i, {}])),
      },
    },
    callers: [
      { ...newEntry('tester', CALLER_KEY, SCOPES, '*'), webhook },
      newEntry('few', 'key-few', ['stats:read'], []),
    ],
  })
  const { simulator } = world
  const answers: Answer[] = []
  const call = async (method: string, path: string, options: CallOptions = {}): Promise<Answer> => {
    const answer = await world.call(method, path, { key: CALLER_KEY, ...options })
    answers.push(answer)
    return answer
  }
  /** A create that is followed to its end, whatever the start of it was. */
  const create = async (name: string, vmId = 1000): Promise<void> => {
    const { body } = await call('POST', `/vms/${vmId}/snapshots`, { body: { name } })
    const self = body.self ?? body.operation
    if (self) await call('GET', `${self}`, { headers: { prefer: 'wait=10' } })
  }
  const tokenOf = (): string => simulator.requests.findLast(({ fields }) => fields.token)!.fields.token!

  // Every route, as it goes well.
  await create('a')
  for (const path of ['/vms/1000/snapshots', '/vms/1000/snapshots/a', '/vms/1000/stats', '/operations'])
    await call('GET', path)
  const restore = await call('POST', '/vms/1000/snapshots/a/restore', { body: { backup_id: '1' } })
  await call('GET', `${restore.body.self}/events`)
  await call('DELETE', '/vms/1000/snapshots/a', { headers: { prefer: 'wait=10', 'idempotency-key': 'k' } })
  const stats = await call('GET', '/vms/1000/stats', { headers: { prefer: 'respond-async' } })
  await call('GET', `${stats.body.self}/events`)
  for (const path of [
    '/livez',
    '/readyz',
    '/metrics',
    '/openapi.json',
    '/openapi.yaml',
    '/docs',
    '/docs/static/swagger-initializer.js',
  ])
    await call('GET', path)

  // What callers do wrong.
  for (const key of [WRONG_KEY, null, 'key-few']) {
    await call('GET', '/vms/1000/snapshots', { key })
    await call('GET', `${restore.body.self}`, { key })
  }
  await call('GET', '/operations', { key: CALLER_KEY, headers: { 'x-api-key': WRONG_KEY } })
  for (const body of ['{', '{"name":5}', '{"__proto__":1}', 'x'.repeat(20_000)])
    await call('POST', '/vms/1000/snapshots', { body })
  await call('PUT', '/vms/1000/snapshots')
  await call('GET', `/nothing?key=${CALLER_KEY}`)
  answers.push(await callRaw(world.gateway.address, 'GET', '/%ff', { headers: { 'x-api-key': CALLER_KEY } }))

  // HOSTKEY refuses, fails and babbles, and repeats what it was sent.
  const echo = `token=${tokenOf()}&key=${encodeURIComponent(API_KEY)} and ${API_KEY}`
  const babble = [
    JSON.stringify({ code: -1, message: `failed to request snapshot creation for 1000 - ${echo}` }),
    JSON.stringify({ code: -1, message: 'x', token: tokenOf(), debug: echo }),
    JSON.stringify({ result: -1, error: { text: echo } }),
    JSON.stringify({ result: 'OK', scope: { note: echo, token: tokenOf(), deep: [{ api_key: API_KEY }] } }),
    JSON.stringify({ result: 'OK', callback: `${tokenOf()} ${API_KEY}` }),
    JSON.stringify({ result: echo }),
    `<b>Warning</b>: ${echo}`,
    `<b>Warning</b>: ${echo} {"code":"ERR ${tokenOf()}","message":"${echo}"}`,
    `{"truncated":"${echo}`,
  ]
  const faults: Omit<Fault, 'action'>[] = [
    ...babble.flatMap(body => [200, 404, 500].map(status => ({ kind: 'respond', status, body }) as const)),
    ...(['hang', 'drop-before', 'drop-after', 'lose-key', 'never-done', 'huge'] as const).map(kind => ({
      kind,
    })),
  ]
  await Promise.all(
    faults.map(async (fault, i) => {
      const vmId = 2000 + i
      simulator.fault({ action: 'create_snapshot', vmId, ...fault })
      simulator.fault({ action: 'load_stats', vmId, ...fault })
      await create('a', vmId)
      await call('GET', `/vms/${vmId}/stats`, { headers: { prefer: 'wait=2' } })
    }),
  )
  await call('POST', '/vms/1002/snapshots', { body: { name: 'a' }, headers: { prefer: 'wait=10' } })

  // A result that repeats its own callback key.
  for (const result of ['OK', 'Error']) {
    simulator.fault({ action: 'restore_snapshot', kind: 'never-done' })
    const { body } = await call('POST', '/vms/1000/snapshots/first/restore')
    const key = simulator.ledger.at(-1)!.callback!
    const scope = `task ${key} ended`
    const answer = { result, scope, context: { key, callback: key }, debug: scope, key }
    simulator.fault({ action: 'check', vmId: 1000, kind: 'respond', body: JSON.stringify(answer) })
    answers.push({ ...(await call('GET', body.self)), body: await ended({ ...world, call }, body.id) })
    expect(answers.at(-1)!.body.status).toBe(result === 'OK' ? 'succeeded' : 'failed')
  }

  // The token ends, and then the key is refused.
  simulator.expireTokens()
  await call('GET', '/vms/1000/stats')
  simulator.expireTokens()
  simulator.fault({
    action: 'login',
    kind: 'respond',
    body: JSON.stringify({ code: -1, message: `no key ${API_KEY}` }),
    times: 9,
  })
  await call('GET', '/vms/1000/stats')
  await call('POST', '/vms/1003/snapshots', { body: { name: 'a' } })
  await world.restart()
  await call('GET', '/operations?limit=100')
  await call('GET', '/metrics')
  await simulator.close()
  await call('GET', '/vms/1000/stats')

  const sent = simulator.requests.map(({ fields }) => fields)
  const tokens = [...new Set(sent.flatMap(({ token }) => token ?? []))]
  const callbacks = simulator.ledger.flatMap(({ callback }) => callback ?? [])
  expect(tokens.length).toBeGreaterThan(1)
  expect(callbacks.length).toBeGreaterThan(10)
  expect(sent.map(({ key }) => key)).toContain(API_KEY)
  const secrets = [
    CALLER_KEY,
    WRONG_KEY,
    API_KEY,
    encodeURIComponent(API_KEY),
    WEBHOOK_KEY,
    WEBHOOK_QUERY,
    ...IN_STATS,
    ...tokens,
    ...callbacks,
  ]

  const statuses = new Set(answers.map(({ status }) => status))
  expect([...statuses].toSorted((a, b) => a - b)).toEqual([
    200, 202, 400, 401, 403, 404, 405, 413, 502, 503, 504,
  ])
  const places = [
    ...answers.map(({ headers, text }) => `${JSON.stringify([...headers])}\n${text}`),
    ...world.log,
    // Nor does a receiver get any but that of its own URL.
    ...receiver.got.map(({ headers, body }) => `${JSON.stringify(headers)} ${body.toString()}`),
  ]
  expect(receiver.got.map(({ path }) => path)).toContain(`/hook?${WEBHOOK_QUERY}`)
  expect(world.log.length).toBeGreaterThan(answers.length)
  const leaks = places.flatMap(text =>
    secrets.filter(secret => text.includes(secret)).map(secret => ({ secret, text: text.slice(0, 2_000) })),
  )
  expect(leaks).toEqual([])
})

const SRC = resolve(import.meta.dirname, '../src')

/** Where secrets are handled, and by what one sees it. A new place is added here by hand, after a look at what it does. */
const PLACES: Record<string, [where: RegExp, files: string[]]> = {
  'the token and the API key, as configured': [
    /'HOSTKEY_(TOKEN|API_KEY)'/,
    ['cli/check.ts', 'config/config.ts'],
  ],
  'their values, as files are watched': [/\.(current|recent)\(\)/, ['store/open.ts', 'upstream/session.ts']],
  'the token of a session': [/session\.(token|secrets)\(/, ['upstream/client.ts']],
  'the URL of the store': [/STORE_URL/, ['cli/backup.ts', 'cli/check.ts', 'config/config.ts']],
  'its user and password': [/\bpassword[,:] /, ['config/postgres-url.ts', 'store/postgres/connection.ts']],
  'callback keys': [
    /\.callback\b|\bcallback[,:?!]/,
    [
      'operations/engine.ts',
      'operations/hostkey.ts',
      'operations/operation.ts',
      'operations/transition.ts',
      'upstream/client.ts',
      'upstream/judge/call.ts',
    ],
  ],
  'the secrets of webhooks': [
    /\bsecrets(Of|In)\(|receiver\.secrets\(|\bsecret_file\b/,
    [
      'callers/file.ts',
      'callers/receivers.ts',
      'callers/webhook.ts',
      'cli/check.ts',
      'webhooks/secret.ts',
      'webhooks/send.ts',
    ],
  ],
  "callers' credentials": [
    /'authorization'|'x-api-key'/,
    ['client/client.ts', 'http/auth.ts', 'http/stray-credentials.ts'],
  ],
}

test('secrets are handled in these places of the source, and in no other', () => {
  const sources = globSync('**/*.ts', { cwd: SRC })
    .toSorted()
    .filter(file => !/^(simulator\/|cli\/demo\.ts)/.test(file))
    .map(file => [file, code(readFileSync(join(SRC, file), 'utf8'))] as const)
  const found = Object.entries(PLACES).map(([what, [where]]) => [
    what,
    sources.filter(([, text]) => where.test(text)).map(([file]) => file),
  ])
  expect(Object.fromEntries(found)).toEqual(
    Object.fromEntries(Object.entries(PLACES).map(([what, [, files]]) => [what, files])),
  )
})

/** Without its comments. */
function code(source: string): string {
  return source.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')
}
