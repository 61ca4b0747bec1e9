import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { Cloud, refused } from './cloud.ts'
import type { CloudOptions, LedgerEntry, Said, VmOptions, VmState } from './cloud.ts'
import { deliver } from './delivery.ts'
import type { Reply } from './delivery.ts'
import { DRESSES } from './dresses/dresses.ts'
import { wear } from './dresses/wear.ts'
import { FaultQueue, acts, dressesOf } from './faults.ts'
import type { Fault } from './faults.ts'
import { phpJson } from './json.ts'
import { Tokens } from './tokens.ts'
import type { TokenOptions } from './tokens.ts'

export type { Fault, LedgerEntry, VmOptions, VmState }
export type { Snapshot } from './cloud.ts'
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
  const sockets = new Map<Socket, number>()
  let connections = 0
  let bytesOfClosed = 0

  /** Carries the call out and says what PHP would echo. */
  function echo(script: string, fields: Record<string, string>, fault?: Fault): Said {
    const worn = dressesOf(fault)
    if (!acts(fault)) return refused(fields, fault?.reason ?? 'internal error', worn)
    if (script === 'eq_callback.php') return cloud.check(fields, fault)
    const about = { reason: '', fields, ageMs: 0, context: {} }
    if (script === 'auth.php') {
      return { answer: tokens.answer(fields, cloud.ids, fault?.kind === 'dead-token'), worn, about }
    }
    const { token } = fields
    if (!tokens.accepts(token)) {
      return {
        answer: { code: -2, message: 'invalid token' },
        worn: worn.filter(({ on }) => on === 'any'),
        about,
      }
    }
    if (!tokens.reaches(token, Number(fields.id))) return refused(fields, 'server not found', worn)
    return cloud.call(fields, fault)
  }

  function reply(script: string, fields: Record<string, string>, fault?: Fault): Reply {
    const { answer, worn, about } = echo(script, fields, fault)
    if (fault?.kind !== 'respond' && fault?.kind !== 'respond-after') return wear(answer, worn, about)
    const { status = 200, headers = {}, body = '' } = fault
    return { status, headers, body }
  }

  function serve(method: string, path: string, fields: Record<string, string>, res: ServerResponse): void {
    const script = /([^/?]*)(\?.*)?$/.exec(path)?.[1] ?? ''
    const subjects: Record<string, { action: string; vmId?: number | undefined }> = {
      'vm.php': { action: fields.action ?? '', vmId: Number(fields.id) },
      'eq_callback.php': { action: 'check', vmId: cloud.vmOfKey(fields.key) },
      'auth.php': { action: fields.action === 'logout' ? 'logout' : 'login' },
    }
    const subject = Object.hasOwn(subjects, script) && subjects[script]
    if (!subject)
      return deliver(res, { status: 404, body: '<html><body><h1>404 Not Found</h1></body></html>' })
    // The vendor's page shows one GET; for any other PHP finds no fields at all, which this says more helpfully.
    if (method !== 'POST' && !(method === 'GET' && subject.action === 'get_snapshot')) {
      return deliver(res, json({ code: -1, message: 'invalid request method' }))
    }
    const fault = faults.take(subject.action, subject.vmId)
    deliver(res, reply(script, fields, fault), fault)
  }

  /** Lets another process, a crash test or a person at the demo, do what the methods below do. */
  function control(command: string, body: string, res: ServerResponse): void {
    const vmId = /^(?:GET|POST) vm\/(\d+)$/.exec(command)?.[1]
    let answer: object | null = {}
    if (command === 'POST fault') faults.add(JSON.parse(body))
    else if (command === 'DELETE faults') faults.clear()
    else if (command === 'GET dresses') answer = DRESSES
    else if (command === 'POST expire-tokens') tokens.expire(JSON.parse(body || '{}'))
    else if (command === 'GET ledger') answer = cloud.ledger
    else if (command === 'GET requests') answer = requests
    else if (command === 'POST restart') restart(res.socket)
    else if (vmId !== undefined) {
      if (command.startsWith('POST')) cloud.setVm(Number(vmId), JSON.parse(body))
      answer = cloud.vm(Number(vmId)) ?? null
    } else throw new Error(`no such control: ${command}`)
    deliver(res, { ...json(answer), headers: { 'content-type': 'application/json' } })
  }

  function cut(except?: Socket | null): void {
    for (const socket of sockets.keys()) if (socket !== except) socket.destroy()
  }

  function restart(except?: Socket | null): void {
    cloud.forgetKeys()
    cut(except)
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers, socket } = req
    const body = await text(req)
    if (path.startsWith('/_control/')) return control(`${method} ${path.slice(10)}`, body, res)
    const contentType = headers['content-type'] ?? ''
    // $_POST is filled from the body alone, and only when it is a form. Of a repeated field the last one counts.
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(contentType)
    const fields = Object.fromEntries(new URLSearchParams(isForm ? body : ''))
    const socketId = sockets.get(socket) ?? 0
    requests.push({ at: now(), method, path, contentType, body, fields, headers, socketId })
    serve(method, path, fields, res)
  }

  const server = createServer({ keepAliveTimeout: 5000 }, (req, res) => {
    handle(req, res).catch((error: unknown) => {
      // Either the client left in the middle of its request, or it is a control request that makes no sense.
      if (!req.complete || res.headersSent) res.destroy()
      else deliver(res, { status: 400, body: String(error) })
    })
  })
  server.on('connection', socket => {
    sockets.set(socket, ++connections)
    socket.once('close', () => {
      sockets.delete(socket)
      bytesOfClosed += socket.bytesWritten
    })
  })

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
      return connections
    },
    get bytesSent() {
      return [...sockets.keys()].reduce((sum, { bytesWritten }) => sum + bytesWritten, bytesOfClosed)
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
        cut()
      }),
  }
}

const json = (value: object | null): Reply => ({ body: phpJson(value) })
