/** The snapshots of a VM: all routes below `/vms/{vm_id}/snapshots`; those that change the VM are in `changes.ts`. */

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { jsonResponse, OPERATION_LINK, runningResponse, secured } from '../answers.ts'
import type { ListedSnapshot } from '../../operations/hostkey.ts'
import { ApiProblem } from '../problem.ts'
import {
  DEFAULT_TYPE,
  ReadHeaders,
  ref,
  SnapshotParams,
  SnapshotQuery,
  TypeQuery,
  VmParams,
} from '../schemas/common.ts'
import { problemResponses, UPSTREAM_PROBLEMS } from '../schemas/problem.ts'
import { presentList, presentSnapshot, Snapshot, SnapshotList } from '../schemas/snapshot.ts'
import { createRoute, deleteRoute, restoreRoute } from './changes.ts'
import type { RouteApp, RouteParts } from './parts.ts'
import { AGE_HEADER, answerRead } from './read.ts'

const TAGS = ['Snapshots']

/** `/vms/{vm_id}/snapshots` and what is below, in the order of the document. */
export const snapshotRoutes: FastifyPluginAsyncTypebox<RouteParts> = async (app, parts) => {
  createRoute(app, parts)
  listRoute(app, parts)
  seeRoute(app, parts)
  deleteRoute(app, parts)
  restoreRoute(app, parts)
}

/** `GET /vms/{vm_id}/snapshots` */
function listRoute(app: RouteApp, parts: RouteParts): void {
  app.route({
    method: 'GET',
    url: '/vms/:vm_id/snapshots',
    config: { access: { anyOf: ['snapshots:read'] } },
    links: OPERATION_LINK,
    schema: {
      operationId: 'listSnapshots',
      tags: TAGS,
      summary: 'List the snapshots of a VM',
      description:
        'Waits for HOSTKEY for some seconds; when that is not enough, answers with an operation whose `result` will be the list. Needs the scope `snapshots:read`.',
      ...secured('snapshots:read'),
      params: VmParams,
      querystring: TypeQuery,
      headers: ReadHeaders,
      response: {
        200: jsonResponse('The snapshots.', ref(SnapshotList), AGE_HEADER),
        202: runningResponse('Not ready in time; follow the operation.'),
        ...problemResponses(...UPSTREAM_PROBLEMS),
      },
    },
    handler: (request, reply) => {
      const { vm_id: vmId } = request.params
      const what = { kind: 'snapshot.list', vmId, type: request.query.type ?? DEFAULT_TYPE } as const
      return answerRead(parts, request, reply, what, presentList)
    },
  })
}

/** `GET /vms/{vm_id}/snapshots/{name}` */
function seeRoute(app: RouteApp, parts: RouteParts): void {
  app.route({
    method: 'GET',
    url: '/vms/:vm_id/snapshots/:name',
    config: { access: { anyOf: ['snapshots:read'] } },
    links: OPERATION_LINK,
    schema: {
      operationId: 'getSnapshot',
      tags: TAGS,
      summary: 'See one snapshot of a VM',
      description:
        'Finds the snapshot in the list of the VM. When HOSTKEY is slow, answers with the operation that reads that list. Needs the scope `snapshots:read`.',
      ...secured('snapshots:read'),
      params: SnapshotParams,
      querystring: SnapshotQuery,
      headers: ReadHeaders,
      response: {
        200: jsonResponse('The snapshot.', ref(Snapshot), AGE_HEADER),
        202: runningResponse(
          'Not ready in time; follow the operation, whose `result` will be the list of snapshots.',
        ),
        ...problemResponses('snapshot-ambiguous', ...UPSTREAM_PROBLEMS),
      },
    },
    handler: (request, reply) => {
      const { vm_id: vmId, name } = request.params
      const { type = DEFAULT_TYPE, id } = request.query
      const what = { kind: 'snapshot.list', vmId, type } as const
      return answerRead(parts, request, reply, what, ({ snapshots }) => {
        if (!snapshots)
          throw new ApiProblem(
            'upstream-invalid',
            'The shape of the list of snapshots was not recognised; GET the list to see it raw.',
          )
        return presentSnapshot(pickSnapshot(snapshots, vmId, name, id))
      })
    },
  })
}

/** The snapshot of this name, and of this id of HOSTKEY's where one is given. @throws ApiProblem when it is not one. */
function pickSnapshot(
  snapshots: readonly ListedSnapshot[],
  vmId: number,
  name: string,
  id: string | undefined,
): ListedSnapshot {
  const named = snapshots.filter(one => one.name === name)
  const [one, ...twins] = named.filter(each => id === undefined || each.id === id)
  if (!one) {
    const which = id === undefined ? '' : ` with the id "${id}"`
    throw new ApiProblem('snapshot-not-found', `VM ${vmId} has no snapshot "${name}"${which} of this type.`)
  }
  if (twins.length === 0) return one
  throw new ApiProblem(
    'snapshot-ambiguous',
    `VM ${vmId} has ${twins.length + 1} snapshots "${name}" of this type.`,
    { snapshots: named.map(each => each.id ?? 'no id') },
  )
}
