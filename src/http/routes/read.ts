/** What the reading routes share: the wait a caller asked for, the cache, the `Age` of what came from it, and the answer. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { callerOf, requireVm } from '../auth.ts'
import type { ReadKind, Results } from '../../operations/kinds/kind.ts'
import { sendOperation } from '../answers.ts'
import { problemOf } from '../failures.ts'
import { firstOf, leftSignal, type RouteParts } from './parts.ts'
import { waitOf } from '../prefer.ts'

export const AGE_HEADER = {
  Age: {
    type: 'integer',
    minimum: 0,
    maximum: 86_400,
    format: 'int32',
    description: 'Seconds since HOSTKEY was asked, when the result came from the cache.',
  },
}

/**
 * Reads for the caller of a request, and answers with what `present` makes of the result, or with 202 and the operation
 * when it goes on. @throws ApiProblem when the read ended without a result.
 */
export async function answerRead<K extends ReadKind>(
  { config, operations, draining, now }: RouteParts,
  request: FastifyRequest,
  reply: FastifyReply,
  what: { kind: K; vmId: number; type: string | null },
  present: (result: Results[K]) => unknown,
): Promise<FastifyReply> {
  const caller = callerOf(request)
  requireVm(caller, what.vmId)
  const { operation, ageMs } = await operations.read({
    ...what,
    caller: caller.id,
    waitMs: waitOf(request, reply, config.maxWaitMs, config.readWaitMs),
    fresh: /(^|[\s,])no-cache($|[\s,;=])/i.test(request.headers['cache-control'] ?? ''),
    hurry: firstOf(reply, draining, caller.until),
    gone: () => leftSignal(reply),
  })
  if (operation.status === 'running')
    return sendOperation(reply, operation, { basePath: config.basePath, nowMs: now() })
  if (operation.status !== 'succeeded') throw problemOf(operation.failure)
  const body = present(operation.result)
  // An age is told of what may be kept alone (RFC 9111, section 5.1); but nobody is to take it for the present state.
  if (ageMs !== null) reply.headers({ age: Math.floor(ageMs / 1000), 'cache-control': 'private, no-cache' })
  return reply.send(body)
}
