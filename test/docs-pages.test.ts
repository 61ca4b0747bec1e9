/**
 * The README, and the pages for who sets the gateway up and runs it. Every ```sh block of them is run over a simulated
 * HOSTKEY, as a reader would: those of the README in a shell session beside a demo, those of the pages, in their order, in another. What follows a block directly is its output: ```json by its
 * members, ```text by the letter. JSON with a `msg` is a line of the log. A `# 409` in a block is the status that its
 * call gets; all others succeed. What cannot be run here stands in `NOT_RUN`.
 */

import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { PROBLEMS } from '../src/http/problem.ts'
import { WORDS } from '../src/http/problem-words.ts'
import { startSimulator, type Simulator } from '../src/simulator/simulator.ts'
import { closedAfterAll, temporaryDirectory } from './helper.ts'
import { COMPILE_CACHE, lacks, runProgram, runScript, type Program } from './programs.ts'

/** In the order of a reader; the last one stops the gateway. */
const PAGES = ['quick-start', 'upstream', 'troubleshooting', 'recipes', 'deployment'].map(
  name => `docs/${name}.md`,
)
const READINGS = [['README.md'], PAGES]
const LINKED = [
  'README.md',
  ...readdirSync('docs').flatMap(name => (name.endsWith('.md') ? `docs/${name}` : [])),
]
const ADDRESS = 'http://127.0.0.1:8080'
const API_KEY = 'account-api-key-22222222'

const textOf = (path: string): string => readFileSync(path, 'utf8')
const texts = LINKED.map(textOf).join('\n')
const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
const variables = new Set([...textOf('.env.example').matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name))
/** Those that are not the gateway's own. */
const FOREIGN = [
  'NODE_EXTRA_CA_CERTS',
  'NODE_IMAGE',
  'NO_APPROPRIATE_SERVERS',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  '…_API_KEY_FILE',
]

interface Block {
  page: string
  language: string
  text: string
  /** Nothing but an empty line stands between the block before it and this one. */
  follows: boolean
}

function blocksOf(page: string): Block[] {
  let end = -1
  return [...textOf(page).matchAll(/^```(\w*)\n(.*?)^```\n/gms)].map(
    ({ 0: whole, 1: language, 2: text, index }) => {
      const follows = index === end + 1
      end = index + whole.length
      return { page, language: language!, text: text!, follows }
    },
  )
}

/** What a test cannot run, by how its lines begin: why, and what is looked at instead. */
const NOT_RUN: Record<string, { why: string; instead: (command: string) => unknown }> = {
  'npm ci && npm run ': {
    why: 'it installs for minutes; test/demo.test.ts runs the demo and every line that it prints',
    instead: command => expect(scripts).toHaveProperty(command.split(' ').at(-1)!),
  },
  'docker build ': { why: 'needs a daemon', instead: () => expect(existsSync('Dockerfile')).toBe(true) },
  'docker run ': {
    why: 'needs a daemon',
    instead: command => {
      const set = [...command.matchAll(/-e (\w+)=(\S+)/g)]
      expect(set.map(([, name]) => name).filter(name => !variables.has(name))).toEqual([])
      const mounted = [...command.matchAll(/-v \S+?:(\/\w+)/g)].map(([, path]) => path)
      expect(set.filter(([, , path]) => !mounted.includes(dirname(path!)))).toEqual([])
      // Where the image keeps its store.
      expect(mounted).toContain('/data')
      expect(textOf('Dockerfile')).toContain('STORE_URL=sqlite:/data/')
    },
  },
  'docker compose up ': {
    why: 'needs a daemon; test/deploy.test.ts looks into the file',
    instead: () =>
      expect(parse(textOf('compose.yaml'), { merge: true })).toHaveProperty('services.gateway-1'),
  },
  'kubectl apply -f ': {
    why: 'needs a cluster; test/deploy.test.ts looks into the manifests',
    instead: command => expect(readdirSync(command.split(' ').at(-1)!)).toContain('gateway.yaml'),
  },
  'systemctl stop ': { why: 'no unit is installed; the process gets the same signal', instead: () => stop() },
  'systemctl start ': {
    why: 'no unit is installed; npm start does what it would do',
    instead: async () => {
      await start('npm start')
      const { stdout } = await shell(`curl -sS ${address}/operations?limit=1 -H "Authorization: Bearer $KEY"`)
      expect(stdout.join('')).toContain('"id":"op_')
      await stop()
    },
  },
}

