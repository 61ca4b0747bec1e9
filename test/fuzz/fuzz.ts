/** Fires generated requests at a running gateway over the simulator, and judges every answer by the document. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { pino } from 'pino'
import { Pool } from 'undici'
import { MAX_VM_ID, SCOPES } from '../../src/callers/caller.ts'
import { loadConfig } from '../../src/config/config.ts'
import { startGateway } from '../../src/gateway.ts'
import { newEntry } from '../../src/callers/key.ts'
import { startSimulator, type RawRequest } from '../../src/simulator/simulator.ts'
import { answerViolations, bodyOf, mediaTypeOf, type JudgedAnswer } from '../described.ts'
import {
  FLAWS,
  MARKED,
  readDocument,
  requestsOf,
  SEEN_OPERATION,
  VMS,
  type Credential,
  type Document,
  type Request,
} from './generate.ts'

export interface FuzzOptions {
  requests: number
  seed: number
  concurrency?: number
  /** Ends it early, with the figures so far. */
  signal?: AbortSignal
  onProgress?: (done: number) => void
}

export interface Figures {
  requests: number
  /** Requests without and with a flaw, and with an order of something to go wrong at HOSTKEY. */
  flawless: number
  flawed: number
  faults: number
  /** Calls of vm.php that reached the simulator. */
  upstreamCalls: number
  statuses: Record<string, number>
  /** `POST /vms/{vm_id}/snapshots 202` → how often. */
  answers: Map<string, number>
  codes: Record<string, number>
  violations: string[]
}

const TOKEN = 'fuzz-token-7c1d0e5b9a4f2c8e'
const keyOf = (credential: Credential): string => `fuzz-key-of-${credential}-0000000000000000`
const CHUNK = 500
const MAX_VIOLATIONS = 50

