/** New keys of callers, and their entries for the callers file. */

import { randomBytes } from 'node:crypto'
import { digestOf, parseCallers, type CallerEntry, type Scope } from './callers.ts'

/** A key of 256 random bits with a prefix that secret scanners can know. */
export function newKey(): string {
  return `hkgw_${randomBytes(32).toString('base64url')}`
}

/** The entry of a caller with this key. @throws Error when a value would not be accepted in a callers file. */
export function newEntry(
  name: string,
  key: string,
  scopes: readonly string[],
  vms: '*' | readonly number[],
): CallerEntry {
  const entry: CallerEntry = {
    name,
    key_sha256: digestOf(key),
    scopes: scopes as Scope[],
    vms: vms === '*' ? '*' : [...vms],
  }
  parseCallers(JSON.stringify({ callers: [entry] }), '(new entry)')
  return entry
}
