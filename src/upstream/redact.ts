/**
 * Keeps secrets out of everything that leaves the gateway (contract §3.4). Two nets: what is named like a secret goes,
 * members of an answer and values inside its texts; and known secrets are blotted out of any text, however encoded.
 */

import { isSecretName } from './secret-names.ts'
import { blotNamed } from './secret-text.ts'
import { BLOT, blotForms, formsOf, type SecretForms } from './secret-values.ts'

/** A copy of a JSON value without what is named like a secret and without the known `secrets` in any text. */
export function redact(value: unknown, secrets: readonly string[] = []): unknown {
  return clean(value, formsOf(secrets))
}

function clean(value: unknown, forms: SecretForms): unknown {
  if (typeof value === 'string') return cleanText(value, forms)
  if (Array.isArray(value)) return value.map(item => clean(item, forms))
  if (value === null || typeof value !== 'object') return value
  // No prototype: an upstream member called `__proto__` must stay a plain member.
  const copy: Record<string, unknown> = Object.create(null)
  const namesSecret = isNameOfSecret(value as Record<string, unknown>)
  for (const [name, member] of Object.entries(value)) {
    if (!isSecretName(name) && !(namesSecret && VALUE_MEMBER.test(name)))
      copy[cleanLeaf(name, forms)] = clean(member, forms)
  }
  return copy
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
  try {
    const value: unknown = JSON.parse(text)
    const copy = JSON.stringify(clean(value, forms))
    // A member that is there twice is lost in the value, and not in the text.
    const isClean = copy === JSON.stringify(value) && blotNamed(text) === text
    return blotForms(isClean ? text : copy, forms)
  } catch (error) {
    // No JSON; or too deep to be walked, so nothing of it can be vouched for.
    return error instanceof RangeError ? BLOT : cleanLeaf(text, forms)
  }
}

function cleanLeaf(text: string, forms: SecretForms): string {
  return blotNamed(blotForms(text, forms))
}
