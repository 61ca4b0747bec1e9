/** New keys for callers, and their entries for the callers file. */

import { randomBytes } from 'node:crypto'
import { digestOf, type Scope } from './caller.ts'
import { parseCallers, type CallerEntry } from './file.ts'

/** Makes a key of 256 random bits. Its prefix is there for scanners that search for secrets. */
export function newKey(): string {
  return `hkgw_${randomBytes(32).toString('base64url')}`
}

/**
 * Makes the entry of a caller with this key.
 * @throws Error when a value would not be accepted in a callers file.
 */
export function newEntry(
  name: string,
  key: string,
  scopes: readonly string[],
  vms: '*' | readonly number[],
): CallerEntry & { key_sha256: string } {
  const entry: CallerEntry & { key_sha256: string } = {
    name,
    key_sha256: digestOf(key),
    scopes: scopes as Scope[],
    vms: vms === '*' ? '*' : [...vms],
  }
  parseCallers(JSON.stringify({ callers: [entry] }), '(new entry)')
  return entry
}
