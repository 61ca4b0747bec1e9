/** A TCP way to the simulator that can be broken below HTTP, for one test. */

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { onTestFinished } from 'vitest'

export type Break = 'refuse' | 'reset' | 'hang'

export interface Way {
  baseUrl: string
  leadTo(port: number): void
  /** Cuts every connection. `reset` then accepts and resets this many, the others let nobody connect before `heal`. */
  break(how: Break, times?: number): Promise<void>
  heal(): Promise<void>
}

const HOST = '127.0.0.1'

/** The kernel answers for a thread that listens and sleeps until its backlog is full; then it drops every SYN. */
const SLEEPER = `
  const { parentPort, workerData: { port, gate } } = require('node:worker_threads')
  require('node:net').createServer().listen({ port, host: '${HOST}', backlog: 1 }, () => {
    parentPort.postMessage('listening')
    Atomics.wait(gate, 0, 0)
    process.exit()
  })`
const BACKLOG = 2

export async function openWay(): Promise<Way> {
  const sockets = new Set<Socket>()
  let target = 0
  let resets = 0
  let wake = async (): Promise<void> => {}

  function join(socket: Socket, other: Socket): void {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => {
      sockets.delete(socket)
      other.destroy()
    })
    socket.pipe(other)
  }

  const server = createServer(socket => {
    if (resets > 0) {
      resets -= 1
      socket.resetAndDestroy()
      return
    }
    const onwards = connect(target, HOST)
    join(socket, onwards)
    join(onwards, socket)
  })
  const listen = async (port: number): Promise<void> => {
    server.listen(port, HOST)
    await once(server, 'listening')
  }
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const close = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    cut()
    await closed
  }

  /** Listens at the port without ever accepting, and fills the backlog. */
  async function hang(): Promise<void> {
    const gate = new Int32Array(new SharedArrayBuffer(4))
    const sleeper = new Worker(SLEEPER, { eval: true, workerData: { port, gate } })
    await once(sleeper, 'message')
    for (let i = 0; i < BACKLOG; i += 1) {
      const filler = connect(port, HOST).on('error', () => {})
      await once(filler, 'connect')
    }
    wake = async () => {
      wake = async () => {}
      Atomics.store(gate, 0, 1)
      Atomics.notify(gate, 0)
      await once(sleeper, 'exit')
    }
  }

  await listen(0)
  const { port } = server.address() as AddressInfo
  onTestFinished(async () => {
    await wake()
    await close()
  })
  return {
    baseUrl: `http://${HOST}:${port}`,
    leadTo: port => void (target = port),
    async break(how, times = Infinity) {
      if (how === 'reset') {
        resets = times
        cut()
        return
      }
      await close()
      if (how === 'hang') await hang()
    },
    async heal() {
      resets = 0
      await wake()
      if (!server.listening) await listen(port)
    },
  }
}
