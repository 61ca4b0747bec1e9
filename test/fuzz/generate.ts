/**
 * Requests out of our own OpenAPI document: for every operation good ones and ones with flaws. Values are drawn from one
 * pool of pleasant and nasty text; which of them are good for a field, the schema of the field says.
 */

import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { duplicateMembers } from '../../src/http/json.ts'
import type { Fault } from '../../src/simulator/simulator.ts'

interface Schema {
  $ref?: string
  type?: string
  enum?: unknown[]
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  required?: string[]
  properties?: Record<string, Schema>
  /** What is in a text. */
  contentSchema?: Schema
}

/** Either of both. */
export interface Header {
  $ref?: string
  schema?: Schema
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  schema: Schema
}

export interface Described {
  operationId: string
  security: object[]
  'x-required-scopes'?: string[]
  parameters?: Parameter[]
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> }
  responses: Record<
    string,
    {
      headers: Record<string, Header>
      content?: Record<string, { schema: Schema; examples?: Record<string, unknown> }>
    }
  >
}

export interface Document {
  paths: Record<string, Record<string, Described>>
  components: { schemas: Record<string, Schema>; headers: Record<string, { schema: Schema }> }
}

/** What is wrong with a request by the document, and the statuses that may say so. */
export const FLAWS = {
  path: [400],
  query: [400],
  body: [400],
  'no-body': [400],
  'unwanted-body': [400, 415],
  json: [400],
  'idempotency-key': [400],
  percent: [400],
  // What is appended may make it the path of another route.
  route: [404, 400, 405],
  method: [405],
  'media-type': [415],
  large: [413],
  'no-key': [401],
  'wrong-key': [401],
  scope: [403],
  foreign: [403],
} as const
export type Flaw = keyof typeof FLAWS

export type Credential = 'all' | 'limited' | 'foreign' | 'stats' | 'snapshots' | 'none' | 'wrong'

export interface Request {
  /** `POST /vms/{vm_id}/snapshots` */
  route: string
  operation: Described
  method: string
  target: string
  headers: Record<string, string>
  credential: Credential
  /** The key goes into `X-API-Key`. */
  apiKey: boolean
  body: string | null
  flaws: Flaw[]
  /** What goes wrong at HOSTKEY from now on. */
  fault: Fault | null
}

/** The VM ids of requests with a flaw: one that shows at HOSTKEY got through. */
export const MARKED = { from: 1_500_000_000, to: 1_999_999_999 }
export const VMS = Array.from({ length: 40 }, (_, i) => 1_000 + i)
/** Stands for the id of an operation that an earlier answer spoke of. */
export const SEEN_OPERATION = /op_seen_(\d)/g

const JSON_TYPE = 'application/json'
const BODY_LIMIT = 16 * 1024

const OPERATIONS = Array.from({ length: 9 }, (_, i) => `op_seen_${i}`)
const words = (text: string): string[] => text.split('|')
const PLEASANT = [
  words('first|a|b|before-upgrade|x.y_z-1|...|snapshot|backup|2026-11-24_01|vm-busy'),
  OPERATIONS,
].flat()
const NASTY = [
  words('| |.|..|a b|a/b|../../vm.php|a\\b|a?b|a#b|a&action=x|a=b|a;b|%|%2e%2e|ä|日本|😀'),
  words('\u0000|a\u0000b|a\r\nb|a\n|\u007f|\u0085|\u2028|\ufeff|\ud800'),
  words("null|undefined|true|[]|{}|__proto__|constructor|toString|' OR 1=1 --|<script>|${x}"),
  words('0|-1|1.5|1e3|NaN|Infinity|2147483648|4294967297|99999999999999999999999999'),
  // Spellings of a marked id: read leniently, they would show at HOSTKEY.
  words('01500000001|1500000001.0|15e8|+1500000001| 1500000001|0x59682f01|1500000001a|1500000001,1'),
].flat()
const WRONG_TYPES = [null, true, 5, 1.5, [], ['a'], {}, { a: 'a' }]

/** Everything in `values` is as likely, but those that are not `good` come seldom. */
function mostly<T>(
  values: readonly T[],
  good: (value: T) => boolean,
  others: fc.Arbitrary<T>,
): fc.Arbitrary<T> {
  const { fine = [], bad = [] } = Object.groupBy(values, value => (good(value) ? 'fine' : 'bad'))
  return fc.oneof(
    { weight: 40, arbitrary: fc.constantFrom(...(fine.length > 0 ? fine : values)) },
    ...(bad.length > 0 ? [{ weight: 3, arbitrary: fc.constantFrom(...bad) }] : []),
    { weight: 1, arbitrary: others },
  )
}

