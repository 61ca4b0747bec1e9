/** Signatures by Standard Webhooks (https://www.standardwebhooks.com), made by its own library. */

import { Webhook } from 'standardwebhooks'

/** What is signed: the very text that is sent, with its id and the time of the attempt. */
export interface Message {
  /** The same over all attempts, so that a receiver knows a message that it has seen. */
  readonly id: string
  /** The time of the attempt, in milliseconds since the epoch: receivers refuse what is minutes old. */
  readonly atMs: number
  readonly body: string
}

/**
 * Returns the headers that sign a message, with a signature by each secret: a receiver that knows one of them is content.
 * @throws Error when there is no secret
 */
export function signedHeaders(
  { id, atMs, body }: Message,
  secrets: readonly string[],
): Record<string, string> {
  if (secrets.length === 0) throw new Error('no secret to sign with')
  const signatures = secrets.map(secret => new Webhook(secret).sign(id, new Date(atMs), body))
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(atMs / 1000)),
    'webhook-signature': signatures.join(' '),
  }
}
