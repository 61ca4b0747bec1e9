/**
 * Answers of the gateway as Prism sees them, a validator of somebody else's: it stands between as a proxy and refuses
 * whatever is not in the document. It sees an answer of every kind, and those to requests of the fuzzer.
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { SCOPES } from '../../../src/callers/caller.ts'
import { newEntry } from '../../../src/callers/key.ts'
import { answerViolations, bodyOf, mediaTypeOf, type JudgedAnswer } from '../../described.ts'
import { readDocument, requestsOf, type Document, type Flaw, type Request } from '../../fuzz/generate.ts'
import { callRaw, KEY, startWorld, type Answer, type World } from '../../helper.ts'
import { freePort, runProgram } from '../../programs.ts'
import { recordAnswers, type RecordedAnswer } from './answers.ts'

const PRISM = resolve('node_modules/.bin/prism')
const FOREIGN_KEY = 'test-foreign-key-000000000000000'

/** Prism before the gateway; only answers are judged, since many requests are wrong on purpose. */
async function startPrism(document: string, gateway: string): Promise<string> {
  const port = await freePort()
  const prism = runProgram(PRISM, {
    args: [
      'proxy',
      resolve('openapi', document),
      gateway,
      '--errors',
      '--validate-request=false',
      `--port=${port}`,
    ],
  })
  await prism.line(/Prism is listening/)
  return `http://127.0.0.1:${port}`
}

/** Those that Prism itself would refuse: it reads addresses and bodies before it hands them on. */
const NOT_FOR_PRISM: Flaw[] = [
  'percent',
  'route',
  'method',
  'path',
  'large',
  'json',
  'media-type',
  'unwanted-body',
]

/** Requests of the fuzzer that reach the gateway through Prism. */
function someRequests(world: World): Request[] {
  const document = JSON.parse(JSON.stringify(world.gateway.app.swagger())) as Document
  const isPlain = ({ method, flaws, operation }: Request): boolean =>
    method !== 'HEAD' &&
    operation.operationId !== 'streamOperation' &&
    !flaws.some(flaw => NOT_FOR_PRISM.includes(flaw))
  const { operations } = readDocument(document)
  const all = fc.sample(requestsOf(document).filter(isPlain), { seed: 20261125, numRuns: 400 })
  // None of them is missing.
  expect(new Set(all.map(({ route }) => route)).size).toBe(operations.size - 1)
  return all
}

const send = (
  base: string,
  { method, target, headers, body }: Request,
  key: string | null,
): Promise<Answer> =>
  callRaw(base, method, target, {
    headers: { ...headers, authorization: key === null ? '' : `Bearer ${key}` },
    body,
  })

