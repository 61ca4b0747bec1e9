/** Files that are none, or no text, are told in words, and nothing waits for them. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { readTextFile, readTextFileAsync } from '../../src/config/text-file.ts'
import { watchContent } from '../../src/config/watch-file.ts'
import { temporaryDirectory } from '../helper.ts'

test.each<[string, string, (path: string) => void]>([
  ['nothing', 'cannot be read (ENOENT): there is no such file', () => {}],
  ['a directory', 'is a directory, and must be a file', path => mkdirSync(path)],
  [
    'a link to itself',
    'cannot be read (ELOOP): it is a link that leads back to itself',
    path => symlinkSync(path, path),
  ],
  ['a pipe', 'is a pipe or a device', path => execFileSync('mkfifo', [path])],
  ['a device that never ends', 'is a pipe or a device', path => symlinkSync('/dev/zero', path)],
  [
    'a huge file',
    'is larger than 64 MiB',
    path => {
      writeFileSync(path, '')
      truncateSync(path, 2 ** 40)
    },
  ],
  [
    'UTF-16',
    'is no text in UTF-8; save it as UTF-8',
    path => writeFileSync(path, '\uFEFF{"callers": []}', 'utf16le'),
  ],
])('%s', async (_, words, plant) => {
  const path = join(temporaryDirectory(), 'file')
  plant(path)
  expect(() => readTextFile(path)).toThrow(words)
  await expect(readTextFileAsync(path)).rejects.toThrow(words)
})

test('a watched file that becomes a pipe is told of, and read again when it is a file', async () => {
  const path = join(temporaryDirectory(), 'file')
  writeFileSync(path, 'a')
  const seen: string[] = []
  onTestFinished(
    watchContent(path, content => seen.push(typeof content === 'string' ? content : content.message), {
      known: 'a',
      intervalMs: 5,
    }),
  )
  rmSync(path)
  execFileSync('mkfifo', [path])
  await vi.waitFor(() => expect(seen.at(-1)).toMatch(/^is a pipe/))
  rmSync(path)
  writeFileSync(path, 'b')
  await vi.waitFor(() => expect(seen.at(-1)).toBe('b'))
})
