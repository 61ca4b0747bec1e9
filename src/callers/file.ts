/**
 * The callers file (contract §4): a JSON file with the callers and the SHA-256 of their keys. It is watched, so that keys
 * can be added, changed and withdrawn without a restart.
 */

import { isDeepStrictEqual } from 'node:util'
import { readTextFile, type TextFileError } from '../config/text-file.ts'
import { watchContent } from '../config/watch-file.ts'
import type { Receiver } from '../webhooks/receiver.ts'
import { digestOf, type Caller } from './caller.ts'
import type { Callers, CallersLog } from './callers.ts'
import { keysOf, linesOf, ofWebhooks, readEntries, withoutMark, type CallerEntry } from './entries.ts'
import { JsonFault, lineAndColumn } from './json-places.ts'
import { faultOfSecretFile, Receivers } from './receivers.ts'
import type { WebhookEntry } from './webhook.ts'

export type { CallerEntry } from './entries.ts'

export interface FileOptions {
  log: Pick<CallersLog, 'info' | 'warn' | 'error'>
  now?: () => number
  /** How often the file is looked at. */
  intervalMs?: number
}

/** When a key was last used, for who waits until the old key of a caller is out of use. */
export interface KeyUse {
  readonly caller: string
  /** The key that is good for longest is the current one. */
  readonly key: 'current' | 'previous'
  readonly lastUsedMs: number
}

export interface CallersFile extends Callers {
  /** How many callers there are now. */
  count(): number
  /** The keys that were used since the start. */
  keyUses(): KeyUse[]
  /** Returns where the ends of the operations of this caller are told, when they are, by its id. */
  receiver(caller: string): Receiver | undefined
  /** The callers that have one. */
  receiverNames(): readonly string[]
}

/** Longer credentials are refused without being looked up. */
const MAX_KEY_LENGTH = 4_096

/** A message about a broken file names no more faults than this. */
const MAX_FAULTS = 8

/** What a callers file has at least, for who begins with an empty one. */
const SMALLEST = '{ "callers": [ … ] }'

/** A callers file that cannot be used. */
export class CallersFileError extends Error {
  override readonly name = 'CallersFileError'
  /** Every fault, a line each, with its place. */
  readonly lines: readonly string[]

  constructor(lines: readonly string[], options?: ErrorOptions) {
    super(lines.slice(0, MAX_FAULTS).join('\n'), options)
    this.lines = lines
  }
}

/** A key of a caller. Each has a `Caller` of its own, whose `until` aborts when this key ends. */
interface Key {
  readonly caller: Caller
  readonly withdraw: () => void
  readonly role: KeyUse['key']
  /** The key is refused from this time on; `Infinity` when it does not end. */
  readonly notAfterMs: number
  lastUsedMs: number | undefined
  /** Ends the caller at `notAfterMs`; set once the key is in use. */
  timer: NodeJS.Timeout | undefined
}

const MAX_TIMER_MS = 2_147_483_647

/** What a callers file says. */
export interface ParsedCallers {
  /** The keys by their SHA-256 in hex. */
  readonly keys: ReadonlyMap<string, Key>
  readonly count: number
  /** The webhooks by the names of their callers. */
  readonly webhooks: ReadonlyMap<string, WebhookEntry>
  /** What is allowed, and is hardly meant: a line each, with its place. */
  readonly warnings: readonly string[]
}

/**
 * Opens a callers file. The file is read again whenever it changes; a broken one keeps the callers of the last good one.
 * @throws CallersFileError when the file is broken at the start.
 */
export function openCallersFile(path: string, { log, now = Date.now, intervalMs }: FileOptions): CallersFile {
  const known = readCallersFile(path)
  let parsed = parseCallers(known, path)
  const faults = secretFileFaults(known, path)
  if (faults.length > 0) throw new CallersFileError(faults)
  warn(parsed, log)
  const receivers = new Receivers(log)
  receivers.follow(parsed.webhooks)
  const readAgain = (content: string | TextFileError): void => {
    try {
      if (typeof content !== 'string') throw unreadable(path, content)
      const next = parseCallers(content, path)
      parsed = { ...next, keys: followOn(parsed.keys, next.keys, now()) }
      receivers.follow(parsed.webhooks)
      log.info({ callers: parsed.count }, 'callers file read again')
      warn(parsed, log)
    } catch (error) {
      log.error(
        { reason: (error as Error).message.replaceAll('\n', '; ') },
        'callers file is broken; the callers of the last good one stay',
      )
    }
  }
  const stop = watchContent(path, readAgain, { known, ...(intervalMs === undefined ? {} : { intervalMs }) })
  return {
    // How long this takes tells nothing about a key: nobody can make a key whose digest begins like that of another.
    async find(credential) {
      const key = credential.length <= MAX_KEY_LENGTH ? parsed.keys.get(digestOf(credential)) : undefined
      if (!key) return 'unknown-key'
      const nowMs = now()
      if (nowMs >= key.notAfterMs) return 'key-ended'
      use(key, nowMs)
      return key.caller
    },
    count: () => parsed.count,
    keyUses: () =>
      [...parsed.keys.values()].flatMap(({ caller, role, lastUsedMs }) =>
        lastUsedMs === undefined ? [] : { caller: caller.id, key: role, lastUsedMs },
      ),
    receiver: caller => receivers.of(caller),
    receiverNames: () => receivers.names,
    close() {
      stop()
      receivers.close()
    },
  }
}

