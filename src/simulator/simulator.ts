import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { Cloud } from './cloud.ts'
import type { CloudOptions, LedgerEntry, VmOptions, VmState } from './cloud.ts'
import { Connections } from './connections.ts'
import { control } from './control.ts'
import { deliver } from './delivery.ts'
import { FaultQueue } from './faults.ts'
import type { Fault } from './faults.ts'
import { json, Scripts } from './scripts.ts'
import { Tokens } from './tokens.ts'
import type { TokenOptions } from './tokens.ts'

export type { Fault, LedgerEntry, VmOptions, VmState }
export { GUIDE } from './rules.ts'

export interface SimulatorOptions extends CloudOptions, TokenOptions {
  /** 127.0.0.1 and a free port when not given. */
  host?: string
  port?: number
  now?: () => number
}

/** A request as it came, before anything was made of it. */
export interface RawRequest {
  at: number
  method: string
  /** With the query, so that `path === '/vm.php'` also says that nothing was put into the URL. */
  path: string
  contentType: string
  body: string
  fields: Record<string, string>
  headers: IncomingHttpHeaders
  /** Numbers the TCP connections. */
  socketId: number
}

export interface Simulator {
  readonly baseUrl: string
  readonly port: number
  readonly requests: RawRequest[]
  readonly ledger: LedgerEntry[]
  /** TCP connections accepted so far, those of control requests among them. */
  readonly connections: number
  /** Bytes handed to the network so far: of an answer that is cut off, little more than was taken. */
  readonly bytesSent: number
  vm(id: number): VmState | undefined
  setVm(id: number, options: Partial<VmOptions>): void
  fault(fault: Fault): void
  clearFaults(): void
  /** Every token from a login becomes invalid, the fixed one too when asked. */
  expireTokens(options?: { fixed?: boolean }): void
  setToken(token: string): void
  /** Forgets every callback key and cuts all connections; VMs stay and accepted tasks still take effect. */
  restart(): void
  close(): Promise<void>
}

/**
 * A HOSTKEY over real HTTP for the demo and the tests. In crash tests it is the judge: its ledger says what was really
 * carried out, whatever the gateway believes. It reads requests as PHP does, so a gateway that puts a field where PHP
 * would not look for it is refused here too.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const now = options.now ?? Date.now
  const cloud = new Cloud(options, now)
  const tokens = new Tokens(options, now)
  const faults = new FaultQueue()
  const requests: RawRequest[] = []
  const scripts = new Scripts(cloud, tokens, faults)
  const server = createServer({ keepAliveTimeout: 5000 }, (req, res) => {
    handle(req, res).catch((error: unknown) => {
      // Either the client left in the middle of its request, or it is a control request that makes no sense.
      if (!req.complete || res.headersSent) res.destroy()
      else deliver(res, { status: 400, body: String(error) })
    })
  })
  const connections = new Connections(server)

  function restart(except?: Socket | null): void {
    cloud.forgetKeys()
    connections.cut(except)
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers, socket } = req
    const body = await text(req)
    if (path.startsWith('/_control/')) {
      const controlled = { cloud, tokens, faults, requests, restart: () => restart(res.socket) }
      const answer = control(controlled, `${method} ${path.slice(10)}`, body)
      return deliver(res, { ...json(answer), headers: { 'content-type': 'application/json' } })
    }
    const contentType = headers['content-type'] ?? ''
    // $_POST is filled from the body alone, and only when it is a form. Of a repeated field the last one counts.
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(contentType)
    const fields = Object.fromEntries(new URLSearchParams(isForm ? body : ''))
    const socketId = connections.idOf(socket)
    requests.push({ at: now(), method, path, contentType, body, fields, headers, socketId })
    const { reply, fault } = scripts.serve(method, path, fields)
    res.setHeader('date', new Date(now()).toUTCString())
    deliver(res, reply, fault)
  }

  const host = options.host ?? '127.0.0.1'
  server.listen(options.port ?? 0, host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on TCP')
  const { port } = address

  return {
    baseUrl: `http://${host}:${port}`,
    port,
    requests,
    get ledger() {
      return cloud.ledger
    },
    get connections() {
      return connections.count
    },
    get bytesSent() {
      return connections.bytesSent
    },
    vm: id => cloud.vm(id),
    setVm: (id, vm) => cloud.setVm(id, vm),
    fault: fault => faults.add(fault),
    clearFaults: () => faults.clear(),
    expireTokens: which => tokens.expire(which),
    setToken: token => tokens.setFixed(token),
    restart: () => restart(),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        connections.cut()
      }),
  }
}
