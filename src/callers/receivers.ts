/** The receivers of a callers file. Their secrets are in it, or in files that are watched, so that they rotate without a restart. */

import { readTextFile, type TextFileError } from '../config/text-file.ts'
import { watchContent } from '../config/watch-file.ts'
import type { Receiver } from '../webhooks/receiver.ts'
import { secretsIn } from '../webhooks/secret.ts'
import type { CallersLog } from './callers.ts'
import { secretsOf, type WebhookEntry } from './webhook.ts'

/** A file is looked at twice a second. Many files are looked at less often, so that all of them together cost next to nothing. */
const INTERVAL_MS = 500
const INTERVAL_PER_FILE_MS = 5

/** The file with the secrets of one caller. */
interface SecretFile {
  readonly path: string
  /** Those of its last good content; none when it never had any. */
  secrets: readonly string[]
  readonly close: () => void
}

/** The receivers of the callers file as it is now. */
export class Receivers {
  readonly #log: Pick<CallersLog, 'info' | 'error'>
  #webhooks: ReadonlyMap<string, WebhookEntry> = new Map()
  /** By the name of the caller. */
  readonly #files = new Map<string, SecretFile>()

  constructor(log: Pick<CallersLog, 'info' | 'error'>) {
    this.#log = log
  }

  /** The callers that have one. */
  get names(): readonly string[] {
    return [...this.#webhooks.keys()]
  }

  /** Returns the receiver of this caller, when it has one. */
  of(caller: string): Receiver | undefined {
    const entry = this.#webhooks.get(caller)
    if (!entry) return undefined
    const secrets = (): readonly string[] => this.#files.get(caller)?.secrets ?? secretsOf(entry)
    return { name: caller, url: new URL(entry.url), secrets }
  }

  /** Takes the webhooks of a new callers file, by the names of their callers. Files that it still names stay open. */
  follow(webhooks: ReadonlyMap<string, WebhookEntry>): void {
    this.#webhooks = webhooks
    for (const [caller, { path, close }] of this.#files) {
      if (webhooks.get(caller)?.secret_file === path) continue
      close()
      this.#files.delete(caller)
    }
    for (const [caller, { secret_file: path }] of webhooks)
      if (path !== undefined && !this.#files.has(caller)) this.#files.set(caller, this.#open(caller, path))
  }

  /** Ends the watching of files. */
  close(): void {
    this.follow(new Map())
  }

  #open(caller: string, path: string): SecretFile {
    const found = readSecrets(path)
    const isGood = typeof found !== 'string'
    const file: SecretFile = {
      path,
      secrets: isGood ? found.secrets : [],
      close: watchContent(path, content => this.#take(caller, file, content), {
        // What is broken is told by the watch.
        ...(isGood && { known: found.text }),
        intervalMs: () => Math.max(INTERVAL_MS, INTERVAL_PER_FILE_MS * this.#files.size),
      }),
    }
    return file
  }

  #take(caller: string, file: SecretFile, content: string | TextFileError): void {
    const found = typeof content === 'string' ? parse(content) : unreadable(content)
    if (typeof found !== 'string') {
      file.secrets = found.secrets
      this.#log.info({ caller }, 'secret file of a webhook read again')
    } else {
      const stays =
        file.secrets.length > 0 ? 'the old secret stays in use' : 'nothing can be sent to its receiver'
      this.#log.error({ caller, reason: `${found}; ${stays}` }, 'secret file of a webhook is broken')
    }
  }
}

interface Found {
  readonly text: string
  readonly secrets: readonly string[]
}

/** Returns what is wrong with a file of secrets; undefined when it is good. The path is not shown: it may be the secret itself, in the wrong place. */
export function faultOfSecretFile(path: string): string | undefined {
  const found = readSecrets(path)
  return typeof found === 'string' ? found : undefined
}

/** Reads a file of secrets, or says what is wrong with it. */
function readSecrets(path: string): Found | string {
  try {
    return parse(readTextFile(path))
  } catch (error) {
    return unreadable(error as TextFileError)
  }
}

function parse(text: string): Found | string {
  try {
    return { text, secrets: secretsIn(text) }
  } catch (error) {
    return (error as Error).message
  }
}

function unreadable({ message }: TextFileError): string {
  return `the file ${message}`
}
