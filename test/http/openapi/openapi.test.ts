/** The OpenAPI document: it is what the routes say, and what it says holds together. */

import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { Validator } from '@seriousme/openapi-schema-validator'
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { toOpenApi30 } from '../../../src/http/openapi/openapi-30.ts'
import { PROBLEMS } from '../../../src/http/problem.ts'
import { renderDocuments } from '../../../src/http/openapi/files.ts'
import { SnapshotName } from '../../../src/http/schemas/common.ts'
import { requireDocumented, startWorld, type Answer } from '../../helper.ts'

interface Response {
  description: string
  headers: Record<string, object>
  content?: Record<string, { schema: { $ref?: string } }>
  links?: Record<string, { operationId: string; parameters: Record<string, string> }>
}

interface Described {
  operationId: string
  summary: string
  description: string
  tags: string[]
  security: Record<string, string[]>[]
  parameters?: { name: string; in: string; description: string; required: boolean; example?: unknown }[]
  responses: Record<string, Response>
}

interface Document {
  openapi: string
  info: { description: string }
  webhooks: Record<string, unknown>
  tags: { name: string }[]
  paths: Record<string, Record<string, Described>>
  components: {
    schemas: Record<string, object>
    examples: Record<string, { value: { code: string } }>
    securitySchemes: Record<string, object>
  }
}

let files: Record<string, string>
let document: Document
/** `POST /vms/{vm_id}/snapshots` → the operation. */
let operations: Map<string, Described>

beforeAll(async () => {
  files = await renderDocuments()
  document = JSON.parse(files['openapi.json']!) as Document
  operations = new Map(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation]),
    ),
  )
})

/** Every object and array in it, with its JSON pointer. */
function* nodes(value: unknown, pointer = ''): Generator<[string, Record<string, unknown>]> {
  if (typeof value !== 'object' || value === null) return
  yield [pointer, value as Record<string, unknown>]
  for (const [name, child] of Object.entries(value))
    yield* nodes(child, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
}

test('openapi/ holds what the routes say, and nothing else', () => {
  const committed = readdirSync('openapi').map(name => [name, readFileSync(`openapi/${name}`, 'utf8')])
  // Compared as a whole, a difference would be printed as a whole.
  const differing = committed.filter(([name, text]) => files[name!] !== text).map(([name]) => name)
  expect(differing).toEqual([])
  expect(committed).toHaveLength(Object.keys(files).length)
  expect(document.openapi).toMatch(/^3\.1\./)
  expect(parse(files['openapi.yaml']!)).toEqual(document)
})

test('every schema is one: at its start the gateway does not look', () => {
  const ajv = new Ajv2020()
  const broken = [...nodes(document)]
    .filter(([pointer]) => /\/schema$|^\/components\/schemas\/[^/]+$/.test(pointer))
    .filter(([, schema]) => ajv.validateSchema(schema) !== true)
  expect(broken).toEqual([])
})

test('a running gateway serves this document', async () => {
  const world = await startWorld({ env: { PUBLIC_URL: 'https://api.example.com/hostkey', DOCS: 'true' } })
  const json = await world.call('GET', '/openapi.json', { key: null })
  const yaml = await world.call('GET', '/openapi.yaml', { key: null })
  expect(json.headers.get('content-type')).toMatch(/^application\/json/)
  expect(yaml.headers.get('content-type')).toMatch(/^application\/yaml/)
  expect(json.body).toMatchObject({ ...document, servers: [{ url: 'https://api.example.com/hostkey' }] })
  expect(parse(yaml.text)).toEqual(json.body)
})

test('every route of the app is in the document, and the other way round', async () => {
  const world = await startWorld()
  const { app } = world.gateway
  // A tree of paths; the hidden routes are those of Swagger UI and the answers to other methods.
  const parents: string[] = []
  const paths = new Set<string>()
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent = '', part = '', methods] = /^([│ ]*)[├└]── (\S+?)(?: \((.*)\))?$/.exec(line) ?? []
    const depth = indent.length / 4
    parents.splice(depth, Infinity, part)
    if (methods) paths.add(parents.join(''))
  }
  const shown = [...paths].filter(path => path !== '*' && !path.startsWith('/docs'))
  expect(shown).toContain('/vms/:vm_id/snapshots/:name/restore')

  // Which methods a path takes, the gateway tells itself: in the answer to one that it does not.
  const routes = shown.map(async path => {
    const { headers } = await world.call('PATCH', path.replaceAll(/:\w+/g, '1'))
    const methods = headers.get('allow')?.split(', ') ?? []
    const template = path.replaceAll(/:(\w+)/g, '{$1}')
    return methods.filter(method => method !== 'HEAD').map(method => `${method} ${template}`)
  })
  expect(new Set((await Promise.all(routes)).flat())).toEqual(new Set(operations.keys()))
})

