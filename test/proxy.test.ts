/** The gateway behind the proxies of `deploy/proxies/`: TLS, a prefix, the caller's address, events and waits. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request, type Dispatcher } from 'undici'
import { expect, onTestFinished, test, vi } from 'vitest'
import { loadConfig } from '../src/config/config.ts'
import { KEY, startWorld, temporaryDirectory, type World, type WorldOptions } from './helper.ts'
import { findProgram, freePort, lacks, runProgram } from './programs.ts'

interface Proxied {
  world: World
  /** A connection to the proxy, for whoever does not speak like a caller. It comes from this address of this machine. */
  connectFrom: (address?: string) => TLSSocket
  /** Calls through the proxy, whose certificate is checked. */
  send: (
    path: string,
    options?: { method?: Dispatcher.HttpMethod; headers?: Record<string, string>; body?: object },
  ) => Promise<Dispatcher.ResponseData>
}

/** A recipe with its words in capitals filled in. */
function recipe(name: string, words: Record<string, string>): string {
  const text = readFileSync(`deploy/proxies/${name}`, 'utf8')
  // Not those of the comments.
  return text.replaceAll(/^(?!#).*$/gm, line =>
    line.replaceAll(/\b[A-Z]{3,}\b/g, word => words[word] ?? word),
  )
}

const START: Record<string, (directory: string, words: Record<string, string>) => [string, string[]]> = {
  nginx(directory, words) {
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => {
      mkdirSync(join(directory, name))
      return `${name}_temp_path ${directory}/${name};`
    })
    writeFileSync(join(directory, 'gateway.conf'), recipe('nginx.conf', words))
    writeFileSync(
      join(directory, 'nginx.conf'),
      `daemon off; master_process off; pid ${directory}/pid; events {}
       http { access_log off; ${paths.join(' ')} include ${directory}/gateway.conf; }`,
    )
    return ['nginx', ['-p', directory, '-c', join(directory, 'nginx.conf'), '-e', 'stderr']]
  },
  haproxy(directory, words) {
    writeFileSync(join(directory, 'haproxy.cfg'), recipe('haproxy.cfg', words))
    return ['haproxy', ['-db', '-q', '-f', join(directory, 'haproxy.cfg')]]
  },
}

/** A gateway behind one of the proxies. */
async function behind(proxy: string, options: WorldOptions = {}): Promise<Proxied> {
  const directory = temporaryDirectory()
  const [key, certificate, both] = ['key.pem', 'certificate.pem', 'both.pem'].map(name =>
    join(directory, name),
  ) as [string, string, string]
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
      '-keyout',
      key,
      '-out',
      certificate,
    ],
    { stdio: 'ignore' },
  )
  const ca = readFileSync(certificate, 'utf8')
  writeFileSync(both, ca + readFileSync(key, 'utf8'))
  const env = { BASE_PATH: '/hostkey', TRUST_PROXY: '127.0.0.1/32', ...options.env }
  const world = await startWorld({ ...options, env })
  const port = await freePort()
  const [program, args] = START[proxy]!(directory, {
    PROXY: `127.0.0.1:${port}`,
    GATEWAY: new URL(world.gateway.address).host,
    CERTIFICATE: proxy === 'nginx' ? certificate : both,
    KEY: key,
  })
  runProgram(findProgram(program)!, { args })
  const dispatcher = new Agent({ connect: { ca } })
  onTestFinished(() => dispatcher.destroy())
  const send: Proxied['send'] = (path, { method = 'GET', headers = {}, body } = {}) =>
    request(`https://localhost:${port}/hostkey${path}`, {
      method,
      dispatcher,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body ? JSON.stringify(body) : null,
    })
  await vi.waitFor(async () => expect((await send('/livez')).statusCode).toBe(200), {
    timeout: 10_000,
    interval: 20,
  })
  const connectFrom: Proxied['connectFrom'] = (localAddress = '127.0.0.1') => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      localAddress,
      ca,
      servername: 'localhost',
    } as ConnectionOptions)
    onTestFinished(() => void socket.destroy())
    return socket.on('error', () => {})
  }
  return { world, send, connectFrom }
}

const proxies = Object.keys(START).filter(name => !lacks(name, 'openssl'))

test.for(proxies)('%s: a change and its wait, behind TLS and a prefix', async proxy => {
  const { send } = await behind(proxy)
  const answer = await send('/vms/1004/snapshots', {
    method: 'POST',
    body: { name: 'a' },
    headers: { prefer: 'wait=10' },
  })
  const operation = (await answer.body.json()) as { self: string; status: string }
  expect([answer.statusCode, operation.status]).toEqual([200, 'succeeded'])
  // The address in the answer is the one that callers know.
  expect(operation.self).toMatch(/^\/hostkey\/operations\/op_/)
  expect((await send(operation.self.slice('/hostkey'.length))).statusCode).toBe(200)
  for (const name of ['ratelimit', 'ratelimit-policy', 'x-request-id'])
    expect(answer.headers).toHaveProperty(name)
  const refused = await send('/vms/1004/stats', { headers: { authorization: 'Bearer nobody' } })
  expect(refused.headers).toMatchObject({
    'www-authenticate': 'Bearer error="invalid_token"',
    'content-type': expect.stringContaining('application/problem+json') as string,
  })
})

