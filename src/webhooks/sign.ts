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

/** Standard Webhooks asks for secrets of so many bytes. */
const SECRET_BYTES = { min: 24, max: 64 }

/** Tells whether this is a secret to sign with; base64 may be with or without the padding at its end. */
export function isSecret(text: string): boolean {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+)={0,2}$/.exec(text) ?? []
  return base64 !== undefined && base64.length % 4 !== 1
}

/** Tells whether a secret is as long as Standard Webhooks asks for. */
export function isLongEnough(secret: string): boolean {
  const { length } = keyOf(secret)
  return length >= SECRET_BYTES.min && length <= SECRET_BYTES.max
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
  const signatures = secrets.map(secret =>
    new Webhook(keyOf(secret), { format: 'raw' }).sign(id, new Date(atMs), body),
  )
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(atMs / 1000)),
    'webhook-signature': signatures.join(' '),
  }
}

/** The bytes of a secret. Node reads base64 with and without padding; the library wants it. */
function keyOf(secret: string): Uint8Array {
  return Buffer.from(secret.slice('whsec_'.length), 'base64')
}
