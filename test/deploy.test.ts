/** What is deployed fits what is configured: the names, the probes, and what a container may do. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DCLinter } from 'dclint'
import { validate as validateDockerfile } from 'dockerfile-utils'
import * as kubernetes from 'kubernetes-models'
import { beforeAll, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { ConfigError, loadConfig } from '../src/config/config.ts'
import { parseCallers } from '../src/callers/file.ts'
import { temporaryDirectory } from './helper.ts'
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
  const secrets = manifests.filter(({ kind }) => kind === 'Secret')
  const files = Object.entries<string>(data).filter(([name]) => name.endsWith('_FILE'))
  expect(files.map(([name]) => name).toSorted()).toEqual([
    'CALLERS_FILE',
    'HOSTKEY_TOKEN_FILE',
    'STORE_URL_FILE',
  ])
  const { containers, volumes } = only('Deployment').spec.template.spec
  // Where each file is mounted, and what is in it.
  const mounted = (path: string): string => {
    const mount = containers[0].volumeMounts.find(({ mountPath }: Manifest) =>
      path.startsWith(`${mountPath}/`),
    )
    const { secretName } = volumes.find(({ name }: Manifest) => name === mount.name).secret
    const { stringData } = secrets.find(({ metadata }) => metadata.name === secretName)!
    expect(Object.keys(stringData)).toEqual([path.slice(mount.mountPath.length + 1)])
    return Object.values<string>(stringData)[0]!
  }
  const contents = Object.fromEntries(files.map(([name, path]) => [name, mounted(path)]))
  expect(new Set(Object.values(contents)).size).toBe(secrets.length)
  expect(() => parseCallers(contents.CALLERS_FILE!, 'callers.json')).not.toThrow()
  const config = loadConfig({
    ...data,
    HOSTKEY_TOKEN_FILE: undefined,
    STORE_URL_FILE: undefined,
    HOSTKEY_TOKEN: contents.HOSTKEY_TOKEN_FILE,
    STORE_URL: contents.STORE_URL_FILE,
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
    requests: { memory: expect.any(String), 'ephemeral-storage': expect.any(String) },
    limits: { memory: expect.any(String), 'ephemeral-storage': expect.any(String) },
  })
  const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'].map(name => container[name].httpGet)
  expect(probes.map(({ path }) => path)).toEqual(['/livez', '/livez', '/readyz'])
  for (const { port } of probes) expect(port).toBe(container.ports[0].name)
})

test('pods reach nothing but what they need', () => {
  const { ingress, egress } = only('NetworkPolicy').spec
  for (const { from } of ingress) expect(from).not.toEqual([])
  // Names are asked of the cluster's own servers alone.
  const names = egress.filter(({ ports }: Manifest) => ports.some(({ port }: Manifest) => port === 53))
  expect(names.map(({ to }: Manifest) => to)).toEqual([
    [
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
        podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
      },
    ],
  ])
  for (const { to, ports } of egress) expect([to?.length, ports?.length]).toEqual([1, expect.any(Number)])
  // A whole cluster is no proxy.
  for (const cidr of loadConfig({
    HOSTKEY_TOKEN: 't',
    CALLERS_FILE: 'c',
    ...only('ConfigMap').data,
    HOSTKEY_TOKEN_FILE: '',
    STORE_URL_FILE: '',
  }).trustProxy)
    expect(cidr).not.toContain('/')
})

/** Throws where a manifest is not what the API server takes, by its own schemas. */
function validate(manifest: Manifest): void {
  const [version, group] = (manifest.apiVersion as string).split('/').toReversed() as [string, string?]
  const name = group?.replaceAll(/\.(\w)/g, (_, letter: string) => letter.toUpperCase())
  const groups = kubernetes as unknown as Record<string, Manifest>
  const Model = (name === undefined ? groups[version] : groups[name][version])[manifest.kind]
  new Model(manifest).validate()
}

