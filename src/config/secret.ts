/** A secret from the environment, or from a file that is watched so that it rotates without a restart. */

import { readFileSync } from 'node:fs'
import { watchContent } from './watch-file.ts'

export interface Secret {
  current(): string
  /** The current value and the one before: both must stay out of logs and answers. */
  recent(): string[]
  close(): void
}

/** A secret that never changes. */
export function fixedSecret(value: string): Secret {
  return { current: () => value, recent: () => [value], close: () => {} }
}

/**
 * A secret in a file (surrounding white space is dropped).
 * @throws when the file cannot be read or is empty at the start; later such states keep the old value.
 */
export function fileSecret(path: string, onProblem: (message: string) => void): Secret {
  let values = [parse(readFileSync(path, 'utf8'))]
  const stop = watchContent(path, content => {
    const next = content instanceof Error ? content : attempt(() => parse(content))
    if (next instanceof Error) onProblem(`${path}: ${next.message}; the old value stays in use`)
    else if (next !== values[0]) values = [next, ...values].slice(0, 2)
  })
  return { current: () => values[0]!, recent: () => values, close: stop }
}

function parse(content: string): string {
  const value = content.trim()
  if (value === '') throw new Error('the file is empty')
  return value
}

function attempt<T>(read: () => T): T | Error {
  try {
    return read()
  } catch (error) {
    return error as Error
  }
}