test.for(proxies)(
  "%s: the caller's address counts for the limits, and not what the caller says of it",
  async proxy => {
    const { world, send } = await behind(proxy, {
      env: { RATE_LIMIT_MAX: '3', RATE_LIMIT_WINDOW_MS: '60000' },
    })
    // Each with another address, were it believed.
    const statuses: number[] = []
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']) {
      // oxlint-disable-next-line no-await-in-loop -- the last one is one too many
      const answer = await send('/openapi.json', { headers: { 'x-forwarded-for': address } })
      statuses.push(answer.statusCode)
      // oxlint-disable-next-line no-await-in-loop -- as above
      await answer.body.dump()
      if (answer.statusCode === 429) expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    }
    expect(statuses).toEqual([200, 200, 200, 429])
    // Somebody else, as the proxy would tell of them, has a quota of their own.
    const other = await fetch(`${world.gateway.address}/openapi.json`, {
      headers: { 'x-forwarded-for': '192.0.2.9' },
    })
    expect(other.status).toBe(200)
  },
)

test.for(proxies)('%s: events come through as they happen', async proxy => {
  const { world, send } = await behind(proxy)
  world.simulator.fault({ kind: 'never-done', action: 'create_snapshot' })
  const started = await send('/vms/1000/snapshots', { method: 'POST', body: { name: 'a' } })
  const { id } = (await started.body.json()) as { id: string }
  const { body } = await send(`/operations/${id}/events`)
  // The operation never ends, and neither does the stream: a proxy that held it back would show nothing.
  let text = ''
  for await (const chunk of body.setEncoding('utf8')) {
    text += chunk as string
    if (text.includes('"status":"running"')) break
  }
  expect(text).toContain('event: operation')
})

test.skipIf(!proxies.includes('nginx'))('nginx: what it compressed says so to caches', async () => {
  const { send } = await behind('nginx')
  const { headers, body } = await send('/openapi.json', { headers: { 'accept-encoding': 'gzip' } })
  await body.dump()
  expect(headers['content-encoding']).toBe('gzip')
  expect([headers.vary].flat().join()).toContain('Accept-Encoding')
})

/** Seconds of every timeout that one of our recipes sets, by its name. */
function timeoutsOf(file: string): Record<string, number> {
  const text = readFileSync(`deploy/${file}`, 'utf8')
  const set = [...text.matchAll(/^ *(?:(\w+_timeout)|timeout (\S+)) +([^\s;]+)/gm)]
  return Object.fromEntries(
    set.map(([, nginx, haproxy, value = '']) => {
      // Another unit, or none, is not read as something else.
      expect(value).toMatch(/^\d+s$/)
      return [nginx ?? haproxy, Number.parseInt(value, 10)]
    }),
  )
}

// Shown without waiting for MAX_WAIT_MS (25 s): each timeout of a recipe is longer than that, or is outlasted here, so that it
// is none for a held answer. One that is, and was set too short, cuts this one with a 504. Those that the recipes leave to the
// proxies are long enough: nginx's are 60 s or more, and HAProxy has none without a line.
test('no timeout of a recipe cuts an answer that is held as long as MAX_WAIT_MS', async () => {
  const { maxWaitMs } = loadConfig({ HOSTKEY_TOKEN: 'none', CALLERS_FILE: 'none' })
  const timeouts = { nginx: timeoutsOf('proxies/nginx.conf'), haproxy: timeoutsOf('proxies/haproxy.cfg') }
  expect(timeouts.nginx).toHaveProperty('proxy_read_timeout')
  expect(timeouts.haproxy).toHaveProperty('server')
  expect(timeoutsOf('compose/haproxy.cfg')).toEqual(timeouts.haproxy)
  const all = Object.values(timeouts).flatMap(one => Object.values(one))
  const wait = 1 + Math.max(...all.filter(seconds => seconds * 1_000 <= maxWaitMs))
  await Promise.all(
    proxies.map(async proxy => {
      const { world, send } = await behind(proxy)
      world.simulator.fault({ kind: 'never-done', action: 'create_snapshot' })
      const startedAt = performance.now()
      const { statusCode, body } = await send('/vms/1000/snapshots', {
        method: 'POST',
        body: { name: 'a' },
        headers: { prefer: `wait=${wait}` },
      })
      expect([proxy, statusCode, await body.text()]).toEqual([
        proxy,
        202,
        expect.stringContaining('"status":"running"'),
      ])
      expect(performance.now() - startedAt).toBeGreaterThan(wait * 1_000 - 100)
    }),
  )
})

