/**
 * A real PostgreSQL for tests, which can be killed, stopped and started again on the same files. It runs as an ordinary
 * user, as it refuses to run as root, and without a Unix socket.
 */

import { execFile, execFileSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { onTestFinished } from 'vitest'
import { findProgram, freePort, runProgram, tellSkipped, type Program } from '../../programs.ts'

export interface PostgresServer {
  port: number
  directory: string
  /** `postgres://…` with tables of its own schema. */
  url(schema?: string, parameters?: string): string
  /** One statement, as a superuser, over a connection of its own. */
  query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>
  /** As `kill -9` does, of all its processes. */
  kill(): Promise<void>
  /** Again on the same port and files. */
  start(...more: string[]): Promise<void>
  /** Its main process and the children, each of which serves a connection or has some other task. */
  pids(): number[]
  /** SIGSTOP: it takes connections and bytes, and answers nothing. */
  stop(): void
  go(): void
}

const ROOT_DIRECTORY = '/usr/lib/postgresql'
const NOBODY = 65_534
/** Whom PostgreSQL runs as. */
export const USER = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}

/** The newest PostgreSQL of the PATH, or of where Debian puts it; null when there is none. */
export function findPostgres(): string | null {
  const initdb = findProgram('initdb') ?? globSync(`${ROOT_DIRECTORY}/*/bin/initdb`).toSorted().at(-1)
  return initdb === undefined ? null : dirname(realpathSync(initdb))
}

/** For `test.skipIf`: whether PostgreSQL is missing, which is an error under CI=true. */
export function lacksPostgres(): boolean {
  if (findPostgres() !== null) return false
  const why = `PostgreSQL was found neither on the PATH nor in ${ROOT_DIRECTORY}`
  if (process.env.CI === 'true') throw new Error(why)
  return tellSkipped(why)
}

function programOf(name: string): string {
  return join(findPostgres()!, name)
}

/** A directory that belongs to whom PostgreSQL runs as. */
function directoryOfUser(prefix: string): string {
  const directory = mkdtempSync(join(tmpdir(), prefix))
  if (USER.uid !== undefined) chownSync(directory, USER.uid, USER.gid)
  return directory
}

/** Made once on this machine and then copied, which takes a tenth of the time. */
function freshData(): string {
  const programs = findPostgres()!
  const template = join(
    tmpdir(),
    `gateway-test-postgres${programs.replaceAll('/', '-')}-${USER.uid ?? 'own'}`,
  )
  if (!existsSync(template)) {
    const made = directoryOfUser('gateway-test-initdb-')
    const args = [
      '-D',
      join(made, 'data'),
      '-U',
      'gateway',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
    ]
    execFileSync(join(programs, 'initdb'), args, { ...USER, cwd: made, stdio: 'ignore' })
    try {
      renameSync(made, template)
    } catch {
      // Another worker was faster.
      rmSync(made, { recursive: true, force: true })
    }
  }
  const directory = directoryOfUser('gateway-test-postgres-')
  execFileSync('cp', ['-a', join(template, 'data'), directory])
  return directory
}

/** To the server and to each of its sessions, which are processes in groups of their own. */
function signalAll({ child }: Program, signal: NodeJS.Signals): void {
  child.kill(signal)
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  for (const line of lines) {
    const [pid, parent] = line.trim().split(/\s+/).map(Number)
    try {
      if (parent === child.pid) process.kill(pid!, signal)
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** Whether it takes connections by now; false when it ended. */
async function isReady({ stderr, ended }: Program): Promise<boolean> {
  let hasEnded = false
  void ended.then(() => (hasEnded = true))
  while (!hasEnded && !stderr.some(line => line.includes('ready to accept'))) await sleep(5)
  return !hasEnded
}

export interface PostgresOptions {
  /** Settings, each as `name=value`. */
  settings?: string[]
  /** A data directory that is there already. */
  data?: string
  onFinished?: (end: () => unknown) => void
}

/** Ends with the test, or with `onFinished`. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { settings = ['fsync=off'], onFinished = onTestFinished } = options
  const directory = options.data ?? freshData()
  const port = await freePort()
  let program: Program
  const url = (schema = 'public', parameters = ''): string =>
    `postgres://gateway@127.0.0.1:${port}/postgres?schema=${schema}${parameters}`

  const start = async (...more: string[]): Promise<void> => {
    const all = [
      'shared_buffers=32MB',
      'max_connections=100',
      'log_min_messages=warning',
      ...settings,
      ...more,
    ]
    // A process of the killed one may still hold the files for a moment.
    for (let tries = 0; ; tries += 1) {
      program = runProgram(programOf('postgres'), {
        args: [
          ['-D', join(directory, 'data'), '-h', '127.0.0.1', '-p', String(port), '-k', ''],
          all.flatMap(setting => ['-c', setting]),
        ].flat(),
        cwd: directory,
        user: USER,
        onFinished,
      })
      if (await isReady(program)) return
      if (tries > 20) throw new Error(program.stderr.join('\n'))
    }
  }
  const pids = (): number[] => {
    const pid = program.child.pid!
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
    return [pid, ...children.map(Number)]
  }
  onFinished(async () => {
    if (program.child.exitCode === null) signalAll(program, 'SIGKILL')
    await program.ended
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  })
  await start()
  return {
    port,
    directory,
    url,
    async query(text, values) {
      const client = new Client({ host: '127.0.0.1', port, user: 'gateway', database: 'postgres' })
      // The server may be killed in between.
      client.on('error', () => {})
      await client.connect()
      try {
        return (await client.query(text, values as unknown[])).rows as Record<string, unknown>[]
      } finally {
        await client.end()
      }
    },
    async kill() {
      signalAll(program, 'SIGKILL')
      await program.ended
    },
    start,
    pids,
    stop: () => signalAll(program, 'SIGSTOP'),
    go: () => signalAll(program, 'SIGCONT'),
  }
}

/** A hot standby of a server, which follows it; `name` is what it calls itself to `synchronous_standby_names`. */
export async function copyOf(
  primary: PostgresServer,
  options: PostgresOptions & { name?: string } = {},
): Promise<PostgresServer> {
  const { name = 'standby', settings = ['fsync=off'], ...others } = options
  const data = directoryOfUser('gateway-test-postgres-')
  const from = `host=127.0.0.1 port=${primary.port} user=gateway application_name=${name}`
  const args = ['-D', join(data, 'data'), '-d', from, '-R', '-X', 'stream', '-c', 'fast', '--no-sync']
  await promisify(execFile)(programOf('pg_basebackup'), args, { ...USER, cwd: data })
  return startPostgres({ ...others, data, settings: [...settings, `primary_conninfo=${from}`] })
}