test('the manifests are what Kubernetes takes, the compose file what compose takes, the Dockerfile what Docker takes', () => {
  for (const manifest of manifests) expect(() => validate(manifest)).not.toThrow()
  const linter = new DCLinter({ rules: {}, quiet: true, debug: false, exclude: [] })
  const errors = (file: string): number =>
    (linter.lintFiles([file], false) as { errorCount: number }[])
      .map(({ errorCount }) => errorCount)
      .reduce((a, b) => a + b, 0)
  expect(errors('compose.yaml')).toBe(0)
  expect(validateDockerfile(readFileSync('Dockerfile', 'utf8'))).toEqual([])

  // Each of them can tell.
  expect(() => validate({ ...only('Deployment'), spec: { replicas: 'two' } })).toThrow('replicas')
  expect(() => validate({ ...only('NetworkPolicy'), spec: { podSelector: {}, egress: {} } })).toThrow(
    'egress',
  )
  const broken = join(temporaryDirectory(), 'compose.yaml')
  writeFileSync(broken, 'services:\n  a:\n    image: b\n    mem_limits: 1g\n')
  expect(errors(broken)).toBeGreaterThan(0)
  expect(validateDockerfile('FORM node')).not.toEqual([])
})

test('the image is one that can be pinned, and what it runs cannot be changed by who runs it', () => {
  const dockerfile = readFileSync('Dockerfile', 'utf8')
  const [build, run] = dockerfile.split(/^FROM \$\{NODE_IMAGE\}/m).slice(1)
  expect(dockerfile).toMatch(/^ARG NODE_IMAGE=node:24-slim$/m)
  expect(build).toContain('npm ci')
  // Root makes the compile cache, nobody else is given it, and only then comes the user.
  expect(run).not.toMatch(/chown[^\n]*node_modules|npm /)
  expect(run).toMatch(/dist\/server\.js \|\|[^]*go-w node_modules[^]*USER node/)
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
    const { environment } = services[name]
    for (const variable of Object.keys(environment)) expect(variables).toContain(variable)
    // The load balancer alone, and not whoever else is in its network.
    expect(environment.TRUST_PROXY).toBe(services['load-balancer'].networks.front.ipv4_address)
    for (const variable of ['HOSTKEY_TOKEN_FILE', 'STORE_URL_FILE'])
      expect(services[name].secrets).toContain(/^\/run\/secrets\/(.+)$/.exec(environment[variable])![1])
    // The load balancer's file has it as the default.
    expect(readFileSync('deploy/compose/haproxy.cfg', 'utf8')).toContain(`-${name}:8080}`)
  }
  for (const [name, service] of Object.entries<Manifest>(services))
    expect([name, service]).toEqual([
      name,
      expect.objectContaining({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        mem_limit: expect.stringMatching(/^\d+[mg]$/) as string,
        pids_limit: expect.any(Number) as number,
      }),
    ])
  const { environment, secrets: files } = services.postgres
  expect(files.map((name: string) => `/run/secrets/${name}`)).toEqual([environment.POSTGRES_PASSWORD_FILE])
  const inNetwork = (network: string): string[] =>
    Object.keys(services).filter(name => {
      const own = services[name].networks
      return (Array.isArray(own) ? own : Object.keys(own)).includes(network)
    })
  expect(networks.store).toEqual({ internal: true })
  expect(inNetwork('store')).toEqual([...gateways, 'postgres'])
  expect(inNetwork('front')).toEqual([...gateways, 'load-balancer'])
  expect(inNetwork('out')).toEqual(gateways)
  const paths = Object.values<{ file: string }>(secrets).map(({ file }) => file)
  expect(paths).toHaveLength(3)
  for (const path of paths) expect(path).toMatch(/^\.\/deploy\/compose\/secrets\//)
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
  expect(command.join(' ')).toBe(scripts.start!.replace(/^exec (.*)src\/server\.ts$/, '$1dist/server.js'))
})
