import type { Cloud } from './cloud.ts'
import { DRESSES } from './dresses/dresses.ts'
import type { FaultQueue } from './faults.ts'
import type { Tokens } from './tokens.ts'

export interface Controlled {
  cloud: Cloud
  tokens: Tokens
  faults: FaultQueue
  /** What came so far. */
  requests: readonly object[]
  restart: () => void
}

/**
 * Lets another process, a crash test or a person at the demo, do what the methods of the simulator do. `command` is the
 * method and the path behind `/_control/`. Returns what to answer. @throws Error where it makes no sense.
 */
export function control(
  { cloud, tokens, faults, requests, restart }: Controlled,
  command: string,
  body: string,
): object | null {
  const vmId = /^(?:GET|POST) vm\/(\d+)$/.exec(command)?.[1]
  if (vmId !== undefined) {
    if (command.startsWith('POST')) cloud.setVm(Number(vmId), JSON.parse(body))
    return cloud.vm(Number(vmId)) ?? null
  }
  switch (command) {
    case 'GET dresses':
      return DRESSES
    case 'GET ledger':
      return cloud.ledger
    case 'GET requests':
      return requests
    case 'POST fault':
      faults.add(JSON.parse(body))
      return {}
    case 'DELETE faults':
      faults.clear()
      return {}
    case 'POST expire-tokens':
      tokens.expire(JSON.parse(body || '{}'))
      return {}
    case 'POST restart':
      restart()
      return {}
    default:
      throw new Error(`no such control: ${command}`)
  }
}