test('every operation says what it is, who may use it and how it fails', () => {
  const ids = [...operations.values()].map(({ operationId }) => operationId)
  expect(new Set(ids).size).toBe(ids.length)
  const tags = document.tags.map(({ name }) => name)
  for (const [route, operation] of operations) {
    expect(operation).toMatchObject({
      operationId: expect.stringMatching(/^[a-z][A-Za-z]+$/) as string,
      summary: expect.stringMatching(/\w/) as string,
      description: expect.stringMatching(/\w/) as string,
    })
    expect(tags).toEqual(expect.arrayContaining(operation.tags))
    const schemes = operation.security.flatMap(scheme => Object.keys(scheme))
    const secured = /^\w+ \/(vms|operations)/.test(route)
    expect([route, schemes]).toEqual([route, secured ? Object.keys(document.components.securitySchemes) : []])

    const failures = Object.keys(operation.responses).filter(status => Number(status) >= 400)
    expect(failures).toEqual(
      expect.arrayContaining(secured ? ['400', '401', '403', '429', '500', '503'] : ['500']),
    )
    for (const [status, response] of Object.entries(operation.responses)) {
      expect(response.description).toMatch(/\w/)
      const isFailure = failures.includes(status)
      // Each code stands at the status that it has, with an example of its own.
      const codes = isFailure
        ? [...response.description.matchAll(/`([a-z-]+)`/g)].map(([, code]) => code!)
        : []
      const examples = Object.fromEntries(
        codes.map(code => [code, { $ref: `#/components/examples/${code}` }]),
      )
      const schema = { $ref: '#/components/schemas/Problem' }
      const problem = { 'application/problem+json': { schema, examples } }
      expect(isFailure ? response.content : 'fine').toEqual(isFailure ? problem : 'fine')
      expect(codes.map(code => PROBLEMS[code as keyof typeof PROBLEMS].status)).toEqual(
        codes.map(() => Number(status)),
      )
      expect(codes.length > 0).toBe(isFailure)
    }
    for (const { description, required, example } of operation.parameters ?? []) {
      expect(description).toMatch(/\w/)
      // Swagger UI sends the examples: what is optional stays out of the request until somebody wants it.
      expect([route, required || example === undefined]).toEqual([route, true])
    }
    const inPath = (operation.parameters ?? [])
      .filter(one => one.in === 'path')
      .map(({ name }) => `{${name}}`)
    expect(inPath).toEqual(route.match(/\{\w+\}/g) ?? [])
  }
})

test('references and links lead somewhere, and components have names', () => {
  const known = new Set([...nodes(document)].map(([pointer]) => `#${pointer}`))
  const refs = [...nodes(document)].flatMap(([, node]) => (typeof node.$ref === 'string' ? [node.$ref] : []))
  expect(refs.length).toBeGreaterThan(0)
  expect(refs.filter(ref => !known.has(ref))).toEqual([])
  const names = Object.keys(document.components.schemas)
  expect(names.filter(name => !/^[A-Z][A-Za-z]+$/.test(name))).toEqual([])
  const unused = (kind: 'schemas' | 'examples'): string[] =>
    Object.keys(document.components[kind]).filter(name => !refs.includes(`#/components/${kind}/${name}`))
  expect([unused('schemas'), unused('examples')]).toEqual([[], []])
  expect(Object.values(document.components.schemas).filter(schema => '$id' in schema)).toEqual([])

  const all = [...operations.values()]
  const links = all.flatMap(({ responses }) =>
    Object.values(responses).flatMap(({ links: ofResponse = {} }) => Object.values(ofResponse)),
  )
  // Whatever answers 202 links to the operation.
  expect(links).toHaveLength(all.filter(({ responses }) => '202' in responses).length)
  for (const { operationId, parameters } of links) {
    const target = all.find(operation => operation.operationId === operationId)
    expect(Object.keys(parameters)).toEqual(
      target?.parameters?.filter(one => one.in === 'path').map(({ name }) => name),
    )
  }
})

