import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** The TCP connections of a server: numbered as they come, counted in bytes, and cut on request. */
export class Connections {
  readonly #open = new Map<Socket, number>()
  #bytesOfClosed = 0
  /** Accepted so far. */
  count = 0

  constructor(server: Server) {
    server.on('connection', socket => {
      this.#open.set(socket, ++this.count)
      socket.once('close', () => {
        this.#open.delete(socket)
        this.#bytesOfClosed += socket.bytesWritten
      })
    })
  }

  /** Handed to the network so far. */
  get bytesSent(): number {
    return [...this.#open.keys()].reduce((sum, { bytesWritten }) => sum + bytesWritten, this.#bytesOfClosed)
  }

  /** The number of a connection; 0 when it is closed. */
  idOf(socket: Socket): number {
    return this.#open.get(socket) ?? 0
  }

  /** Destroys all but one. */
  cut(except?: Socket | null): void {
    for (const socket of this.#open.keys()) if (socket !== except) socket.destroy()
  }
}
