/** A secret comes from the environment, or from a file that is watched, so that it can be changed without a restart. */

import { readTextFile } from './text-file.ts'
import { watchContent } from './watch-file.ts'

export interface Secret {
  current(): string
  /** Returns the current value and the one before it: both must stay out of logs and answers. */
  recent(): string[]
  close(): void
}

/** Returns a secret that never changes. */
export function fixedSecret(value: string): Secret {
  return { current: () => value, recent: () => [value], close: () => {} }
}

/**
 * Returns the secret in a file, without the white space around it. When the file later cannot be read or is empty, the old
 * value stays in use and `onProblem` is told; `onChange` is told of each new value that comes into use.
 * @throws Error when the file cannot be read or is empty at the start.
 */
export function fileSecret(
  path: string,
  onProblem: (message: string) => void,
  onChange: () => void = () => {},
): Secret {
  let values = [parse(readTextFile(path))]
  const stop = watchContent(path, content => {
    try {
      if (content instanceof Error) throw content
      const value = parse(content)
      if (value === values[0]) return
      values = [value, ...values].slice(0, 2)
      onChange()
    } catch (error) {
      onProblem(`${path} ${(error as Error).message}; the old value stays in use`)
    }
  })
  return { current: () => values[0]!, recent: () => values, close: stop }
}

function parse(content: string): string {
  const value = content.trim()
  if (value === '') throw new Error('is an empty file')
  return value
}
