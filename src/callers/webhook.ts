/** The webhook of an entry of the callers file: its form, and what is said about one that is wrong. */

import { Type, type Static } from 'typebox'
import { faultOfUrl, URL_FORM } from '../webhooks/receiver.ts'
import { isLongEnough, MAX_SECRETS, SECRET_BYTES, SECRET_FORM, SECRET_PATTERN } from '../webhooks/secret.ts'
import type { Remark } from './json-places.ts'

const secret = Type.String({ pattern: SECRET_PATTERN, maxLength: 1_000, description: SECRET_FORM })

/** The schema of a webhook. Its descriptions say what is allowed. */
export const webhook = Type.Object(
  {
    url: Type.String({ maxLength: 2_000, description: URL_FORM }),
    secret: Type.Optional(
      Type.Union([secret, Type.Array(secret, { minItems: 1, maxItems: MAX_SECRETS })], {
        description: `${SECRET_FORM}; or, while it is rotated, a list of the new one and the old one`,
      }),
    ),
    secret_file: Type.Optional(
      Type.String({ minLength: 1, description: 'the path of the file that has the secret' }),
    ),
  },
  { additionalProperties: false, description: 'an object with url, and secret or secret_file' },
)
export type WebhookEntry = Static<typeof webhook>

/** Returns the secrets that stand in the entry itself. */
export function secretsOf({ secret: written = [] }: WebhookEntry): readonly string[] {
  return typeof written === 'string' ? [written] : written
}

/** Returns what is wrong with a webhook of the right form. */
export function webhookFaults(entry: WebhookEntry, pointer: string): Remark[] {
  const faults: Remark[] = []
  const ofUrl = faultOfUrl(entry.url)
  if (ofUrl !== undefined) faults.push({ pointer: `${pointer}/url`, message: `url ${ofUrl}` })
  if (entry.secret === undefined && entry.secret_file === undefined)
    faults.push({
      pointer,
      message: `secret is missing: it must be ${SECRET_FORM}; or secret_file, the path of its file`,
    })
  if (entry.secret !== undefined && entry.secret_file !== undefined)
    faults.push({
      pointer: `${pointer}/secret_file`,
      message: 'only one of secret and secret_file may be there',
    })
  return faults
}

/** Returns what is allowed in a webhook, and is hardly meant. */
export function webhookWarnings(entry: WebhookEntry, pointer: string): Remark[] {
  if (secretsOf(entry).every(isLongEnough)) return []
  const message = `secret should be ${SECRET_BYTES.min} to ${SECRET_BYTES.max} bytes, as Standard Webhooks asks`
  return [{ pointer: `${pointer}/secret`, message }]
}
