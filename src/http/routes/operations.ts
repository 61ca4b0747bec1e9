import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Readable } from 'node:stream'
import { Type, type Static } from 'typebox'
import { callerOf } from '../auth.ts'
import { mayTouch, SCOPES, type Caller } from '../../callers/caller.ts'
import type { Kind } from '../../operations/kinds/kind.ts'
import { KIND_NAMES, KINDS } from '../../operations/kinds/kinds.ts'
import { hasEnded, type Operation as StoredOperation } from '../../operations/operation.ts'
import { idBound, OPERATION_ID } from '../../operations/id.ts'
import type { ListQuery, OperationPage } from '../../operations/store.ts'
import { ApiProblem } from '../problem.ts'
import { readMoment } from '../moment.ts'
import { OperationHeaders, ref } from '../schemas/common.ts'
import {
  EventHeaders,
  Operation,
  OperationEvent,
  OperationList,
  OperationParams,
  OperationsQuery,
  presentOperation,
} from '../schemas/operation.ts'
import { problemResponses, RETRY_AFTER_HEADER } from '../schemas/problem.ts'
import { jsonResponse, secured } from '../answers.ts'
import { ETAG_HEADER, notModified, sendTagged } from '../etag.ts'
import { retryAfterS } from '../failures.ts'
import { eventStream } from './events.ts'
import { goneSignal, type RouteApp, type RouteParts } from './parts.ts'
import { waitOf } from '../prefer.ts'

const TAGS = ['Operations']
const DEFAULT_LIMIT = 20
/** A page is cut at about so many bytes, however large its operations are. */
const MAX_PAGE_BYTES = 1024 * 1024
/** Text to readers of the document, with the type of the events in it; a stream to the route. */
const EVENT_STREAM = Type.Unsafe<Readable>({
  type: 'string',
  pattern: '^retry: ',
  maxLength: 10_000_000,
  contentMediaType: 'text/event-stream',
  contentSchema: { type: 'array', items: ref(OperationEvent), maxItems: 10_000 },
})

/** The kinds whose operations a caller may see: of the families it has any scope of. */
function visibleKinds(caller: Caller): Kind[] {
  const families = new Set([...caller.scopes].map(scope => scope.split(':')[0]))
  return KIND_NAMES.filter(kind => families.has(KINDS[kind].family))
}

/** Who started an operation can always read it; others by the kind's family; nobody outside the VM list. */
function maySee(caller: Caller, operation: StoredOperation): boolean {
  if (!mayTouch(caller, operation.vmId)) return false
  return operation.createdBy === caller.id || visibleKinds(caller).includes(operation.kind)
}

/** `/operations` and what is below. */
export const operationRoutes: FastifyPluginAsyncTypebox<RouteParts> = async (app, parts) => {
  listRoute(app, parts)
  seeRoute(app, parts)
  eventsRoute(app, parts)
}

/** The operation with this id, if the caller may know of it. @throws ApiProblem `operation-not-found` */
async function visibleOperation(
  { operations, turns }: Pick<RouteParts, 'operations' | 'turns'>,
  caller: Caller,
  id: string,
): Promise<StoredOperation> {
  const operation = OPERATION_ID.test(id) ? await turns.run(caller.id, () => operations.get(id)) : undefined
  if (operation && maySee(caller, operation)) return operation
  throw new ApiProblem('operation-not-found', 'There is no such operation, or it is not yours to see.')
}

/** `GET /operations` */
function listRoute(app: RouteApp, { config, operations, turns }: RouteParts): void {
  app.route({
    method: 'GET',
    url: '/operations',
    // Any scope will do: what is listed depends on the families of those the caller has.
    config: { access: { anyOf: SCOPES }, bucket: 'operations' },
    schema: {
      operationId: 'listOperations',
      tags: TAGS,
      summary: 'List operations',
      description:
        'Newest first, of the VMs and kinds the caller may see. `next_cursor` and the `Link` header lead to the next page. A page is cut at about 1 MiB, and when much had to be looked at: it may have fewer operations than asked for, or none, and still lead on.',
      ...secured(),
      querystring: OperationsQuery,
      response: {
        200: jsonResponse('A page of operations.', ref(OperationList), {
          Link: {
            type: 'string',
            pattern: '^<.*>; rel="next"$',
            maxLength: 2000,
            description: '`rel="next"`: the address of the next page, where there is one.',
          },
        }),
        ...problemResponses(),
      },
    },
    handler: async (request, reply) => {
      const caller = callerOf(request)
      const { vm_id: vmId, kind, status, limit = DEFAULT_LIMIT, include } = request.query
      const wanted: ListQuery = {
        visible: {
          vmIds: caller.vms === '*' ? '*' : [...caller.vms],
          kinds: visibleKinds(caller),
          createdBy: caller.id,
        },
        ...(vmId === undefined ? {} : { vmId }),
        ...(kind === undefined ? {} : { kind }),
        ...(status === undefined ? {} : { status }),
        ...rangeOf(request.query),
        limit: limit + 1,
        ...(include === 'result' ? {} : { withoutResults: true }),
      }
      const found = await turns.run(caller.id, () => operations.list(wanted))
      const { texts, nextAfter } = pageOf(found, limit, operation =>
        JSON.stringify({
          ...presentOperation(operation, config.basePath),
          ...(include === 'result' ? {} : { result: undefined }),
        }),
      )
      const next = nextAfter === undefined ? null : Buffer.from(nextAfter).toString('base64url')
      if (next !== null) {
        const query = new URLSearchParams(request.query as Record<string, string>)
        query.set('cursor', next)
        reply.header('link', `<${config.basePath}/operations?${query.toString()}>; rel="next"`)
      }
      // Written already, piece by piece, so that its size is known.
      return reply
        .type('application/json; charset=utf-8')
        .send(`{"operations":[${texts.join(',')}],"next_cursor":${JSON.stringify(next)}}` as never)
    },
  })
}

