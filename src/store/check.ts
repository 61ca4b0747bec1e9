/** Whether a store can be used, found out without opening it: a gateway may be running on it. */

import { checkSqliteFile } from './sqlite/check.ts'

export type StoreKind = 'sqlite' | 'postgres'

export interface StoreFindings {
  readonly kind: StoreKind
  /** Why it cannot be used, a line each. */
  readonly faults: readonly string[]
  /** What is allowed, and may well cause trouble. */
  readonly warnings: readonly string[]
}

/** Returns the kind of the store that a `STORE_URL` names. */
export function storeKind(url: string): StoreKind {
  return url.startsWith('sqlite:') ? 'sqlite' : 'postgres'
}

/** How a store of each kind is looked at. PostgreSQL's driver is loaded only where it is used. */
const CHECKS: Readonly<Record<StoreKind, (url: string) => Promise<Omit<StoreFindings, 'kind'>>>> = {
  sqlite: async url => checkSqliteFile(url.slice('sqlite:'.length)),
  postgres: async url => (await import('./postgres/check.ts')).checkPostgres(url),
}

/** Looks at a store. It takes no lock, changes nothing, and shows nothing of the URL, which may hold a password. */
export async function checkStore(url: string): Promise<StoreFindings> {
  const kind = storeKind(url)
  return { kind, ...(await CHECKS[kind](url)) }
}