test.skipIf(!proxies.includes('haproxy'))(
  'haproxy: a gateway that is gone gets no requests, and one that is back does',
  async () => {
    const { world, send } = await behind('haproxy')
    const { port } = new URL(world.gateway.address)
    const statusOf = async (): Promise<number> => {
      const { statusCode, body } = await send('/livez')
      await body.dump()
      return statusCode
    }
    await world.gateway.close()
    await vi.waitFor(async () => expect(await statusOf()).toBe(503), { timeout: 10_000, interval: 50 })
    await world.restart({ PORT: port })
    await vi.waitFor(async () => expect(await statusOf()).toBe(200), { timeout: 10_000, interval: 50 })
  },
)

test.for(proxies)('%s: a client that sends slowly is cut off, and holds up nobody', async proxy => {
  const { send, connectFrom } = await behind(proxy)
  const startedAt = performance.now()
  const slow = Array.from({ length: 150 }, () => connectFrom())
  await Promise.all(slow.map(socket => once(socket, 'secureConnect')))
  for (const socket of slow) socket.write('GET /hostkey/livez HTTP/1.1\r\nHost: localhost\r\n')
  const drips = setInterval(() => slow.forEach(socket => socket.write('X-Slow: 1\r\n')), 1_000)
  onTestFinished(() => clearInterval(drips))
  expect((await send('/vms/1000/stats')).statusCode).toBe(200)
  const gone = Promise.all(slow.map(socket => once(socket.resume(), 'close')))
  expect(await Promise.race([gone, sleep(20_000, 'late', { ref: false })])).not.toBe('late')
  expect(performance.now() - startedAt).toBeLessThan(20_000)
})

test.for(proxies)('%s: a caller who leaves is noticed at once', async proxy => {
  const { world, send, connectFrom } = await behind(proxy)
  world.simulator.fault({ kind: 'never-done', action: 'create_snapshot' })
  const started = await send('/vms/1000/snapshots', { method: 'POST', body: { name: 'a' } })
  const { self } = (await started.body.json()) as { self: string }
  const left = (): number => world.log.filter(line => line.includes('"status":499')).length
  for (const [count, path] of [self, `${self}/events`].entries()) {
    const arrived = once(world.gateway.app.server, 'request')
    const socket = connectFrom()
    const wait = path === self ? 'Prefer: wait=20\r\n' : ''
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${KEY}\r\n${wait}\r\n`)
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await arrived
    // They only stop to send, as a client does that is closed.
    socket.end()
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await vi.waitFor(() => expect(left()).toBe(count + 1), { timeout: 3_000, interval: 20 })
  }
})

test.for(proxies)('%s: one address has so many connections, and another one still comes in', async proxy => {
  const { world, connectFrom } = await behind(proxy)
  world.simulator.fault({ kind: 'never-done', action: 'create_snapshot' })
  const { body } = await world.call('POST', '/hostkey/vms/1000/snapshots', { body: { name: 'a' } })
  const ask = (socket: TLSSocket): void =>
    void socket.write(
      `GET ${body.self}/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${KEY}\r\n\r\n`,
    )
  const answered = async (socket: TLSSocket): Promise<string> => {
    ask(socket)
    const first = await new Promise(resolve => {
      socket.once('data', resolve)
      socket.once('close', () => resolve('refused'))
    })
    return String(first).slice(0, 12)
  }
  const one = await Promise.all(Array.from({ length: 220 }, () => answered(connectFrom())))
  const served = one.filter(text => text === 'HTTP/1.1 200').length
  expect(served).toBeGreaterThan(150)
  expect(served).toBeLessThanOrEqual(200)
  expect(await answered(connectFrom('127.0.0.2'))).toBe('HTTP/1.1 200')
})

test.for(proxies)(
  '%s: TLS 1.2 at least, HSTS, no version, no metrics, and the prefix is a whole word',
  async proxy => {
    const { send, connectFrom } = await behind(proxy)
    const { headers, statusCode } = await send('/livez')
    expect(statusCode).toBe(200)
    expect(headers['strict-transport-security']).toBe('max-age=31536000')
    expect(String(headers.server ?? '')).not.toMatch(/\d/)
    for (const path of ['/metrics', '/metrics?a=b', '/%6detrics', '/metr%69cs'])
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect([path, (await send(path)).statusCode]).toEqual([path, 403])
    for (const path of ['vms/1000/stats', '-vms', '2/livez']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const { statusCode: status, body, headers: answered } = await send(path)
      expect([404, 503]).toContain(status)
      expect(answered['strict-transport-security']).toBe('max-age=31536000')
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await body.text()).not.toContain('instance')
    }
    const socket = connectFrom()
    await once(socket, 'secureConnect')
    const old = connect({
      host: '127.0.0.1',
      port: socket.remotePort!,
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
      rejectUnauthorized: false,
    })
    onTestFinished(() => void old.destroy())
    const outcome = new Promise(resolve => {
      old.once('secureConnect', () => resolve('connected'))
      old.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
    })
    expect(await outcome).toMatch(/PROTOCOL_VERSION/)
  },
)