/** The operations of a page as JSON, one at least, and the id behind which the next page begins. */
function pageOf(
  found: OperationPage,
  limit: number,
  present: (operation: StoredOperation) => string,
): { texts: string[]; nextAfter: string | undefined } {
  const texts: string[] = []
  let bytes = 0
  for (const operation of found.slice(0, limit)) {
    const text = present(operation)
    bytes += Buffer.byteLength(text)
    if (bytes > MAX_PAGE_BYTES && texts.length > 0) break
    texts.push(text)
  }
  return { texts, nextAfter: texts.length < found.length ? found[texts.length - 1]?.id : found.cutAt }
}

/** `GET /operations/{operation_id}` */
function seeRoute(app: RouteApp, parts: RouteParts): void {
  const { config, operations, draining, now } = parts
  app.route({
    method: 'GET',
    url: '/operations/:operation_id',
    config: { access: { anyOf: SCOPES }, bucket: 'operations' },
    schema: {
      operationId: 'getOperation',
      tags: TAGS,
      summary: 'See an operation',
      description:
        'As often as you like, until some days after its end. With `Prefer: wait=N` the answer is held until it ends.',
      ...secured(),
      params: OperationParams,
      headers: OperationHeaders,
      response: {
        200: jsonResponse('The operation as it is now.', ref(Operation), {
          ...RETRY_AFTER_HEADER,
          ...ETAG_HEADER,
        }),
        304: notModified(RETRY_AFTER_HEADER),
        ...problemResponses('operation-not-found'),
      },
    },
    handler: async (request, reply) => {
      const operation = await visibleOperation(parts, callerOf(request), request.params.operation_id)
      const waitMs = waitOf(request, reply, config.maxWaitMs, 0)
      const latest = await operations.wait(operation, waitMs, draining, () => goneSignal(reply))
      if (!hasEnded(latest)) reply.header('retry-after', retryAfterS(latest, now()))
      const text = JSON.stringify(presentOperation(latest, config.basePath))
      return sendTagged(request, reply, text, {
        mediaType: 'application/json; charset=utf-8',
        scope: 'private',
      })
    },
  })
}

/** `GET /operations/{operation_id}/events` */
function eventsRoute(app: RouteApp, parts: RouteParts): void {
  app.route({
    method: 'GET',
    url: '/operations/:operation_id/events',
    config: { access: { anyOf: SCOPES }, bucket: 'operations' },
    // A HEAD would hold the connection until the operation ends, to say nothing.
    exposeHeadRoute: false,
    schema: {
      operationId: 'streamOperation',
      tags: TAGS,
      summary: 'Follow an operation',
      description:
        'Server-sent events: an `operation` event with the Operation as JSON at once and at every change. The stream ends after the last one; comments keep it open until then. A client that lost it connects again and gets the operation as it is; with the `Last-Event-ID` of the last event it gets a 204, so that an `EventSource` stops. A stream also ends when the key of its caller is withdrawn or its token expires.',
      ...secured(),
      params: OperationParams,
      headers: EventHeaders,
      response: {
        200: {
          description: 'The stream.',
          headers: { 'X-Accel-Buffering': { type: 'string', enum: ['no'], description: 'For nginx.' } },
          content: { 'text/event-stream': { schema: EVENT_STREAM } },
        },
        204: {
          type: 'null',
          description: 'The operation has ended, and `Last-Event-ID` is the id of its last event.',
        },
        ...problemResponses('operation-not-found'),
      },
    },
    handler: async (request, reply) => {
      const operation = await visibleOperation(parts, callerOf(request), request.params.operation_id)
      // An EventSource comes back whenever a stream ends, but for a 204 (WHATWG HTML, section 9.2.2).
      if (hasEnded(operation) && request.headers['last-event-id'] === String(operation.rev))
        return reply.code(204).send(null)
      return reply
        .headers({
          'content-type': 'text/event-stream; charset=utf-8',
          // What compresses a stream holds its events back.
          'cache-control': 'no-store, no-transform',
          'x-accel-buffering': 'no',
        })
        .send(eventStream(operation, parts, goneSignal(reply)))
    },
  })
}

/** The part of the list that is asked for, as bounds of the ids, which begin with the time: a whole number of milliseconds. */
function rangeOf({
  cursor,
  created_before: before,
  created_after: after,
}: Static<typeof OperationsQuery>): Pick<ListQuery, 'olderThan' | 'newerThan'> {
  const ceilings = [
    ...(cursor === undefined ? [] : [decodeCursor(cursor)]),
    ...(before === undefined ? [] : [idBound(Math.ceil(readMoment(before)!))]),
  ]
  const olderThan = ceilings.toSorted()[0]
  return {
    ...(olderThan === undefined ? {} : { olderThan }),
    ...(after === undefined ? {} : { newerThan: idBound(Math.floor(readMoment(after)!) + 1) }),
  }
}

function decodeCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString('latin1')
  if (OPERATION_ID.test(id)) return id
  const message = 'is not a cursor of this list'
  throw new ApiProblem('validation-failed', `cursor ${message}.`, {
    errors: [{ in: 'query', field: 'cursor', message }],
  })
}
