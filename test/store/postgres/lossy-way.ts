/** A way to PostgreSQL that loses requests or answers, stops moving anything, or ends, for one test. */

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface LossyWay {
  port: number
  /** `postgres://…` through it. */
  url(schema: string, parameters?: string): string
  /** The next COMMIT that the server confirms is not heard of: the connection breaks instead. */
  loseCommits(count?: number): void
  /** The next thing that is asked for never arrives: the connection breaks instead. */
  loseRequest(): void
  /** The next thing that is asked for breaks the connection of who asks, and arrives when this is called. */
  delayRequest(): () => Promise<void>
  /** Nothing arrives any more, in neither direction, and nobody is told. */
  freeze(): void
  thaw(): void
  /** Breaks every connection, and takes no other one. */
  close(): void
  open(): void
  leadTo(port: number): void
  /** How many connections were made so far. */
  made(): number
}

const COMMITTED = Buffer.from('COMMIT\0')

export async function openLossyWay(to: number): Promise<LossyWay> {
  const sockets = new Set<Socket>()
  let target = to
  let lostCommits = 0
  let isRequestLost = false
  let delayed: ((far: Socket, chunk: Buffer) => void) | undefined
  let isFrozen = false
  let made = 0
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer(near => {
    made += 1
    const far = connect(target, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          near.destroy()
          far.destroy()
          sockets.delete(socket)
        })
      if (isFrozen) socket.pause()
    }
    near.on('data', chunk => {
      if (delayed) {
        // The server's side stays open, as that of a connection that is half gone.
        near.removeAllListeners('close').destroy()
        far.removeAllListeners('data').resume()
        delayed(far, chunk)
        delayed = undefined
      } else if (isRequestLost) {
        isRequestLost = false
        breakAll()
      } else far.write(chunk)
    })
    let held = Buffer.alloc(0)
    far.on('data', chunk => {
      held = Buffer.concat([held, chunk])
      if (lostCommits > 0 && held.includes(COMMITTED)) {
        lostCommits -= 1
        breakAll()
        return
      }
      if (lostCommits > 0) return
      near.write(held)
      held = Buffer.alloc(0)
    })
  })
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  await listen(0)
  const { port } = server.address() as { port: number }
  const close = (): void => {
    if (server.listening) server.close()
    breakAll()
  }
  onTestFinished(close)
  return {
    port,
    url: (schema, parameters = '') =>
      `postgres://gateway@127.0.0.1:${port}/postgres?schema=${schema}&notify=off${parameters}`,
    loseCommits: (count = 1) => void (lostCommits = count),
    loseRequest: () => void (isRequestLost = true),
    delayRequest() {
      const { promise, resolve } = Promise.withResolvers<() => Promise<void>>()
      delayed = (far, chunk) =>
        resolve(async () => {
          far.write(chunk)
          const answers: Buffer[] = []
          while (
            !Buffer.concat(answers).includes('ROLLBACK\0') &&
            !Buffer.concat(answers).includes(COMMITTED)
          )
            answers.push(((await once(far, 'data')) as [Buffer])[0])
        })
      return async () => (await promise)()
    },
    freeze() {
      isFrozen = true
      for (const socket of sockets) socket.pause()
    },
    thaw() {
      isFrozen = false
      for (const socket of sockets) socket.resume()
    },
    close,
    open: () => void listen(port),
    leadTo: next => void (target = next),
    made: () => made,
  }
}
