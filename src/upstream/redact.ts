/**
 * Keeps secrets out of everything that leaves the gateway (contract §3.4). Two nets: members of an upstream answer
 * that are named like a secret are dropped, and the literal values of known secrets are blotted out of any text.
 */

import { parseExact } from '../json/exact.ts'
import { isExactNumber } from '../json/number.ts'
import { encodeForm } from './actions.ts'

/** Whole words (snake_case, camelCase or kebab-case) that mark a member as secret. */
const SECRET_WORDS =
  /(^|_)(token|tokens|key|keys|pass|password|passwords|passwd|passphrase|pwd|pw|secret|secrets|credential|credentials|auth|authorization|cookie|session|callback|asynckey|pin|otp)(_|$)/
/** Words that mark it wherever they stand, for names without separators such as `rootpassword` or `apikey`. */
const SECRET_PARTS = /password|passwd|passphrase|secret|token|apikey|privatekey|credential/

const SUFFIX_PASS = /pass$/

/** Whether a member of an upstream answer is named like a secret. */
export function isSecretName(name: string): boolean {
  // Mostly it is so already.
  const snake = /^[a-z0-9_]*$/.test(name) ? name : toSnake(name)
  return SECRET_WORDS.test(snake) || SECRET_PARTS.test(snake.replaceAll('_', '')) || SUFFIX_PASS.test(snake)
}

function toSnake(name: string): string {
  return name
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
}

const BLOT = '[redacted]'
/** Shorter values would blot out innocent text. */
const MIN_SECRET_LENGTH = 6

/** How secrets may stand in a text, in clear and form-encoded; the longest first, since one may be the beginning of another. */
function formsOf(secrets: readonly string[]): string[] {
  const forms = secrets
    .filter(({ length }) => length >= MIN_SECRET_LENGTH)
    .flatMap(secret =>
      // Mostly there is nothing to encode.
      /^[\w.-]+$/.test(secret)
        ? [secret]
        : [secret, encodeURIComponent(secret), encodeForm({ '': secret }).slice(1)],
    )
  return [...new Set(forms)].toSorted((a, b) => b.length - a.length)
}

function blotForms(text: string, forms: readonly string[]): string {
  return forms.reduce((rest, form) => rest.replaceAll(form, BLOT), text)
}

/** Replaces every occurrence of the given secrets in a text, in clear and form-encoded. */
export function blot(text: string, secrets: readonly string[]): string {
  return blotForms(text, formsOf(secrets))
}

/** A copy of a JSON value without members named like secrets and without the literal `secrets` in any text. */
export function redact(value: unknown, secrets: readonly string[] = []): unknown {
  return clean(value, formsOf(secrets))
}

function clean(value: unknown, forms: readonly string[]): unknown {
  if (typeof value === 'string') return cleanText(value, forms)
  if (Array.isArray(value)) return value.map(item => clean(item, forms))
  if (value === null || typeof value !== 'object' || isExactNumber(value)) return value
  // No prototype: an upstream member called `__proto__` must stay a plain member.
  const copy: Record<string, unknown> = Object.create(null)
  for (const [name, member] of Object.entries(value)) {
    if (!isSecretName(name)) copy[blotForms(name, forms)] = clean(member, forms)
  }
  return copy
}

/** A text may be JSON again (`debug`, a message): members count there too. */
function cleanText(text: string, forms: readonly string[]): string {
  if (!/^\s*[[{]/.test(text)) return blotForms(text, forms)
  try {
    const value = parseExact(text)
    const copy = JSON.stringify(clean(value, forms))
    return blotForms(copy === JSON.stringify(value) ? text : copy, forms)
  } catch (error) {
    // No JSON; or too deep to be walked, so nothing of it can be vouched for.
    return error instanceof RangeError ? BLOT : blotForms(text, forms)
  }
}
