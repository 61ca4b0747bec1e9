/** A caller: a program that may use the gateway, with what it may do. */

import { hash } from 'node:crypto'

/** Everything that a caller can be allowed to do. */
export const SCOPES = [
  'snapshots:read',
  'snapshots:create',
  'snapshots:delete',
  'snapshots:restore',
  'stats:read',
] as const
export type Scope = (typeof SCOPES)[number]

export interface Caller {
  /** Operations, idempotency keys and quotas belong to this id. It differs from `name` for callers by signed token. */
  readonly id: string
  /** This is the name that people see. */
  readonly name: string
  readonly scopes: ReadonlySet<Scope>
  /** The ids of the VMs that it may touch, or `*` for all of them. */
  readonly vms: ReadonlySet<number> | '*'
  /** A quota of its own; null when it has the quota of everybody. */
  readonly rateLimit: { readonly max: number; readonly windowMs: number } | null
  /** Aborts when the caller is one no longer: its key was withdrawn or changed, or its token has expired. */
  readonly until: AbortSignal
}

/** HOSTKEY's ids of VMs are positive 32-bit integers. */
export const MAX_VM_ID = 2_147_483_647

/** The id of a caller by signed token begins with this. The names of the callers file have no colon, so none can. */
export const TOKEN_CALLER = 'jwt:'

/** Returns the name of the caller with this id. */
export function callerName(id: string): string {
  return id.startsWith(TOKEN_CALLER) ? id.slice(TOKEN_CALLER.length) : id
}

/** Tells whether this VM is in the caller's list. */
export function mayTouch(caller: Caller, vmId: number): boolean {
  return caller.vms === '*' || caller.vms.has(vmId)
}

/** Returns the SHA-256 of a credential, in hex. Keys are random, so it needs neither salt nor repetition. */
export function digestOf(credential: string): string {
  return hash('sha256', credential)
}
