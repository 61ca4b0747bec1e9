/** What is deployed fits what is configured: the names, the probes, and what a container may do. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { ConfigError, loadConfig } from '../src/config/config.ts'
import { parseCallers } from '../src/callers/file.ts'
import { lacks, findProgram, runProgram } from './programs.ts'

const FOLDER = 'deploy/kubernetes'
// oxlint-disable-next-line typescript/no-explicit-any -- manifests of any kind
type Manifest = any

const variables = new Set<string>()
const manifests = readdirSync(FOLDER).flatMap(file =>
  parseAllDocuments(readFileSync(join(FOLDER, file), 'utf8')).map(document => {
    expect(document.errors).toEqual([])
    const manifest: Manifest = document.toJS()
    return manifest
  }),
)

function only(kind: string): Manifest {
  const found = manifests.filter(manifest => manifest.kind === kind)
  expect(found).toHaveLength(1)
  return found[0]
}

beforeAll(() => {
  const env = new Proxy({}, { get: (_, name) => void variables.add(String(name)) })
  expect(() => loadConfig(env)).toThrow(ConfigError)
})

test('the variables are ones the gateway reads, with values it takes, and its files are mounted', () => {
  const { data } = only('ConfigMap')
  for (const name of Object.keys(data)) expect(variables).toContain(name)
  const { stringData } = only('Secret')
  const files = Object.entries<string>(data).filter(([name]) => name.endsWith('_FILE'))
  expect(files.map(([name]) => name).toSorted()).toEqual([
    'CALLERS_FILE',
    'HOSTKEY_TOKEN_FILE',
    'STORE_URL_FILE',
  ])
  const { containers, volumes } = only('Deployment').spec.template.spec
  const [{ mountPath }] = containers[0].volumeMounts
  for (const [, path] of files) {
    expect(path.startsWith(`${mountPath}/`)).toBe(true)
    expect(Object.keys(stringData)).toContain(path.slice(mountPath.length + 1))
  }
  expect(volumes[0].secret.secretName).toBe(only('Secret').metadata.name)
  expect(() => parseCallers(stringData['callers.json'], 'callers.json')).not.toThrow()
  const config = loadConfig({
    ...data,
    HOSTKEY_TOKEN_FILE: undefined,
    STORE_URL_FILE: undefined,
    HOSTKEY_TOKEN: stringData['hostkey-token'],
    STORE_URL: stringData['store-url'],
  })
  expect(containers[0].ports[0].containerPort).toBe(config.port)
  expect(config.host).toBe('0.0.0.0')
  expect(only('Deployment').spec.template.spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(
    config.shutdownMs,
  )
})

test('containers may do nothing but run', () => {
  const { template } = only('Deployment').spec
  const [container] = template.spec.containers
  expect(template.spec).toMatchObject({
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
  })
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
  expect(container.resources).toMatchObject({
    requests: { memory: expect.any(String) },
    limits: expect.anything(),
  })
  const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'].map(name => container[name].httpGet)
  expect(probes.map(({ path }) => path)).toEqual(['/livez', '/livez', '/readyz'])
  for (const { port } of probes) expect(port).toBe(container.ports[0].name)
})

test('what belongs together names the same pods', () => {
  const labels = only('Deployment').spec.template.metadata.labels
  expect(only('Deployment').spec.selector.matchLabels).toEqual(labels)
  expect(only('Service').spec.selector).toEqual(labels)
  expect(only('PodDisruptionBudget').spec.selector.matchLabels).toEqual(labels)
  expect(only('NetworkPolicy').spec.podSelector.matchLabels).toEqual(labels)
  const { scaleTargetRef, minReplicas } = only('HorizontalPodAutoscaler').spec
  expect(scaleTargetRef).toMatchObject({ kind: 'Deployment', name: only('Deployment').metadata.name })
  // One may always be taken away.
  expect(minReplicas).toBeGreaterThan(only('PodDisruptionBudget').spec.maxUnavailable)
})

test('compose.yaml: variables that are read, secrets as files, a database with a password and nobody else in its network', () => {
  const compose: Manifest = parse(readFileSync('compose.yaml', 'utf8'), { merge: true })
  const { services, secrets, networks } = compose
  const gateways = Object.keys(services).filter(name => name.startsWith('gateway-'))
  expect(gateways).toHaveLength(2)
  for (const name of gateways) {
    const { environment, read_only: isReadOnly, cap_drop: dropped } = services[name]
    for (const variable of Object.keys(environment)) expect(variables).toContain(variable)
    expect([isReadOnly, dropped]).toEqual([true, ['ALL']])
    expect(environment.TRUST_PROXY).toBe(networks.front.ipam.config[0].subnet)
    for (const variable of ['HOSTKEY_TOKEN_FILE', 'STORE_URL_FILE'])
      expect(services[name].secrets).toContain(/^\/run\/secrets\/(.+)$/.exec(environment[variable])![1])
    // The load balancer's file has it as the default.
    expect(readFileSync('deploy/compose/haproxy.cfg', 'utf8')).toContain(`-${name}:8080}`)
  }
  const { environment, secrets: own } = services.postgres
  expect(own.map((name: string) => `/run/secrets/${name}`)).toEqual([environment.POSTGRES_PASSWORD_FILE])
  const inNetwork = (network: string): string[] =>
    Object.keys(services).filter(name => services[name].networks.includes(network))
  expect(networks.store).toEqual({ internal: true })
  expect(inNetwork('store')).toEqual([...gateways, 'postgres'])
  expect(inNetwork('front')).toEqual([...gateways, 'load-balancer'])
  const files = Object.values<{ file: string }>(secrets).map(({ file }) => file)
  expect(files).toHaveLength(3)
  for (const file of files) expect(file).toMatch(/^\.\/deploy\/compose\/secrets\//)
  expect(readFileSync('.gitignore', 'utf8')).toContain('deploy/compose/secrets/')
})

test.skipIf(lacks('haproxy'))('the load balancer takes its file as it is deployed', async () => {
  const { ended } = runProgram(findProgram('haproxy')!, {
    args: ['-c', '-f', join(process.cwd(), 'deploy/compose/haproxy.cfg')],
  })
  // The names of compose.yaml are not known here, which it only warns of.
  expect(await ended).toBe(0)
})

test('the image gets every file that its Dockerfile copies, and starts what `npm start` does from the bundle', () => {
  const dockerfile = readFileSync('Dockerfile', 'utf8')
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) =>
    sources!.split(' '),
  )
  const kept = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .flatMap(line => line.match(/^!(.+)/)?.[1] ?? [])
  expect([...new Set(copied)].toSorted()).toEqual(kept.toSorted())
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
  const command = JSON.parse(/^CMD (.+)$/m.exec(dockerfile)![1]!) as string[]
  expect(command.join(' ')).toBe(scripts.start!.replace('src/server.ts', 'dist/server.js'))
})
