/** The secrets that sign, in the form that Standard Webhooks gives them. */

/** The padding at the end of base64 may be left out. */
export const SECRET_PATTERN = '^whsec_([A-Za-z0-9+/]{4})+([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?$'

/** What a secret must be, for messages. */
export const SECRET_FORM = 'whsec_ followed by base64, as in whsec_$(openssl rand -base64 32)'

/** The new secret and the old one, while receivers change from one to the other. */
export const MAX_SECRETS = 2

/** Standard Webhooks asks for secrets of so many bytes. */
export const SECRET_BYTES = { min: 24, max: 64 }

/**
 * Returns the secrets in the text of a file: one, or two on lines of their own.
 * @throws Error that says what the file must hold, and shows nothing of it
 */
export function secretsIn(text: string): readonly string[] {
  const secrets = text.trim().split(/\s+/)
  const isGood = secrets.length <= MAX_SECRETS && secrets.every(one => new RegExp(SECRET_PATTERN).test(one))
  if (!isGood) throw new Error(`the file must hold ${SECRET_FORM}, or two of these on lines of their own`)
  return secrets
}

/** Tells whether a secret is as long as Standard Webhooks asks for. */
export function isLongEnough(secret: string): boolean {
  const { length } = Buffer.from(secret.slice('whsec_'.length), 'base64')
  return length >= SECRET_BYTES.min && length <= SECRET_BYTES.max
}
