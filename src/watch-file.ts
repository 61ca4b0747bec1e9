/** Tells when a file changes. Polls its status: the one way that works on every file system and through the symlink swaps of Kubernetes. */

import { readFileSync, unwatchFile, watchFile } from 'node:fs'

const INTERVAL_MS = 500

/** Calls back with the new content (or the error of reading it) after each change. Returns how to stop. Keeps no process alive. */
export function watchContent(path: string, onChange: (content: string | Error) => void): () => void {
  const listener = (): void => {
    try {
      onChange(readFileSync(path, 'utf8'))
    } catch (error) {
      onChange(error as Error)
    }
  }
  watchFile(path, { interval: INTERVAL_MS, persistent: false }, listener)
  return () => unwatchFile(path, listener)
}
