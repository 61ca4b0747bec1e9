import type { ServerResponse } from 'node:http'
import { Readable, pipeline } from 'node:stream'

/**
 * Every kind of fault, and whether the call is carried out all the same (`acts` of a fault says otherwise). What a test
 * wants to know after a fault is "did it happen upstream?", so this is said here once and not implied by the code below.
 */
const ACTS = {
  'drop-before': false, // the socket is destroyed
  'drop-after': true, // the socket is destroyed without an answer
  'drop-body': true, // the socket is destroyed in the middle of the body
  hang: false, // no answer ever comes
  'hang-after': true, // no answer ever comes
  'hang-body': true, // headers and a few bytes come, then nothing
  late: true, // at once, but the answer comes `delayMs` later
  'lose-key': true, // answered, but the callback key is unknown from the start
  burn: true, // for `check`: the key is deleted, the task done or not, and the socket destroyed
  respond: false, // the answer is `status`, `headers` and `body`
  'respond-after': true, // the answer is `status`, `headers` and `body`
  refuse: false, // refused the vendor's way with `reason`
  huge: false, // the answer is JSON of `bytes` bytes
  'task-fails': true, // accepted, the task ends failed with `reason`
  'never-done': true, // accepted, the task stays "Not ready"
} as const

export interface Fault {
  /** Which requests it hits: all given members must match. `check` is eq_callback.php, `login` is auth.php. */
  action?: string
  /** For `check` it is the VM of the task behind the key. */
  vmId?: number
  /** How many requests it hits, 1 when not given. A request is hit by one fault, the first in the queue that matches. */
  times?: number
  kind: keyof typeof ACTS
  /** Whether the call is carried out all the same, where not as usual for the kind. */
  acts?: boolean
  delayMs?: number
  status?: number
  headers?: Record<string, string>
  body?: string
  reason?: string
  bytes?: number
}

/** Whether the call is carried out despite the fault. */
export const acts = (fault: Fault | undefined): boolean =>
  fault === undefined || (fault.acts ?? ACTS[fault.kind])

const matches = (wanted: unknown, given: unknown) => wanted === undefined || wanted === given

export class FaultQueue {
  #queue: { fault: Fault; left: number }[] = []

  add(fault: Fault): void {
    // Faults also come as JSON from other processes, where a mistyped kind would quietly test nothing.
    if (!Object.hasOwn(ACTS, fault.kind)) throw new TypeError(`unknown fault kind: ${fault.kind}`)
    this.#queue.push({ fault, left: fault.times ?? 1 })
  }

  /** The fault this request meets, if any; it counts as hit even when the call would have been refused anyway. */
  take(action: string, vmId: number | undefined): Fault | undefined {
    const hit = this.#queue.find(({ fault }) => matches(fault.action, action) && matches(fault.vmId, vmId))
    if (hit && --hit.left <= 0) this.#queue = this.#queue.filter(other => other !== hit)
    return hit?.fault
  }

  clear(): void {
    this.#queue = []
  }
}

export type Reply = Pick<Fault, 'status' | 'headers' | 'body'>

/** Sends the reply the way the fault wants it; without a fault, as it is. JSON too has PHP's own content type. */
export function deliver(res: ServerResponse, reply: Reply, fault?: Fault): void {
  const bytes = Buffer.from(reply.body ?? '')
  res.setHeader('content-type', 'text/html; charset=UTF-8')
  const hangUp = () => res.socket?.destroy()
  switch (fault?.kind) {
    case 'drop-before':
    case 'drop-after':
    case 'burn':
      hangUp()
      return
    case 'hang':
    case 'hang-after':
      return
    case 'drop-body':
      writeHead(res, reply).write(bytes.subarray(0, bytes.length / 2), hangUp)
      return
    case 'hang-body':
      writeHead(res, reply).write(bytes.subarray(0, 5))
      return
    case 'late': {
      const timer = setTimeout(() => writeHead(res, reply).end(bytes), fault.delayMs ?? 1000)
      // Every way to end, the simulator's close among them, closes the response: no timer outlives it.
      res.once('close', () => clearTimeout(timer))
      return
    }
    case 'huge':
      // Chunked, so that a client's size limit cannot lean on Content-Length. A client that leaves is no error.
      pipeline(Readable.from(hugeJson(fault.bytes ?? 2 ** 21)), res, () => {})
      return
    default:
      writeHead(res, reply).end(bytes)
  }
}

function writeHead(res: ServerResponse, { status = 200, headers = {}, body = '' }: Reply): ServerResponse {
  res.statusCode = status
  res.setHeader('content-length', Buffer.byteLength(body))
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  return res
}

function* hugeJson(bytes: number): Generator<string> {
  const [head, tail] = ['{"result":"OK","scope":"', '"}']
  yield head
  for (let left = bytes - head.length - tail.length; left > 0; left -= 65_536) {
    yield 'x'.repeat(Math.min(left, 65_536))
  }
  yield tail
}