/** Gives the recorded answers again: the header `x-recorded` of a request says which. */
async function startReplay(answers: readonly RecordedAnswer[]): Promise<string> {
  const ofTheConnection = ['connection', 'keep-alive', 'date', 'transfer-encoding', 'content-length']
  const server = createServer((request, response) => {
    const { status, headers, text } = answers[Number(request.headers['x-recorded'])]!
    for (const [name, value] of Object.entries(headers))
      if (value !== undefined && !ofTheConnection.includes(name)) response.setHeader(name, value)
    response.writeHead(status).end(text)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What Prism makes of a recorded answer. */
async function throughPrism(prism: string, answers: readonly RecordedAnswer[], at: number): Promise<Seen> {
  const { route, path } = answers[at]!
  const response = await fetch(prism + path, {
    method: route.split(' ')[0]!,
    // Prism itself asks for a credential, of whatever value.
    headers: { 'x-recorded': String(at), authorization: 'Bearer any', accept: '*/*' },
  })
  return seenOf({
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text: await response.text(),
  })
}

type Seen = { status: number; body: unknown }
const seenOf = (answer: JudgedAnswer): Seen => ({ status: answer.status, body: bodyOf(answer) })

/** An answer of each kind with a body that nobody gives, and one with a header of other routes: Prism must refuse them all. */
function spoilt(answers: readonly RecordedAnswer[]): RecordedAnswer[] {
  const kinds = new Map(answers.map(one => [`${one.route} ${one.status} ${mediaTypeOf(one)}`, one]))
  const withBody = [...kinds.values()].filter(({ text }) => text !== '')
  const list = withBody.find(({ route, status }) => route === 'GET /operations' && status === 200)!
  return [
    ...withBody.map(one => ({ ...one, text: mediaTypeOf(one).endsWith('json') ? '5' : 'nothing' })),
    { ...list, headers: { ...list.headers, ratelimit: '"default";r=1;t=1' } },
    { ...list, headers: { ...list.headers, 'x-request-id': '?' } },
  ]
}

/** No test can make the gateway fail on these: they ask nobody. */
const NEVER_500 = /^GET \/(openapi|problems|livez|metrics|$)/

test(
  'Prism finds no answer of any kind that is not in one of the editions',
  { timeout: 240_000 },
  async () => {
    const { answers, read } = await recordAnswers()
    const { operations } = read
    const found = answers.flatMap(one => {
      const [method = ''] = one.route.split(' ')
      return answerViolations(read, operations.get(one.route)!, method, one).map(what => [one.path, what])
    })
    expect(found).toEqual([])
    const seen = new Set(answers.map(({ route, status }) => `${route} ${status}`))
    const missing = [...operations].flatMap(([route, { responses }]) =>
      Object.keys(responses)
        .map(status => `${route} ${status}`)
        .filter(kind => !seen.has(kind) && !(NEVER_500.test(route) && kind.endsWith(' 500'))),
    )
    expect(missing).toEqual([])

    const all = [...answers, ...spoilt(answers)]
    const replay = await startReplay(all)
    for (const document of ['openapi.yaml', 'openapi-3.0.yaml']) {
      const prism = await startPrism(document, replay)
      for (const [at, answer] of answers.entries()) {
        const { route, path } = answer
        // What Prism finds is an answer of its own, which says where the violation is.
        expect({ route, path, ...(await throughPrism(prism, all, at)) }).toEqual({
          route,
          path,
          ...seenOf(answer),
        })
      }
      for (const [at, { route, status }] of all.entries()) {
        if (at < answers.length) continue
        const { body } = await throughPrism(prism, all, at)
        expect([route, status, body]).toEqual([
          route,
          status,
          expect.objectContaining({ validation: expect.any(Array) }),
        ])
      }
    }
  },
)

test.each(['openapi.yaml', 'openapi-3.0.yaml'])(
  'Prism finds nothing that is not in %s',
  { timeout: 120_000 },
  async document => {
    const callers = [
      newEntry('tester', KEY, SCOPES, '*'),
      newEntry('foreign', FOREIGN_KEY, ['stats:read'], [7]),
    ]
    const world = await startWorld({ callers, env: { READ_WAIT_MS: '20', MAX_WAIT_MS: '50' } })
    const prism = await startPrism(document, world.gateway.address)
    const keys: Record<string, string | null> = {
      none: null,
      wrong: 'nobody',
      foreign: FOREIGN_KEY,
      stats: FOREIGN_KEY,
    }
    const statuses = new Set<number>()
    for (const request of someRequests(world)) {
      // oxlint-disable-next-line no-await-in-loop -- what one leaves behind is for the next to find
      const answer = await send(prism, request, keys[request.credential] ?? KEY)
      statuses.add(answer.status)
      const { route, target } = request
      // Prism has problems of its own, with a `validation` of what is wrong.
      expect({ route, target, ...(answer.status === 500 ? { found: answer.body } : {}) }).toEqual({
        route,
        target,
      })
    }
    expect([...statuses]).toEqual(expect.arrayContaining([200, 202, 400, 401, 403, 404, 409]))
  },
)