/** Every schema of a document with its JSON pointer, those of headers and parameters too. */
function schemasOf(edition: Document): [string, Record<string, unknown>][] {
  const parts = { ...edition, components: { ...edition.components, examples: {} } }
  return [...nodes(parts)].filter(([pointer]) => !/\/(examples?|default|mapping)(\/|$)/.test(pointer))
}

// Go and Rust, and the gateways that are made of them, match without backtracking (https://github.com/google/re2/wiki/Syntax).
test('every pattern is one of RE2 as well', () => {
  for (const name of ['openapi.json', 'openapi-3.0.json']) {
    const patterns = schemasOf(JSON.parse(files[name]!) as Document).flatMap(([pointer, { pattern }]) =>
      typeof pattern === 'string' ? [[pointer, pattern]] : [],
    )
    expect(patterns.length).toBeGreaterThan(20)
    const foreign = /\(\?[=!<]|\\[1-9uckK]|\\[pP](?!\{)/
    expect(patterns.filter(([, pattern]) => foreign.test(pattern!))).toEqual([])
  }
})

test('a name of a snapshot may have any of its characters, and is neither . nor ..', () => {
  const { pattern } = SnapshotName as unknown as { pattern: string }
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9_.-]{0,6}$/), name => {
      expect(new RegExp(pattern, 'u').test(name)).toBe(!['', '.', '..'].includes(name))
    }),
    { examples: [[''], ['.'], ['..'], ['...'], ['..a'], ['.a.'], ['a..']] },
  )
  for (const name of ['a b', 'ä', '../a', 'a\n', '.\n'])
    expect([name, new RegExp(pattern, 'u').test(name)]).toEqual([name, false])
})

test('headers have their canonical names, and every answer tells its request', () => {
  const names = [...operations.values()].flatMap(({ parameters = [], responses }) => [
    ...parameters.flatMap(one => (one.in === 'header' ? [one.name] : [])),
    ...Object.values(responses).flatMap(({ headers }) => Object.keys(headers)),
  ])
  const canonical = /^(?:[A-Z][a-z]*|WWW|RateLimit|ETag)(?:-(?:[A-Z][a-z]*|DNS|XSS|ID))*$/
  expect([...new Set(names)].filter(name => !canonical.test(name))).toEqual([])
  for (const [route, { responses }] of operations)
    for (const [status, { headers }] of Object.entries(responses))
      expect([route, status, headers['X-Request-Id']]).toEqual([
        route,
        status,
        { $ref: '#/components/headers/X-Request-Id' },
      ])
})

test('an Idempotency-Key has no example that an importer could send again and again', () => {
  const keys = [...operations.values()].flatMap(({ parameters = [] }) =>
    parameters.filter(({ name }) => name === 'Idempotency-Key'),
  )
  expect(keys.length).toBeGreaterThan(2)
  for (const key of keys) expect(JSON.stringify(key)).not.toMatch(/"(examples?|default)":/)
})

test('every example is valid', () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema({ $id: 'document', ...document })
  const isValid = (pointer: string, value: unknown): boolean =>
    ajv.validate({ $ref: `document#${encodeURI(pointer)}` }, value)

  // Named examples are all shared ones.
  const shared = (ref: string): unknown => document.components.examples[ref.split('/').at(-1)!]?.value
  for (const [code, { value }] of Object.entries(document.components.examples)) expect(value.code).toBe(code)

  const wrong: string[] = []
  let count = 0
  for (const [pointer, node] of nodes(document)) {
    if (pointer === '/components') continue
    // Of a schema it is a list; of a parameter or a media type one value, or named ones, beside the schema.
    const inSchema = Array.isArray(node.examples)
    const named = inSchema
      ? []
      : Object.values(node.examples ?? {}).map(one => shared((one as { $ref: string }).$ref))
    const values = inSchema
      ? (node.examples as unknown[])
      : 'example' in node
        ? [node.example, ...named]
        : named
    const schema = 'schema' in node ? `${pointer}/schema` : pointer
    count += values.length
    wrong.push(
      ...values.filter(value => !isValid(schema, value)).map(value => `${pointer} ${JSON.stringify(value)}`),
    )
  }
  expect(wrong).toEqual([])
  expect(count).toBeGreaterThan(40)
  // The check can fail.
  expect(isValid('/components/schemas/Health', { status: 'ill' })).toBe(false)
})

