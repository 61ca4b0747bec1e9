/** What is known of one kind of read: for each VM the read that is under way, and the last one that succeeded. */

import type { ReadKind } from '../kinds/kind.ts'
import type { Succeeded } from '../operation.ts'
import type { Flight } from './flight.ts'

/** What is known of one read of one VM. */
export interface Slot<K extends ReadKind> {
  flight?: Flight<K>
  last?: Succeeded<K>
}

/** The VM that was asked about longest ago makes room for a new one. */
const MAX_VMS = 10_000
/** So many types of one VM are known: a caller may ask for types without end. */
const MAX_TYPES = 16

export class ReadCache<K extends ReadKind> {
  /** By VM, and then by the type of snapshots that was asked for. */
  readonly #slots = new Map<number, Map<string | null, Slot<K>>>()

  /** The slot of a read, made where there is none. */
  slot(vmId: number, type: string | null): Slot<K> {
    let ofVm = this.#slots.get(vmId)
    if (!ofVm) {
      if (this.#slots.size >= MAX_VMS) this.#slots.delete(this.#slots.keys().next().value!)
      this.#slots.set(vmId, (ofVm = new Map()))
    }
    let slot = ofVm.get(type)
    if (!slot) {
      if (ofVm.size >= MAX_TYPES) ofVm.delete(ofVm.keys().next().value!)
      ofVm.set(type, (slot = {}))
    }
    return slot
  }

  /** The last read that succeeded, if it is still known. */
  last(vmId: number, type: string | null): Succeeded<K> | undefined {
    return this.#slots.get(vmId)?.get(type)?.last
  }

  /** Forgets the VM: nobody finds what a flight that is under way will keep in its old slot. */
  forget(vmId: number): void {
    this.#slots.delete(vmId)
  }
}
