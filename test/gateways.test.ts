/** What docs/gateways.md says is what the document and the configuration say: a name that is left out would be dropped on the way. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../src/config/config.ts'
import type { Described, Document } from './fuzz/generate.ts'

const page = readFileSync('docs/gateways.md', 'utf8')
const document = JSON.parse(readFileSync('openapi/openapi.json', 'utf8')) as Document
const { maxWaitMs } = loadConfig({ HOSTKEY_TOKEN: 'x', CALLERS_FILE: 'x' })

/** The configuration in the page that has this text in it. */
function recipe<T>(text: string): T {
  const blocks = [...page.matchAll(/```(?:yaml|json)\n(.*?)```/gs)].map(([, block]) => block!)
  return parse(blocks.find(block => block.includes(text))!) as T
}

/** The names of what operations take in this place. */
function names(operations: readonly Described[], place: 'header' | 'query'): string[] {
  const all = operations.flatMap(({ parameters = [] }) => parameters.filter(one => one.in === place))
  return [...new Set(all.map(({ name }) => name))]
}

/** Those that no operation declares, since every request may have them. */
const ANYWHERE = ['Authorization', 'X-API-Key', 'Accept', 'X-Request-Id', 'traceparent', 'tracestate']
const OF_BODIES = ['Content-Type', 'Content-Encoding']

test('every header and every member of a query that the gateway knows is among those to pass on', () => {
  const passes = /### What passes(.*?)\n#/s.exec(page)![1]!
  const told = [...passes.matchAll(/`([^`]+)`/g)].map(([, name]) => name)
  const all = Object.values(document.paths).flatMap(methods => Object.values(methods))
  expect(names(all, 'header').length).toBeGreaterThan(4)
  expect(told).toEqual(
    expect.arrayContaining([
      ...names(all, 'header'),
      ...names(all, 'query'),
      ...ANYWHERE,
      ...OF_BODIES,
      'If-None-Match',
      'Origin',
    ]),
  )
})

test('KrakenD names every header of its route, and lets any query through for the gateway to judge', () => {
  const { timeout, endpoints } = recipe<{
    timeout: string
    endpoints: { endpoint: string; method: string; input_headers: string[]; input_query_strings: string[] }[]
  }>('input_headers')
  expect(Number.parseInt(timeout, 10) * 1_000).toBeGreaterThan(maxWaitMs)
  for (const { endpoint, method, input_headers: headers, input_query_strings: query } of endpoints) {
    const operation = document.paths[endpoint.replace('/hostkey', '')]![method.toLowerCase()]!
    expect(headers.toSorted()).toEqual(
      [...names([operation], 'header'), ...ANYWHERE, ...OF_BODIES].toSorted(),
    )
    expect(query).toEqual(['*'])
  }
})

test('Envoy meets the route of the event streams before the rest, and only that one has no end', () => {
  const [events, rest] = recipe<
    {
      match: { safe_regex?: { regex: string }; path_separated_prefix?: string }
      route: { timeout: string }
    }[]
  >('safe_regex')
  expect(new RegExp(`^(?:${events!.match.safe_regex!.regex})$`).test('/hostkey/operations/op_1/events')).toBe(
    true,
  )
  expect(events!.route.timeout).toBe('0s')
  expect(rest!.match.path_separated_prefix).toBe('/hostkey')
  expect(Number.parseInt(rest!.route.timeout, 10) * 1_000).toBeGreaterThan(maxWaitMs)
})

test('Kong repeats nothing, holds nothing back and waits long enough; so does Google; Traefik probes what is there', () => {
  const { services } = recipe<{
    services: { read_timeout: number; retries: number; routes: { response_buffering: boolean }[] }[]
  }>('_format_version')
  expect(services[0]).toMatchObject({ retries: 0, routes: [{ response_buffering: false }] })
  expect(services[0]!.read_timeout).toBeGreaterThan(maxWaitMs)
  const google = recipe<{ 'x-google-backend': { deadline: number } }>('x-google-backend')
  expect(google['x-google-backend'].deadline * 1_000).toBeGreaterThan(maxWaitMs)
  const traefik = recipe<{
    http: { services: { hostkey: { loadBalancer: { healthCheck: { path: string } } } } }
  }>('PathPrefix')
  const { path } = traefik.http.services.hostkey.loadBalancer.healthCheck
  expect(Object.keys(document.paths)).toContain(path.replace('/hostkey', ''))
})