export async function fuzz({
  requests,
  seed,
  concurrency = 16,
  signal,
  onProgress,
}: FuzzOptions): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-fuzz-'))
  const vms = Object.fromEntries(
    VMS.map((id, i) => [
      id,
      {
        power: i % 3 === 0 ? ('on' as const) : ('off' as const),
        behaviour: i % 10 === 7 ? ('fails' as const) : i % 10 === 8 ? ('slow' as const) : ('normal' as const),
        snapshots: ['first', 'a'],
      },
    ]),
  )
  const simulator = await startSimulator({ token: TOKEN, taskMs: 5, slowTaskMs: 400, vms })
  const callersFile = join(directory, 'callers.json')
  const entry = (name: Credential, scopes = SCOPES as readonly (typeof SCOPES)[number][], vmIds?: number[]) =>
    newEntry(name, keyOf(name), scopes, vmIds ?? '*')
  const callers = [
    entry('all'),
    { ...entry('limited'), rate_limit: { max: 3, window_ms: 60_000 } },
    entry('foreign', SCOPES, [7]),
    entry('stats', ['stats:read']),
    entry('snapshots', SCOPES.slice(0, 4)),
  ]
  writeFileSync(callersFile, JSON.stringify({ callers }))
  const config = loadConfig({
    PORT: '0',
    HOSTKEY_BASE_URL: simulator.baseUrl,
    HOSTKEY_TOKEN: TOKEN,
    HOSTKEY_TIMEOUT_MS: '250',
    CALLERS_FILE: callersFile,
    STORE_URL: `sqlite:${join(directory, 'gateway.db')}`,
    CHECK_MIN_MS: '5',
    CHECK_MAX_MS: '50',
    OPERATION_DEADLINE_MS: '1500',
    READ_WAIT_MS: '100',
    MAX_WAIT_MS: '200',
    READ_CACHE_MS: '5',
    RATE_LIMIT_MAX: '100000000',
    MAX_OPEN_PER_CALLER: '100000',
    DOCS: 'false',
  })
  const gateway = await startGateway(config, pino({ level: 'silent' }))
  const pool = new Pool(gateway.address, {
    connections: concurrency,
    headersTimeout: 10_000,
    bodyTimeout: 10_000,
  })

  const document = JSON.parse(JSON.stringify(gateway.app.swagger())) as Document
  const judge = createJudge(document)
  const arbitrary = requestsOf(document)
  const figures: Figures = {
    requests: 0,
    flawless: 0,
    flawed: 0,
    faults: 0,
    upstreamCalls: 0,
    statuses: {},
    answers: new Map(),
    codes: {},
    violations: [],
  }
  const seen: string[] = []
  /** Everything shown to callers that looks like a callback key. */
  const keyLike = new Set<string>()

  async function send(request: Request): Promise<void> {
    if (request.fault) simulator.fault(request.fault)
    // Operations of before, some of them still running.
    const target = request.target.replaceAll(SEEN_OPERATION, (text, i) => seen.at(-1 - Number(i)) ?? text)
    const complain = (what: string): void => {
      if (figures.violations.length < MAX_VIOLATIONS)
        figures.violations.push(`${what}\n    ${curlOf({ ...request, target }, gateway.address)}`)
    }
    let answer: JudgedAnswer
    try {
      const { statusCode, headers, body } = await pool.request({
        method: request.method,
        path: target,
        headers: { ...request.headers, ...credentialHeaders(request) },
        body: request.body,
      })
      answer = { status: statusCode, headers, text: await body.text() }
    } catch (error) {
      complain(`no answer: ${String(error)}`)
      return
    }
    figures.requests += 1
    figures[request.flaws.length > 0 ? 'flawed' : 'flawless'] += 1
    if (request.fault) figures.faults += 1
    figures.statuses[answer.status] = (figures.statuses[answer.status] ?? 0) + 1
    const id = `${request.route} ${answer.status}`
    figures.answers.set(id, (figures.answers.get(id) ?? 0) + 1)
    const code = /"code":"([a-z-]+)"/.exec(answer.text)?.[1]
    if (answer.status >= 400 && code) figures.codes[code] = (figures.codes[code] ?? 0) + 1
    for (const found of judge(request, answer)) complain(found)
    if (answer.text.includes(TOKEN)) complain('the token is shown')
    for (const [word] of answer.text.matchAll(/\b[a-z0-9]{32}\b/g)) keyLike.add(word)
    const operation = /op_[0-9a-z]{26}/.exec(answer.text)?.[0]
    if (operation) {
      seen.push(operation)
      if (seen.length > 20) seen.shift()
    }
  }

  try {
    for (let start = 0; start < requests && !signal?.aborted; start += CHUNK) {
      const numRuns = Math.min(CHUNK, requests - start)
      const queue = fc.sample(arbitrary, { seed: seed + start / CHUNK, numRuns }).values()
      const worker = async (): Promise<void> => {
        for (const request of queue) await send(request)
      }
      await Promise.all(Array.from({ length: concurrency }, worker))
      // What was not met by now would pile up.
      simulator.clearFaults()
      onProgress?.(start + numRuns)
    }
    const calls = simulator.requests.filter(({ path }) => !path.endsWith('/eq_callback.php'))
    figures.upstreamCalls = calls.length
    figures.violations.push(...new Set(calls.flatMap(upstreamViolations)))
    const shown = simulator.ledger.filter(({ callback }) => callback !== null && keyLike.has(callback))
    figures.violations.push(...shown.map(({ action }) => `the callback key of a ${action} was shown`))
    return figures
  } finally {
    await pool.destroy()
    await gateway.close()
    await simulator.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

function credentialHeaders({ credential, apiKey }: Request): Record<string, string> {
  if (credential === 'none') return {}
  return apiKey ? { 'x-api-key': keyOf(credential) } : { authorization: `Bearer ${keyOf(credential)}` }
}

/** For a shell; what is not printable stands in `$'…'`. */
function curlOf(request: Request, base: string): string {
  const quote = (text: string): string =>
    `$'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
  const headers = Object.entries({ ...request.headers, ...credentialHeaders(request) })
  return [
    `curl -sS -i --path-as-is -X ${request.method} ${quote(base + request.target)}`,
    ...headers.map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...(request.body === null ? [] : [`--data-binary ${quote(request.body.slice(0, 300))}`]),
    `# ${request.route}, flaws: ${request.flaws.join(' ') || 'none'}`,
  ].join(' ')
}

