/**
 * The callers file (contract §4): a JSON file with the callers and the SHA-256 of their keys. It is watched, so that keys
 * can be added, changed and withdrawn without a restart.
 */

import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { watchContent } from '../config/watch-file.ts'
import { digestOf, MAX_VM_ID, SCOPES, type Caller } from './caller.ts'
import type { Callers, CallersLog } from './callers.ts'

const CallerEntry = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$' }),
    key_sha256: Type.String({ pattern: '^[0-9a-fA-F]{64}$' }),
    scopes: Type.Array(Type.Enum(SCOPES), { minItems: 1 }),
    vms: Type.Union([Type.Literal('*'), Type.Array(Type.Integer({ minimum: 1, maximum: MAX_VM_ID }))]),
    rate_limit: Type.Optional(
      Type.Object(
        {
          max: Type.Integer({ minimum: 1 }),
          window_ms: Type.Integer({ minimum: 1_000, maximum: 86_400_000 }),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)
export type CallerEntry = Static<typeof CallerEntry>

const CallersFile = Compile(
  Type.Object({ callers: Type.Array(CallerEntry) }, { additionalProperties: false }),
)

/** Longer credentials are refused without being looked up. */
const MAX_KEY_LENGTH = 4_096

/** A message about a broken file names no more faults than this. */
const MAX_FAULTS = 8

/**
 * Opens a callers file. The file is read again whenever it changes; a broken one keeps the callers of the last good one.
 * @throws Error with one clear line when the file is broken at the start.
 */
export function openCallersFile(path: string, log: Pick<CallersLog, 'info' | 'error'>): Callers {
  const known = readCallersFile(path)
  let callers = parseCallers(known, path)
  const readAgain = (content: string | Error): void => {
    try {
      if (content instanceof Error) throw content
      callers = followOn(callers, parseCallers(content, path))
      log.info({ callers: callers.size }, 'callers file read again')
    } catch (error) {
      log.error(
        { reason: (error as Error).message },
        'callers file is broken; the callers of the last good one stay',
      )
    }
  }
  const close = watchContent(path, readAgain, { known })
  return {
    // How long this takes tells nothing about a key: nobody can make a key whose digest begins like that of another.
    find: async key =>
      (key.length <= MAX_KEY_LENGTH ? callers.get(digestOf(key)) : undefined) ?? 'unknown-key',
    close,
  }
}

/** A caller of the file, with how to end it. */
interface FileCaller extends Caller {
  readonly withdraw: () => void
}

/** Puts the callers of a new file in the place of those of the old one. Who stays as it was goes on, and all others end. */
function followOn(
  before: ReadonlyMap<string, FileCaller>,
  after: ReadonlyMap<string, FileCaller>,
): ReadonlyMap<string, FileCaller> {
  const next = new Map(after)
  for (const [digest, caller] of before) {
    if (isDeepStrictEqual(rightsOf(caller), rightsOf(after.get(digest)))) next.set(digest, caller)
    else caller.withdraw()
  }
  return next
}

function rightsOf(caller: FileCaller | undefined): Partial<Caller> {
  const { until: _until, withdraw: _withdraw, ...rights } = caller ?? ({} as Partial<FileCaller>)
  return rights
}

function readCallersFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`callers file ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, {
      cause: error,
    })
  }
}

/**
 * Reads the text of a callers file, and returns its callers by the hex digest of their key.
 * @throws Error whose message names the file and every entry that is wrong, and shows no value of it.
 */
export function parseCallers(text: string, path: string): ReadonlyMap<string, FileCaller> {
  const callers = new Map<string, FileCaller>()
  const names = new Set<string>()
  for (const entry of parseEntries(text, path)) {
    const digest = entry.key_sha256.toLowerCase()
    if (names.has(entry.name)) throw new Error(`callers file ${path}: two callers are named "${entry.name}"`)
    if (callers.has(digest))
      throw new Error(`callers file ${path}: "${entry.name}" has the key of another caller`)
    names.add(entry.name)
    callers.set(digest, toCaller(entry))
  }
  return callers
}

function parseEntries(text: string, path: string): CallerEntry[] {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    // The parser's own message would quote the file.
    throw new Error(`callers file ${path} is not JSON`)
  }
  if (CallersFile.Check(content)) return content.callers
  const faults = CallersFile.Errors(content)
    // An unknown member is told twice; "schema is false" is the form that nobody understands.
    .filter(({ keyword }) => keyword !== 'boolean')
    .map(({ instancePath, message }) => `${instancePath || '/'} ${message}`)
  throw new Error(`callers file ${path}: ${[...new Set(faults)].slice(0, MAX_FAULTS).join('; ')}`)
}

function toCaller({ name, scopes, vms, rate_limit: limit }: CallerEntry): FileCaller {
  const withdrawn = new AbortController()
  return {
    id: name,
    name,
    scopes: new Set(scopes),
    vms: vms === '*' ? '*' : new Set(vms),
    rateLimit: limit ? { max: limit.max, windowMs: limit.window_ms } : null,
    until: withdrawn.signal,
    withdraw: () => withdrawn.abort(),
  }
}
