/**
 * Answers of the gateway as Prism sees them, a validator of somebody else's: it stands between as a proxy and refuses
 * whatever is not in the document. The requests are those of the fuzzer, so every operation answers in many ways.
 */

import { resolve } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SCOPES } from '../../../src/callers/caller.ts'
import { newEntry } from '../../../src/callers/key.ts'
import { readDocument, requestsOf, type Document, type Flaw, type Request } from '../../fuzz/generate.ts'
import { callRaw, KEY, startWorld, type Answer, type World } from '../../helper.ts'
import { freePort, runProgram } from '../../programs.ts'

const PRISM = resolve('node_modules/.bin/prism')
const FOREIGN_KEY = 'test-foreign-key-000000000000000'

/** Prism before the gateway; only answers are judged, since many requests are wrong on purpose. */
async function startPrism(document: string, world: World): Promise<string> {
  const port = await freePort()
  const prism = runProgram(PRISM, {
    args: [
      'proxy',
      resolve('openapi', document),
      world.gateway.address,
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

test.each(['openapi.yaml', 'openapi-3.0.yaml'])(
  'Prism finds nothing that is not in %s',
  { timeout: 120_000 },
  async document => {
    const callers = [
      newEntry('tester', KEY, SCOPES, '*'),
      newEntry('foreign', FOREIGN_KEY, ['stats:read'], [7]),
    ]
    const world = await startWorld({ callers, env: { READ_WAIT_MS: '20', MAX_WAIT_MS: '50' } })
    const prism = await startPrism(document, world)
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
