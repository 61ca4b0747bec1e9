/** A receiver of webhooks beside the simulated HOSTKEY: verifies each message and tells of it. */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

export interface SimulatedReceiver {
  url: string
  /** What it verifies messages with. */
  secret: string
  close(): Promise<void>
}

/** Starts one on this machine. `tell` is called with the text of every message whose signature is good. */
export async function startReceiver(tell: (message: string) => void): Promise<SimulatedReceiver> {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const webhook = new Webhook(secret)
  const server = createServer((request, response) => {
    text(request)
      .then(body => {
        webhook.verify(body, request.headers as Record<string, string>)
        response.writeHead(204).end()
        tell(body)
      })
      .catch(() => void response.writeHead(401).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    secret,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
