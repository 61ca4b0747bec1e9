/**
 * Keeps secrets out of everything that leaves the gateway (contract §3.4). Two nets: what is named like a secret goes,
 * members of an answer and values inside its texts; and known secrets are blotted out of any text, however encoded.
 */

import { isExactNumber } from '../json/number.ts'
import { isBlank, readJson } from '../json/read.ts'
import { isSecretName } from './secret-names.ts'
import { blotNamed } from './secret-text.ts'
import { BLOT, blotForms, formsOf, type SecretForms } from './secret-values.ts'

/** What JSON in a text may be. */
const BOUNDS = { maxDepth: 500, maxHolders: 100_000 }

/** A JSON value without what is named like a secret and without the known `secrets` in any text. */
export function redact(value: unknown, secrets: readonly string[] = []): unknown {
  return redaction(secrets)(value)
}

/** The same for many values: what is known of secrets and names is looked up once for all of them. */
export function redaction(secrets: readonly string[]): (value: unknown) => unknown {
  const made = new Redaction(formsOf(secrets))
  return value => made.clean(value)
}

/** What a name in JSON tells. */
interface Name {
  /** Its value is a secret. */
  isSecret: boolean
  /** Its value may be the name of another value: `{"name":"root_password","value":"…"}`. */
  mayName: boolean
  /** Its value may be that other one. */
  mayBeNamed: boolean
  /** As it is shown. */
  shown: string
}

const NAMING = new Set(
  'name key k field param parameter attr attribute option setting property variable label title id code'.split(
    ' ',
  ),
)
const NAMED = new Set('value val v values content contents data text default current'.split(' '))

class Redaction {
  readonly #forms: SecretForms
  /** An answer has the same few names many times. */
  readonly #names = new Map<string, Name>()

  constructor(forms: SecretForms) {
    this.#forms = forms
  }

  /** Gives the value itself where nothing has to go: mostly nothing has. */
  clean(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value)
    if (value === null || typeof value !== 'object' || isExactNumber(value)) return value
    return Array.isArray(value) ? this.#list(value) : this.#object(value as Record<string, unknown>)
  }

  #list(list: unknown[]): unknown[] {
    let copy: unknown[] | undefined
    const arePairs = list.every(isPair)
    for (let at = 0; at < list.length; at += 1) {
      const item = list[at]
      const cleaned = arePairs && isSecretPair(item) ? [this.#name(item[0]).shown, BLOT] : this.clean(item)
      if (cleaned !== list[at]) (copy ??= [...list])[at] = cleaned
    }
    return copy ?? list
  }

  #object(object: Record<string, unknown>): Record<string, unknown> {
    const names = Object.keys(object)
    const namesSecret = names.some(name => this.#name(name).mayName && isNameOfSecret(object[name]))
    let copy: [string, unknown][] | undefined
    for (const [at, name] of names.entries()) {
      const { isSecret, mayBeNamed, shown } = this.#name(name)
      const goes = isSecret || (namesSecret && mayBeNamed)
      const cleaned = goes ? undefined : this.clean(object[name])
      if (goes || shown !== name || cleaned !== object[name])
        copy ??= names.slice(0, at).map(before => [before, object[before]])
      if (!goes) copy?.push([shown, cleaned])
    }
    // `fromEntries` defines members: one called `__proto__` stays a plain member.
    return copy ? Object.fromEntries(copy) : object
  }

  #name(name: string): Name {
    const known = this.#names.get(name)
    if (known) return known
    const lower = name.toLowerCase()
    const shown = this.#leaf(name)
    const told = {
      // What is left of a name may be one, too.
      isSecret: isSecretName(name) || isSecretName(shown),
      mayName: NAMING.has(lower),
      mayBeNamed: NAMED.has(lower),
      shown,
    }
    this.#names.set(name, told)
    return told
  }

  /** A text may be JSON again (`debug`, a message): members count there too. */
  #text(text: string): string {
    if (!/^\s*[[{]/.test(text)) return this.#leaf(text)
    const reading = readJson(text, 0, BOUNDS)
    // Not to be walked in time, so nothing of it can be vouched for.
    if (reading.kind === 'too-deep' || reading.kind === 'too-many') return BLOT
    if (reading.kind === 'broken' || !isBlank(text, reading.end)) return this.#leaf(text)
    const cleaned = this.clean(reading.value)
    // A member that is there twice is lost in the value, and not in the text.
    const isClean = cleaned === reading.value && reading.twice.size === 0
    return blotForms(isClean ? text : JSON.stringify(cleaned), this.#forms)
  }

  #leaf(text: string): string {
    return blotNamed(blotForms(text, this.#forms))
  }
}

/** A name and a value, as headers are sometimes written. */
function isPair(item: unknown): item is [string, unknown] {
  return Array.isArray(item) && item.length === 2 && typeof item[0] === 'string'
}

function isSecretPair(item: unknown): item is [string, unknown] {
  return isPair(item) && isSecretName(item[0]) && item[1] !== BLOT
}

function isNameOfSecret(value: unknown): boolean {
  return typeof value === 'string' && isSecretName(value)
}
