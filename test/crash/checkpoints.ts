/** Points between two durable steps of an operation, seen from outside: around the two ports of the core. */

import type { GatewayOverrides } from '../../src/gateway.ts'
import { intercept } from '../../src/observability/intercept.ts'
import type { Task } from '../../src/operations/hostkey.ts'
import type { Kind } from '../../src/operations/kinds/kind.ts'
import { KIND_NAMES, KINDS } from '../../src/operations/kinds/kinds.ts'
import {
  mutates,
  type Admission,
  type Delivery,
  type Operation,
  type Running,
} from '../../src/operations/store.ts'

export type Checkpoint =
  | 'intent-stored'
  | 'call-answered'
  | 'step-stored'
  | 'check-answered'
  | 'end-stored'
  | 'look-answered'
  | 'read-stored'
  | 'discarded'
  /** The receiver has answered, and nobody wrote it down. */
  | 'message-sent'

/** Called at each point; the operation goes on when it has resolved. */
export type OnCheckpoint = (
  point: Checkpoint,
  operation: { kind: Kind; vmId: number; id?: string; backupId?: string | null },
) => Promise<void> | void

/** What to put around the ports of a gateway, or of its core. */
export function checkpoints(
  reached: OnCheckpoint,
): Required<Pick<GatewayOverrides, 'wrapStore' | 'wrapHostkey'>> {
  /** What was claimed to be looked at. */
  const looking = new Set<string>()

  const aroundStore: Record<string, (operation: Operation, next: () => unknown) => Promise<unknown>> = {
    async start(operation, next) {
      const admission = (await next()) as Admission
      if (admission.kind === 'started')
        await reached(mutates(operation) ? 'intent-stored' : 'read-stored', operation)
      return admission
    },
    async save(operation, next) {
      if (looking.delete(operation.id)) await reached('look-answered', operation)
      const saved = await next()
      if (saved) await reached(operation.status === 'running' ? 'step-stored' : 'end-stored', operation)
      return saved
    },
    async discard(operation, next) {
      const discarded = await next()
      if (discarded) await reached('discarded', operation)
      return discarded
    },
    async claimDue(_nowMs, next) {
      const claimed = (await next()) as Running[]
      for (const { id, step } of claimed) if (step === 'look') looking.add(id)
      return claimed
    },
  }
  const aroundHostkey: Record<string, (task: Task) => Promise<void> | void> = {
    call: task => (mutates(subjectOf(task)) ? reached('call-answered', subjectOf(task)) : undefined),
    check: task => reached('check-answered', subjectOf(task)),
  }

  return {
    wrapStore(store) {
      const outbox = intercept(store.outbox, ({ method, args }, next) => {
        if (method !== 'save') return next()
        return Promise.resolve(reached('message-sent', (args[0] as Delivery).operation)).then(next)
      })
      const wrapped = intercept(store, ({ method, args }, next) => {
        const around = aroundStore[method]
        return around ? around(args[0] as Operation, next) : next()
      })
      return new Proxy(wrapped, {
        get: (target, name) => (name === 'outbox' ? outbox : (Reflect.get(target, name) as unknown)),
      })
    },
    wrapHostkey: hostkey =>
      intercept(hostkey, ({ method, args }, next) => {
        const after = aroundHostkey[method]
        if (!after) return next()
        const task = args.find(arg => typeof arg === 'object') as Task
        return (next() as Promise<unknown>).then(async outcome => {
          await after(task)
          return outcome
        })
      }),
  }
}

function subjectOf({ action, params }: Task): { kind: Kind; vmId: number } {
  return { kind: KIND_NAMES.find(kind => KINDS[kind].action === action)!, vmId: params.id }
}
