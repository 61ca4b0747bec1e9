/**
 * Who may call: the callers file (contract §4), watched. Keys are random, so their plain SHA-256 is stored and looked up.
 */

import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Type, type Static } from 'typebox'
import { buildValidator } from '../http/validation.ts'
import { watchContent } from '../config/watch-file.ts'

export const SCOPES = [
  'snapshots:read',
  'snapshots:create',
  'snapshots:delete',
  'snapshots:restore',
  'stats:read',
] as const
export type Scope = (typeof SCOPES)[number]

export interface Caller {
  /** What belongs to a caller goes by this: operations, idempotency keys, quotas. Differs from `name` for token callers. */
  readonly id: string
  /** What people see. */
  readonly name: string
  readonly scopes: ReadonlySet<Scope>
  readonly vms: ReadonlySet<number> | '*'
  readonly rateLimit: { readonly max: number; readonly windowMs: number } | null
}

/** Begins the ids of callers by signed token; the names of the callers file have no colon. */
export const TOKEN_CALLER = 'jwt:'

/** The name of the caller with this id. */
export function callerName(id: string): string {
  return id.startsWith(TOKEN_CALLER) ? id.slice(TOKEN_CALLER.length) : id
}

export const MAX_VM_ID = 2_147_483_647

const CallerEntry = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$' }),
    key_sha256: Type.String({ pattern: '^[0-9a-fA-F]{64}$' }),
    scopes: Type.Array(Type.Unsafe<Scope>({ type: 'string', enum: SCOPES }), { minItems: 1 }),
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
const CallersFile = Type.Object({ callers: Type.Array(CallerEntry) }, { additionalProperties: false })
// By the validator that there is anyway: that of TypeBox took a fifth of the start.
const validate = buildValidator({})({ schema: CallersFile })

export type CallerEntry = Static<typeof CallerEntry>

/** The SHA-256 of a key, in hex. */
export function digestOf(key: string): string {
  return hash('sha256', key)
}

export interface Callers {
  /** The caller with this key. */
  find(key: string): Caller | undefined
  close(): void
}

type Digests = ReadonlyMap<string, Caller>

/**
 * The callers of a file, read again whenever it changes. A broken file keeps the callers of the last good one.
 * @throws Error with one clear line when the file is broken at the start.
 */
export function openCallers(
  path: string,
  log: { info: (f: object, m: string) => void; error: (f: object, m: string) => void },
): Callers {
  const known = readCallersFile(path)
  let digests = parseCallers(known, path)
  const reread = (content: string | Error): void => {
    try {
      if (content instanceof Error) throw content
      digests = parseCallers(content, path)
      log.info({ callers: digests.size }, 'callers file read again')
    } catch (error) {
      log.error(
        { reason: (error as Error).message },
        'callers file is broken; the callers of the last good one stay',
      )
    }
  }
  const stop = watchContent(path, reread, { known })
  return {
    // How long a look-up takes tells nothing of a key: nobody can make one whose digest begins like another's.
    find: key => digests.get(digestOf(key)),
    close: stop,
  }
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
 * The callers in the text of a callers file, by the hex digest of their key.
 * @throws Error whose message names the file and every entry that is wrong.
 */
export function parseCallers(text: string, path: string): Digests {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new Error(`callers file ${path} is not JSON`)
  }
  if (!validate(json)) {
    const problems = (validate.errors ?? []).map(
      error => `${error.instancePath || '/'} ${error.message ?? ''}`,
    )
    throw new Error(`callers file ${path}: ${[...new Set(problems)].slice(0, 8).join('; ')}`)
  }
  const digests = new Map<string, Caller>()
  const names = new Set<string>()
  for (const entry of (json as Static<typeof CallersFile>).callers) {
    const hex = entry.key_sha256.toLowerCase()
    if (names.has(entry.name)) throw new Error(`callers file ${path}: two callers are named "${entry.name}"`)
    if (digests.has(hex))
      throw new Error(`callers file ${path}: "${entry.name}" has the key of another caller`)
    names.add(entry.name)
    digests.set(hex, toCaller(entry))
  }
  return digests
}

function toCaller(entry: CallerEntry): Caller {
  return {
    id: entry.name,
    name: entry.name,
    scopes: new Set(entry.scopes),
    vms: entry.vms === '*' ? '*' : new Set(entry.vms),
    rateLimit: entry.rate_limit ? { max: entry.rate_limit.max, windowMs: entry.rate_limit.window_ms } : null,
  }
}

/** Whether the caller's list has this VM. */
export function mayTouch(caller: Caller, vmId: number): boolean {
  return caller.vms === '*' || caller.vms.has(vmId)
}
