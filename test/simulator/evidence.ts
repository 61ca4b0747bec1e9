/**
 * A reader of HOSTKEY's answers by evidence, written after contract §1 and after nothing of the gateway's. It checks that
 * every dress of the simulator proves what its table says.
 */

import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'
import type { Told } from '../../src/simulator/dresses/dress.ts'

export interface Exchange {
  status: number
  headers: IncomingMessage['headers']
  bytes: Buffer
  /** The informational responses ahead of it. */
  informational: number[]
  /** Whether the frame ended as it promised. */
  complete: boolean
}

/** Sends a form and takes whatever comes back, a broken frame too. */
export async function exchange(url: string, fields: Record<string, string>): Promise<Exchange> {
  const req = request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    maxHeaderSize: 65_536,
    agent: false,
  })
  const informational: number[] = []
  req.on('information', ({ statusCode }) => informational.push(statusCode))
  req.on('continue', () => informational.push(100))
  req.end(new URLSearchParams(fields).toString())
  const [res]: [IncomingMessage] = (await once(req, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  res.on('data', (chunk: Buffer) => chunks.push(chunk))
  res.on('error', () => {})
  await new Promise(resolve => res.once('close', resolve))
  const { statusCode: status = 0, headers, complete } = res
  return { status, headers, bytes: Buffer.concat(chunks), informational, complete }
}

const DECODERS: Record<string, (body: Buffer) => Buffer> = {
  gzip: body => gunzipSync(body),
  'x-gzip': body => gunzipSync(body),
  deflate: body => ((body[0] ?? 0) % 16 === 8 ? inflateSync(body) : inflateRawSync(body)),
  br: body => brotliDecompressSync(body),
}

/** The text of an answer, or nothing where it cannot be decoded. */
export function textOf({ headers, bytes }: Exchange): string {
  const decode = DECODERS[headers['content-encoding'] ?? ''] ?? ((body: Buffer) => body)
  const charset = /charset=([\w-]+)/.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(charset).decode(decode(bytes))
  } catch {
    return ''
  }
}

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The JSON object in a text, the longest where noise around it has braces of its own. */
export function objectIn(text: string): Json | undefined {
  const ends = [...text.matchAll(/\}/g)].map(({ index }) => index + 1).toReversed()
  let [longest, length]: [Json | undefined, number] = [undefined, 0]
  for (const { index: start } of text.matchAll(/\{/g)) {
    const found = ends.filter(end => end - start > length).slice(0, 4)
    for (const end of found) {
      const object = parse(text.slice(start, end))
      if (object && end - start > length) [longest, length] = [object, end - start]
    }
  }
  return longest
}

function parse(text: string): Json | undefined {
  try {
    const found: unknown = JSON.parse(text)
    return isObject(found) ? found : undefined
  } catch {
    // Noise.
  }
}

const NO_ERROR = new Set(['', 'false', 'null', 'none', '0'])
const FAILURE = /^(fail|failed|error|cancell?ed)\b/i
const isSuccess = (value: unknown) =>
  value === 1 || value === 0 || value === true || /^(ok|1|0)$/i.test(String(value))

function isError(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0) return false
  if (typeof value === 'string') return !NO_ERROR.has(value.toLowerCase())
  return typeof value !== 'object' || Object.keys(value).length > 0
}
const isFailureWord = (value: unknown) =>
  value === false ||
  (typeof value === 'string' && (FAILURE.test(value) || /^-\d/.test(value))) ||
  (typeof value === 'number' && value < 0)

const isKey = (value: unknown) => typeof value === 'string' && /^[\w-]{8,128}$/.test(value)

/** What the answer to a call proves. */
export function readCall(answer: Exchange): Told {
  const top = objectIn(textOf(answer))
  if (answer.status === 401) return 'unauthorized'
  if (!top) return 'ambiguous'
  const levels = [top, top.data, top.result].filter(isObject)
  const hasKey = levels.some(({ callback }) => isKey(callback))
  const told = levels.some(({ code, error, result, status, state }) => {
    const refusesByCode = isError(code) && !isSuccess(code)
    return refusesByCode || [result, status, state].some(isFailureWord) || (isError(error) && !hasKey)
  })
  const words = levels.flatMap(({ code, message, error }) => [`code ${String(code)}`, message, error])
  if (told && words.some(word => /^code -2$|invalid (token|hash)|token expired/.test(String(word))))
    return 'unauthorized'
  if (told) return 'refused'
  return hasKey ? 'accepted' : 'ambiguous'
}

/** Whether a failure stands anywhere in a scope, context or error, as a member or as a text that begins with its word. */
function hasFailure(value: unknown): boolean {
  if (typeof value === 'string') {
    if (FAILURE.test(value)) return true
    const inner = objectIn(value)
    return inner !== undefined && hasFailure(inner)
  }
  if (Array.isArray(value)) return value.some(hasFailure)
  if (!isObject(value)) return false
  const { error, result, status, state } = value
  return (
    isError(error) || [result, status, state].some(isFailureWord) || Object.values(value).some(hasFailure)
  )
}

/** What the answer to a check proves. */
export function readCheck(answer: Exchange): Told {
  const top = objectIn(textOf(answer))
  // Trouble of the check itself, or a key that is not known yet: the task goes on as far as this tells.
  if (!top) return 'ambiguous'
  const { result, scope, context, error, stage = 'done', message } = top
  if (/AsyncKey not found/.test(String(message))) return 'ambiguous'
  if (typeof result === 'string' && FAILURE.test(result)) return 'failed'
  if (!isSuccess(result) || stage !== 'done') return 'running'
  return isError(error) || hasFailure(scope) || hasFailure(context) ? 'failed' : 'done'
}
