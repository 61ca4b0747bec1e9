/** A simulator for one test, and the requests that its tests send. */

import { once } from 'node:events'
import { request } from 'node:http'
import type { Agent } from 'node:http'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { startSimulator } from '../../src/simulator/simulator.ts'
import type { Simulator, SimulatorOptions } from '../../src/simulator/simulator.ts'

export const START = Date.parse('2026-11-24T10:00:00.000Z')
export const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

type Fields = Record<string, string | number>

/** A simulator with a clock that stands still until `clock.now` is moved. */
export async function start(options: SimulatorOptions = {}) {
  const clock = { now: START }
  const sim = await startSimulator({ token: 'fixed', apiKey: 'key', now: () => clock.now, ...options })
  onTestFinished(() => sim.close())

  const post = async (path: string, fields: Fields) => {
    const body = new URLSearchParams(Object.entries(fields).map(([k, v]): [string, string] => [k, String(v)]))
    const res = await fetch(sim.baseUrl + path, { method: 'POST', body, signal: AbortSignal.timeout(2000) })
    return JSON.parse(await res.text())
  }
  const vm = (action: string, fields: Fields = {}) => post('/vm.php', { action, token: 'fixed', ...fields })
  const check = (key: string) => post('/eq_callback.php', { action: 'check', key })
  /** Accepted, due and read. */
  const result = async (action: string, fields: Fields) => {
    const { callback } = await vm(action, fields)
    clock.now += 50
    return check(callback)
  }
  return { sim, clock, post, vm, check, result }
}

export const names = (sim: Simulator, id: number) => sim.vm(id)?.snapshots.map(({ name }) => name)

/** A request as fetch would refuse to send it. */
export async function raw(
  sim: Simulator,
  method: string,
  path: string,
  headers: Record<string, string>,
  body: string,
  agent?: Agent,
) {
  const length = { 'content-length': body.length }
  const req = request(sim.baseUrl + path, {
    method,
    headers: { ...headers, ...length },
    ...(agent && { agent }),
  })
  req.end(body)
  const [res] = await once(req, 'response')
  return { headers: res.headers, body: await text(res) }
}
