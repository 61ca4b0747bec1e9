/**
 * One connection to PostgreSQL. Whatever is sent over it has a timer in this process, COMMIT too: a server that waits for
 * an absent standby, or a socket that is half open, answers to no time-out of the server's. A connection that hit its
 * timer, or was cut off, is destroyed.
 */

import { Client, type ClientConfig, type CustomTypesConfig } from 'pg'
import {
  InDoubt,
  NotWritten,
  Refused,
  Unusable,
  connectWords,
  isRollback,
  isWrongServer,
  sqlStateOf,
  wordsOf,
} from './errors.ts'
import type { PostgresAddress, PostgresHost } from '../../config/postgres-url.ts'
import { readTextFile } from '../../config/text-file.ts'
import type { World } from '../../world.ts'

/** SQL that is always the same, and so prepared once a session, with what it is carried out with. */
export interface Statement {
  readonly name: string
  readonly text: string
  readonly values: readonly unknown[]
}

/** As PostgreSQL writes them: nothing is parsed. */
export type Row = (string | null)[]

/** How the server is set, as far as it matters to the store. */
export interface ServerState {
  readonly inRecovery: boolean
  readonly readOnly: boolean
  readonly encoding: string
  readonly synchronousCommit: string
  readonly fsync: string
}

const STATE = `SELECT pg_is_in_recovery()::text, current_setting('transaction_read_only'), current_setting('server_encoding'),
  current_setting('synchronous_commit'), current_setting('fsync', true)`

const KEEP_ALIVE_MS = 10_000
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED'
/** Every value as its text. */
const AS_TEXT = { getTypeParser: () => (value: string) => value } as unknown as CustomTypesConfig

type Answer = { rows: Row[]; command: string } | { error: Error }

/** One connection, as the store needs it. */
export interface Connection {
  readonly state: ServerState
  readonly isBroken: boolean
  /** Called once, when the connection cannot be used any more; at once when it is so already. */
  onBroken(listener: () => void): void
  onNotification(listener: (payload: string) => void): void
  destroy(): void
  /** One statement by itself, which changes nothing that matters when it is lost. */
  ask(statement: Statement, limitMs: number, isPrepared: boolean): Promise<Row[]>
  /**
   * Sends all of it at once, COMMIT too, and so in one round trip. Gives the rows of each statement.
   * @throws NotWritten when it certainly did not commit, InDoubt when it may have.
   */
  transaction(statements: readonly Statement[], limitMs: number, isPrepared: boolean): Promise<Row[][]>
}

class PostgresConnection implements Connection {
  readonly state: ServerState
  readonly #client: Client
  readonly #world: World
  readonly #listeners = { broken: () => {}, notification: (_payload: string) => {} }
  /** Answers to statements of the transaction under way. */
  #isCommitting = false
  #warning: string | undefined
  #isBroken = false

