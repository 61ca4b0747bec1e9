/** How long one request takes that comes alone, at 50 a second: each moment asks the floor or the gateway, in turn. */

import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import type { Load } from './load.ts'

export interface Latency {
  title: string
  /** Milliseconds, sorted. */
  floor: number[]
  gateway: number[]
}

const PERIOD_MS = 20

interface Side {
  url: string
  load: Load
}

/** @throws Error for a wrong answer. */
async function once(pool: Pool, { status, request, isRight }: Load): Promise<number> {
  const { method = 'GET', path = '/', headers, body } = typeof request === 'function' ? request() : request
  const startedAt = performance.now()
  const answer = await pool.request({
    method,
    path,
    headers: headers as Record<string, string>,
    body: body ?? null,
  })
  const text = await answer.body.text()
  const tookMs = performance.now() - startedAt
  if (answer.statusCode !== status || !isRight(text))
    throw new Error(`a wrong answer: ${answer.statusCode} ${text.slice(0, 500)}`)
  return tookMs
}

export async function loneLatency(
  title: string,
  floor: Side,
  gateway: Side,
  seconds: number,
): Promise<Latency> {
  const sides = [floor, gateway].map(({ url, load }) => ({ pool: new Pool(url), load, took: [] as number[] }))
  const open: Promise<unknown>[] = []
  const startedAt = performance.now()
  const warmUp = 50
  // Both at 50 a second, half a period apart: what disturbs the machine disturbs both.
  for (let i = 0; i < (seconds * 2_000) / PERIOD_MS + warmUp; i += 1) {
    await sleep(Math.max(0, startedAt + (i * PERIOD_MS) / 2 - performance.now()))
    const { pool, load, took } = sides[i % 2]!
    open.push(once(pool, load).then(ms => i >= warmUp && took.push(ms)))
  }
  await Promise.all(open)
  for (const { pool } of sides) await pool.close()
  const sorted = sides.map(({ took }) => took.toSorted((a, b) => a - b))
  return { title, floor: sorted[0]!, gateway: sorted[1]! }
}
