/**
 * Keeps secrets out of everything that leaves the gateway (contract §3.4). Two nets: what is named like a secret goes,
 * members of an answer and values inside its texts; and known secrets are blotted out of any text, however encoded.
 */

import { isExactNumber } from '../json/number.ts'
import { isBlank, readJson } from '../json/read.ts'
import { isSecretName } from './secret-names.ts'
import { blotNamed } from './secret-text.ts'
import { BLOT, blotForms, formsOf, type SecretForms } from './secret-values.ts'

/** How deep JSON in a text may nest. */
const MAX_DEPTH = 500

/** A JSON value without what is named like a secret and without the known `secrets` in any text. */
export function redact(value: unknown, secrets: readonly string[] = []): unknown {
  return clean(value, formsOf(secrets))
}

/** The value itself where nothing has to go: mostly nothing has. */
function clean(value: unknown, forms: SecretForms): unknown {
  if (typeof value === 'string') return cleanText(value, forms)
  if (value === null || typeof value !== 'object' || isExactNumber(value)) return value
  return Array.isArray(value) ? cleanList(value, forms) : cleanObject(value as Record<string, unknown>, forms)
}

function cleanList(list: unknown[], forms: SecretForms): unknown[] {
  let copy: unknown[] | undefined
  for (const [at, item] of list.entries()) {
    const cleaned = clean(item, forms)
    if (cleaned !== item) (copy ??= [...list])[at] = cleaned
  }
  return copy ?? list
}

function cleanObject(object: Record<string, unknown>, forms: SecretForms): Record<string, unknown> {
  const members: [string, unknown][] = []
  const namesSecret = isNameOfSecret(object)
  let isChanged = false
  for (const [name, member] of Object.entries(object)) {
    if (isSecretName(name) || (namesSecret && VALUE_MEMBER.test(name))) isChanged = true
    else {
      const cleaned: [string, unknown] = [cleanLeaf(name, forms), clean(member, forms)]
      members.push(cleaned)
      isChanged ||= cleaned[0] !== name || cleaned[1] !== member
    }
  }
  // `fromEntries` defines members: one called `__proto__` stays a plain member.
  return isChanged ? Object.fromEntries(members) : object
}

const NAME_MEMBER =
  /^(?:name|key|field|param|parameter|option|setting|property|variable|label|title|id|code)$/i
const VALUE_MEMBER = /^(?:value|val|values|content|contents|data|text|default|current)$/i

/** Whether an object is a pair such as `{"name":"root_password","value":"…"}`. */
function isNameOfSecret(object: Record<string, unknown>): boolean {
  return Object.entries(object).some(
    ([name, member]) => typeof member === 'string' && NAME_MEMBER.test(name) && isSecretName(member),
  )
}

/** A text may be JSON again (`debug`, a message): members count there too. */
function cleanText(text: string, forms: SecretForms): string {
  if (!/^\s*[[{]/.test(text)) return cleanLeaf(text, forms)
  const reading = readJson(text, 0, MAX_DEPTH)
  // Too deep to be walked, so nothing of it can be vouched for.
  if (reading.kind === 'too-deep') return BLOT
  if (reading.kind === 'broken' || !isBlank(text, reading.end)) return cleanLeaf(text, forms)
  const cleaned = clean(reading.value, forms)
  // A member that is there twice is lost in the value, and not in the text.
  const isClean = cleaned === reading.value && reading.twice.size === 0
  return blotForms(isClean ? text : JSON.stringify(cleaned), forms)
}

function cleanLeaf(text: string, forms: SecretForms): string {
  return blotNamed(blotForms(text, forms))
}
