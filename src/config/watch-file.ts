/**
 * Tells when a file changes. Reads it at an interval and compares: the one way that works on every file system and
 * through the symlink swaps of Kubernetes, and misses no change, however soon after the first look it comes.
 */

import { readFile } from 'node:fs/promises'

const INTERVAL_MS = 500

/**
 * Calls back with the new content (or the error of reading it) after each change from what is `known`; when that is not
 * given, with what the first look finds, too. Returns how to stop. Keeps no process alive.
 */
export function watchContent(
  path: string,
  onChange: (content: string | Error) => void,
  { known, intervalMs = INTERVAL_MS }: { known?: string; intervalMs?: number } = {},
): () => void {
  let last: string | undefined = known === undefined ? undefined : `content ${known}`
  let stopped = false
  let timer: NodeJS.Timeout
  const look = async (): Promise<void> => {
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
    timer = setTimeout(() => void look(), intervalMs).unref()
  }
  next()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}
