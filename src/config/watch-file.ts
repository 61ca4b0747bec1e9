/**
 * Watches a file for changes by looking at it at an interval. No other way works on every file system and through the
 * symlink swaps of Kubernetes, and this one misses no change, however soon after the start it comes.
 */

import { stat } from 'node:fs/promises'
import { readTextFileAsync, type TextFileError } from './text-file.ts'

const INTERVAL_MS = 500
/** Two changes within one tick of a file system's clock look alike; the coarsest known one ticks every 2 s. */
const TICK_MS = 2_000

/**
 * Calls back with the new content, or with the error of reading the file, after each change from what is `known`. When
 * nothing is known, the first content that is found counts as a change, too. Returns a function that ends the watching. A
 * watched file keeps no process alive, and one that does not change is not read.
 */
export function watchContent(
  path: string,
  onChange: (content: string | TextFileError) => void,
  { known, intervalMs = INTERVAL_MS }: { known?: string; intervalMs?: number | (() => number) } = {},
): () => void {
  let last: string | undefined = known === undefined ? undefined : `content ${known}`
  let lastMark = ''
  let stopped = false
  let timer: NodeJS.Timeout
  const lookAgain = async (): Promise<void> => {
    const mark = await markOf(path)
    if (mark === null || mark !== lastMark) {
      const found = await readTextFileAsync(path).catch((error: TextFileError) => error)
      if (stopped) return
      lastMark = mark ?? ''
      const seen = typeof found === 'string' ? `content ${found}` : `error ${found.message}`
      if (seen !== last) {
        last = seen
        onChange(found)
      }
    }
    if (!stopped) next()
  }
  const next = (): void => {
    const delayMs = typeof intervalMs === 'number' ? intervalMs : intervalMs()
    timer = setTimeout(() => void lookAgain(), delayMs).unref()
  }
  next()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

/**
 * Returns what differs after every change of a file that comes later; null when nothing does yet, because the file was
 * changed just now, or when the file cannot be looked at.
 */
async function markOf(path: string): Promise<string | null> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = await stat(path, { bigint: true })
    if (Date.now() - Number(ctimeMs) < TICK_MS) return null
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch {
    return null
  }
}
