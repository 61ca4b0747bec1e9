/**
 * What goes wrong with PostgreSQL, sorted by SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html)
 * and by what is known of the transaction then. No error keeps that of the driver: that one carries rows, users and hosts.
 */

import { StoreUnavailable } from '../../operations/store.ts'

/** Certainly nothing was written: it was not sent, or it was refused before COMMIT. */
export class NotWritten extends StoreUnavailable {
  /** The SQLSTATE, or '' when the server said nothing. */
  readonly code: string

  constructor(message: string, code = '', cause?: Error) {
    super(message, cause && { cause })
    this.code = code
  }
}

/** COMMIT was sent, and nobody confirmed that it holds: it was cut off, took too long, or was answered with a warning. */
export class InDoubt extends StoreUnavailable {}

/** What no waiting makes better: another encoding, a newer schema. One clear line. */
export class Unusable extends Error {}

/**
 * The server answered, and lets nobody in with this URL: it, or the server, is to be set otherwise. While a password is being
 * changed this may be so for a moment.
 */
export class Refused extends Error {}

/** A statement of the fence divided by zero: this replica was declared dead, or its writer began anew. */
export const FENCED = '22012'

const REPEATABLE = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
])

/** Whether the same transaction may succeed when it is repeated at once. */
export function isRepeatable(code: string): boolean {
  return REPEATABLE.has(code)
}

const UNPREPARED = new Set([
  '26000', // invalid_sql_statement_name
  '42P05', // duplicate_prepared_statement
  '0A000', // feature_not_supported: "cached plan must not change result type"
])

/** A pooler between us and the server gave this transaction another session than the one that prepared its statements. */
export function isUnprepared(code: string): boolean {
  return UNPREPARED.has(code)
}

/** Whether something that was to be written is the reason: a value that is out of range, or too long for an index. */
export function isOfData(code: string): boolean {
  return code.startsWith('22') || code.startsWith('23') || code.startsWith('54')
}

/** Whether a COMMIT that was refused so certainly did not hold: class 40 is a rollback, class 23 a constraint. */
export function isRollback(code: string): boolean {
  return code.startsWith('40') || code.startsWith('23')
}

/** Whether the connection leads to a server that must not be used any more: it takes no writes, or is going down. */
export function isWrongServer(code: string): boolean {
  return code === '25006' || code.startsWith('57P') || code.startsWith('08')
}

/** The SQLSTATE of an error of the driver, or '' when the server did not send it. */
export function sqlStateOf(error: unknown): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : ''
}

/** The server's or the system's words, without rows and parameters. */
export function wordsOf(error: unknown): Error {
  const { message } = error as Error
  const code = sqlStateOf(error)
  return new Error(code === '' ? message : `${message} (SQLSTATE ${code})`)
}

const REFUSED: Record<string, string> = {
  '28P01': 'the server refused the user or the password of the URL',
  '28000': 'the server (its pg_hba.conf) lets this user in neither so nor from here; perhaps only with TLS',
  '3D000': 'the server has no such database as the URL names; make it, or name another',
}
const NO_ROOM = 'the server has no connection or no memory left'

/** What the driver and Node say when they do not go on with a server, and what is to be done then. */
const REFUSED_HERE: readonly (readonly [RegExp, string])[] = [
  [/password must be a string/, 'the server asks for a password; the URL has none'],
  [
    /does not support SSL/,
    'the server offers no TLS; turn it on there, or say sslmode=disable where nobody can listen',
  ],
  [
    /certificate|self-signed|altnames/i,
    'the certificate of the server is refused; sslrootcert names whom to trust, and sslmode what is verified',
  ],
]

/** Why a connection was not made, without the user, whose name the server repeats. */
export function connectWords(error: unknown, where: string): Error {
  const code = sqlStateOf(error)
  if (code !== '') {
    const words = REFUSED[code] ?? (code.startsWith('53') ? NO_ROOM : undefined)
    const text = `${where}: ${words === undefined ? wordsOf(error).message : `${words} (SQLSTATE ${code})`}`
    return code in REFUSED ? new Refused(text) : new Error(text)
  }
  const { message } = wordsOf(error)
  const words = REFUSED_HERE.find(([pattern]) => pattern.test(message))?.[1]
  return words === undefined
    ? new Error(`${where}: ${message}`)
    : new Refused(`${where}: ${words} (${message})`)
}