/** What must stand in the header of an answer, whatever the document promises beside. */
const REQUIRED_HEADERS: Readonly<Record<number, readonly string[]>> = {
  202: ['location', 'retry-after'],
  401: ['www-authenticate'],
  405: ['allow'],
  429: ['retry-after', 'ratelimit', 'ratelimit-policy'],
  503: ['retry-after'],
}

/** Finds what is wrong with an answer, by the document and by the flaws of its request. */
export function createJudge(document: Document): (request: Request, answer: JudgedAnswer) => string[] {
  const read = readDocument(document)
  const problem = { $ref: '#/components/schemas/Problem' }

  return ({ route, operation, method, flaws, credential }, answer) => {
    const { status, headers, text } = answer
    const found: string[] = []
    const label = `${route} ${status} ${mediaTypeOf(answer)}`
    const body = bodyOf(answer)
    if (method === 'HEAD' && text !== '') found.push(`a body for HEAD: ${label}`)

    if (flaws.includes('route') || flaws.includes('method')) {
      // An answer to another path or method is none of this operation's.
      if (mediaTypeOf(answer) !== 'application/problem+json') found.push(`not in the document: ${label}`)
      else if (method !== 'HEAD' && !read.isValid(problem, body))
        found.push(`not of its schema: ${label}: ${text}`)
    } else found.push(...answerViolations(read, operation, method, answer).map(what => `${what}: ${label}`))

    if (status === 500) found.push(`an error of the gateway itself: ${label}`)
    for (const name of ['x-request-id', 'cache-control', ...(REQUIRED_HEADERS[status] ?? [])])
      if (headers[name] === undefined) found.push(`no ${name}: ${label}`)
    if (status < 300 && operation.security.length > 0 && headers.ratelimit === undefined)
      found.push(`no ratelimit: ${label}`)

    if (status >= 400 && method !== 'HEAD') {
      const { status: told, instance } = (body ?? {}) as Record<string, string | number>
      if (told !== status || instance !== headers['x-request-id'])
        found.push(`a problem of another answer: ${label}`)
    }

    const [flaw] = flaws
    if (flaw && (status < 400 || status > 499)) found.push(`taken in spite of ${flaws.join(', ')}: ${label}`)
    const precise = flaws.length === 1 && !(credential === 'limited' && status === 429)
    if (flaw && precise && !(FLAWS[flaw] as readonly number[]).includes(status))
      found.push(`not the answer to ${flaw}: ${label}`)
    return found
  }
}

const FORM: Readonly<Record<string, RegExp>> = {
  action: /^(create_snapshot|get_snapshot|load_stats|remove_snapshot|restore_snapshot)$/,
  token: new RegExp(`^${TOKEN}$`),
  id: /^[1-9]\d{0,9}$/,
  name: /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,255}$/,
  type: /^[A-Za-z0-9_.-]{1,64}$/,
  // oxlint-disable-next-line no-control-regex -- they are what must not be there
  backup_id: /^[^\u0000-\u001f\u007f-\u009f]{1,255}$/u,
}

/** What HOSTKEY must never be asked (contract §1). */
export function upstreamViolations({
  path,
  contentType,
  fields,
}: Pick<RawRequest, 'path' | 'contentType' | 'fields'>): string[] {
  const found: string[] = []
  if (path !== '/vm.php') found.push(`path ${path}`)
  if (!contentType.startsWith('application/x-www-form-urlencoded')) found.push(`media type ${contentType}`)
  for (const [name, value] of Object.entries(fields))
    if (!Object.hasOwn(FORM, name) || !FORM[name]!.test(value))
      found.push(`field ${name}=${JSON.stringify(value)}`)
  const id = Number(fields.id)
  if (!(id <= MAX_VM_ID)) found.push(`id ${id}`)
  if (id >= MARKED.from && id <= MARKED.to)
    found.push(`a call of a request with a flaw: ${JSON.stringify({ ...fields, token: '…' })}`)
  return found.map(one => `upstream: ${one}`)
}
