/** The changes of a VM: take, delete and restore a snapshot. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ChangeKind } from '../../operations/kinds/kind.ts'
import type { ChangeRequest } from '../../operations/start.ts'
import { auditStarted } from '../audit.ts'
import { callerOf, requireVm } from '../auth.ts'
import {
  jsonResponse,
  OPERATION_LINK,
  REPLAYED_HEADER,
  runningResponse,
  secured,
  sendOperation,
} from '../answers.ts'
import { requireStarted } from '../failures.ts'
import { idempotencyOf } from '../idempotency-key.ts'
import { waitOf } from '../prefer.ts'
import type { ProblemCode } from '../problem.ts'
import { DEFAULT_TYPE, MutationHeaders, ref, SnapshotParams, TypeQuery, VmParams } from '../schemas/common.ts'
import { MUTATION_PROBLEMS, problemResponses, UPSTREAM_PROBLEMS } from '../schemas/problem.ts'
import { SnapshotCreate, SnapshotRestore } from '../schemas/snapshot.ts'
import { goneSignal, type RouteApp, type RouteParts } from './parts.ts'

const TAGS = ['Snapshots']

/** Answers of the three changes; `refused` are the codes of their own. */
const mutationResponses = (accepted: string, ...refused: ProblemCode[]): object => ({
  200: jsonResponse(
    'The operation, which ended within the wait: `succeeded`, `failed` or `unknown`.',
    { $ref: 'Operation#' },
    REPLAYED_HEADER,
  ),
  202: runningResponse(accepted, REPLAYED_HEADER),
  ...problemResponses(...MUTATION_PROBLEMS, ...UPSTREAM_PROBLEMS, ...refused),
})

/** Starts a change and answers with its operation, now or when the caller's wait is over. */
async function change(
  { config, operations, draining, now }: RouteParts,
  request: FastifyRequest,
  reply: FastifyReply,
  what: {
    kind: ChangeKind
    vmId: number
    snapshot: string
    snapshotType: string | undefined
    backupId?: string | undefined
    refusesIfNewer?: boolean
  },
): Promise<FastifyReply> {
  const waitMs = waitOf(request, reply, config.maxWaitMs, 0)
  const sinceMs = performance.now()
  const gone = goneSignal(reply)
  const wanted: ChangeRequest = {
    ...what,
    snapshotType: what.snapshotType ?? DEFAULT_TYPE,
    backupId: what.backupId ?? null,
    caller: callerOf(request).id,
    requestId: request.id,
    idempotencyKey: idempotencyOf(request),
  }
  const start = await operations.start(wanted, waitMs, draining, gone)
  const operation = requireStarted(start, now())
  const replayed = start.kind === 'replayed'
  auditStarted(request, operation.id, replayed)
  if (replayed) reply.header('idempotency-replayed', 'true')
  const leftMs = waitMs - (performance.now() - sinceMs)
  const latest = await operations.wait(operation, leftMs, draining, () => gone)
  return sendOperation(reply, latest, { basePath: config.basePath, nowMs: now() })
}

/** `POST /vms/{vm_id}/snapshots` */
export function createRoute(app: RouteApp, parts: RouteParts): void {
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
        'Asks HOSTKEY for a snapshot of the VM. A VM has four at most: one more is refused (`upstream-conflict`), or, on plans with rotation, takes the place of the oldest, which is then lost for good. One change runs on a VM at a time; with `Prefer: wait=N` it waits its turn. Needs the scope `snapshots:create`.',
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
      return change(parts, request, reply, {
        kind: 'snapshot.create',
        vmId,
        snapshot: name,
        snapshotType: type,
      })
    },
  })
}

/** `DELETE /vms/{vm_id}/snapshots/{name}` */
export function deleteRoute(app: RouteApp, parts: RouteParts): void {
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
      response: mutationResponses('HOSTKEY accepted; follow the operation.'),
    },
    handler: (request, reply) => {
      const { vm_id: vmId, name } = request.params
      requireVm(callerOf(request), vmId)
      return change(parts, request, reply, {
        kind: 'snapshot.delete',
        vmId,
        snapshot: name,
        snapshotType: request.query.type,
      })
    },
  })
}

/** `POST /vms/{vm_id}/snapshots/{name}/restore` */
export function restoreRoute(app: RouteApp, parts: RouteParts): void {
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
        'Overwrites the disk of the VM with the snapshot: what changed since is lost, and HOSTKEY deletes, for good, **every snapshot that is newer** than the one restored. `if_newer: refuse` keeps that from happening. HOSTKEY wants the VM powered off. Names of snapshots that are known to be lost stand in `result.discarded`. The body may be left out. Needs the scope `snapshots:restore`.',
      ...secured('snapshots:restore'),
      params: SnapshotParams,
      headers: MutationHeaders,
      body: ref(SnapshotRestore),
      response: mutationResponses('HOSTKEY accepted; follow the operation.', 'newer-snapshots'),
    },
    handler: (request, reply) => {
      const { vm_id: vmId, name } = request.params
      requireVm(callerOf(request), vmId)
      const { type, backup_id: backupId, if_newer: ifNewer } = request.body
      return change(parts, request, reply, {
        kind: 'snapshot.restore',
        vmId,
        snapshot: name,
        snapshotType: type,
        backupId,
        refusesIfNewer: ifNewer === 'refuse',
      })
    },
  })
}