function use(key: Key, nowMs: number): void {
  key.lastUsedMs = nowMs
  const leftMs = key.notAfterMs - nowMs
  if (leftMs <= MAX_TIMER_MS) key.timer ??= setTimeout(key.withdraw, Math.max(0, leftMs)).unref()
}

/** Puts the keys of a new file in the place of those of the old one. Who may do the same as before goes on, and all others end. */
function followOn(
  before: ReadonlyMap<string, Key>,
  after: ReadonlyMap<string, Key>,
  nowMs: number,
): ReadonlyMap<string, Key> {
  const next = new Map(after)
  for (const [digest, key] of before) {
    clearTimeout(key.timer)
    const same = after.get(digest)
    if (!same || !isDeepStrictEqual(rightsOf(key.caller), rightsOf(same.caller))) {
      key.withdraw()
      continue
    }
    const { caller, withdraw, lastUsedMs } = key
    const stays: Key = { ...same, caller, withdraw, lastUsedMs }
    // What it opened ends with it, also when nobody uses it again.
    if (lastUsedMs !== undefined) {
      use(stays, nowMs)
      stays.lastUsedMs = lastUsedMs
    }
    next.set(digest, stays)
  }
  return next
}

function rightsOf({ until: _until, ...rights }: Caller): Omit<Caller, 'until'> {
  return rights
}

function warn({ warnings }: ParsedCallers, log: FileOptions['log']): void {
  for (const warning of warnings) log.warn({ reason: warning }, 'the callers file is hardly meant so')
}

/** Reads a callers file. @throws CallersFileError when it cannot be read */
export function readCallersFile(path: string): string {
  try {
    return readTextFile(path)
  } catch (error) {
    throw unreadable(path, error as TextFileError)
  }
}

/** Returns what is wrong with the files that hold the secrets of the webhooks of a good callers file, a line each. */
export function secretFileFaults(text: string, path: string): string[] {
  const json = withoutMark(text)
  const remarks = ofWebhooks(readEntries(json).entries, ({ secret_file: file }, pointer) => {
    const fault = file === undefined ? undefined : faultOfSecretFile(file)
    return fault === undefined
      ? []
      : [{ pointer: `${pointer}/secret_file`, message: `secret_file: ${fault}` }]
  })
  return linesOf(remarks, json, path)
}

function unreadable(path: string, error: TextFileError): CallersFileError {
  return new CallersFileError([`callers file ${path} ${error.message}`], { cause: error })
}

/**
 * Reads the text of a callers file.
 * @param path names the file in messages
 * @throws CallersFileError that names every place that is wrong, and shows no value of it.
 */
export function parseCallers(text: string, path: string): ParsedCallers {
  const json = withoutMark(text)
  if (json.trim() === '')
    throw new CallersFileError([`callers file ${path} is empty; it must be ${SMALLEST}`])
  try {
    const { entries, faults, warnings } = readEntries(json)
    if (faults.length > 0) throw new CallersFileError(linesOf(faults, json, path))
    const keys = new Map(entries.flatMap(toKeys))
    const webhooks = new Map(entries.flatMap(({ name, webhook }) => (webhook ? [[name, webhook]] : [])))
    return { keys, count: entries.length, webhooks, warnings: linesOf(warnings, json, path) }
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error
    const place = `${path}:${lineAndColumn(json, error.offset)}`
    throw new CallersFileError([`${place}: ${error.message}: the file is not JSON`], { cause: error })
  }
}

function toKeys(entry: CallerEntry): [string, Key][] {
  const keys = keysOf(entry).map(({ key_sha256, not_after }) => ({
    digest: key_sha256.toLowerCase(),
    notAfterMs: not_after === undefined ? Infinity : Date.parse(not_after),
  }))
  const latest = Math.max(...keys.map(({ notAfterMs }) => notAfterMs))
  return keys.map(({ digest, notAfterMs }) => [
    digest,
    {
      ...toCaller(entry),
      role: notAfterMs === latest ? 'current' : 'previous',
      notAfterMs,
      lastUsedMs: undefined,
      timer: undefined,
    },
  ])
}

function toCaller({ name, scopes, vms, rate_limit: limit }: CallerEntry): Pick<Key, 'caller' | 'withdraw'> {
  const withdrawn = new AbortController()
  const caller: Caller = {
    id: name,
    name,
    scopes: new Set(scopes),
    vms: vms === '*' ? '*' : new Set(vms),
    rateLimit: limit ? { max: limit.max, windowMs: limit.window_ms } : null,
    until: withdrawn.signal,
  }
  return { caller, withdraw: () => withdrawn.abort() }
}
