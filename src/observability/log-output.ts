/**
 * Where the lines of the log go: a file descriptor that may be full, gone, or read by nobody. The gateway never waits for
 * it. What cannot be written is lost and counted, and the next line is tried again.
 */

import { fstatSync, write as writeFile, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import type { DestinationStream } from 'pino'

/** So many bytes are written at once: few enough that one failure costs few lines. */
const MAX_WRITE_BYTES = 64 * 1024
/** Whoever ends the process waits so long for a reader that hangs. */
const FLUSH_MS = 500

interface Sink {
  /** Writes a chunk beside the event loop, and tells when it is through with it. */
  write(chunk: Buffer, done: (error?: Error | null) => void): void
  /** Whether a part of what was given to `write` has not left yet, because nobody reads. */
  isStuck(): boolean
}

let lost = 0

/** Returns how many lines this process could not write since its start. */
export function lostLines(): number {
  return lost
}

/** A destination for pino. Lines are written in order, one write at a time. */
export class LogOutput implements DestinationStream {
  readonly #fd: number
  readonly #maxWaiting: number
  readonly #sink: Sink
  #waiting: string[] = []
  #waitingBytes = 0
  #isWriting = false
  /** A full disk takes the beginning of a line and not its end; the next line must not stand behind it. */
  #isTorn = false
  #onIdle: (() => void)[] = []

  /** @param maxWaiting how many bytes may wait to be written; lines past that are lost */
  constructor(fd: number, maxWaiting: number) {
    this.#fd = fd
    this.#maxWaiting = maxWaiting
    this.#sink = sinkOf(fd)
    process.once('exit', () => this.#writeRest())
  }

  write(line: string): void {
    const bytes = Buffer.byteLength(line)
    if (this.#waitingBytes + bytes > this.#maxWaiting) {
      lost += 1
      return
    }
    this.#waiting.push(line)
    this.#waitingBytes += bytes
    if (this.#isWriting) return
    this.#isWriting = true
    // The lines of one turn of the event loop go together: each write is a task of a thread, which costs more than a line.
    setImmediate(() => this.#next())
  }

  /** Calls back when everything is written or lost, or after half a second. This is what `flush` of a pino logger calls. */
  flush(done: () => void): void {
    if (!this.#isWriting) return done()
    const timer = setTimeout(done, FLUSH_MS)
    this.#onIdle.push(() => {
      clearTimeout(timer)
      done()
    })
  }

  #next(): void {
    if (this.#waiting.length === 0) {
      this.#isWriting = false
      for (const done of this.#onIdle.splice(0)) done()
      return
    }
    const lines = this.#take()
    this.#sink.write(Buffer.from((this.#isTorn ? '\n' : '') + lines.join('')), error => {
      if (error) lost += lines.length
      this.#isTorn = Boolean(error)
      this.#next()
    })
  }

  /** Takes the first lines that wait, of about the size of one write. */
  #take(): string[] {
    let count = 0
    let bytes = 0
    while (count < this.#waiting.length && bytes < MAX_WRITE_BYTES) {
      bytes += Buffer.byteLength(this.#waiting[count]!)
      count += 1
    }
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, count)
  }

  /** A process that ends at once writes what still waits, but not into the middle of a line. */
  #writeRest(): void {
    if (this.#waiting.length === 0 || this.#sink.isStuck()) return
    try {
      writeSync(this.#fd, this.#waiting.join(''))
    } catch {
      // Nobody is left to count it.
    }
  }
}

/**
 * Files are written by Node's thread pool. A pipe or a socket whose reader hangs would keep such a thread for ever, and the
 * process with it when it ends: they are written as streams, which do not block.
 */
function sinkOf(fd: number): Sink {
  const stat = fstatSync(fd)
  if (!stat.isFIFO() && !stat.isSocket())
    return { write: (chunk, done) => writeAll(fd, chunk, done), isStuck: () => false }
  // Two streams on one descriptor disturb each other, so stdout is the one that Node has already.
  const stream: Writable = fd === 1 ? process.stdout : new Socket({ fd, readable: false, writable: true })
  // The write tells it, too.
  stream.on('error', () => {})
  return {
    write: (chunk, done) => void stream.write(chunk, done),
    isStuck: () => stream.writableLength > 0,
  }
}

function writeAll(fd: number, chunk: Buffer, done: (error?: Error | null) => void): void {
  writeFile(fd, chunk, (error, written) => {
    if (error || written === chunk.length) done(error)
    else writeAll(fd, chunk.subarray(written), done)
  })
}