/** An answer of each kind, by the schema that describes it. */
async function someAnswers(): Promise<Record<string, Answer>> {
  const world = await startWorld()
  const wait = { headers: { prefer: 'wait=10' } }
  return {
    Operation: await world.call('POST', '/vms/1000/snapshots', { body: { name: 'a' }, ...wait }),
    SnapshotList: await world.call('GET', '/vms/1000/snapshots'),
    Snapshot: await world.call('GET', '/vms/1000/snapshots/a'),
    Stats: await world.call('GET', '/vms/1000/stats'),
    OperationList: await world.call('GET', '/operations'),
    Problem: await world.call('GET', '/operations/none'),
    Health: await world.call('GET', '/readyz'),
  }
}

/** What a schema of 3.0 is in the JSON Schema that Ajv knows: `nullable` is its own, the exclusive bounds are not used. */
function ajvFor30(edition: Document): Ajv {
  const ajv = new Ajv({ strict: false, allErrors: true })
  addFormats.default(ajv)
  return ajv.addSchema({ $id: 'document', ...edition })
}

test('answers are valid, too, by either edition', async () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema({ $id: 'document', ...document })
  const older = ajvFor30(JSON.parse(files['openapi-3.0.json']!) as Document)
  for (const [name, { body }] of Object.entries(await someAnswers())) {
    for (const judge of [ajv, older]) {
      judge.validate({ $ref: `document#/components/schemas/${name}` }, body)
      expect([name, judge.errors]).toEqual([name, null])
    }
    // Nor is there anything of which the document does not speak.
    const described = name === 'Operation' ? 'CreateOperation' : name
    const { properties } = document.components.schemas[described] as { properties: object }
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(Object.keys(body as object)))
  }
  // The older one can refuse.
  expect(older.validate({ $ref: 'document#/components/schemas/Health' }, { status: 'ill' })).toBe(false)
})

test('what the gateway sends is described, with the headers that sign it', () => {
  expect(Object.keys(document.webhooks)).toEqual(['operationEnded'])
  const described = JSON.stringify(document.webhooks)
  for (const header of ['webhook-id', 'webhook-timestamp', 'webhook-signature'])
    expect(described).toContain(`"name":"${header}"`)
})

test('the 3.0.3 edition says the same in the words of 3.0', async () => {
  const edition = JSON.parse(files['openapi-3.0.json']!) as Document
  expect(edition.openapi).toBe('3.0.3')
  expect(parse(files['openapi-3.0.yaml']!)).toEqual(edition)
  expect(await new Validator({ strict: false }).validate({ ...edition })).toEqual({ valid: true })
  expect(Object.keys(edition.paths)).toEqual(Object.keys(document.paths))
  // What only a webhook refers to goes with the webhooks, which 3.0 does not know.
  const { OperationEnded: _, ...schemas } = document.components.schemas
  expect(edition.info.description).toContain('cannot describe webhooks')
  expect(Object.keys(edition.components.schemas)).toEqual(Object.keys(schemas))

  // Whatever an older reader would not know, or would read otherwise.
  const newer = [...nodes({ ...edition, components: { ...edition.components, examples: {} } })].filter(
    ([pointer, node]) =>
      !/\/examples?\b/.test(pointer) &&
      (Array.isArray(node.type) ||
        node.type === 'null' ||
        Array.isArray(node.examples) ||
        ('nullable' in node && !('type' in node)) ||
        ('$ref' in node && Object.keys(node).length > 1) ||
        ['const', 'identifier', 'webhooks', 'jsonSchemaDialect', '$defs', 'prefixItems'].some(
          word => word in node && !pointer.endsWith('/properties'),
        )),
  )
  expect(newer.map(([pointer]) => pointer)).toEqual([])
  // A running operation has neither a snapshot's end nor an error.
  const judge = ajvFor30(edition)
  const [operation] = (document.components.schemas.Operation as { examples: object[] }).examples
  const isOperation = (changes: object): boolean =>
    judge.validate({ $ref: 'document#/components/schemas/Operation' }, { ...operation, ...changes })
  expect(isOperation({ finished_at: null, error: null, snapshot: null })).toBe(true)
  expect(isOperation({ error: document.components.examples['vm-busy']!.value })).toBe(true)
  expect(isOperation({ error: {} })).toBe(false)
  expect(isOperation({ error: 'null' })).toBe(false)
  // Its kind tells what it brings.
  expect(isOperation({ result: { settled_by: 'look', discarded: ['b'], raw: null } })).toBe(true)
  expect(isOperation({ result: null })).toBe(true)
  expect(isOperation({ result: { vm_id: 1000 } })).toBe(false)
  expect(isOperation({ kind: 'stats.load' })).toBe(false)
  expect(isOperation({ vm_id: null })).toBe(false)
})

