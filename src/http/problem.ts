/**
 * Everything that can go wrong, as RFC 9457 problems. One table names each code, its HTTP status and title;
 * whoever finds an error throws `ApiProblem`, and one handler (`app.ts`) writes it. Internal causes travel in
 * `cause` and reach the log only.
 */

/** The table of contract §2. `operation-failed` and `outcome-unknown` occur inside an Operation's `error`. */
export const PROBLEMS = {
  'validation-failed': { status: 400, title: 'The request has invalid fields' },
  'malformed-request': { status: 400, title: 'The request could not be read' },
  unauthenticated: { status: 401, title: 'A valid caller key is required' },
  'scope-missing': { status: 403, title: 'The caller lacks the scope for this route' },
  'vm-not-allowed': { status: 403, title: 'The caller may not touch this VM' },
  'route-not-found': { status: 404, title: 'There is no such route' },
  'vm-not-found': { status: 404, title: 'HOSTKEY knows no such VM' },
  'snapshot-not-found': { status: 404, title: 'The VM has no such snapshot' },
  'operation-not-found': { status: 404, title: 'There is no such operation' },
  'method-not-allowed': { status: 405, title: 'The route does not take this method' },
  'vm-busy': { status: 409, title: 'Another operation is changing this VM' },
  'idempotency-in-progress': {
    status: 409,
    title: 'The first request with this key is still being accepted',
  },
  'upstream-conflict': { status: 409, title: 'The state of the VM does not allow this' },
  'payload-too-large': { status: 413, title: 'The request body is too large' },
  'unsupported-media-type': { status: 415, title: 'The request body must be JSON' },
  'idempotency-key-reused': { status: 422, title: 'The idempotency key belongs to another request' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'The gateway failed' },
  'upstream-rejected': { status: 502, title: 'HOSTKEY refused the request' },
  'upstream-invalid': { status: 502, title: 'HOSTKEY gave an answer that makes no sense' },
  'upstream-unauthorized': { status: 502, title: 'HOSTKEY refused the credentials of the gateway' },
  'operation-failed': { status: 502, title: 'HOSTKEY could not complete the operation' },
  'upstream-unavailable': { status: 503, title: 'HOSTKEY cannot be reached' },
  'store-unavailable': { status: 503, title: 'The operation store cannot be reached' },
  draining: { status: 503, title: 'The gateway is shutting down' },
  'upstream-timeout': { status: 504, title: 'HOSTKEY did not answer in time' },
  'outcome-unknown': { status: 504, title: 'Nobody can tell whether the operation happened' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof PROBLEMS

/** One invalid field: `in` is `body`, `path`, `query` or `header`; `field` its name (dotted for members of members). */
export interface FieldError {
  in: 'body' | 'path' | 'query' | 'header'
  field: string
  message: string
}

/** What HOSTKEY said when it refused, already free of secrets. */
export interface UpstreamError {
  code: string
  message: string
}

export interface ProblemExtras {
  errors?: FieldError[]
  /** Path of the operation this is about. */
  operation?: string
  upstream?: UpstreamError
}

/** The body of an `application/problem+json` answer, and of an Operation's `error`. */
export interface Problem extends ProblemExtras {
  type: string
  title: string
  status: number
  detail: string
  /** The id of the request (or, inside an Operation, of the operation) this happened in. */
  instance: string
  code: ProblemCode
}

export interface ApiProblemOptions extends Omit<ProblemExtras, 'operation'> {
  /** The id of the operation this is about: the problem's own, or the one that is in the way. */
  operationId?: string
  /** Answer headers that belong to the problem, such as `Allow`. */
  headers?: Record<string, string>
  /** Seconds until a retry makes sense: the `Retry-After` header. */
  retryAfterS?: number
  cause?: unknown
}

/** An error with a public face. `detail` is shown to callers: never put a secret or an upstream body into it. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly code: ProblemCode
  readonly extras: Omit<ProblemExtras, 'operation'>
  readonly operationId: string | null
  readonly headers: Record<string, string>

  constructor(code: ProblemCode, detail: string, options: ApiProblemOptions = {}) {
    const { headers, retryAfterS, cause, operationId = null, ...extras } = options
    // A refusal is no bug: nobody reads where it was thrown, and noting it took 5 % of the time of a 401.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(detail, { cause })
    Error.stackTraceLimit = stackTraceLimit
    this.code = code
    this.extras = extras
    this.operationId = operationId
    // Every 503 of the contract carries Retry-After; the others may.
    const seconds = retryAfterS ?? (PROBLEMS[code].status === 503 ? 5 : undefined)
    this.headers = { ...headers, ...(seconds === undefined ? {} : { 'retry-after': String(seconds) }) }
  }

  get statusCode(): number {
    return PROBLEMS[this.code].status
  }
}

/** The public form of a problem. `basePath` prefixes the link to its description page. */
export function problemBody(
  code: ProblemCode,
  detail: string,
  instance: string,
  basePath: string,
  extras: ProblemExtras = {},
): Problem {
  const { status, title } = PROBLEMS[code]
  return { type: `${basePath}/problems/${code}`, title, status, detail, instance, code, ...extras }
}
