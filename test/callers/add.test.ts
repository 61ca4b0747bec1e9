/** Callers that `key --file` puts into a callers file. */

import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addToText } from '../../src/callers/add.ts'
import { readEntries } from '../../src/callers/entries.ts'
import { newEntry } from '../../src/callers/key.ts'
import { temporaryDirectory } from '../helper.ts'
import { runScript, type Program } from '../programs.ts'

test('in any layout of the file, one entry more is all that changes', () => {
  fc.assert(
    fc.property(
      fc.nat(4),
      fc.constantFrom(undefined, 1, 2, '\t'),
      fc.constantFrom('', '\uFEFF'),
      fc.constantFrom('', '\n', '  \n\n'),
      (count, indent, mark, end) => {
        const before = Array.from({ length: count }, (_, i) =>
          newEntry(`c${i}`, `key-${i}`, ['stats:read'], [1]),
        )
        const added = newEntry('new', 'key-new', ['stats:read'], '*')
        const text = `${mark}${JSON.stringify({ callers: before }, null, indent)}${end}`
        const after = addToText(text, 'file', added)
        expect(readEntries(after.slice(mark.length)).entries).toEqual([...before, added])
        // What was there is there still, at the beginning and at the end.
        const kept = text.lastIndexOf(count > 0 ? '}' : '[', text.lastIndexOf(']')) + 1
        expect(
          after.startsWith(text.slice(0, kept)) && after.endsWith(text.slice(text.lastIndexOf(']'))),
        ).toBe(true)
      },
    ),
  )
})

test('the file is made with its first caller; a name that is there, and a broken file, are told and leave it', async () => {
  const directory = temporaryDirectory()
  const file = join(directory, 'callers.json')
  const add = (name: string): Program =>
    runScript('src/cli/key.ts', {
      args: ['--file', 'callers.json', '--name', name, '--scope', 'stats:read', '--vms', '*'],
      cwd: directory,
    })
  for (const name of ['one', 'two']) {
    const { ended, stdout, stderr } = add(name)
    expect([await ended, stderr]).toEqual([0, []])
    expect(stdout).toEqual([
      expect.stringMatching(/^key \(shown this once\): hkgw_[\w-]{43}$/),
      '',
      `callers.json: caller "${name}" is in it`,
    ])
  }
  expect(readEntries(readFileSync(file, 'utf8')).entries.map(({ name }) => name)).toEqual(['one', 'two'])
  expect(statSync(file).mode & 0o133).toBe(0)

  const again = add('one')
  expect([await again.ended, again.stdout, again.stderr]).toEqual([
    1,
    [],
    ['callers.json has a caller "one" already; --rotate gives it a new key'],
  ])
  writeFileSync(file, '{"callers": [}')
  const broken = add('three')
  expect([await broken.ended, broken.stdout, broken.stderr]).toEqual([
    1,
    [],
    ['callers.json:1:14: a value is expected here: the file is not JSON'],
  ])
  expect(readFileSync(file, 'utf8')).toBe('{"callers": [}')
})
