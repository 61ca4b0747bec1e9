/** The file `.env`: what it sets, on which lines, and what in it is no setting. */

import { parseEnv } from 'node:util'
import { readTextFile, type TextFileError } from './text-file.ts'

export interface EnvFile {
  readonly path: string
  /** It is there, and cannot be read: what it would have set is not known, and its one fault says why. */
  readonly isUnreadable: boolean
  /** The values as Node reads them. */
  readonly values: Readonly<Record<string, string>>
  /** The line on which each name stands, from 1. */
  readonly lines: ReadonlyMap<string, number>
  /** What is wrong with it, a line each, with its place. */
  readonly faults: readonly string[]
  /** What is allowed, and is hardly meant, in the same form. */
  readonly warnings: readonly string[]
}

/** Reads such a file. One that is not there sets nothing; one that cannot be read has that as its fault. */
export function readEnvFile(path = '.env'): EnvFile {
  const file = {
    path,
    isUnreadable: false,
    values: {},
    lines: new Map<string, number>(),
    faults: [],
    warnings: [],
  }
  let text: string
  try {
    text = readTextFile(path).replace(/^\uFEFF/, '')
  } catch (error) {
    const { code, message } = error as TextFileError
    if (code === 'ENOENT') return file
    const fault = `${path} ${message}: its lines are to be such as NAME=value`
    return { ...file, isUnreadable: true, faults: [fault] }
  }
  return { ...file, ...settingsIn(text, path), values: parseEnv(text) as Record<string, string> }
}

const SETTING = /^(?:export\s+)?(\w+)\s*=\s*(.*)$/s

/** Finds the settings; Node passes over every line that is none, and says nothing. */
function settingsIn(text: string, path: string): Pick<EnvFile, 'lines' | 'faults' | 'warnings'> {
  const lines = new Map<string, number>()
  const faults: string[] = []
  const warnings: string[] = []
  const all = text.split(/\r?\n/)
  for (let i = 0; i < all.length; i += 1) {
    const line = all[i]!.trim()
    if (line === '' || line.startsWith('#')) continue
    const at = i + 1
    const [, name = '', value = ''] = SETTING.exec(line) ?? []
    if (name === '') {
      faults.push(`${path}:${at}: a line must be NAME=value, or begin with #`)
      continue
    }
    const before = lines.get(name)
    if (before !== undefined)
      warnings.push(`${path}:${at}: ${name} stands on line ${before} too, and only the last one counts`)
    lines.set(name, at)
    const end = endOfQuotes(value, all, i)
    if (end === undefined) faults.push(`${path}:${at}: the quote in the value of ${name} does not end`)
    else i = end
  }
  return { lines, faults, warnings }
}

/** Returns the index of the line on which a value ends that begins on line `i`; undefined when its quote never ends. */
function endOfQuotes(value: string, all: readonly string[], i: number): number | undefined {
  const quote = value[0]
  if (quote !== '"' && quote !== "'" && quote !== '`') return i
  if (value.indexOf(quote, 1) > 0) return i
  const more = all.findIndex((line, j) => j > i && line.includes(quote))
  return more < 0 ? undefined : more
}
