/** A receiver of webhooks that fails, hangs, breaks connections off and is restarted at random, until it is asked to behave. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'

export interface BadReceiver {
  url: string
  secret: string
  /** How each operation ended that it was told of with a good signature, whatever it answered; by id. */
  told: ReadonlyMap<string, Set<string>>
  /** Messages that it took with a 2xx, by the id of their operation. */
  taken: ReadonlySet<string>
  /** Ids under which more than one operation was told, or another one than the id says. */
  confused: ReadonlySet<string>
  /** Requests whose signature was not good. */
  forged: number
  restarts: number
  failures: number
  /** From now on it takes everything. */
  behave(): Promise<void>
  close(): Promise<void>
}

type Mood = 'takes' | 'fails' | 'hangs' | 'breaks'

/** Half of what comes is taken. */
const MOODS: Mood[] = ['takes', 'takes', 'takes', 'fails', 'hangs', 'breaks']

class Receiver implements BadReceiver {
  readonly secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`
  readonly told = new Map<string, Set<string>>()
  readonly taken = new Set<string>()
  readonly confused = new Set<string>()
  forged = 0
  restarts = 0
  failures = 0
  url = ''
  readonly #random: () => number
  #port = 0
  #server: Server | undefined
  #isGood = false
  #restarting: Promise<void> | undefined

  constructor(random: () => number) {
    this.#random = random
  }

  async open(): Promise<this> {
    await this.#listen()
    this.url = `http://127.0.0.1:${this.#port}/`
    this.#restarting = this.#restartNowAndThen()
    return this
  }

  async behave(): Promise<void> {
    this.#isGood = true
    await this.#restarting
  }

  async close(): Promise<void> {
    await this.behave()
    await this.#end()
  }

  async #restartNowAndThen(): Promise<void> {
    while (!this.#isGood) {
      await sleep(100 + this.#random() * 900)
      await this.#end()
      await sleep(this.#random() * 200)
      await this.#listen()
      this.restarts += 1
    }
  }

  async #listen(): Promise<void> {
    const server = createServer((request, response) => {
      this.#take(request, response).catch(() => response.destroy())
    })
    this.#server = server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
  }

  async #end(): Promise<void> {
    const server = this.#server!
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const headers = request.headers as Record<string, string>
    try {
      const { data } = new Webhook(this.secret).verify(body, headers) as {
        data: { id: string; status: string }
      }
      if (headers['webhook-id'] !== data.id.replace('op_', 'msg_')) this.confused.add(data.id)
      this.told.set(data.id, (this.told.get(data.id) ?? new Set()).add(data.status))
      const mood = this.#isGood ? 'takes' : MOODS[Math.floor(this.#random() * MOODS.length)]!
      if (mood !== 'takes') this.failures += 1
      if (mood === 'hangs') return
      if (mood === 'breaks') return void response.destroy()
      if (mood === 'takes') this.taken.add(data.id)
      response.writeHead(mood === 'fails' ? 500 : 204).end()
    } catch {
      this.forged += 1
      response.writeHead(401).end()
    }
  }
}

/** Starts one on this machine. */
export function startBadReceiver(random: () => number): Promise<BadReceiver> {
  return new Receiver(random).open()
}