  private constructor(client: Client, state: ServerState, world: World) {
    this.#client = client
    this.#world = world
    this.state = state
    // Without a handler, a backend that somebody terminates would end this process.
    client.on('error', () => this.destroy())
    client.on('end', () => this.destroy())
    client.on('notice', ({ severity, message }) => {
      if (this.#isCommitting && severity !== 'NOTICE' && severity !== 'INFO')
        this.#warning ??= message ?? severity
    })
    client.on('notification', ({ payload }) => this.#listeners.notification(payload ?? ''))
  }

  /** Connects to one host and asks how it is set. Rejects without a word of the user or the password. */
  static async open(
    address: PostgresAddress,
    { host, port }: PostgresHost,
    world: World,
  ): Promise<PostgresConnection> {
    const { user, password, database, connectTimeoutMs } = address
    const client = new Client({
      host,
      port,
      user,
      password,
      database,
      ssl: tlsOf(address),
      pipeline: true,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      connectionTimeoutMillis: connectTimeoutMs,
      application_name: 'hostkey-vm-gateway',
    })
    const timer = world.after(connectTimeoutMs, () =>
      client.connection.stream.destroy(new Error('timeout expired')),
    )
    client.on('error', () => {})
    try {
      await client.connect()
      const { rows } = await client.query<Row>({ text: STATE, rowMode: 'array', types: AS_TEXT })
      const [inRecovery, readOnly, encoding, synchronousCommit, fsync] = rows[0]!
      const state = {
        inRecovery: inRecovery === 'true',
        readOnly: readOnly === 'on',
        encoding: encoding ?? '',
        synchronousCommit: synchronousCommit ?? '',
        fsync: fsync ?? '',
      }
      return new PostgresConnection(client, state, world)
    } catch (error) {
      client.connection.stream.destroy()
      throw connectWords(error, `${host}:${port}`)
    } finally {
      world.cancel(timer)
    }
  }

  get isBroken(): boolean {
    return this.#isBroken
  }

  onBroken(listener: () => void): void {
    if (this.#isBroken) listener()
    else this.#listeners.broken = listener
  }

  onNotification(listener: (payload: string) => void): void {
    this.#listeners.notification = listener
  }

  destroy(): void {
    if (this.#isBroken) return
    this.#isBroken = true
    this.#client.connection.stream.destroy()
    this.#listeners.broken()
  }

  async ask(statement: Statement, limitMs: number, isPrepared: boolean): Promise<Row[]> {
    const [answer] = await this.#send([statement], limitMs, isPrepared)
    return this.#rowsOf(answer!)
  }

  async transaction(
    statements: readonly Statement[],
    limitMs: number,
    isPrepared: boolean,
  ): Promise<Row[][]> {
    if (this.#isBroken) throw new NotWritten('the store could not be reached')
    this.#warning = undefined
    const all = [plain(BEGIN), ...statements, plain('COMMIT')]
    const answers = await this.#send(all, limitMs, isPrepared, () => (this.#isCommitting = true))
    this.#isCommitting = false
    const commit = answers.pop()!
    const rows = answers.map(answer => this.#rowsOf(answer, InDoubt))
    if ('error' in commit) {
      const code = sqlStateOf(commit.error)
      if (isWrongServer(code)) this.destroy()
      if (isRollback(code)) throw new NotWritten('the store did not commit', code, wordsOf(commit.error))
      throw new InDoubt('the store did not confirm what was written', { cause: wordsOf(commit.error) })
    }
    if (commit.command !== 'COMMIT') throw new NotWritten('the store did not commit')
    if (this.#warning !== undefined)
      throw new InDoubt('the store confirmed with a warning', { cause: new Error(this.#warning) })
    return rows.slice(1)
  }

  #rowsOf(answer: Answer, Lost: typeof InDoubt | typeof NotWritten = NotWritten): Row[] {
    if ('rows' in answer) return answer.rows
    const code = sqlStateOf(answer.error)
    if (isWrongServer(code)) this.destroy()
    if (code === '') throw new Lost('the store could not be reached', undefined, wordsOf(answer.error))
    throw new NotWritten('the store refused', code, wordsOf(answer.error))
  }

  /** Sends them in one piece, and waits for the last answer, or for the end of the connection. */
  #send(
    statements: readonly Statement[],
    limitMs: number,
    isPrepared: boolean,
    onLastButOne = (): unknown => undefined,
  ): Promise<Answer[]> {
    const [client, world] = [this.#client, this.#world]
    const { stream } = client.connection
    const answers: Answer[] = []
    return new Promise(resolve => {
      const timer = world.after(limitMs, () => {
        client.connection.stream.destroy(new Error(`no answer for ${limitMs} ms`))
        this.destroy()
      })
      const answered = (answer: Answer): void => {
        answers.push(answer)
        if (answers.length === statements.length - 1) onLastButOne()
        if (answers.length < statements.length) return
        world.cancel(timer)
        resolve(answers)
      }
      stream.cork()
      for (const { name, text, values } of statements) {
        client.query(
          {
            ...(isPrepared && name !== '' ? { name } : {}),
            text,
            values: values as unknown[],
            rowMode: 'array',
            types: AS_TEXT,
          },
          // A text of several statements has a list of results.
          (error: Error | null, result) => {
            if (error) answered({ error })
            else answered({ rows: result.rows as Row[], command: result.command })
          },
        )
      }
      process.nextTick(() => stream.uncork())
    })
  }
}

/** Without a name: it is sent as it is, and not prepared. */
export function plain(text: string): Statement {
  return { name: '', text, values: [] }
}

/** How a connection is made; see `connect`. */
export type Connect = typeof connect

/**
 * Tries the hosts, beginning with this one, until one is what the URL asks for. Gives its place too.
 * @throws Unusable when one of them can never serve, Refused when none lets this URL in, Error with what is wrong with each.
 */
export async function connect(
  address: PostgresAddress,
  first: number,
  world: World,
): Promise<{ connection: Connection; place: number }> {
  const { hosts, target } = address
  const reasons: string[] = []
  let isRefused = true
  for (let i = 0; i < hosts.length; i += 1) {
    const place = (first + i) % hosts.length
    try {
      const connection = await PostgresConnection.open(address, hosts[place]!, world)
      const problem = problemOf(connection.state, target)
      if (problem === undefined) return { connection, place }
      connection.destroy()
      if (problem instanceof Unusable) throw problem
      isRefused = false
      reasons.push(`${hosts[place]!.host}:${hosts[place]!.port}: ${problem}`)
    } catch (error) {
      if (error instanceof Unusable) throw error
      isRefused &&= error instanceof Refused
      reasons.push((error as Error).message)
    }
  }
  throw new (isRefused ? Refused : Error)(reasons.join('; '))
}

function problemOf(
  { inRecovery, readOnly, encoding }: ServerState,
  target: PostgresAddress['target'],
): string | Unusable | undefined {
  if (encoding !== 'UTF8') return new Unusable(`the database has the encoding ${encoding}; it must be UTF8`)
  if (target !== 'any' && inRecovery) return 'is a standby'
  if (target === 'read-write' && readOnly) return 'takes no writes'
  return undefined
}

/** What PostgreSQL is set to may break what the gateway promises; in words. */
export function lossesOf({ synchronousCommit, fsync }: ServerState): string[] {
  const losses: string[] = []
  if (synchronousCommit === 'off')
    losses.push('PostgreSQL has synchronous_commit=off: what was acknowledged is lost when it stops')
  if (fsync === 'off')
    losses.push('PostgreSQL has fsync=off: a power cut may destroy all that was acknowledged')
  return losses
}

function certificatesIn(path: string): string {
  try {
    return readTextFile(path)
  } catch (error) {
    throw new Refused(`the file of sslrootcert ${(error as Error).message}`, { cause: error })
  }
}

/** https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION */
function tlsOf({ sslMode, sslRootCert }: PostgresAddress): ClientConfig['ssl'] {
  if (sslMode === 'disable') return false
  // Read anew, as certificates rotate too.
  const ca = sslRootCert === undefined ? {} : { ca: certificatesIn(sslRootCert) }
  return {
    ...ca,
    rejectUnauthorized: sslMode !== 'require',
    ...(sslMode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  }
}
