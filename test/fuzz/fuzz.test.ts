/** Requests generated from our own document: `npm run fuzz` sends more of them. */

import { expect, test } from 'vitest'
import { renderDocuments } from '../../src/http/openapi/files.ts'
import { createJudge, fuzz, upstreamViolations } from './fuzz.ts'
import { FLAWS, readDocument, type Document, type Request } from './generate.ts'

test(
  '2,000 of them: every answer is in the document, nothing invalid goes on',
  { timeout: 120_000 },
  async () => {
    const figures = await fuzz({ requests: 2_000, seed: 20261124 })
    expect(figures.violations).toEqual([])
    expect(figures.requests).toBe(2_000)
    // It would be no wonder if nothing were sent, or only nonsense.
    expect(figures.flawless).toBeGreaterThan(800)
    expect(figures.flawed).toBeGreaterThan(400)
    expect(figures.upstreamCalls).toBeGreaterThan(300)
    const statuses = [200, 202, 400, 401, 403, 404, 405, 409, 413, 415, 502]
    expect(Object.keys(figures.statuses).map(Number)).toEqual(expect.arrayContaining(statuses))
  },
)

test('the judges can say no', async () => {
  const document = JSON.parse((await renderDocuments())['openapi.json']!) as Document
  const judge = createJudge(document)
  const route = 'GET /vms/{vm_id}/stats'
  const operation = readDocument(document).operations.get(route)!
  const request: Request = {
    route,
    operation,
    method: 'GET',
    target: '/vms/1000/stats',
    headers: {},
    credential: 'all',
    apiKey: false,
    body: null,
    flaws: [],
    fault: null,
  }
  const headers = {
    'x-request-id': 'request-1',
    'cache-control': 'no-store',
    ratelimit: '"default";r=1;t=1',
    'ratelimit-limit': '1',
    date: 'now',
  }
  const json = { ...headers, 'content-type': 'application/json; charset=utf-8' }
  const problem = { ...headers, 'content-type': 'application/problem+json' }
  const text = JSON.stringify({ vm_id: 1000, observed_at: '2026-11-24T10:16:00.000Z', stats: {} })
  const problemText = (code: string, status: number, instance = 'request-1'): string =>
    JSON.stringify({ type: '/x', title: 't', status, detail: 'd', instance, code })
  expect(judge(request, { status: 200, headers: json, text })).toEqual([])
  expect(judge(request, { status: 404, headers: problem, text: problemText('vm-not-found', 404) })).toEqual(
    [],
  )

  const wrong: [Partial<Request>, number, object, string, RegExp][] = [
    [{}, 200, json, '{}', /^not of its schema/],
    [{}, 200, json, '{', /^not of its schema/],
    [{}, 200, { ...json, 'content-type': 'text/html' }, text, /^not in the document/],
    [{}, 201, json, text, /^not in the document/],
    [{}, 200, { ...json, ratelimit: undefined }, text, /^no ratelimit/],
    [{}, 200, { ...json, 'x-request-id': undefined }, text, /^no x-request-id/],
    [{}, 200, { ...json, 'x-powered-by': 'hope' }, text, /^header x-powered-by not in the document/],
    [{}, 200, { ...json, ratelimit: '"operations";r=1;t=1' }, text, /^header ratelimit not of its schema/],
    [{}, 200, { ...json, age: 'old' }, text, /^header age not of its schema/],
    [{ method: 'HEAD' }, 200, json, text, /^a body for HEAD/],
    [{}, 500, problem, problemText('internal', 500), /^an error of the gateway/],
    [{}, 404, problem, problemText('vm-not-found', 404, 'other'), /^a problem of another answer/],
    [{}, 404, problem, problemText('route-not-found', 404), /^code route-not-found not in the document/],
    [{}, 503, problem, problemText('draining', 503), /^no retry-after/],
    [{ flaws: ['path'] }, 200, json, text, /^taken in spite of path/],
    [{ flaws: ['path'] }, 404, problem, problemText('vm-not-found', 404), /^not the answer to path/],
    [{ flaws: ['method'] }, 404, json, text, /^not in the document/],
    [{ flaws: ['method'] }, 405, problem, '{}', /^not of its schema/],
  ]
  for (const [changes, status, headers, body, complaint] of wrong) {
    const found = judge(
      { ...request, ...changes },
      { status, headers: headers as Record<string, string>, text: body },
    )
    expect([complaint, found.filter(one => complaint.test(one)).length]).toEqual([complaint, 1])
  }
  expect(Object.keys(FLAWS)).toContain('path')

  const call = { path: '/vm.php', contentType: 'application/x-www-form-urlencoded' }
  const upstream = (fields: Record<string, string>): string[] => upstreamViolations({ ...call, fields })
  expect(upstream({ action: 'get_snapshot', id: '1000', type: 'snapshot' })).toEqual([])
  for (const fields of [
    { id: '0' },
    { id: '01' },
    { id: '2147483648' },
    { id: '1500000001' },
    { id: '1', name: '..' },
    { id: '1', type: 'a/b' },
    { id: '1', backup_id: '\u0007' },
    { id: '1', x: 'y' },
    { action: 'auth' },
  ])
    expect([fields, upstream(fields as Record<string, string>).length > 0]).toEqual([fields, true])
})