const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 40 }))

/** Text for a field: the pool, and what lies at the bounds of its schema and just beyond. */
function textsFor(schema: Schema): string[] {
  const { minimum = 1, maximum = 1, minLength = 1, maxLength = 1 } = schema
  const bounds =
    schema.type === 'integer'
      ? [minimum - 1, minimum, minimum + 1, maximum - 1, maximum, maximum + 1, ...VMS].map(String)
      : [minLength, maxLength, maxLength + 1, maxLength * 4].map(length =>
          'n'.repeat(Math.min(length, 5_000)),
        )
  return [...PLEASANT, ...NASTY, ...bounds, ...((schema.enum ?? []) as string[])]
}

/** As the gateway promises to read text: an integer in its one canonical form. */
function fromText(text: string, { type }: Schema): unknown {
  return type === 'integer' && /^(0|-?[1-9]\d{0,15})$/.test(text) ? Number(text) : text
}

/** Percent-encoded as far as needed, or every byte. */
function encode(text: string, fully: boolean): string {
  const escaped = (byte: number): string => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`
  return [...Buffer.from(text)]
    .map(byte => {
      const character = String.fromCharCode(byte)
      return !fully && /[\w.~-]/.test(character) ? character : escaped(byte)
    })
    .join('')
}

const FAULTS: fc.Arbitrary<Fault> = fc
  .record({
    action: fc.constantFrom(
      'check',
      'get_snapshot',
      'load_stats',
      'create_snapshot',
      'remove_snapshot',
      undefined,
    ),
    // Now and then so many that the gateway leaves HOSTKEY alone for a while.
    times: fc.oneof({ weight: 200, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constant(22) }),
    fault: fc.constantFrom<Fault>(
      { kind: 'respond', status: 500, body: '<html><body><h1>500</h1></body></html>' },
      { kind: 'respond', status: 429, body: '', headers: { 'retry-after': '1' } },
      { kind: 'respond', status: 302, body: '', headers: { location: 'http://127.0.0.1:1/' } },
      { kind: 'respond', body: '{"result":' },
      { kind: 'respond', body: '[1,2]' },
      { kind: 'respond', body: '' },
      { kind: 'respond', body: '{"result":"OK","scope":{"weird":[]},"token":"t"}' },
      { kind: 'respond-after', body: 'Warning: \u0000 garbage' },
      { kind: 'refuse', reason: 'server is locked' },
      { kind: 'refuse', reason: 'snapshot not found' },
      { kind: 'refuse', reason: '</h1>\u0007 \u{1f4a5} something else' },
      { kind: 'drop-before' },
      { kind: 'drop-after' },
      { kind: 'drop-body' },
      { kind: 'hang' },
      { kind: 'huge' },
      { kind: 'lose-key' },
      { kind: 'burn' },
      { kind: 'task-fails', reason: 'not enough space' },
    ),
  })
  .map(({ action, times, fault }) => ({ ...fault, times, ...(action === undefined ? {} : { action }) }))

/** All of a document's operations, and a judge of values by its schemas. */
export function readDocument(document: Document): {
  operations: Map<string, Described>
  isValid: (schema: Schema, value: unknown) => boolean
  /** The schema of a header, which may be a reference to one of the components. */
  headerSchema: (header: Header) => Schema
} {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema({ $id: 'document', ...document })
  const compiled = new Map<string, (value: unknown) => unknown>()
  return {
    operations: new Map(
      Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, one]) => [`${method.toUpperCase()} ${path}`, one] as const),
      ),
    ),
    isValid(schema, value) {
      const text = JSON.stringify(schema).replaceAll('"#/', '"document#/')
      const validate = compiled.get(text) ?? ajv.compile(JSON.parse(text) as object)
      compiled.set(text, validate)
      return validate(value) as boolean
    },
    headerSchema: ({ $ref, schema }) =>
      $ref === undefined ? schema! : document.components.headers[$ref.split('/').at(-1)!]!.schema,
  }
}

/** Requests of every operation of the document. */
export function requestsOf(document: Document): fc.Arbitrary<Request> {
  const { operations, isValid } = readDocument(document)

  const textArbitrary = ({ name, schema }: Parameter): fc.Arbitrary<string> => {
    const component = document.components.schemas[schema.$ref?.split('/').at(-1) ?? '']
    const texts = mostly(
      textsFor(component ?? schema),
      text => isValid(schema, fromText(text, schema)),
      anyText,
    )
    // Any text is a good id of an operation; those of real ones are better.
    return name === 'operation_id' ? fc.oneof(fc.constantFrom(...OPERATIONS), texts) : texts
  }

  function jsonArbitrary(reference: Schema): fc.Arbitrary<unknown> {
    const { properties = {}, required = [] } =
      document.components.schemas[reference.$ref!.split('/').at(-1)!]!
    const members = Object.entries(properties).map(([name, schema]) => {
      const values = [...textsFor(schema), ...WRONG_TYPES]
      const value = mostly<unknown>(values, one => isValid(schema, one), fc.oneof(anyText, fc.jsonValue()))
      const present = required.includes(name) ? 40 : 1
      return fc.option(
        value.map(one => [name, one] as const),
        { freq: present, nil: undefined },
      )
    })
    const unknown = fc.tuple(
      fc.constantFrom('extra', 'Name', '__proto__', 'constructor', ' name', 'id', 'token'),
      fc.jsonValue(),
    )
    const twice =
      members.length === 0 ? fc.constant(undefined) : sometimes(40, fc.oneof(...members), undefined)
    return fc
      .tuple(...members, sometimes(25, unknown, undefined), twice)
      .map(
        all =>
          `{${all.flatMap(one => (one ? [`${JSON.stringify(one[0])}:${JSON.stringify(one[1])}`] : [])).join()}}`,
      )
  }

  function requestOf(route: string, operation: Described): fc.Arbitrary<Request> {
    const [method, path] = route.split(' ') as [string, string]
    const { parameters = [], requestBody, security } = operation
    const of = (place: Parameter['in']): Parameter[] => parameters.filter(one => one.in === place)
    const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(
      one => !(one.toLowerCase() in document.paths[path]!),
    )
    const streams = 'text/event-stream' in (operation.responses['200']?.content ?? {})

    return fc
      .record({
        method: seldom(fc.constantFrom(...others), method),
        head: sometimes(20, fc.constant(true), false),
        path: fc.tuple(...of('path').map(textArbitrary)),
        query: fc.tuple(
          ...of('query').map(one =>
            fc.option(fc.tuple(textArbitrary(one), sometimes(30, fc.constant(true), false))),
          ),
        ),
        noise: sometimes(20, fc.constantFrom('x=1', 'token=x', 'type%5B%5D=a', '%zz=%', '&&=&'), ''),
        fully: sometimes(8, fc.constant(true), false),
        broken: seldom(fc.constantFrom('%', '%ff', '%zz', '%c0%af'), ''),
        misroute: seldom(fc.constantFrom('/', '/x/y', '//', '/.'), ''),
        credential: mostly<Credential>(
          ['all', 'limited', 'foreign', 'stats', 'snapshots', 'none', 'wrong'],
          one => one === 'all',
          fc.constant('all'),
        ),
        apiKey: fc.boolean(),
        mediaType: seldom(
          fc.constantFrom('text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'json', ''),
          JSON_TYPE,
        ),
        body: requestBody
          ? fc.oneof(
              {
                weight: 30,
                arbitrary: jsonArbitrary(requestBody.content[JSON_TYPE]!.schema) as fc.Arbitrary<string>,
              },
              { weight: requestBody.required ? 1 : 10, arbitrary: fc.constant(null) },
              {
                weight: 1,
                arbitrary: fc.constantFrom(
                  '',
                  '{',
                  'null',
                  '[]',
                  '"a"',
                  '5',
                  '{"name":"a"}}',
                  '\u0000',
                  '{"name":1e999}',
                ),
              },
              {
                weight: 1,
                arbitrary: fc.constantFrom('['.repeat(9_000), `{"name":"${'n'.repeat(BODY_LIMIT)}"}`),
              },
            )
          : method === 'DELETE'
            ? seldom(fc.constantFrom('{}', '{"name":"a"}', 'x'), null)
            : fc.constant(null),
        prefer: sometimes(
          2,
          fc.constantFrom(
            'wait=1',
            'wait=0',
            'respond-async',
            'wait=x',
            'wait=99999999999',
            ',;=',
            'w'.repeat(300),
          ),
          undefined,
        ),
        key: sometimes(
          3,
          mostly(
            [...Array.from({ length: 2_000 }, (_, i) => `key-${i}`), '"quoted"', 'k'.repeat(255)].concat([
              '',
              'a b',
              '"open',
              '\u00e9',
              'k'.repeat(258),
              `"${'k'.repeat(254)}"`,
            ]),
            text => text.startsWith('key-') || text.length > 200,
            fc.uuid(),
          ),
          undefined,
        ),
        noCache: fc.boolean(),
        accept: sometimes(
          3,
          fc.constantFrom('application/json', 'text/html', 'image/png', ';q=,'),
          undefined,
        ),
        mark: fc.integer({ min: MARKED.from, max: MARKED.to }),
        fault: sometimes(7, FAULTS, null),
      })
      .map(draw => {
        const flaws = new Set<Flaw>()
        const { credential, body } = draw
        const scopes = operation['x-required-scopes']
        if (security.length > 0) {
          if (credential === 'none') flaws.add('no-key')
          if (credential === 'wrong') flaws.add('wrong-key')
          if (scopes && credential === 'stats' && !scopes.includes('stats:read')) flaws.add('scope')
          if (scopes && credential === 'snapshots' && scopes.includes('stats:read')) flaws.add('scope')
        }
        const isFlawed = ({ schema }: Parameter, text: string): boolean =>
          !isValid(schema, fromText(text, schema))
        of('path').forEach((one, i) => isFlawed(one, draw.path[i]!) && flaws.add('path'))
        of('query').forEach((one, i) => {
          const given = draw.query[i]
          if (given && (given[1] || isFlawed(one, given[0]))) flaws.add('query')
        })
        // Whatever it is, no route knows it.
        if (draw.noise !== '') flaws.add('query')
        if (draw.broken !== '' && draw.path.length > 0) flaws.add('percent')
        if (draw.misroute !== '' || draw.path.includes('')) flaws.add('route')
        const used = draw.head && method === 'GET' && draw.method === method ? 'HEAD' : draw.method
        if (used !== method && (used !== 'HEAD' || streams)) flaws.add('method')

        const sent = ['GET', 'HEAD'].includes(used) ? null : body
        if (requestBody) {
          const { schema } = requestBody.content[JSON_TYPE]!
          if (sent === null || sent === '') {
            if (requestBody.required) flaws.add('no-body')
          } else if (Buffer.byteLength(sent) > BODY_LIMIT) flaws.add('large')
          else {
            const json = parsed(sent)
            if (json === undefined) flaws.add('json')
            else if (!isValid(schema, json) || duplicateMembers(sent).length > 0) flaws.add('body')
          }
          if (sent !== null && draw.mediaType !== JSON_TYPE) flaws.add('media-type')
        } else if (sent !== null) flaws.add('unwanted-body')

        const takesKey = of('header').find(({ name }) => name.toLowerCase() === 'idempotency-key')
        if (takesKey && draw.key !== undefined && isFlawed(takesKey, draw.key)) flaws.add('idempotency-key')

        const isVm = of('path')[0]?.name === 'vm_id'
        if (isVm && credential === 'foreign') flaws.add('foreign')
        const marked = isVm && flaws.size > 0 && !isFlawed(of('path')[0]!, draw.path[0]!)
        const parts = marked ? [String(draw.mark), ...draw.path.slice(1)] : draw.path

        let index = 0
        const target =
          path.replaceAll(/\{\w+\}/g, () => encode(parts[index++]!, draw.fully) + draw.broken) + draw.misroute
        const query = of('query').flatMap(({ name }, i) => {
          const [text, twice] = draw.query[i] ?? []
          const pair = text === undefined ? [] : [`${name}=${encode(text, draw.fully)}`]
          return twice ? [...pair, ...pair] : pair
        })
        const search = [...query, draw.noise].filter(one => one !== '').join('&')
        return {
          route,
          operation,
          method: used,
          target: search === '' ? target : `${target}?${search}`,
          headers: {
            ...(sent === null || draw.mediaType === '' ? {} : { 'content-type': draw.mediaType }),
            ...(draw.prefer === undefined ? {} : { prefer: draw.prefer }),
            ...(draw.key === undefined ? {} : { 'idempotency-key': draw.key }),
            ...(draw.noCache ? { 'cache-control': 'no-cache' } : {}),
            ...(draw.accept === undefined ? {} : { accept: draw.accept }),
          },
          credential,
          apiKey: draw.apiKey,
          body: sent,
          flaws: [...flaws],
          fault: draw.fault,
        }
      })
  }

  return fc.oneof(
    ...[...operations].map(([route, operation]) => ({
      weight: operation.security.length > 0 ? 12 : 1,
      arbitrary: requestOf(route, operation),
    })),
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The other one in one of `n` cases. */
function sometimes<A, B>(n: number, other: fc.Arbitrary<A>, usual: B): fc.Arbitrary<A | B> {
  return fc.oneof({ weight: n - 1, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other })
}

function seldom<A, B>(other: fc.Arbitrary<A>, usual: B): fc.Arbitrary<A | B> {
  return sometimes(30, other, usual)
}
