/**
 * Keeps secrets out of everything that leaves the gateway (contract §3.4). Two nets: members of an upstream answer
 * that are named like a secret are dropped, and the literal values of known secrets are blotted out of any text.
 */

import { isExactNumber } from '../json/number.ts'
import { isBlank, readJson } from '../json/read.ts'
import { encodeForm } from './actions.ts'

/** Whole words (snake_case, camelCase or kebab-case) that mark a member as secret. */
const SECRET_WORDS =
  /(^|_)(token|tokens|key|keys|pass|password|passwords|passwd|passphrase|pwd|pw|secret|secrets|credential|credentials|auth|authorization|cookie|session|callback|asynckey|pin|otp)(_|$)/
/** Words that mark it wherever they stand, for names without separators such as `rootpassword` or `apikey`. */
const SECRET_PARTS = /password|passwd|passphrase|secret|token|apikey|privatekey|credential/

const SUFFIX_PASS = /pass$/

/** Whether a member of an upstream answer is named like a secret. */
export function isSecretName(name: string): boolean {
  const known = knownNames.get(name)
  if (known !== undefined) return known
  // Mostly it is so already.
  const snake = /^[a-z0-9_]*$/.test(name) ? name : toSnake(name)
  const isSecret =
    SECRET_WORDS.test(snake) || SECRET_PARTS.test(snake.replaceAll('_', '')) || SUFFIX_PASS.test(snake)
  if (name.length <= 64 && knownNames.size < 1_000) knownNames.set(name, isSecret)
  return isSecret
}

/** An answer has the same few names many times. */
const knownNames = new Map<string, boolean>()

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

/** A JSON value without members named like secrets and without the literal `secrets` in any text. */
export function redact(value: unknown, secrets: readonly string[] = []): unknown {
  return clean(value, formsOf(secrets))
}

/** The value itself where nothing has to go: mostly nothing has. */
function clean(value: unknown, forms: readonly string[]): unknown {
  if (typeof value === 'string') return cleanText(value, forms)
  if (value === null || typeof value !== 'object' || isExactNumber(value)) return value
  return Array.isArray(value) ? cleanList(value, forms) : cleanObject(value as Record<string, unknown>, forms)
}

function cleanList(list: unknown[], forms: readonly string[]): unknown[] {
  let copy: unknown[] | undefined
  for (const [at, item] of list.entries()) {
    const cleaned = clean(item, forms)
    if (cleaned !== item) (copy ??= [...list])[at] = cleaned
  }
  return copy ?? list
}

function cleanObject(object: Record<string, unknown>, forms: readonly string[]): Record<string, unknown> {
  const members: [string, unknown][] = []
  let isChanged = false
  for (const [name, member] of Object.entries(object)) {
    if (isSecretName(name)) isChanged = true
    else {
      const cleaned: [string, unknown] = [blotForms(name, forms), clean(member, forms)]
      members.push(cleaned)
      isChanged ||= cleaned[0] !== name || cleaned[1] !== member
    }
  }
  // `fromEntries` defines members: one called `__proto__` stays a plain member.
  return isChanged ? Object.fromEntries(members) : object
}

/** A text may be JSON again (`debug`, a message): members count there too. */
function cleanText(text: string, forms: readonly string[]): string {
  if (!/^\s*[[{]/.test(text)) return blotForms(text, forms)
  const reading = readJson(text, 0, MAX_DEPTH)
  // Too deep to be walked, so nothing of it can be vouched for.
  if (reading.kind === 'too-deep') return BLOT
  if (reading.kind === 'broken' || !isBlank(text, reading.end)) return blotForms(text, forms)
  const cleaned = clean(reading.value, forms)
  return blotForms(cleaned === reading.value ? text : JSON.stringify(cleaned), forms)
}

/** How deep JSON in a text may nest. */
const MAX_DEPTH = 500
