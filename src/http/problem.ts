/**
 * Everything that can go wrong, as problems (RFC 9457). One table gives each code its HTTP status and title. Whoever finds
 * an error throws an `ApiProblem`, and `errors.ts` writes the answer. What lies behind it travels in `cause`, and reaches
 * the log alone.
 */

/** The table of contract §2. `operation-failed` and `outcome-unknown` stand in the `error` of an operation. */
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
  'newer-snapshots': { status: 409, title: 'The restore would discard newer snapshots' },
  'snapshot-ambiguous': { status: 409, title: 'The VM has two snapshots of this name' },
  'upstream-conflict': { status: 409, title: 'The state of the VM does not allow this' },
  'payload-too-large': { status: 413, title: 'The request body is too large' },
  'unsupported-media-type': { status: 415, title: 'The request body must be JSON' },
  'expectation-failed': { status: 417, title: 'The request expects what the gateway cannot do' },
  'idempotency-key-reused': { status: 422, title: 'The idempotency key belongs to another request' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'The gateway failed' },
  'upstream-rejected': { status: 502, title: 'HOSTKEY refused the request' },
  'upstream-invalid': { status: 502, title: 'HOSTKEY gave an answer that makes no sense' },
  'upstream-unauthorized': { status: 502, title: 'HOSTKEY refused the credentials of the gateway' },
  'operation-failed': { status: 502, title: 'HOSTKEY could not complete the operation' },
  'upstream-unavailable': { status: 503, title: 'HOSTKEY cannot be reached' },
  'keys-unavailable': { status: 503, title: 'The keys to verify tokens with cannot be fetched' },
  'store-unavailable': { status: 503, title: 'The operation store cannot be reached' },
  draining: { status: 503, title: 'The gateway is shutting down' },
  'upstream-timeout': { status: 504, title: 'HOSTKEY did not answer in time' },
  'outcome-unknown': { status: 504, title: 'Nobody can tell whether the operation happened' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof PROBLEMS

/** An invalid field: in which part of the request it is, and its name, with dots for members of members. */
export interface FieldError {
  in: 'body' | 'path' | 'query' | 'header'
  field: string
  message: string
}

/** This is what HOSTKEY said when it refused; secrets were taken out already. */
export interface UpstreamError {
  code: string
  message: string
}

export interface ProblemExtras {
  errors?: FieldError[]
  /** The path of the operation that the problem is about. */
  operation?: string
  /** The names of the snapshots, or their ids, that the problem is about. */
  snapshots?: string[]
  upstream?: UpstreamError
}

/** The body of an answer of type `application/problem+json`, and the `error` of an operation. */
export interface Problem extends ProblemExtras {
  type: string
  title: string
  status: number
  detail: string
  /** The id of the request that this happened in; inside an operation, the id of the operation. */
  instance: string
  code: ProblemCode
}

export interface ApiProblemOptions extends Omit<ProblemExtras, 'operation'> {
  /** The id of the operation this is about: the problem's own, or the one that is in the way. */
  operationId?: string
  /** Answer headers that belong to the problem, such as `Allow`. */
  headers?: Record<string, string>
  /** The seconds until a retry makes sense, for the header `Retry-After`. */
  retryAfterS?: number
  cause?: unknown
}

/** An error that is meant for callers. They see `detail`: never put a secret or a body of HOSTKEY's into it. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly code: ProblemCode
  readonly extras: Omit<ProblemExtras, 'operation'>
  readonly operationId: string | null
  readonly headers: Record<string, string>

  constructor(code: ProblemCode, detail: string, options: ApiProblemOptions = {}) {
    const { headers, retryAfterS, cause, operationId = null, ...extras } = options
    // A refusal is no bug, and nobody reads where it was thrown. To note that took 7 of the 78 µs of a 401.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(detail, { cause })
    Error.stackTraceLimit = stackTraceLimit
    this.code = code
    this.extras = extras
    this.operationId = operationId
    // Every 503 carries `Retry-After` (contract §2); other problems may.
    const seconds = retryAfterS ?? (PROBLEMS[code].status === 503 ? 5 : undefined)
    this.headers = { ...headers, ...(seconds === undefined ? {} : { 'retry-after': String(seconds) }) }
  }

  get statusCode(): number {
    return PROBLEMS[this.code].status
  }
}

/** Returns the public form of a problem. `basePath` stands before the link to the page that describes it. */
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
