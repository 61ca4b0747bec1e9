/** `npm run demo` as a newcomer meets it: what it prints is copied into a shell, line by line. */

import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { call, temporaryDirectory } from '../helper.ts'
import { lacks, runProgram, runScript, type Program } from '../programs.ts'

const DEMO = 'src/cli/demo.ts'

interface Demo {
  demo: Program
  /** Where it keeps its files. */
  files: string
}

function startDemo(port: string): Demo {
  const files = join(temporaryDirectory(), 'tmp')
  mkdirSync(files)
  return { demo: runScript(DEMO, { env: { PORT: port, TMPDIR: files } }), files }
}

/** What a shell makes of one line: the status of its (last) answer, and what it shows. */
async function inShell(line: string, home: string): Promise<{ status: number; output: string }> {
  const shell = runProgram('bash', { args: ['-c', line], env: { CURL_HOME: home } })
  expect([line, await shell.ended]).toEqual([line, 0])
  return { status: Number(shell.stderr.at(-1)), output: shell.stdout.join('\n') }
}

interface Document {
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>
}

/** The operation of the document that a curl line calls (its last address, if there are several). */
function operationOf(line: string, base: string, { paths }: Document): string | undefined {
  const method = / -X (\w+)/.exec(line)?.[1]?.toLowerCase() ?? 'get'
  const [url = ''] = line.replaceAll(/\$\(.*\)/g, 'op_1').match(/http:[^\s']*/) ?? []
  const path = url.slice(base.length).replace(/\?.*/, '')
  const template = Object.keys(paths)
    .toSorted((a, b) => a.split('{').length - b.split('{').length)
    .find(one => new RegExp(`^${one.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path))
  return template && paths[template]?.[method]?.operationId
}

const missing = lacks('bash', 'curl')

test.skipIf(missing)(
  'every line it prints answers as it says, and covers every route',
  { timeout: 60_000 },
  async () => {
    const { demo, files } = startDemo('0')
    const [, base = ''] = await demo.line(/the gateway over it at (\S+)$/)
    await demo.line(/^Ctrl-C/)
    expect(new URL(base).port).not.toBe('0')
    expect(demo.stdout.join('\n')).toContain(`Swagger UI: ${base}/docs`)
    expect((await call(base, 'GET', '/docs', { key: null })).status).toBe(200)
    expect(readdirSync(files)).toHaveLength(1)

    // The status goes to stderr, so that every line runs exactly as it was printed.
    const home = temporaryDirectory()
    writeFileSync(join(home, '.curlrc'), 'write-out = "%{stderr}%{http_code}\\n"\n')
    const document = (await call(base, 'GET', '/openapi.json', { key: null })).body as Document
    const called = new Set<string | undefined>()
    let comment = ''
    const statuses: string[] = []
    const waited: string[] = []
    for (const line of demo.stdout) {
      if (line.startsWith('# ')) comment = line
      if (!line.startsWith('curl ')) continue
      const { status, output } = await inShell(line, home)
      statuses.push(`${status} ${operationOf(line, base, document)} ${comment}`)
      called.add(operationOf(line, base, document))
      if (line.includes('wait=10')) waited.push(output)
    }
    const { failed = [], fine = [] } = Object.groupBy(statuses, line =>
      /^2\d\d /.test(line) ? 'fine' : 'failed',
    )
    expect(failed).toEqual([
      expect.stringMatching(/^409 restoreSnapshot # a restore of the older one would delete/),
      expect.stringMatching(/^409 deleteSnapshot # a refusal/),
    ])
    expect(fine.filter(line => line.startsWith('202 '))).toEqual([
      expect.stringContaining('restoreSnapshot'),
      expect.stringContaining('getStats # the load of a VM; of the slow one'),
    ])
    const described = Object.values(document.paths).flatMap(path =>
      Object.values(path).map(one => one.operationId),
    )
    expect(called).toEqual(new Set(described))
    expect(waited.filter(output => !output.includes('"status":"succeeded"'))).toEqual([])
    expect(waited.length).toBeGreaterThan(2)

    // Each change was told, and printed.
    const told = demo.stdout.filter(line => line.startsWith('The receiver was told'))
    expect(told.join('\n')).toMatch(
      /"type":"operation.ended".*"kind":"snapshot.restore".*"status":"succeeded"/,
    )

    demo.child.kill('SIGINT')
    expect(await demo.ended).toBe(0)
    expect(demo.stderr).toEqual([])
    expect(readdirSync(files)).toEqual([])
  },
)

test('a busy port is one line that says what to do, and leaves nothing behind', async () => {
  const busy = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void busy.close())
  await once(busy, 'listening')
  const { port } = busy.address() as AddressInfo
  const { demo, files } = startDemo(String(port))
  expect(await demo.ended).toBe(1)
  expect(demo.stderr).toEqual([expect.stringContaining(`port ${port} is in use; choose another: PORT=`)])
  expect(readdirSync(files)).toEqual([])
})

test('npm run demo runs this script', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { demo: string } }
  expect(scripts.demo).toMatch(/ src\/cli\/demo\.ts$/)
})
