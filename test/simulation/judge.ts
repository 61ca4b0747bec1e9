/** Holds what the store has, and what callers were told, against the ledger of the simulated HOSTKEY. */

import { KIND_NAMES, KINDS, mutates } from '../../src/operations/kinds/kinds.ts'
import type { Operation } from '../../src/operations/operation.ts'
import type { Store } from '../../src/operations/store.ts'
import type { LedgerEntry } from '../../src/simulator/cloud.ts'
import type { Told } from './callers.ts'
import { CALLER } from './gateway.ts'
import type { SimulatedHostkey } from './hostkey.ts'
import type { SimulatedReceiver } from './receiver.ts'
import type { Plan } from './plan.ts'

export interface Verdict {
  lost: string[]
  doubled: string[]
  untrue: string[]
  /** Holds, leases and waits that were left. */
  left: string[]
}

/** All operations of the store, newest first. */
export async function allOperations(store: Store): Promise<Operation[]> {
  const all: Operation[] = []
  for (let olderThan: string | undefined; ;) {
    const page = await store.list({
      visible: { vmIds: '*', kinds: KIND_NAMES, createdBy: CALLER },
      limit: 200,
      ...(olderThan !== undefined && { olderThan }),
    })
    all.push(...page)
    olderThan = page.cutAt ?? (page.length === 200 ? page.at(-1)!.id : undefined)
    if (olderThan === undefined) return all
  }
}

/** An operation as it stands in the store, whoever asks. */
export interface StoredOperation {
  status: string
  doc: string
}

/**
 * What is wrong with a change that leaves for HOSTKEY, or undefined. Its operation has to be stored, nobody may have taken
 * it over or ended it, and it has to be the only one that has the VM.
 */
export function wrongWith(wish: string, ofVm: readonly StoredOperation[]): string | undefined {
  const running = ofVm
    .filter(({ status }) => status === 'running')
    .map(({ doc }) => JSON.parse(doc) as Operation)
    .filter(mutates)
  if (running.length > 1) return `${wish} was sent while ${running.length} changes had the VM`
  const own = running.find(one => (one.backupId ?? one.snapshot) === wish)
  if (!own) return `${wish} was sent, and no running operation is stored for it`
  return own.step === 'call' ? undefined : `${wish} was sent after somebody else had gone on with it`
}

/** Whose wish HOSTKEY was asked for. */
function wishOf({ name, backupId }: LedgerEntry): string {
  return backupId ?? name ?? ''
}

export function judge(
  plan: Plan,
  operations: Operation[],
  { hostkey, receiver, told }: { hostkey: SimulatedHostkey; receiver: SimulatedReceiver; told: Told },
): Verdict {
  const verdict: Verdict = { lost: [], doubled: [], untrue: [...told.wrong, ...receiver.wrong], left: [] }
  const byId = new Map(operations.map(operation => [operation.id, operation]))
  const entries = new Map<string, LedgerEntry[]>()
  const discarded = new Set<string>()
  for (const entry of hostkey.cloud.ledger) {
    for (const { name } of entry.discarded ?? []) discarded.add(name)
    if (entry.name === null) continue
    const wish = wishOf(entry)
    entries.set(wish, [...(entries.get(wish) ?? []), entry])
  }
  for (const [wish, of] of entries) {
    if (of.length > 1) verdict.doubled.push(`HOSTKEY was made to carry out ${wish} ${of.length} times`)
    const known = operations.some(one => mutates(one) && (one.backupId ?? one.snapshot) === wish)
    if (!known) verdict.lost.push(`HOSTKEY took on ${wish}, and no operation knows of it`)
  }
  for (const [wish, ids] of told.ids) {
    if (ids.size > 1) verdict.doubled.push(`${wish} was given ${[...ids].join(' and ')}`)
    for (const id of ids)
      if (!byId.has(id)) verdict.lost.push(`${id} of ${wish} was acknowledged, and is gone`)
  }
  for (const [id, status] of told.ends) {
    const now = byId.get(id)?.status
    if (now !== undefined && now !== status) verdict.untrue.push(`${id} was seen ${status} and is ${now}`)
  }
  for (const operation of operations) {
    const { id, status, failure } = operation
    const wish = operation.backupId ?? operation.snapshot ?? operation.kind
    if (status === 'running') verdict.left.push(`${id} of ${wish} still runs`)
    const heard = [...(receiver.told.get(id) ?? [])]
    if (status !== 'running' && heard.join() !== status)
      verdict[heard.length === 0 ? 'lost' : 'untrue'].push(
        `${id} of ${wish} ended as ${status}, and its webhook told ${heard.join(' and ') || 'nothing'}`,
      )
    if (!mutates(operation)) continue
    const of = entries.get(wish) ?? []
    const action = KINDS[operation.kind].action
    const isDone = of.some(entry => entry.action === action && entry.outcome === 'done')
    const isGone = operation.kind === 'snapshot.delete' && discarded.has(wish)
    if (status === 'succeeded' && !isDone && !isGone)
      verdict.untrue.push(`${id} of ${wish} succeeded, and HOSTKEY did not do it`)
    if (status === 'failed' && isDone)
      verdict.untrue.push(`${id} of ${wish} failed (${failure?.detail}), and HOSTKEY did it`)
    if (status === 'unknown' && plan.mishaps.length === 0)
      verdict.untrue.push(`${id} of ${wish} is unknown, and nothing went wrong`)
  }
  return verdict
}
