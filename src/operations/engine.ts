/**
 * What mutations, reads and the watcher share: how a step of an operation is made, and how what it brought is made
 * durable. Nothing else writes an operation's next state.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { StoreUnavailable, type Store } from './store.ts'
import type { OperationTracing } from '../observability/tracing.ts'
import type { ActionParams } from '../upstream/actions.ts'
import type { Upstream } from '../upstream/client.ts'
import {
  advance,
  KINDS,
  mutates,
  type Event,
  type LookOutcome,
  type Operation,
  type Policy,
} from './operation.ts'
import type { ReadKind, ReadSource } from './reads/reads.ts'

/** Points between two durable steps, named for the crash tests, which hold an operation there and kill the process. */
export type StepName =
  | 'intent-stored'
  | 'call-answered'
  | 'step-stored'
  | 'check-answered'
  | 'end-stored'
  | 'look-answered'
  | 'read-stored'
  | 'discarded'

export interface EngineParts {
  store: Store
  upstream: Upstream
  policy: Policy
  /** Milliseconds since the epoch. */
  now: () => number
  /** In [0, 1). */
  random: () => number
  log: Log
  tracing: OperationTracing
  /** For how long a step may be held before somebody else may make it: longer than any step takes. */
  leaseMs: number
  /** Called with every read that a caller asked for. */
  onRead?: (kind: ReadKind, source: ReadSource) => void
  /** For crash tests only; production passes no hook. */
  onStep?: (step: StepName, operation: Operation) => void | Promise<void>
}

export interface Log {
  info: (fields: object, message: string) => void
  warn: (fields: object, message: string) => void
  error: (fields: object, message: string) => void
}

/** The parameters of the operation's action. */
export function paramsOf(op: Operation): ActionParams {
  return {
    id: op.vmId,
    ...(op.snapshot === null ? {} : { name: op.snapshot }),
    ...(op.snapshotType === null ? {} : { type: op.snapshotType }),
    ...(op.backupId === null ? {} : { backup_id: op.backupId }),
  }
}

export class Engine {
  readonly parts: EngineParts
  /** Called with every mutation that ended, after it is durable. */
  onMutationEnd: (operation: Operation) => void = () => {}
  /** Called with every time at which a step becomes due. */
  onDue: (dueAtMs: number) => void = () => {}
  /** How to see the VM's snapshots, for `look`. */
  look: (operation: Operation, signal?: AbortSignal) => Promise<LookOutcome> = () =>
    Promise.resolve({ kind: 'blind', reason: 'no way to look' })

  constructor(parts: EngineParts) {
    this.parts = parts
  }

  /** Makes the next step of a running operation, whatever that is. A mutation's own call is never made here. */
  perform(op: Operation, signal?: AbortSignal): Promise<Event> {
    return this.parts.tracing.step(op, () => this.#perform(op, signal))
  }

  async #perform(op: Operation, signal?: AbortSignal): Promise<Event> {
    const { upstream } = this.parts
    switch (op.step) {
      case 'check': {
        const outcome = await upstream.check(op.callback!, signal, op.vmId)
        await this.reached('check-answered', op)
        return { type: 'checked', outcome }
      }
      case 'look': {
        const outcome = await this.look(op, signal)
        await this.reached('look-answered', op)
        return { type: 'looked', outcome }
      }
      default:
        if (mutates(op)) return { type: 'abandoned' }
        return { type: 'called', outcome: await upstream.call(KINDS[op.kind].action, paramsOf(op), signal) }
    }
  }

  /** The operation after the event, not yet stored. */
  advance(op: Operation, event: Event): Operation {
    const { now, policy, random } = this.parts
    return advance(op, event, now(), policy, random)
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
    await this.reached(next.status === 'running' ? 'step-stored' : 'end-stored', next)
    if (next.dueAtMs !== null) this.onDue(next.dueAtMs)
    if (next.status !== 'running') this.#tellEnd(next)
    return true
  }

  /** What was learned from HOSTKEY is learned once: a store that is away is tried again for as long as the step is held. */
  async #save(next: Operation): Promise<boolean> {
    const { store, now, leaseMs } = this.parts
    const untilMs = now() + leaseMs
    for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, 2_000)) {
      try {
        return await store.save(next)
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || now() + delayMs > untilMs) throw error
        await sleep(delayMs)
      }
    }
  }

  async reached(step: StepName, operation: Operation): Promise<void> {
    await this.parts.onStep?.(step, operation)
  }

  #tellEnd(op: Operation): void {
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
    if (mutates(op)) this.onMutationEnd(op)
  }
}
