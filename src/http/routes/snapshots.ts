import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { auditStarted } from '../audit.ts'
import { callerOf, requireVm } from '../auth.ts'
import type { ChangeKind } from '../../operations/kinds/kind.ts'
import { ApiProblem, type ProblemCode } from '../problem.ts'
import { MutationHeaders, ReadHeaders, ref, SnapshotParams, TypeQuery, VmParams } from '../schemas/common.ts'
import { MUTATION_PROBLEMS, problemResponses, UPSTREAM_PROBLEMS } from '../schemas/problem.ts'
import { Snapshot, SnapshotCreate, SnapshotList, SnapshotRestore } from '../schemas/snapshot.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  jsonResponse,
  OPERATION_HEADERS,
  OPERATION_LINK,
  REPLAYED_HEADER,
  requireSuccess,
  runningResponse,
  secured,
  sendOperation,
} from '../answers.ts'
import { requireStarted } from '../failures.ts'
import { idempotencyOf } from '../idempotency-key.ts'
import { goneSignal, type RouteParts } from './parts.ts'
import { waitOf } from '../prefer.ts'
import { AGE_HEADER, readForCaller } from './read.ts'

const DEFAULT_TYPE = 'snapshot'
const TAGS = ['Snapshots']

/** Answers of the three changes; `refused` are the codes of their own. */
const mutationResponses = (accepted: string, ...refused: ProblemCode[]): object => ({
  200: jsonResponse(
    'The operation, which ended within the wait: `succeeded`, `failed` or `unknown`.',
    { $ref: 'Operation#' },
    { ...OPERATION_HEADERS, ...REPLAYED_HEADER },
  ),
  202: runningResponse(accepted, REPLAYED_HEADER),
  ...problemResponses(...MUTATION_PROBLEMS, ...UPSTREAM_PROBLEMS, ...refused),
})

