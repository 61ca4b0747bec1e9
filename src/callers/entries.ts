/** The entries of a callers file (contract §4): their form, and what is said about those that are wrong. */

import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { didYouMean } from '../config/nearest.ts'
import { MAX_VM_ID, SCOPES } from './caller.ts'
import { JsonFault, lineAndColumn, placesOf, type JsonPlaces, type Remark } from './json-places.ts'
import { webhook, webhookFaults, webhookWarnings, type WebhookEntry } from './webhook.ts'

/** An object without other members than these. Its description, as that of each member, says what is allowed. */
const strict = { additionalProperties: false } as const

const DIGEST = 'the SHA-256 of the key in 64 hex digits, as the command key prints it'
const Digest = Type.String({ pattern: '^[0-9a-fA-F]{64}$', description: DIGEST })

const Key = Type.Object(
  {
    key_sha256: Digest,
    not_after: Type.Optional(
      Type.String({
        pattern: String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`,
        description: 'a time with its zone such as 2026-12-31T00:00:00Z',
      }),
    ),
  },
  { ...strict, description: 'an object with key_sha256 and, where the key ends, not_after' },
)
export type KeyEntry = Static<typeof Key>

/** So many keys may a caller have at once. */
export const MAX_KEYS = 4

const scope = Type.Enum(SCOPES, { description: `one of ${SCOPES.join(', ')}` })
const vmId = Type.Integer({
  minimum: 1,
  maximum: MAX_VM_ID,
  description: `the id of a VM, a whole number from 1 to ${MAX_VM_ID}`,
})

const Entry = Type.Object(
  {
    name: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$',
      description: '1 to 64 of the characters A-Za-z0-9_.- and begin with a letter or a digit',
    }),
    key_sha256: Type.Optional(Digest),
    keys: Type.Optional(
      Type.Array(Key, {
        minItems: 1,
        maxItems: MAX_KEYS,
        description: `a list of 1 to ${MAX_KEYS} keys, each with key_sha256 and maybe not_after`,
      }),
    ),
    scopes: Type.Array(scope, { minItems: 1, description: `a list of ${SCOPES.join(', ')}` }),
    vms: Type.Union([Type.Literal('*'), Type.Array(vmId)], { description: 'a list of ids of VMs, or "*"' }),
    rate_limit: Type.Optional(
      Type.Object(
        {
          max: Type.Integer({ minimum: 1, description: 'a whole number from 1' }),
          window_ms: Type.Integer({
            minimum: 1_000,
            maximum: 86_400_000,
            description: 'a whole number from 1000 to 86400000 (a day)',
          }),
        },
        { ...strict, description: 'an object with max and window_ms' },
      ),
    ),
    webhook: Type.Optional(webhook),
  },
  { ...strict, description: 'an object with name, key_sha256 or keys, scopes and vms' },
)
export type CallerEntry = Static<typeof Entry>

const callersFile = Type.Object(
  { callers: Type.Array(Entry, { description: 'a list of callers' }) },
  { ...strict, description: 'an object with the member callers' },
)
const compiled = Compile(callersFile)

export interface Entries {
  readonly entries: readonly CallerEntry[]
  /** What is wrong; then there are no entries. */
  readonly faults: readonly Remark[]
  /** What is allowed, and is hardly meant. */
  readonly warnings: readonly Remark[]
}

/** Reads the text of a callers file. @throws JsonFault when it is no JSON */
export function readEntries(text: string): Entries {
  const content = parse(text)
  if (!compiled.Check(content)) return { entries: [], faults: faultsOf(content), warnings: [] }
  const { callers } = content
  const faults = callers
    .flatMap((entry, i) => keyFaults(entry, `/callers/${i}`))
    .concat(ofWebhooks(callers, webhookFaults), doubles(callers))
  if (faults.length > 0) return { entries: [], faults, warnings: [] }
  return { entries: callers, faults, warnings: warningsOf(callers) }
}

/** So many places of a file are told at most. */
const MAX_LINES = 100

/** Returns the keys of an entry, in whichever of the two forms it has them. */
export function keysOf({ key_sha256, keys }: CallerEntry): readonly KeyEntry[] {
  return keys ?? (key_sha256 === undefined ? [] : [{ key_sha256 }])
}

/** Returns the VMs of each caller of a good file that has a list of them. */
export function vmsOf(text: string): Map<string, number[]> {
  const { entries } = readEntries(text)
  return new Map(entries.flatMap(({ name, vms }) => (vms === '*' ? [] : [[name, vms] as const])))
}

/** Returns the text without the byte order mark that some editors put in front of it. */
export function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, '')
}

/**
 * Returns remarks as lines, each with its place in the file as compilers tell it, and the name of its caller.
 * @param text the text that the remarks are about, without a byte order mark
 */
export function linesOf(remarks: readonly Remark[], text: string, path: string): string[] {
  if (remarks.length === 0) return []
  const places = placesOf(text)
  const lines = remarks.slice(0, MAX_LINES).map(({ pointer, message }) => {
    const caller = callerAt(pointer, text, places)
    const { start } = places.names.get(pointer) ?? places.values.get(pointer) ?? { start: 0 }
    return `${path}:${lineAndColumn(text, start)}: ${caller}${message}`
  })
  const more = remarks.length - lines.length
  return more > 0 ? [...lines, `${path}: and ${more} more like these`] : lines
}

/** Returns the remarks about members that an object has twice; `JSON.parse` silently takes the last one. */
export function repeatedMembers(text: string): Remark[] {
  return placesOf(text).repeated.map(pointer => ({
    pointer,
    message: `${nameOf(pointer)} is there a second time, and only the last one counts`,
  }))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message would quote the file.
    placesOf(text)
    throw new JsonFault('this is not JSON', 0)
  }
}

/** Returns `caller "…": ` for a place within an entry that has a name. */
function callerAt(pointer: string, text: string, { values }: JsonPlaces): string {
  const [entry] = /^\/callers\/\d+/.exec(pointer) ?? []
  const span = entry === undefined ? undefined : values.get(`${entry}/name`)
  if (!span) return ''
  const name = text.slice(span.start, span.end)
  return /^"[\w.-]{1,64}"$/.test(name) ? `caller ${name}: ` : ''
}

/** What a value of this schema may be; the schema of a member or an item is found by its pointer. */
interface Described {
  description?: string
  properties?: Record<string, Described>
  items?: Described
  anyOf?: Described[]
}

function schemaAt(pointer: string): Described {
  let found: Described = callersFile as Described
  for (const name of pointer.split('/').slice(1)) {
    const list = found.items ?? found.anyOf?.find(({ items }) => items)?.items
    found = found.properties?.[name] ?? list ?? found
  }
  return found
}

function nameOf(pointer: string): string {
  return /([a-z_0-9]+?)(?:\/\d+)?$/.exec(pointer)?.[1] ?? 'this'
}

function faultsOf(content: unknown): Remark[] {
  const remarks = new Map<string, Remark>()
  const add = (remark: Remark): unknown => remarks.set(`${remark.pointer} ${remark.message}`, remark)
  const wrong = new Set<string>()
  for (const { keyword, instancePath: pointer, params } of compiled.Errors(content)) {
    if (keyword === 'required') {
      for (const name of params.requiredProperties)
        add({
          pointer,
          message: `${name} is missing: it must be ${schemaAt(`${pointer}/${name}`).description}`,
        })
    } else if (keyword === 'additionalProperties') {
      for (const name of params.additionalProperties) add(unknownMember(pointer, name))
    } else if (keyword !== 'boolean') wrong.add(pointer)
  }
  for (const pointer of wrong) {
    // Of a list with wrong items, the items are told.
    if ([...wrong].some(other => other.startsWith(`${pointer}/`))) continue
    const nearest = scopeMeant(pointer, content)
    add({ pointer, message: `${nameOf(pointer)} must be ${schemaAt(pointer).description}${nearest}` })
  }
  for (const pointer of keyless(content)) add(keyMissing(pointer))
  return [...remarks.values()]
}

/** The entries without a key, in whatever else is wrong with the file. */
function keyless(content: unknown): string[] {
  const { callers } = (content ?? {}) as { callers?: unknown }
  if (!Array.isArray(callers)) return []
  return callers.flatMap((entry: unknown, i) =>
    typeof entry === 'object' && entry !== null && !('key_sha256' in entry) && !('keys' in entry)
      ? `/callers/${i}`
      : [],
  )
}

function keyMissing(pointer: string): Remark {
  return { pointer, message: `key_sha256 is missing: it must be ${DIGEST}` }
}

function unknownMember(pointer: string, name: string): Remark {
  const known = Object.keys(schemaAt(pointer).properties ?? {})
  // What is no word may be a key in the wrong place.
  const shown = /^[a-z_]{1,32}$/i.test(name) ? `"${name}"` : 'this'
  const message = `${shown} is no known member; there may be ${known.join(', ')}${didYouMean(name, known)}`
  return { pointer: `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, message }
}

/** Returns the scope that a wrong one is nearest to. */
function scopeMeant(pointer: string, content: unknown): string {
  const [, caller, item] = /^\/callers\/(\d+)\/scopes\/(\d+)$/.exec(pointer) ?? []
  if (caller === undefined || item === undefined) return ''
  const { callers } = content as { callers: { scopes: unknown[] }[] }
  const value = callers[Number(caller)]?.scopes[Number(item)]
  return typeof value === 'string' ? didYouMean(value, SCOPES) : ''
}

function keyFaults(entry: CallerEntry, pointer: string): Remark[] {
  const faults: Remark[] = []
  if (entry.keys && entry.key_sha256 !== undefined)
    faults.push({ pointer: `${pointer}/keys`, message: 'only one of key_sha256 and keys may be there' })
  if (keysOf(entry).length === 0) faults.push(keyMissing(pointer))
  for (const [i, { not_after }] of (entry.keys ?? []).entries()) {
    const at = `${pointer}/keys/${i}/not_after`
    if (not_after !== undefined && Number.isNaN(Date.parse(not_after)))
      faults.push({ pointer: at, message: `not_after must be ${schemaAt(at).description}` })
  }
  return faults
}

/** Names and keys that two entries have. */
function doubles(callers: readonly CallerEntry[]): Remark[] {
  const names = new Set<string>()
  const owners = new Map<string, string>()
  const faults: Remark[] = []
  for (const [i, entry] of callers.entries()) {
    const pointer = `/callers/${i}`
    if (names.has(entry.name))
      faults.push({ pointer: `${pointer}/name`, message: 'another caller has this name' })
    names.add(entry.name)
    for (const [j, { key_sha256 }] of keysOf(entry).entries()) {
      const digest = key_sha256.toLowerCase()
      const owner = owners.get(digest)
      const at = entry.keys ? `${pointer}/keys/${j}/key_sha256` : `${pointer}/key_sha256`
      if (owner !== undefined)
        faults.push({
          pointer: at,
          message: owner === entry.name ? 'this key is there twice' : `caller "${owner}" has the same key`,
        })
      owners.set(digest, entry.name)
    }
  }
  return faults
}

/** Returns what is to be said about the webhooks of these callers. */
export function ofWebhooks(
  callers: readonly CallerEntry[],
  remarksOn: (entry: WebhookEntry, pointer: string) => readonly Remark[],
): Remark[] {
  return callers.flatMap((entry, i) =>
    entry.webhook ? remarksOn(entry.webhook, `/callers/${i}/webhook`) : [],
  )
}

function warningsOf(callers: readonly CallerEntry[]): Remark[] {
  if (callers.length === 0) return [{ pointer: '/callers', message: 'callers is empty: nobody can call' }]
  const nowMs = Date.now()
  return callers
    .flatMap((entry, i) => [
      ...(entry.vms.length === 0
        ? [{ pointer: `/callers/${i}/vms`, message: 'vms is empty: it can touch no VM' }]
        : []),
      ...(keysOf(entry).every(({ not_after: end }) => end !== undefined && Date.parse(end) <= nowMs)
        ? [{ pointer: `/callers/${i}/keys`, message: 'every key has ended: it cannot call' }]
        : []),
    ])
    .concat(ofWebhooks(callers, webhookWarnings))
}
