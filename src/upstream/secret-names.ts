/** The names that mark a value as a secret: of members of JSON, and of whatever else in a text has a name. */

/** These mark a name in which they are a whole word (snake_case, camelCase, kebab-case), also with digits behind: `key2`. */
const WORDS = `
  pass passe password passwords passwd passphrase passcode pwd pswd psw pw psk
  token tokens jwt bearer key keys asynckey pem signature sig hash
  secret secrets credential credentials creds pin otp totp
  auth authorization cookie session sid callback ключ токен секрет пин пасс`
/** These mark a name wherever they stand in it, for names without separators such as `rootpassword`. */
const PARTS = `
  password passwd passphrase passcode passwort wachtwoord contrase secret token credential парол
  apikey privatekey sshkey accesskey authkey licensekey`
/** These mark a name that ends with them: `rootpass`, `vncpw`. */
const ENDS = 'pass pswd psw pwd pw jwt totp'

const anyOf = (words: string): string => `(?:${words.trim().split(/\s+/).join('|')})`
const SECRET = new RegExp(`(?:^|_)${anyOf(WORDS)}[0-9]*(?:_|$)|${anyOf(ENDS)}[0-9]*(?:_|$)|${anyOf(PARTS)}`)
const SECRET_PART = new RegExp(anyOf(PARTS))
/** What no name of a secret does without, in any case. Whoever searches a text looks for these first. */
export const HINTS =
  /pass|pswd|ps?w|pwd|psk|token|jwt|bearer|key|pem|sig|hash|secret|cred|pin|otp|auth|cookie|session|sid|callback|парол|ключ|токен|секрет|пин|пасс|wachtwoord|contrase/iu

/** Longer names are judged by their end: in a text, whatever has no space in it may look like a name. */
const MAX_NAME_LENGTH = 64

/** An answer has the same few names many times. */
const known = new Map<string, boolean>()
const MAX_KNOWN = 1_000

/** Tells whether a value of this name is a secret. */
export function isSecretName(name: string): boolean {
  const before = known.get(name)
  if (before !== undefined) return before
  const isSecret = judge(name.slice(-MAX_NAME_LENGTH))
  if (known.size < MAX_KNOWN && name.length <= MAX_NAME_LENGTH) known.set(name, isSecret)
  return isSecret
}

function judge(name: string): boolean {
  if (!HINTS.test(name)) return false
  // Mostly it is so already.
  const snake = /^[a-z0-9_]*$/.test(name) ? name : toSnake(name)
  return SECRET.test(snake) || (snake.includes('_') && SECRET_PART.test(snake.replaceAll('_', '')))
}

function toSnake(name: string): string {
  if (/^[ -~]*$/.test(name))
    // The same for ASCII alone, in a third of the time.
    return name
      .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .replace(/[^A-Za-z0-9]+/g, '_')
      .toLowerCase()
  return name
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1_$2')
    .replace(/([\p{Ll}0-9])(\p{Lu})/gu, '$1_$2')
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .toLowerCase()
}
