/** What the gateway sends to a service at the end of its operations. */

import { Webhook } from 'standardwebhooks'
import type { components } from './document.d.ts'

/** What a webhook says. */
export type WebhookMessage = components['schemas']['OperationEnded']

/** Not the gateway sent it, or it was sent some time ago. */
export class WebhookError extends Error {
  override name = 'WebhookError'
}

/**
 * Verifies a webhook by its signature.
 * @param body as it came: what was parsed and written again is another text
 * @param headers of the request, from Node or `fetch`
 * @param secrets one, or both while they rotate; the line of a file will do
 * @throws WebhookError
 */
export function verifyWebhook(
  body: string | Uint8Array,
  headers: Headers | Record<string, string | string[] | undefined>,
  secrets: string | readonly string[],
): WebhookMessage {
  const text = typeof body === 'string' ? body : new TextDecoder('utf-8', { ignoreBOM: true }).decode(body)
  const fields = headers instanceof Headers ? Object.fromEntries(headers) : headers
  let cause: unknown
  for (const secret of [secrets].flat()) {
    try {
      return new Webhook(secret.trim()).verify(text, fields as Record<string, string>) as WebhookMessage
    } catch (error) {
      cause = error
    }
  }
  throw new WebhookError('the webhook is signed by none of the secrets', { cause })
}
