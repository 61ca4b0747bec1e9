/**
 * Passes over `100 Continue`. A server may send any interim answer (1xx) before the real one, asked for or not (RFC 9110,
 * section 15.2). undici passes over all of them but 100, on which it closes the connection: a change that was carried out
 * would look lost. So the connection shows undici a `102` in its place, which means as little.
 */

import type { Socket } from 'node:net'

/** `HTTP/1.1 200`: as many bytes of a status line as tell the status. */
const STATUS_BYTES = 12
const INTERIM = /^HTTP\/1\.\d 1\d\d$/
const LF = 10
const CR = 13

/**
 * The same socket, on which no answer is ever a 100. One exchange at a time (no pipelining) may be made over it: the
 * answer to a request begins with the first byte that comes after the request was written.
 */
export function passOverContinue(socket: Socket): Socket {
  const read = socket.read.bind(socket)
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
  let heads = new Heads()
  socket.read = size => {
    const chunk: unknown = read(size)
    if (Buffer.isBuffer(chunk)) heads.see(chunk)
    return chunk
  }
  socket.write = (...args: unknown[]): boolean => {
    heads = new Heads()
    return write(...args)
  }
  return socket
}

/** The heads before an answer's own, byte by byte: a chunk may end anywhere. */
class Heads {
  /** The beginning of a status line, until there is enough of it. */
  #status = ''
  /** Line feeds in a row, of which two end a head. */
  #lineFeeds = 0
  /** The answer itself has begun: nothing that follows is looked at. */
  #isOver = false

  /** Looks at the next bytes, and makes a 100 among them a 102. */
  see(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && !this.#isOver; at += 1) {
      const byte = chunk[at]!
      if (this.#status.length === STATUS_BYTES) this.#seeHead(byte)
      // Empty lines may stand before a status line.
      else if (this.#status !== '' || (byte !== CR && byte !== LF)) {
        this.#status += String.fromCharCode(byte)
        if (this.#status.length < STATUS_BYTES) continue
        this.#isOver = !INTERIM.test(this.#status)
        this.#lineFeeds = 0
        if (!this.#isOver && this.#status.endsWith('100')) chunk[at] = '2'.charCodeAt(0)
      }
    }
  }

  #seeHead(byte: number): void {
    if (byte === LF) this.#lineFeeds += 1
    else if (byte !== CR) this.#lineFeeds = 0
    if (this.#lineFeeds === 2) this.#status = ''
  }
}