/** `/vms/{vm_id}/snapshots` and what is below. */
export const snapshotRoutes: FastifyPluginAsyncTypebox<RouteParts> = async (app, parts) => {
  const { config, operations, draining, now } = parts

  /** Starts a change and answers with its operation, now or when the caller's wait is over. */
  async function change(
    request: FastifyRequest,
    reply: FastifyReply,
    what: {
      kind: ChangeKind
      vmId: number
      snapshot: string
      snapshotType: string | undefined
      backupId?: string | undefined
    },
  ): Promise<FastifyReply> {
    const waitMs = waitOf(request, reply, config.maxWaitMs, 0)
    const start = await operations.start({
      ...what,
      snapshotType: what.snapshotType ?? DEFAULT_TYPE,
      backupId: what.backupId ?? null,
      caller: callerOf(request).id,
      requestId: request.id,
      idempotencyKey: idempotencyOf(request),
    })
    const operation = requireStarted(start, now())
    const replayed = start.kind === 'replayed'
    auditStarted(request, operation.id, replayed)
    if (replayed) reply.header('idempotency-replayed', 'true')
    const latest = await operations.wait(operation, waitMs, draining, () => goneSignal(reply))
    return sendOperation(reply, latest, { basePath: config.basePath, nowMs: now() })
  }

  app.route({
    method: 'POST',
    url: '/vms/:vm_id/snapshots',
    config: { access: { anyOf: ['snapshots:create'] }, changes: 'snapshot.create' },
    links: OPERATION_LINK,
    schema: {
      operationId: 'createSnapshot',
      tags: TAGS,
      summary: 'Take a snapshot',
      description:
        'Asks HOSTKEY for a snapshot of the VM. One change runs on a VM at a time. Needs the scope `snapshots:create`.',
      ...secured('snapshots:create'),
      params: VmParams,
      headers: MutationHeaders,
      body: ref(SnapshotCreate),
      response: mutationResponses('HOSTKEY accepted; follow the operation.'),
    },
    handler: (request, reply) => {
      const { vm_id: vmId } = request.params
      requireVm(callerOf(request), vmId)
      const { name, type } = request.body
      return change(request, reply, { kind: 'snapshot.create', vmId, snapshot: name, snapshotType: type })
    },
  })

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
        200: jsonResponse('The snapshots.', ref(SnapshotList), { ...OPERATION_HEADERS, ...AGE_HEADER }),
        202: runningResponse('Not ready in time; follow the operation.'),
        ...problemResponses(...UPSTREAM_PROBLEMS),
      },
    },
    handler: async (request, reply) => {
      const { vm_id: vmId } = request.params
      const operation = await readForCaller(parts, request, reply, {
        kind: 'snapshot.list',
        vmId,
        type: request.query.type ?? DEFAULT_TYPE,
      })
      if (operation.status === 'running')
        return sendOperation(reply, operation, { basePath: config.basePath, nowMs: now() })
      return reply.send(requireSuccess(operation).result)
    },
  })

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
      querystring: TypeQuery,
      headers: ReadHeaders,
      response: {
        200: jsonResponse('The snapshot.', ref(Snapshot), { ...OPERATION_HEADERS, ...AGE_HEADER }),
        202: runningResponse(
          'Not ready in time; follow the operation, whose `result` will be the list of snapshots.',
        ),
        ...problemResponses('snapshot-not-found', ...UPSTREAM_PROBLEMS),
      },
    },
    handler: async (request, reply) => {
      const { vm_id: vmId, name } = request.params
      const operation = await readForCaller(parts, request, reply, {
        kind: 'snapshot.list',
        vmId,
        type: request.query.type ?? DEFAULT_TYPE,
      })
      if (operation.status === 'running')
        return sendOperation(reply, operation, { basePath: config.basePath, nowMs: now() })
      const { snapshots } = requireSuccess(operation).result
      if (!snapshots)
        throw new ApiProblem(
          'upstream-invalid',
          'The shape of the list of snapshots was not recognised; GET the list to see it raw.',
        )
      const snapshot = snapshots.find(one => one.name === name)
      if (!snapshot)
        throw new ApiProblem('snapshot-not-found', `VM ${vmId} has no snapshot "${name}" of this type.`)
      return reply.send(snapshot)
    },
  })

  app.route({
    method: 'DELETE',
    url: '/vms/:vm_id/snapshots/:name',
    config: { access: { anyOf: ['snapshots:delete'] }, changes: 'snapshot.delete' },
    links: OPERATION_LINK,
    schema: {
      operationId: 'deleteSnapshot',
      tags: TAGS,
      summary: 'Delete a snapshot',
      description: 'Cannot be undone. HOSTKEY wants the VM powered off. Needs the scope `snapshots:delete`.',
      ...secured('snapshots:delete'),
      params: SnapshotParams,
      querystring: TypeQuery,
      headers: MutationHeaders,
      response: mutationResponses('HOSTKEY accepted; follow the operation.', 'snapshot-not-found'),
    },
    handler: (request, reply) => {
      const { vm_id: vmId, name } = request.params
      requireVm(callerOf(request), vmId)
      return change(request, reply, {
        kind: 'snapshot.delete',
        vmId,
        snapshot: name,
        snapshotType: request.query.type,
      })
    },
  })

  app.route({
    method: 'POST',
    url: '/vms/:vm_id/snapshots/:name/restore',
    config: { access: { anyOf: ['snapshots:restore'] }, changes: 'snapshot.restore', emptyBody: true },
    links: OPERATION_LINK,
    schema: {
      operationId: 'restoreSnapshot',
      tags: TAGS,
      summary: 'Restore a VM from a snapshot',
      description:
        'Overwrites the disk of the VM with the snapshot: what changed since is lost. The body may be left out. Needs the scope `snapshots:restore`.',
      ...secured('snapshots:restore'),
      params: SnapshotParams,
      headers: MutationHeaders,
      body: ref(SnapshotRestore),
      response: mutationResponses('HOSTKEY accepted; follow the operation.', 'snapshot-not-found'),
    },
    handler: (request, reply) => {
      const { vm_id: vmId, name } = request.params
      requireVm(callerOf(request), vmId)
      const { type, backup_id: backupId } = request.body
      return change(request, reply, {
        kind: 'snapshot.restore',
        vmId,
        snapshot: name,
        snapshotType: type,
        backupId,
      })
    },
  })
}
