/**
 * How another program gets a copy of a database that is in use. Over a socket beside the file, which only its owner can open,
 * it asks the process that holds the database to keep the file as it is: in WAL mode it changes only at a checkpoint, and there
 * is none until the program says that it has its copy. Writes go on meanwhile, into the WAL file.
 *
 * The process that holds the database cannot copy the file itself: closing a file ends every POSIX lock that a process has on
 * it (fcntl(2)). The online backup of `node:sqlite` holds up the event loop for 0.1 to 1 s under load, and now and then
 * gives up (measured with Node 24.21).
 */

import { rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { relative, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { copyFileWhole } from './copy.ts'

/** What is said over the socket, each a line: `hold` is answered with `held`, and `done` with `released`. */
const HOLD = 'hold'
const HELD = 'held'
const DONE = 'done'
const RELEASED = 'released'

/** A socket has a path of at most this many bytes (unix(7): 108 with the zero at the end; other systems take 104). */
const MAX_PATH_BYTES = 103
/** Meanwhile the WAL file grows, so nobody may hold a database for longer. */
const MAX_HOLD_MS = 600_000

export interface Control {
  /** Ends every hold, and takes no more. */
  close(): void
}

export interface ControlOptions {
  /** Keeps the file of the database as it is, from now until the returned function is called. */
  hold: () => () => void
  maxHoldMs?: number
}

/**
 * Listens beside the database at `path`. Whoever calls this holds the database, so a socket that is there was left behind by a
 * process that was killed.
 * @throws Error when there can be no socket.
 */
export async function openControl(
  path: string,
  { hold, maxHoldMs = MAX_HOLD_MS }: ControlOptions,
): Promise<Control> {
  const socketPath = controlPath(path)
  rmSync(socketPath, { force: true })
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('close', () => sockets.delete(socket)))
    serve(socket, hold, maxHoldMs)
  })
  await listen(server, socketPath)
  server.unref()
  return {
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/**
 * Copies the database at `path` to a new file `target`. Resolves with false when no process holds the database.
 * @throws Error whose message says why there is no copy.
 */
export async function copyHeld(path: string, target: string): Promise<boolean> {
  const socket = connect(controlPath(path))
  const lines = createInterface({ input: socket, crlfDelay: Infinity })[Symbol.asyncIterator]()
  const ask = async (word: string, answer: string): Promise<void> => {
    socket.write(`${word}\n`)
    const { value } = await lines.next()
    if (value !== answer) throw new Error(value ?? 'the gateway ended before the copy was made')
  }
  try {
    await connected(socket)
    await ask(HOLD, HELD)
    await copyFileWhole(path, target, () => ask(DONE, RELEASED))
    return true
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (syscall === 'connect' && (code === 'ENOENT' || code === 'ECONNREFUSED')) return false
    throw error
  } finally {
    socket.destroy()
  }
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolved, reject) => socket.once('connect', resolved).once('error', reject))
}

/** The path of the socket beside a database: from the working directory where that is shorter than the whole. */
function controlPath(path: string): string {
  const absolute = `${resolve(path)}.control`
  const near = relative(process.cwd(), absolute)
  const shorter = near.length < absolute.length ? near : absolute
  if (Buffer.byteLength(shorter) > MAX_PATH_BYTES)
    throw new Error(`the path of a socket has at most ${MAX_PATH_BYTES} bytes, and ${shorter} has more`)
  return shorter
}

async function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve: listening, reject } = Promise.withResolvers<void>()
  server.once('error', reject).once('listening', listening)
  // The socket is made before `listen` returns, and is never open to others, not even for a moment.
  const before = process.umask(0o177)
  try {
    server.listen(path)
  } finally {
    process.umask(before)
  }
  await promise
}

function serve(socket: Socket, hold: () => () => void, maxHoldMs: number): void {
  let release: (() => void) | undefined
  const end = (): void => {
    release?.()
    release = undefined
  }
  // Whoever says nothing, or holds for too long, is cut off, and gets no answer that the copy is good.
  socket.setTimeout(maxHoldMs, () => socket.destroy())
  socket.on('error', () => {}).on('close', end)
  createInterface({ input: socket }).on('line', word => {
    try {
      if (word === HOLD && !release) {
        release = hold()
        socket.write(`${HELD}\n`)
      } else if (word === DONE && release) {
        end()
        socket.end(`${RELEASED}\n`)
      } else socket.destroy()
    } catch (error) {
      socket.end(`${(error as Error).message}\n`)
    }
  })
}