/** A clone in which a reader may write, and what the shell knows. */
let clone: string
let settings: Record<string, string>
/** Since `npm start`. */
let gateway: Program | undefined
/** Where the gateway is, or before it is started the demo. */
let address = ''

const closeLater = closedAfterAll()

let simulator: Simulator
beforeAll(async () => {
  simulator = await startSimulator({ apiKey: API_KEY, taskMs: 20 })
  closeLater(() => simulator.close())
})

/** Makes a fresh clone, with no gateway. */
function enter(): void {
  gateway = undefined
  address = ''
  clone = temporaryDirectory(closeLater)
  for (const entry of ['package.json', 'node_modules', 'scripts', 'src', 'bin'])
    symlinkSync(resolve(entry), join(clone, entry))
  const home = temporaryDirectory(closeLater)
  const file = (name: string, content: string): string => {
    writeFileSync(join(home, name), content)
    return join(home, name)
  }
  // The status goes to stderr, so that every line runs exactly as it is written.
  file('.curlrc', 'write-out = "%{stderr}%{http_code}\\n"\n')
  settings = {
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
    CURL_HOME: home,
    // Read by every shell as it starts, written as it ends: what one block exported is there in the next.
    BASH_ENV: file('session', ''),
    TYPED: file('typed', `${API_KEY}\n`),
    NODE_COMPILE_CACHE: COMPILE_CACHE,
    PORT: '0',
    HOSTKEY_BASE_URL: simulator.baseUrl,
    CHECK_MIN_MS: '10',
    SHUTDOWN_MS: '400',
    DOCS: 'false',
  }
}

/** The demo in another terminal, whose key the reader copies. */
async function startDemo(): Promise<void> {
  const demo = runScript('src/cli/demo.ts', { env: { PORT: '0' }, onFinished: closeLater })
  const [, base] = await demo.line(/the gateway over it at (\S+)$/)
  const [, key] = await demo.line(/^A caller's key, good for everything: (\S+)$/)
  address = base!
  settings.KEY = key!
}

const run = (script: string): Program =>
  runProgram('bash', {
    args: ['-euo', 'pipefail', '-c', `exec < "$TYPED"\n${script}`],
    cwd: clone,
    env: settings,
    onFinished: closeLater,
  })

/** The lines of a script that ends well, and the statuses of its calls that did not. */
async function shell(script: string): Promise<{ stdout: string[]; refused: number[] }> {
  const { ended, stdout, stderr } = run(`${script}\nexport -p > "$BASH_ENV"`)
  const code = await ended
  const { status = [], other = [] } = Object.groupBy(stderr, line =>
    /^\d{3}$/.test(line) ? 'status' : 'other',
  )
  expect({ code, stderr: other }).toEqual({ code: 0, stderr: [] })
  return { stdout, refused: status.map(Number).filter(one => one >= 400) }
}

/** What npm would start, without the half second that npm takes. */
function withoutNpm(text: string): string {
  return text
    .replaceAll(ADDRESS, address || ADDRESS)
    .replaceAll('npx hostkey-vm-gateway', 'node bin/hostkey-vm-gateway.mjs')
    .replace(/npm run -s (\w+) --/g, (_, name: string) => scripts[name]!)
    .replace(/^npm start$/m, scripts.start!)
}

async function start(text: string): Promise<void> {
  gateway = run(withoutNpm(text))
  const [line] = await gateway.line(/^.*"msg":"listening".*$/)
  ;({ address } = JSON.parse(line) as { address: string })
}

async function stop(): Promise<void> {
  gateway!.child.kill('SIGTERM')
  expect([await gateway!.ended, gateway!.stderr]).toEqual([0, []])
}

/** The command lines of a block, each with the lines that continue it. */
const commandsOf = (text: string): string[] =>
  text
    .replaceAll(/ \\\n +/g, ' ')
    .trim()
    .split('\n')

const notRun = (command: string): string | undefined =>
  Object.keys(NOT_RUN).find(beginning => command.startsWith(beginning))

/** The names of all members, with those of members of members; of a list the first one counts. */
function membersOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(membersOf)
  if (typeof value !== 'object' || value === null) return null
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, membersOf(member)]))
}

/** Values that are the same each time. */
const constantsOf = ({
  status,
  code,
  kind,
  type,
  title,
  detail,
  errors,
  error,
}: Record<string, unknown>): unknown =>
  structuredClone({ status, code, kind, type, title, detail, errors, error })

