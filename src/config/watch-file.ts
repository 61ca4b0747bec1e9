/**
 * Watches a file for changes by reading it at an interval. No other way works on every file system and through the
 * symlink swaps of Kubernetes, and this one misses no change, however soon after the start it comes.
 */

import { readFile } from 'node:fs/promises'

const INTERVAL_MS = 500

/**
 * Calls back with the new content, or with the error of reading the file, after each change from what is `known`. When
 * nothing is known, the first content that is found counts as a change, too. Returns a function that ends the watching. A
 * watched file keeps no process alive.
 */
export function watchContent(
  path: string,
  onChange: (content: string | Error) => void,
  { known, intervalMs = INTERVAL_MS }: { known?: string; intervalMs?: number } = {},
): () => void {
  let last: string | undefined = known === undefined ? undefined : `content ${known}`
  let stopped = false
  let timer: NodeJS.Timeout
  const readAgain = async (): Promise<void> => {
    const found = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => error)
    if (stopped) return
    const seen = typeof found === 'string' ? `content ${found}` : `error ${found.code}`
    if (seen !== last) {
      last = seen
      onChange(found)
    }
    next()
  }
  const next = (): void => {
    timer = setTimeout(() => void readAgain(), intervalMs).unref()
  }
  next()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}
