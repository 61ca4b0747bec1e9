/** A client over a simulated HOSTKEY, for the tests of the client. */

import { onTestFinished } from 'vitest'
import type { Secret } from '../../src/config/secret.ts'
import { startSimulator, type Fault, type SimulatorOptions } from '../../src/simulator/simulator.ts'
import type { ActionName, ActionParams } from '../../src/operations/hostkey.ts'
import { KIND_NAMES, KINDS, mutates } from '../../src/operations/kinds/kinds.ts'
import { Breaker } from '../../src/upstream/breaker.ts'
import { Bulkhead } from '../../src/upstream/bulkhead.ts'
import { Client } from '../../src/upstream/client.ts'
import { Gate } from '../../src/upstream/gate.ts'
import { fixedSession, loginSession } from '../../src/upstream/session.ts'
import { Throttle } from '../../src/upstream/throttle.ts'
import { createTransport } from '../../src/upstream/transport.ts'
import { realWorld, type World } from '../../src/world.ts'

// Not named like secrets, so that nothing but their values gives them away.
export const TOKEN = 'deadbeef11111111'
export const API_KEY = 'cafebabe22222222'
export const CREATE = { id: 1000, name: 'new', type: 'snapshot' }
export const MUTATIONS = KIND_NAMES.filter(kind => mutates({ kind })).map(kind => KINDS[kind].action)

/** As many failures in a row open the circuit; only the test of that has so many. */
export const FAILURES = 100

export interface Options extends SimulatorOptions {
  readMethod?: 'POST' | 'GET'
  /** The fixed tokens, a later one each time the session looks; without any it logs in. */
  tokens?: string[]
  timeoutMs?: number
  world?: Pick<World, 'now' | 'soon'>
}

/** A client over real sockets to a simulated HOSTKEY whose tasks end when `clock.now` is moved. */
export async function start({
  readMethod = 'POST',
  tokens = [TOKEN],
  timeoutMs = 5_000,
  world = realWorld,
  ...options
}: Options = {}) {
  const clock = { now: Date.parse('2026-11-24T10:00:00.000Z') }
  const sim = await startSimulator({ token: TOKEN, apiKey: API_KEY, now: () => clock.now, ...options })
  const transport = createTransport({ baseUrl: sim.baseUrl, timeoutMs, concurrency: 4, world: realWorld })
  const log: unknown[] = []
  const looks = [...tokens]
  const secret = (values: string[]): Secret => ({
    current: () => (values.length > 1 ? values.shift() : values[0])!,
    recent: () => [...tokens, API_KEY],
    close: () => {},
  })
  const session =
    tokens.length > 0
      ? fixedSession(secret(looks))
      : loginSession({
          apiKey: secret([API_KEY]),
          send: fields => transport.send('auth.php', 'POST', fields),
          sendLogout: (fields, signal) => transport.send('auth.php', 'POST', fields, signal),
          host: '127.0.0.1',
          world: { ...realWorld, now: () => clock.now },
          log: { info: () => {}, warn: (fields, message) => void log.push([fields, message]) },
        })
  const hostkey = new Client({
    transport,
    session,
    readMethod,
    gate: new Gate(
      new Breaker({ failures: FAILURES, openMs: 1_000, world: { monotonic: () => clock.now } }),
      new Bulkhead({ concurrency: 4, queue: 4, waitMs: 100, world: realWorld }),
    ),
    timeZone: null,
    world,
    checks: new Throttle({ monotonic: () => clock.now }),
    log: { warn: (fields, message) => void log.push([fields, message]) },
  })
  onTestFinished(async () => {
    await transport.close()
    await sim.close()
  })
  const upstream = {
    pausedMs: () => hostkey.pausedMs(),
    call: (action: ActionName, params: ActionParams, signal?: AbortSignal, mayLeave?: () => boolean) =>
      hostkey.call({ action, params, caller: 'tester' }, signal, mayLeave),
    check: (callback: string, signal?: AbortSignal) =>
      hostkey.check(callback, { action: 'get_snapshot', params: { id: 1000 }, caller: 'tester' }, signal),
  }
  /** The tokens of the calls that vm.php saw. */
  const used = () => sim.requests.filter(({ path }) => path === '/vm.php').map(({ fields }) => fields.token)
  const logins = () => sim.requests.filter(({ path }) => path === '/auth.php').length
  /** A key of a task that is due. */
  const due = async (action: ActionName, params = { id: 1000 }) => {
    const outcome = await upstream.call(action, params)
    clock.now += 100
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind)
    return outcome.callback
  }
  return { sim, clock, transport, upstream, log, used, logins, due }
}

export const respond = (value: unknown, fault: Partial<Fault> = {}): Fault => ({
  kind: 'respond',
  body: typeof value === 'string' ? value : JSON.stringify(value),
  ...fault,
})
