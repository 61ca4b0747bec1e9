/**
 * What changes, reads and the watcher share: how HOSTKEY is asked for the next step of an operation, and how what it told
 * is made durable. Nothing else writes the next state of an operation.
 */

import type { World } from '../world.ts'
import type { Hostkey, MayLeave } from './hostkey.ts'
import { operationIds } from './id.ts'
import type { Kind, ReadKind } from './kinds/kind.ts'
import { mutates, taskOf } from './kinds/kinds.ts'
import { hasEnded, type Ended, type Operation, type Running } from './operation.ts'
import type { ReadSource } from './reads/reads.ts'
import { StoreUnavailable, type Store } from './store.ts'
import type { OperationTracing } from './tracing.ts'
import { advance, type Event, type Policy } from './transition.ts'

export interface EngineParts {
  store: Store
  hostkey: Hostkey
  policy: Policy
  world: World
  log: Log
  tracing: OperationTracing
  /** For how long a process has a step to itself before another may make it: longer than any step takes. */
  leaseMs: number
  /** Not given where nobody is told of ends. */
  webhooks?: Webhooks
  /** Called with every read that a caller asked for. */
  onRead?: (kind: ReadKind, source: ReadSource) => void
}

/** Tells callers of the ends of their operations. */
export interface Webhooks {
  /** Whether this caller is told. Then the message is written in the very step that ends the operation. */
  isTold(caller: string): boolean
  /** A message is there. */
  nudge(): void
}

export interface Log {
  info: (fields: object, message: string) => void
  warn: (fields: object, message: string) => void
  error: (fields: object, message: string) => void
}

export class Engine {
  readonly parts: EngineParts
  /** Makes the id of an operation that begins at this time. */
  readonly newId: (nowMs: number) => string
  /** Called with every change of a VM that ended, after that is durable. */
  onChangeEnd: (operation: Ended) => void = () => {}
  /** Called with every time at which a step becomes due. */
  onDue: (dueAtMs: number) => void = () => {}

  constructor(parts: EngineParts) {
    this.parts = parts
    this.newId = operationIds(parts.world)
  }

  /** Asks for the task of an operation. For a change this is made once, by whoever starts it, and never again. */
  async call(op: Running, mayLeave: MayLeave): Promise<Event> {
    return { type: 'called', outcome: await this.parts.hostkey.call(taskOf(op), undefined, mayLeave) }
  }

  /** Makes the next step of a read, or the check of any operation. The call of a change is never made here. */
  async perform(op: Running, signal?: AbortSignal, mayLeave?: MayLeave): Promise<Event> {
    const { hostkey } = this.parts
    if (op.step === 'check')
      return { type: 'checked', outcome: await hostkey.check(op.callback, taskOf(op), signal, mayLeave) }
    if (mutates(op)) return { type: 'abandoned' }
    return { type: 'called', outcome: await hostkey.call(taskOf(op), signal) }
  }

  /** The operation after the event, not yet stored. */
  advance<K extends Kind>(op: Operation<K>, event: Event): Operation<K> {
    const { world, policy } = this.parts
    return advance(op, event, world.now(), policy, world.random)
  }

  /** The same of an operation that is stored: with its end comes the message that tells of it, for a caller who is told. */
  advanceStored<K extends Kind>(op: Operation<K>, event: Event): Operation<K> {
    const next = this.advance(op, event)
    if (!hasEnded(next) || hasEnded(op) || !this.parts.webhooks?.isTold(op.createdBy)) return next
    return { ...next, webhook: { state: 'pending', attempts: 0, lastAtMs: null } }
  }

  /** Makes the next state durable and tells whom it concerns. False when somebody else moved the operation. */
  async commit(next: Operation): Promise<boolean> {
    const saved = await this.#save(next)
    if (!saved) {
      this.parts.log.warn(
        { operation: next.id },
        'an operation was moved by somebody else; a late result changed nothing',
      )
      return false
    }
    if (hasEnded(next)) this.#tellEnd(next)
    else this.onDue(next.dueAtMs)
    return true
  }

  /** What HOSTKEY told is told once: a store that is away is tried again for as long as the lease lasts. */
  async #save(next: Operation): Promise<boolean> {
    const { store, world, leaseMs } = this.parts
    const untilMs = world.now() + leaseMs
    for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, 2_000)) {
      try {
        return await store.save(next)
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || world.now() + delayMs > untilMs) throw error
        await world.sleep(delayMs)
      }
    }
  }

  #tellEnd(op: Ended): void {
    const { id: operation, kind, vmId: vm_id, snapshot, snapshotType: snapshot_type, createdBy: caller } = op
    const fields = {
      ...(mutates(op) ? { audit: true, reqId: op.requestId } : {}),
      operation,
      kind,
      vm_id,
      snapshot,
      snapshot_type,
      caller,
      status: op.status,
      took_ms: op.updatedAtMs - op.createdAtMs,
    }
    this.parts.tracing.end(op)
    this.parts.log.info(op.failure ? { ...fields, reason: op.failure.detail } : fields, 'operation ended')
    if (mutates(op)) this.onChangeEnd(op)
    if (op.webhook) this.parts.webhooks?.nudge()
  }
}
