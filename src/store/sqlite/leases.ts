/**
 * The leases of this process: which steps it has, and until when. A lease is never written to the disk, because only
 * one process uses the file and a lease ends with that process. (As an UPDATE of the operation's row, taking a lease
 * cost 9 % of the processor time of a create.)
 *
 * An operation is leased from the first claim until its next state is on the disk. When its lease has run out before
 * that, it is due again. Each lease raises the revision that is shown, so that the owner of an earlier lease can no
 * longer write.
 */

import type { Operation, Running } from '../../operations/store.ts'

interface Lease {
  createdBy: string
  /** The operation's revision on the disk. */
  storedRev: number
  /** The revision that is shown: one more for each lease since then. */
  rev: number
  untilMs: number
}

/** When the next step of an operation is due. Time in milliseconds since the epoch. */
export interface DueStep {
  id: string
  createdBy: string
  dueAtMs: number
}

export class Leases {
  readonly #leases = new Map<string, Lease>()

  has(id: string): boolean {
    return this.#leases.has(id)
  }

  /** When each of the leases has run out, so that the step is due again. */
  ends(): DueStep[] {
    return [...this.#leases].map(([id, { createdBy, untilMs }]) => ({ id, createdBy, dueAtMs: untilMs }))
  }

  /** Takes a lease on the next step of an operation, which is given as `show` gives it. Returns it as its owner sees it. */
  take(operation: Running, untilMs: number): Running {
    const rev = operation.rev + 1
    const storedRev = this.#leases.get(operation.id)?.storedRev ?? operation.rev
    this.#leases.set(operation.id, { createdBy: operation.createdBy, storedRev, rev, untilMs })
    return Object.assign(operation, { rev, dueAtMs: untilMs })
  }

  /** Forgets the lease of an operation, because its next state is on the disk or the operation is gone. */
  end(id: string): void {
    this.#leases.delete(id)
  }

  /** An operation as it was read from the disk, with the revision and the due time that its lease gives it. */
  show(stored: Operation): Operation {
    const lease = this.#leases.get(stored.id)
    // The next state may be in the database and not yet be safe on the disk. The lease is not about that one.
    if (lease?.storedRev !== stored.rev) return stored
    return Object.assign(stored, { rev: lease.rev, dueAtMs: lease.untilMs })
  }

  /** The revision on the disk of an operation that is shown with `rev`, or undefined when it is shown with another one. */
  storedRev(id: string, rev: number): number | undefined {
    const lease = this.#leases.get(id)
    if (!lease) return rev
    return lease.rev === rev ? lease.storedRev : undefined
  }
}
