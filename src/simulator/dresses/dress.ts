import type { Reply } from '../delivery.ts'
import type { DateFormat } from '../listing.ts'

export type Json = Record<string, unknown>

/**
 * What an answer in a dress proves to whoever reads it by evidence (contract §1): the verdict that a client has to come
 * to. `same` is a dress that changes no verdict.
 */
export type Told =
  'accepted' | 'refused' | 'unauthorized' | 'running' | 'done' | 'failed' | 'ambiguous' | 'same'

/** What a dress may know of the exchange. */
export interface About {
  /** Why the call is refused, or why its task failed. */
  reason: string
  /** The fields of the request. */
  fields: Record<string, string>
  /** Time since the task was accepted; 0 at the call. */
  ageMs: number
  /** The context that a check shows; empty at the call. */
  context: Json
}

/**
 * One way in which HOSTKEY may word an answer. It changes how the truth is told and never, by itself, the truth: that is
 * in `acts`, which the simulator obeys and the ledger records.
 */
export interface Dress {
  /**
   * Who wears it: the answer to a `call` of vm.php, the checks that find its task running (`wait`), the check that
   * tells its end (`end`), a `list` of snapshots, an answer of auth.php (`login`), or whatever is answered (`any`).
   */
  on: 'call' | 'wait' | 'end' | 'list' | 'login' | 'any'
  told: Told
  /** No answer to a read wears it: there, what it says would be data. */
  ofChanges?: true
  /** Whether the action is carried out: every truth that may stand behind this dress, the usual one first. */
  acts: readonly [boolean, ...boolean[]]
  /** Rewrites the JSON. */
  says?: (plain: Json, about: About) => unknown
  /** Rewrites status, headers and bytes. */
  sends?: (reply: Reply, about: About) => Reply
  /** The callback key to give out, where it is not the usual one. */
  key?: () => string
  /** Rewrites the entries of a list, in place of which the result stands. */
  shows?: (entries: Json[]) => unknown
  /** The format of dates in a list. */
  dates?: DateFormat
  /** The list is answered at the call, without a callback. */
  atOnce?: true
}

/** Under which the names stand: a table that keeps the literal names as its type. */
export const table = <Name extends string>(dresses: Record<Name, Dress>): Record<Name, Dress> => dresses

/** The object but for one member. */
export const without = (object: Json, member: string): Json =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== member))

/** The same dress, for changes alone. */
export const ofChanges = (dress: Dress): Dress => ({ ...dress, ofChanges: true })

/** Answers with these bytes, whatever the JSON was. */
export const sending = (reply: Reply) => (): Reply => reply

export const HTML_TYPE = { 'content-type': 'text/html; charset=UTF-8' }
export const page = (title: string) =>
  `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`
