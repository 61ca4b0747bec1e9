import { Type } from 'typebox'
import { PROBLEMS, type FieldError as FieldErrorBody, type ProblemCode } from '../problem.ts'
import { exampleOf } from '../problem-words.ts'
import { ref } from './common.ts'

const codes = Object.keys(PROBLEMS) as ProblemCode[]

export const Code = Type.Unsafe<ProblemCode>({
  $id: 'ProblemCode',
  type: 'string',
  enum: codes,
  description: 'What programs decide on.',
  examples: ['vm-busy'],
})

const PLACES: FieldErrorBody['in'][] = ['body', 'path', 'query', 'header']
export const FieldPlace = Type.Unsafe<FieldErrorBody['in']>({
  $id: 'FieldPlace',
  type: 'string',
  enum: PLACES,
  description: 'In which part of a request a field stands.',
  examples: ['body'],
})

export const FieldError = Type.Object(
  {
    in: ref(FieldPlace),
    field: Type.String({ maxLength: 300, description: 'The name of the field.' }),
    message: Type.String({ maxLength: 1000, description: 'What is wrong with it.' }),
  },
  {
    $id: 'FieldError',
    description: 'An invalid field of a request.',
    examples: [{ in: 'body', field: 'name', message: 'is required' }],
  },
)

export const UpstreamError = Type.Object(
  {
    code: Type.String({ maxLength: 1000, description: 'The code HOSTKEY gave.' }),
    message: Type.String({ maxLength: 1000, description: 'The message HOSTKEY gave.' }),
  },
  {
    $id: 'UpstreamError',
    description: 'What HOSTKEY said.',
    examples: [{ code: '-1', message: 'failed to request stats for 4711 - server not found' }],
  },
)

export const Problem = Type.Object(
  {
    type: Type.String({
      format: 'uri-reference',
      maxLength: 300,
      description: 'Address of a page that explains the code.',
      examples: ['/problems/vm-busy'],
    }),
    title: Type.String({ maxLength: 200, description: 'The code in words.' }),
    status: Type.Integer({
      minimum: 400,
      maximum: 599,
      format: 'int32',
      description: 'The HTTP status that belongs to the code.',
      examples: [409],
    }),
    detail: Type.String({ maxLength: 4000, description: 'What happened this time.' }),
    instance: Type.String({
      maxLength: 200,
      description: 'The id of the request, as in the log of the gateway.',
    }),
    code: ref(Code),
    errors: Type.Optional(
      Type.Array(ref(FieldError), { maxItems: 100, description: 'Every invalid field of the request.' }),
    ),
    operation: Type.Optional(
      Type.String({
        maxLength: 300,
        format: 'uri-reference',
        description: 'Path of the operation this is about.',
      }),
    ),
    snapshots: Type.Optional(
      Type.Array(Type.String({ maxLength: 1000 }), {
        maxItems: 100_000,
        description: 'The snapshots this is about: names, or ids where two have one name.',
      }),
    ),
    upstream: Type.Optional(ref(UpstreamError)),
  },
  {
    $id: 'Problem',
    description: 'An error (RFC 9457).',
    examples: [exampleOf('vm-busy')],
  },
)

/** What no operation of the document answers with: another method is no operation, and the others stand inside of one. */
const IN_NO_ANSWER: readonly ProblemCode[] = ['method-not-allowed', 'operation-failed', 'outcome-unknown']

/** The codes as examples, for the `components` of the document. */
export const PROBLEM_EXAMPLES = Object.fromEntries(
  codes
    .filter(code => !IN_NO_ANSWER.includes(code))
    .map(code => [code, { summary: PROBLEMS[code].title, value: exampleOf(code) }]),
)

interface ProblemResponse {
  description: string
  headers?: object
  content: { 'application/problem+json': { schema: unknown; examples: object } }
}

/** Codes that every route can answer with. */
export const PUBLIC_PROBLEMS = [
  'validation-failed',
  'malformed-request',
  'expectation-failed',
  'internal',
] as const
/** Codes that every route with callers can answer with. */
const COMMON = [
  'unauthenticated',
  'scope-missing',
  'rate-limited',
  'keys-unavailable',
  'store-unavailable',
  'draining',
] as const
/** Codes of routes that talk to HOSTKEY, which can word its refusal of any task in any of these ways. */
export const UPSTREAM_PROBLEMS = [
  'vm-not-allowed',
  'vm-not-found',
  'snapshot-not-found',
  'upstream-conflict',
  'upstream-rejected',
  'upstream-invalid',
  'upstream-unauthorized',
  'upstream-unavailable',
  'upstream-timeout',
] as const satisfies ProblemCode[]
export const MUTATION_PROBLEMS = [
  'vm-busy',
  'idempotency-in-progress',
  'payload-too-large',
  'unsupported-media-type',
  'idempotency-key-reused',
] as const satisfies ProblemCode[]

const WWW_AUTHENTICATE = {
  'WWW-Authenticate': {
    type: 'string',
    pattern: '^Bearer( error="(invalid_token|insufficient_scope)"(, scope="[a-z: ]+")?)?$',
    maxLength: 200,
    description: 'How to authenticate, and what was wrong with the credential that was sent (RFC 6750).',
  },
}

/** What a refused body may be instead (RFC 9110, section 15.5.16). */
const TAKEN_BODIES = {
  Accept: { type: 'string', enum: ['application/json'], description: 'The type of body that is taken.' },
  'Accept-Post': {
    type: 'string',
    enum: ['application/json'],
    description: 'The type of body that is taken.',
  },
  'Accept-Encoding': {
    type: 'string',
    enum: ['identity'],
    description: 'A body is taken as it is, and not compressed.',
  },
}

export const RETRY_AFTER_HEADER = {
  'Retry-After': {
    type: 'integer',
    minimum: 0,
    maximum: 86_400,
    format: 'int32',
    description: 'Seconds until asking again makes sense.',
  },
}

/** The problem answers of a route, a status each, for its `response` schema. */
export function problemResponses(...codesOfRoute: readonly ProblemCode[]): Record<number, ProblemResponse> {
  return problemsOnly(...PUBLIC_PROBLEMS, ...codesOfRoute, ...COMMON)
}

/** Such answers may say when asking again makes sense. */
const RETRIED = [409, 429, 502, 503, 504]

/** Exactly these problem answers. */
export function problemsOnly(...codesOfRoute: readonly ProblemCode[]): Record<number, ProblemResponse> {
  const byStatus = Map.groupBy(new Set(codesOfRoute), code => PROBLEMS[code].status)
  const responses: Record<number, ProblemResponse> = {}
  for (const [status, group] of byStatus) {
    const headers = {
      ...(status === 401 || status === 403 ? WWW_AUTHENTICATE : {}),
      ...(status === 415 ? TAKEN_BODIES : {}),
      ...(RETRIED.includes(status) ? RETRY_AFTER_HEADER : {}),
    }
    responses[status] = {
      description: group.map(code => `\`${code}\`: ${PROBLEMS[code].title}.`).join(' '),
      headers,
      content: {
        'application/problem+json': {
          schema: ref(Problem),
          examples: Object.fromEntries(group.map(code => [code, { $ref: `#/components/examples/${code}` }])),
        },
      },
    }
  }
  return responses
}
