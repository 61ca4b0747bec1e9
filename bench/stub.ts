/**
 * The HOSTKEY of the benchmark: answers vm.php and eq_callback.php at once, with bytes made at the start, over bare
 * sockets, so that it never is what limits. It knows just enough HTTP to find where a request ends.
 */

import { createServer, type Socket } from 'node:net'

/** A callback key that begins with this is never ready. */
export const PENDING_KEY = 'pending'
/** VMs from this one on have operations that are never ready. */
export const FIRST_FILLED_VM = 2_000_000_000
/** `GET` of this path tells how many calls were made of each kind. */
export const COUNTS_PATH = '/counts'
/** How many calls to HOSTKEY a contender may make at once. */
export const CALLS_AT_ONCE = 64
export const TOKEN = 'bench-token-0123456789'
export const STATS = { cpu: [3, 4, 5], ram_used_mb: 812, disk_used_gb: 11, uptime_s: 86_400 }

/** The bytes of an answer. */
export const answer = (body: object): Buffer => {
  const text = JSON.stringify(body)
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n`
  return Buffer.from(head + text)
}
const accepted = (action: string, callback: string): Buffer =>
  answer({ result: 'OK', module: 'vm', action, callback })

/** A key tells what its result is. */
const CREATE_KEY = 'create00000000000000000000000000'
const STATS_KEY = 'stats000000000000000000000000000'

const CALLS = [
  { part: 'action=create_snapshot', name: 'create', bytes: accepted('create_snapshot', CREATE_KEY) },
  { part: 'action=load_stats', name: 'stats', bytes: accepted('load_stats', STATS_KEY) },
  {
    part: `key=${PENDING_KEY}`,
    name: 'pending',
    bytes: answer({ result: 'Not ready', key: `${PENDING_KEY}0000000000000000000000000` }),
  },
  {
    part: `key=${STATS_KEY}`,
    name: 'check',
    bytes: answer({ result: 'OK', scope: STATS, context: { action: 'load_stats' }, key: STATS_KEY }),
  },
  {
    part: `key=${CREATE_KEY}`,
    name: 'check',
    bytes: answer({
      result: 'OK',
      scope: 'Snapshot created',
      context: { action: 'create_snapshot' },
      key: CREATE_KEY,
    }),
  },
]
const UNKNOWN = answer({ code: -1, message: 'the stub does not know this' })
const counts: Record<string, number> = {}

/** What this HOSTKEY answers to a request. */
export function answerTo(request: string): Buffer {
  if (request.startsWith(`GET ${COUNTS_PATH} `)) return answer(counts)
  const body = request.indexOf('\r\n\r\n') + 4
  for (const { part, name, bytes } of CALLS) {
    if (!request.includes(part, body)) continue
    counts[name] = (counts[name] ?? 0) + 1
    return bytes
  }
  return UNKNOWN
}

/** The length of the first whole request in the text, or 0. */
function lengthOf(text: string): number {
  const head = text.indexOf('\r\n\r\n')
  if (head === -1) return 0
  const length = head + 4 + Number(/\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0)
  return length <= text.length ? length : 0
}

/** Answers what comes over a connection. */
export function serve(socket: Socket, answerOf = answerTo): void {
  let text = ''
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', chunk => {
    text += chunk.toString('latin1')
    for (let length = lengthOf(text); length > 0; length = lengthOf(text)) {
      socket.write(answerOf(text.slice(0, length)))
      text = text.slice(length)
    }
  })
}

if (import.meta.main) createServer(socket => serve(socket)).listen(Number(process.env.PORT), '127.0.0.1')
