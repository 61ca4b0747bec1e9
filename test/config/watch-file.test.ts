import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { watchContent } from '../../src/config/watch-file.ts'
import { temporaryDirectory } from '../helper.ts'

/** What was told about a file, which a test changes. */
function startWatch(path: string, known?: string): string[] {
  const seen: string[] = []
  const tell = (content: string | Error): void =>
    void seen.push(content instanceof Error ? (content as NodeJS.ErrnoException).code! : content)
  onTestFinished(watchContent(path, tell, { intervalMs: 5, ...(known === undefined ? {} : { known }) }))
  return seen
}

test('a change right after the content was read is not missed', async () => {
  const path = join(temporaryDirectory(), 'file')
  writeFileSync(path, 'new')
  const seen = startWatch(path, 'old')
  const unknown = startWatch(path)
  const same = startWatch(path, 'new')
  await vi.waitFor(() => expect([seen, unknown]).toEqual([['new'], ['new']]))
  expect(same).toEqual([])
})

test('each change is told once, whatever way it is made', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'file')
  const other = join(directory, 'other')
  writeFileSync(path, 'a')
  const seen = startWatch(path, 'a')
  const changes: [() => void, string][] = [
    [() => writeFileSync(path, 'b'), 'b'],
    [() => rmSync(path), 'ENOENT'],
    [() => writeFileSync(path, 'b'), 'b'],
    [
      () => {
        writeFileSync(other, 'c')
        renameSync(other, path)
      },
      'c',
    ],
    [
      () => {
        writeFileSync(join(directory, 'd'), 'd')
        symlinkSync('d', other)
        renameSync(other, path)
      },
      'd',
    ],
  ]
  for (const [i, [change]] of changes.entries()) {
    change()
    await vi.waitFor(() => expect(seen).toEqual(changes.slice(0, i + 1).map(([, told]) => told)))
  }
  // The same content again is no change; the next one tells that it was looked at.
  writeFileSync(path, 'd')
  writeFileSync(path, 'e')
  await vi.waitFor(() => expect(seen.at(-1)).toBe('e'))
  expect(seen.length).toBeLessThanOrEqual(changes.length + 1)
})

test('nothing is told after the end', async () => {
  const path = join(temporaryDirectory(), 'file')
  writeFileSync(path, 'b')
  const seen: unknown[] = []
  const stop = watchContent(path, content => void seen.push(content), { known: 'a', intervalMs: 1 })
  const witness = startWatch(path, 'a')
  stop()
  await vi.waitFor(() => expect(witness).toEqual(['b']))
  expect(seen).toEqual([])
})