test('each construct of 3.1 has its form in 3.0, or none at all', () => {
  const convert = (schema: object): unknown => {
    const document = {
      openapi: '3.1.0',
      info: {},
      components: { schemas: { Text: { type: 'string' }, It: schema } },
    }
    return (toOpenApi30(document) as Document).components.schemas.It
  }
  const ref = { $ref: '#/components/schemas/Text' }
  expect(convert({ type: ['string', 'null'], examples: ['a', 'b'] })).toEqual({
    type: 'string',
    nullable: true,
    example: 'a',
  })
  expect(convert({ type: 'string', const: 'a' })).toEqual({ type: 'string', enum: ['a'] })
  expect(convert({ ...ref, description: 'Why.' })).toEqual({ description: 'Why.', allOf: [ref] })
  expect(convert({ exclusiveMinimum: 0, exclusiveMaximum: 9 })).toEqual({
    minimum: 0,
    exclusiveMinimum: true,
    maximum: 9,
    exclusiveMaximum: true,
  })
  expect(convert({ anyOf: [ref, { type: 'null' }] })).toEqual({
    type: 'string',
    nullable: true,
    anyOf: [ref, { enum: [null] }],
  })
  expect(convert({ anyOf: [{ type: 'string' }, { type: 'null' }] })).toEqual({
    type: 'string',
    nullable: true,
  })
  expect(convert({ oneOf: [ref, { type: 'integer' }] })).toEqual({ oneOf: [ref, { type: 'integer' }] })
  // Names are no keywords, and values are no schemas.
  expect(convert({ properties: { const: { const: 1 } }, default: { const: 1 }, items: false })).toEqual({
    properties: { const: { enum: [1] } },
    default: { const: 1 },
    items: false,
  })
  expect(convert({ type: 'string', contentMediaType: 'a/b', contentSchema: { const: 1 } })).toEqual({
    type: 'string',
    'x-content-media-type': 'a/b',
    'x-content-schema': { enum: [1] },
  })
  for (const schema of [{ type: ['string', 'integer'] }, { type: 'null' }, { prefixItems: [] }])
    expect(() => convert(schema)).toThrow('3.0')
  expect(() => toOpenApi30({ openapi: '3.0.3' })).toThrow('3.1')
})

test('no test may get an answer that is not in the document', async () => {
  const { app } = (await startWorld()).gateway
  const stats = JSON.stringify({ vm_id: 1000, observed_at: '2026-11-24T10:16:00.000Z', stats: {} })
  const judge = (method: string, path: string, status: number, type: string, text = '', more = {}): void =>
    requireDocumented(app, method, path, {
      status,
      headers: new Headers({ 'content-type': type, ...more }),
      text,
    })
  const [json, problem] = ['application/json; charset=utf-8', 'application/problem+json']
  judge('GET', '/vms/1000/stats?x=1', 200, json, stats, { age: '0' })
  judge('HEAD', '/operations/op_1', 404, problem)
  judge('PUT', '/vms/1000/stats', 405, problem)
  expect(() => judge('GET', '/vms/1000/stats', 201, json, stats)).toThrow('/stats 201: not in the document')
  expect(() => judge('GET', '/vms/1000/stats', 200, 'text/html', stats)).toThrow('not in the document')
  expect(() => judge('GET', '/vms/1000/stats', 200, json, '{}')).toThrow('not of its schema')
  expect(() => judge('GET', '/vms/1000/stats', 200, json, stats, { age: 'x' })).toThrow('header age not of')
  expect(() => judge('GET', '/vms/1000/stats', 200, json, stats, { 'x-y': '1' })).toThrow('header x-y not in')
  const stream = (event: string): void =>
    judge('GET', '/operations/op_1/events', 200, 'text/event-stream', `retry: 2000\n\n${event}`)
  const [operation] = (document.components.schemas.Operation as { examples: object[] }).examples
  const data = JSON.stringify(operation)
  stream(`event: operation\nid: 3\ndata: ${data}\n\n: still running\n\n`)
  for (const event of [`event: operation\nid: 3\ndata: {}\n\n`, `id: 3\ndata: ${data}\n\n`])
    expect(() => stream(event)).toThrow('events not of their schema')
  expect(() => judge('GET', '/vms/1000/stats', 404, problem, '{"code":"x"}')).toThrow('code x not in')
  expect(() => judge('HEAD', '/operations', 404, problem)).toThrow('HEAD /operations 404')
})