async function compare({ language, text }: Block, stdout: string[]): Promise<void> {
  if (language === 'text') {
    expect(stdout).toEqual(text.trimEnd().split('\n'))
    return
  }
  const shown = JSON.parse(text) as Record<string, unknown>
  const got = JSON.parse(stdout.join('\n')) as Record<string, unknown>
  expect(membersOf(got)).toEqual(membersOf(shown))
  expect(constantsOf(got)).toEqual(constantsOf(shown))
}

/** A line like this one is in the log: of the same words, with the same members. */
async function requireLogged(shown: Record<string, string>): Promise<void> {
  const { msg, kind } = shown
  const [line] = await gateway!.line(new RegExp(`^.*"kind":"${kind}".*"msg":"${msg}".*$`))
  expect(Object.keys(JSON.parse(line) as object).toSorted()).toEqual(Object.keys(shown).toSorted())
}

test.skipIf(lacks('bash', 'curl', 'openssl', 'sed', 'stat', 'tar', 'sha256sum'))(
  'every command of the pages runs',
  async () => {
    const used = new Set<string>()
    for (const page of READINGS.flat()) {
      if (READINGS.some(([first]) => first === page)) {
        if (gateway?.child.exitCode === null) await stop()
        enter()
        if (page === 'README.md') await startDemo()
      }
      let stdout: string[] = []
      for (const block of blocksOf(page)) {
        const { language, text, follows } = block
        const where = `${page}: ${text.split('\n')[0]}`
        try {
          if (language === 'json' && 'msg' in JSON.parse(text))
            await requireLogged(JSON.parse(text) as Record<string, string>)
          else if (follows && /^(json|text)$/.test(language)) await compare(block, stdout)
          if (language !== 'sh') continue
          const commands = commandsOf(text)
          const skipped = commands.filter(notRun)
          for (const command of skipped) {
            used.add(notRun(command)!)
            await NOT_RUN[notRun(command)!]!.instead(command)
          }
          // A block is run as a whole, or not at all.
          expect(skipped.length).toBe(skipped.length > 0 ? commands.length : 0)
          if (skipped.length > 0) continue
          if (/^npm start$/m.test(text)) {
            await start(text)
            continue
          }
          const { stdout: lines, refused } = await shell(withoutNpm(text))
          stdout = lines
          expect(refused).toEqual([...text.matchAll(/ # (\d{3})$/gm)].map(([, status]) => Number(status)))
        } catch (error) {
          throw new Error(`${where}\n${(error as Error).message}`, { cause: error })
        }
      }
    }
    expect([...used].toSorted()).toEqual(Object.keys(NOT_RUN).toSorted())
  },
)

test('the README starts a container exactly as the page on deployment demands', () => {
  const [readme, demanded] = ['README.md', 'docs/deployment.md'].map(page =>
    blocksOf(page)
      .flatMap(({ text }) => commandsOf(text))
      .find(command => command.startsWith('docker run ')),
  )
  expect(readme).toBeDefined()
  expect(readme).toBe(demanded)
})

test('the unit starts what npm start does, and waits for longer than the gateway takes to stop', () => {
  const [unit] = blocksOf('docs/deployment.md').filter(({ language }) => language === 'ini')
  const settingsOf = Object.fromEntries(
    unit!.text.split('\n').flatMap(line => (line.includes('=') ? [line.split(/=(.*)/).slice(0, 2)] : [])),
  ) as Record<string, string>
  expect(`${settingsOf.ExecStart}\n`).toContain(`/node_modules/.bin/${scripts.start!.replace('exec ', '')}\n`)
  const [, shutdownMs] = /^SHUTDOWN_MS=(\d+)$/m.exec(textOf('.env.example'))!
  expect(Number(settingsOf.TimeoutStopSec) * 1_000).toBeGreaterThan(Number(shutdownMs))
  expect(textOf('src/server.ts')).toContain(`EXIT_CONFIG = ${settingsOf.RestartPreventExitStatus}\n`)
})

test('each problem code has one entry in the troubleshooting, in words of its own', () => {
  const entries = textOf('docs/troubleshooting.md')
    .split(/^#+ /m)
    .flatMap(part => [/^`([a-z-]+)`\n(.*)$/s.exec(part)?.slice(1) ?? []])
    .filter(entry => entry.length > 0) as [string, string][]
  expect(entries.map(([code]) => code).toSorted()).toEqual(Object.keys(WORDS).toSorted())
  for (const [code, text] of entries) {
    const name = code as keyof typeof WORDS
    const labels = [...text.matchAll(/^- \*\*(\w+)\*\*: \S/gm)].map(([, label]) => label)
    expect([code, ...labels]).toEqual([code, 'Seen', 'Why', 'Do'])
    // The two that stand inside an operation are no answers.
    if (!/^(operation-failed|outcome-unknown)$/.test(code))
      expect([code, /\b[45]\d\d\b/.exec(text)?.[0]]).toEqual([code, String(PROBLEMS[name].status)])
    const sentences = [WORDS[name].meaning, WORDS[name].whatToDo].flatMap(words => words.split(/(?<=[.:]) /))
    expect(sentences.filter(sentence => sentence.length > 30 && text.includes(sentence))).toEqual([])
  }
})

test('each risk of the OWASP list has an answer, and tests that are there', () => {
  const [, list = ''] = textOf('docs/security.md').split('## OWASP API Security Top 10 (2023)')
  const rows = [...list.split('\n## ')[0]!.matchAll(/^\| API(\d+) [^|]+\|([^|]+)\|([^|]+)\|$/gm)]
  expect(rows.map(([, number]) => Number(number))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  for (const [, number, answer, tests] of rows) {
    const files = [...tests!.matchAll(/`(test\/[\w./-]+\.test\.ts)`/g)].map(([, path]) => path!)
    expect([number, files.length > 0, answer!.trim().length > 20]).toEqual([number, true, true])
    expect(files.filter(path => !existsSync(path))).toEqual([])
  }
})

test('variables, metrics, log lines, alerts and files that the pages name are there', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .flatMap(path => (path.endsWith('.ts') ? [textOf(join('src', path))] : []))
    .join('\n')
  const alerts = textOf('deploy/observability/alerts.yaml')
  const named = (pattern: RegExp): string[] => [
    ...new Set([...texts.matchAll(pattern)].map(([, name]) => name!)),
  ]
  const found = {
    variables: named(/`([A-Z…]+_[A-Z_]+)[=`]/g),
    metrics: named(/hostkey_gateway_(\w+)/g),
    messages: named(/"msg":"([^"]+)"/g),
    alerts: named(/`(HostkeyGateway\w+)`/g),
    files: named(/`((?:src|test|deploy|docs)\/[\w./-]+)`/g),
  }
  for (const names of Object.values(found)) expect(names.length).toBeGreaterThan(1)
  expect(found.variables.filter(name => !variables.has(name) && !FOREIGN.includes(name))).toEqual([])
  expect(found.metrics.filter(name => !sources.includes(`'${name}'`))).toEqual([])
  expect(found.messages.filter(message => !sources.includes(`'${message}'`))).toEqual([])
  expect(found.alerts.filter(name => !alerts.includes(`alert: ${name}\n`))).toEqual([])
  // What git ignores is there only where somebody made it.
  const ignored = textOf('.gitignore').split('\n').filter(Boolean)
  const isIgnored = (path: string): boolean => ignored.some(folder => path.startsWith(folder))
  expect(found.files.filter(path => !existsSync(path) && !isIgnored(path))).toEqual([])
})

const withoutBlocks = (text: string): string => text.replaceAll(/^( *)```.*?^\1```$/gms, '')

/** Where the headings of a page are found, as GitHub names them. */
function anchorsOf(path: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading] of withoutBlocks(textOf(path)).matchAll(/^#+ (.*)$/gm)) {
    const slug = heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    let anchor = slug
    for (let i = 1; anchors.has(anchor); i += 1) anchor = `${slug}-${i}`
    anchors.add(anchor)
  }
  return anchors
}

test('no link is dead, and the README leads to every page', () => {
  const dead: string[] = []
  const led = new Set<string>()
  let count = 0
  for (const page of LINKED) {
    for (const [, link = ''] of withoutBlocks(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^\w+:/.test(link)) continue
      count += 1
      const [file = '', anchor] = link.split('#')
      const path = file === '' ? page : join(dirname(page), file)
      if (page === 'README.md') led.add(path)
      if (!existsSync(path)) dead.push(`${page}: ${link}`)
      else if (anchor !== undefined && !anchorsOf(path).has(anchor)) dead.push(`${page}: ${link}`)
    }
  }
  expect(dead).toEqual([])
  expect(count).toBeGreaterThan(40)
  expect(LINKED.filter(page => page !== 'README.md' && !led.has(page))).toEqual([])
})
