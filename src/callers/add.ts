/** Adds a caller to a callers file, or makes the file with it. */

import { existsSync, writeFileSync } from 'node:fs'
import { changeFile } from './change-file.ts'
import { readEntries, withoutMark, type CallerEntry } from './entries.ts'
import { parseCallers } from './file.ts'
import { indentAt, indented } from './json-text.ts'
import { placesOf } from './json-places.ts'

/** @throws CallersFileError when the file is broken, Error when a caller has this name already. */
export function addToFile(path: string, entry: CallerEntry): void {
  if (existsSync(path)) changeFile(path, text => addToText(text, path, entry))
  else writeFileSync(path, `${JSON.stringify({ callers: [entry] }, null, 2)}\n`, { flag: 'wx', mode: 0o644 })
}

/** Returns the text of a callers file with one entry more; everything else stays as it was. */
export function addToText(text: string, path: string, entry: CallerEntry): string {
  parseCallers(text, path)
  const json = withoutMark(text)
  const { entries } = readEntries(json)
  if (entries.some(({ name }) => name === entry.name))
    throw new Error(`${path} has a caller "${entry.name}" already; --rotate gives it a new key`)
  const { values } = placesOf(json)
  const last = values.get(`/callers/${entries.length - 1}`)
  const list = values.get('/callers')!
  const mark = text.slice(0, text.length - json.length)
  if (!last) {
    const outer = indentAt(json, list.start)
    const added = `[\n${outer}  ${indented(entry, `${outer}  `)}\n${outer}]`
    return mark + json.slice(0, list.start) + added + json.slice(list.end)
  }
  const indent = indentAt(json, last.start)
  return `${mark}${json.slice(0, last.end)},\n${indent}${indented(entry, indent)}${json.slice(last.end)}`
}
