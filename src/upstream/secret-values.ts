/** Known secrets (the token, the API key, a callback key) in a text: in clear, in another case, and encoded, also twice. */

import { encodeForm } from './actions.ts'

/** What stands in place of a secret. */
export const BLOT = '[redacted]'
/** Shorter values would blot out innocent text. */
const MIN_SECRET_LENGTH = 6

/** The ways in which secrets may stand in a text, in lower case, the shortest first. */
export type SecretForms = readonly string[]

/** Making them costs as much as reading a page of text, and a session has the same few secrets for hours. */
const made = new Map<string, SecretForms>()
const MAX_MADE = 16

/** Returns all forms of these secrets. */
export function formsOf(secrets: readonly string[]): SecretForms {
  const forms = secrets.filter(({ length }) => length >= MIN_SECRET_LENGTH).flatMap(formsOfOne)
  return forms.toSorted((a, b) => a.length - b.length)
}

function formsOfOne(secret: string): SecretForms {
  const before = made.get(secret)
  if (before) return before
  const once = encodings(secret)
  const twice = [...new Set([...once, base64(secret), hex(secret)])].flatMap(encodings)
  const escaped = [JSON.stringify(secret).slice(1, -1), secret.replaceAll('/', '\\/'), escapeHtml(secret)]
  const all = [secret, ...escaped, ...once, ...twice].map(lower)
  const forms = [...new Set(all)].filter(({ length }) => length >= MIN_SECRET_LENGTH)
  if (made.size >= MAX_MADE) made.delete(made.keys().next().value!)
  made.set(secret, forms)
  return forms
}

function encodings(text: string): string[] {
  const cores = [0, 1, 2].map(offset => base64Core(text, offset))
  return [
    encodeURIComponent(text),
    encodeForm({ '': text }).slice(1),
    hex(text),
    ...cores,
    ...cores.map(core => core.replaceAll('+', '-').replaceAll('/', '_')),
  ]
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex')
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/**
 * The characters that a text always has in base64 when `offset` bytes (modulo three) stand before it. Base64 writes three
 * bytes as four characters, so that what stands around the text shows in its first and last character.
 */
function base64Core(text: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)])
  const first = Math.ceil((offset * 8) / 6)
  const end = Math.floor((bytes.length * 8) / 6)
  return bytes.toString('base64').slice(first, end)
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** The text in lower case, of the same length: of all characters, only the dotted capital I becomes two. */
function lower(text: string): string {
  return text.replaceAll('\u0130', 'i').toLowerCase()
}

/** Replaces these secrets in a text, whatever their form. */
export function blotForms(text: string, forms: SecretForms): string {
  if (text.length < MIN_SECRET_LENGTH) return text
  const searched = lower(text)
  const found: [start: number, end: number][] = []
  for (const form of forms) {
    if (form.length > searched.length) break
    for (let at = searched.indexOf(form); at !== -1; at = searched.indexOf(form, at + form.length))
      found.push([at, at + form.length])
  }
  return found.length === 0 ? text : blotRanges(text, found)
}

/** Where ranges overlap, one secret is the beginning or a part of another: they become one. */
function blotRanges(text: string, ranges: [start: number, end: number][]): string {
  ranges.sort(([a], [b]) => a - b)
  let clean = ''
  let done = 0
  for (const [start, end] of ranges) {
    if (start >= done) clean += text.slice(done, start) + BLOT
    done = Math.max(done, end)
  }
  return clean + text.slice(done)
}
