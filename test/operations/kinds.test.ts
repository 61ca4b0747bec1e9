/** A new kind of operation cannot be added by halves: the compiler names what it lacks. */

import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { KIND_NAMES, KINDS, mutates } from '../../src/operations/kinds/kinds.ts'
import { temporaryDirectory } from '../helper.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** What the compiler says of the core after these changes of its files. */
function compile(changes: Record<string, (text: string) => string>): string {
  const directory = temporaryDirectory()
  cpSync(join(ROOT, 'src/operations'), join(directory, 'operations'), { recursive: true })
  cpSync(join(ROOT, 'src/world.ts'), join(directory, 'world.ts'))
  for (const [file, change] of Object.entries(changes)) {
    const path = join(directory, 'operations', file)
    const text = readFileSync(path, 'utf8')
    const changed = change(text)
    expect(changed).not.toBe(text)
    writeFileSync(path, changed)
  }
  const config = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as { compilerOptions: object }
  const compilerOptions = { ...config.compilerOptions, typeRoots: [join(ROOT, 'node_modules/@types')] }
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: ['operations'] }),
  )
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  const { stdout, error } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', directory], {
    encoding: 'utf8',
  })
  expect(error).toBeUndefined()
  return stdout
}

const addKind = (result: string) => (text: string) =>
  text.replace('export interface Results {\n', `export interface Results {\n  'snapshot.copy': ${result}\n`)
const describeIt = (descriptor: string) => (text: string) =>
  text.replace("  'stats.load': STATS,\n", `  'stats.load': STATS,\n  'snapshot.copy': ${descriptor},\n`)

test('the core as it is compiles', () => {
  expect(compile({ 'kinds/kind.ts': text => `${text}\n` })).toBe('')
})

test('a kind without a descriptor does not compile', () => {
  const said = compile({ 'kinds/kind.ts': addKind('ChangeResult') })
  expect(said).toMatch(/kinds\/kinds\.ts.*Property '"snapshot\.copy"' is missing/)
})

test.each([
  [
    'what people are told to check',
    '{ ...CREATE, change: { settledBy: { nothing: "" } } }',
    /'advice' is missing/,
  ],
  ['how it is settled', '{ ...CREATE, change: { advice: () => "" } }', /'settledBy' is missing/],
  ['that it is a change', '{ ...CREATE, change: null }', /'null' is not assignable/],
  [
    'its action',
    '{ family: CREATE.family, result: CREATE.result, change: CREATE.change }',
    /'action' is missing/,
  ],
])('a change that lacks %s does not compile', (_, descriptor, expected) => {
  const said = compile({
    'kinds/kind.ts': addKind('ChangeResult'),
    'kinds/kinds.ts': describeIt(descriptor),
  })
  expect(said).toMatch(expected)
})

test('a new read has to say how its results are kept', () => {
  const said = compile({
    'kinds/kind.ts': addKind('Stats'),
    'kinds/kinds.ts': describeIt('{ ...STATS }'),
  })
  expect(said).toMatch(/reads\/reads\.ts.*"snapshot\.copy"/)
})

test('changes hold their VM, reads do not', () => {
  expect(KIND_NAMES.filter(kind => mutates({ kind }))).toEqual([
    'snapshot.create',
    'snapshot.delete',
    'snapshot.restore',
  ])
  expect(KIND_NAMES.map(kind => KINDS[kind].action).toSorted()).toEqual([
    'create_snapshot',
    'get_snapshot',
    'load_stats',
    'remove_snapshot',
    'restore_snapshot',
  ])
})
