/** The audit: who asked for which change, and what became of the request, in one log line each, marked `audit: true`. */

import type { FastifyRequest } from 'fastify'
import { addressOf } from './address.ts'
import type { ApiProblem } from './problem.ts'
import { hasCredential } from './stray-credentials.ts'

/** Notes that a change was taken on, or that its idempotency key shows it to be taken on already. Its end has its own line. */
export function auditStarted(request: FastifyRequest, operation: string, replayed: boolean): void {
  write(request, { outcome: replayed ? 'replayed' : 'accepted', operation })
}

/** Notes that a change was refused (4xx), or that it failed while or before it was taken on (5xx). */
export function auditProblem(request: FastifyRequest, { code, statusCode, operationId }: ApiProblem): void {
  write(request, { outcome: statusCode < 500 ? 'refused' : 'failed', code, operation: operationId })
}

function write(request: FastifyRequest, outcome: object): void {
  const kind = request.routeOptions.config.changes
  if (kind === undefined) return
  const { vm_id: vm, name = memberOf(request.body, 'name') } = request.params as Record<string, unknown>
  const type = memberOf(request.body, 'type') ?? memberOf(request.query, 'type')
  request.log.info(
    {
      audit: true,
      caller: request.caller?.id ?? null,
      address: addressOf(request),
      kind,
      vm_id: VM_ID.test(String(vm)) ? Number(vm) : null,
      snapshot: wellFormed(name, request),
      snapshot_type: wellFormed(type, request),
      ...outcome,
    },
    'audit',
  )
}

const VM_ID = /^\d{1,10}$/

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

/** Requests are noted before they are known to be valid: what is not the form of a name, or a key, stays out of the log. */
function wellFormed(name: unknown, { headers }: FastifyRequest): string | null {
  if (typeof name !== 'string' || !/^[A-Za-z0-9_.-]{1,255}$/.test(name)) return null
  return hasCredential(name, headers) ? null : name
}
