/** How requests leave: again and again for as long as that may help, until the signal of who sends them. */

import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

type Signal = AbortSignal | undefined

/**
 * Sends a request until it is answered: again after a connection that failed, and after an answer that asks for it. An
 * answer is given up after `silenceMs` without a byte of it. @throws Error when none came, and the reason of the signal
 */
export async function send(
  request: Request,
  { patienceMs, silenceMs, signal }: { patienceMs: number; silenceMs: number; signal: Signal },
): Promise<Response> {
  const untilMs = Date.now() + patienceMs
  const body = await request.text()
  /* oxlint-disable no-await-in-loop -- one after the other */
  for (let sent = 1; ; sent += 1) {
    const outcome = await exchange(request, body, silenceMs, signal).catch((error: unknown) => error)
    signal?.throwIfAborted()
    const answer = outcome instanceof Response ? outcome : undefined
    if (answer && !(await asksAgain(answer))) return answer
    const waitMs = pauseMs(sent, answer?.headers.get('retry-after'))
    const late = Date.now() + waitMs > untilMs
    if (!late) await pause(waitMs, signal)
    // A pause can be far longer than it should: computers sleep, too.
    if (!late && Date.now() <= untilMs) continue
    if (answer) return answer
    throw new Error(`${request.url} does not answer`, { cause: outcome })
  }
}

/** Waits. @throws the reason of the signal */
export async function pause(ms: number, signal: Signal): Promise<void> {
  // A timer of Node cannot be longer.
  await sleep(Math.min(ms, 2 ** 31 - 1), undefined, { signal }).catch(() => signal?.throwIfAborted())
}

/**
 * How long to pause after something was sent so many times: for as long as `Retry-After` asks, and then for a time that
 * grows and is left to chance, so that those who were sent away together do not come back together.
 */
export function pauseMs(sent: number, retryAfter = '0' as string | null, random = Math.random()): number {
  const seconds = Number(retryAfter)
  const askedMs = Number.isNaN(seconds) ? Date.parse(retryAfter!) - Date.now() : seconds * 1000
  return Math.max(0, askedMs || 0) + Math.min(10_000, 125 * 2 ** sent) * (0.5 + random / 2)
}

/** Tells whether an answer is a problem of the gateway, and not a page of something in front of it. */
export function isProblem({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('application/problem+json') === true
}

/** Tells whether the same request may fare better later: too many, not now, or a proxy that finds no gateway. */
async function asksAgain(answer: Response): Promise<boolean> {
  if ([502, 504].includes(answer.status)) return !isProblem(answer)
  if (answer.status !== 409 || !isProblem(answer)) return [429, 503].includes(answer.status)
  // The connection of the first request broke, and the gateway is still at it.
  return ((await answer.clone().json()) as { code?: unknown }).code === 'idempotency-in-progress'
}

/** One request and the whole of its answer. `fetch` would go on connecting for seconds after an abort. */
async function exchange(sent: Request, body: string, timeout: number, signal: Signal): Promise<Response> {
  const headers = Object.fromEntries(sent.headers)
  const options = { method: sent.method, headers, timeout, ...(signal && { signal }) }
  const request = (sent.url.startsWith('http:') ? http : https).request(sent.url, options).end(body)
  request.on('timeout', () => request.destroy(new Error(`nothing came for ${timeout} ms`)))
  // What breaks after the headers breaks the body, too.
  request.on('error', () => {})
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage]
  const fields = answer.headers as Record<string, string>
  return new Response((await text(answer)) || null, { status: answer.statusCode!, headers: fields })
}
