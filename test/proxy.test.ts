/** The gateway behind a real proxy with its defaults. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { call, KEY, startWorld, temporaryDirectory } from './helper.ts'
import { findProgram, lacks, runProgram } from './programs.ts'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** nginx in front of an address, buffering and compressing: it would hold back what is small. Gives its own address. */
async function startNginx(upstream: string): Promise<string> {
  const directory = temporaryDirectory()
  const port = await freePort()
  for (const name of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(join(directory, name))
  const configuration = join(directory, 'nginx.conf')
  writeFileSync(
    configuration,
    `daemon off; master_process off; pid ${directory}/pid; error_log stderr;
     events {}
     http {
       access_log off;
       client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
       fastcgi_temp_path ${directory}/fastcgi; uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
       server {
         listen 127.0.0.1:${port};
         gzip on; gzip_types text/event-stream; gzip_proxied any; gzip_min_length 1;
         location / { proxy_pass ${upstream}; proxy_http_version 1.1; proxy_buffering on; }
       }
     }`,
  )
  runProgram(findProgram('nginx')!, { args: ['-p', directory, '-c', configuration, '-e', 'stderr'] })
  const address = `http://127.0.0.1:${port}`
  await vi.waitFor(() => call(address, 'GET', '/livez'), { timeout: 5_000, interval: 20 })
  return address
}

test.skipIf(lacks('nginx'))('events come through a buffering proxy as they happen', async () => {
  const world = await startWorld()
  const proxy = await startNginx(world.gateway.address)
  world.simulator.fault({ kind: 'never-done', action: 'create_snapshot' })
  const { body: operation } = await call(proxy, 'POST', '/vms/1000/snapshots', { body: { name: 'a' } })
  const leave = new AbortController()
  const response = await fetch(`${proxy}${operation.self}/events`, {
    headers: { authorization: `Bearer ${KEY}` },
    signal: leave.signal,
  })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  // The operation never ends, and neither does the stream: a proxy that held it back would show nothing.
  let text = ''
  while (!text.includes('"status":"running"')) text += (await reader.read()).value
  expect(text).toContain('event: operation')
  leave.abort()
})
